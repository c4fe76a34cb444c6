package probe

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const testServerPort = 8545

var start = time.Unix(1_000_000, 0)

func sock(cookie uint64, state uint8, info tcpInfo) diagSocket {
	info.timestamps = true
	return diagSocket{
		cookie: cookie, state: state, info: info,
		src: netip.MustParseAddrPort("127.0.0.1:8545"), dst: netip.MustParseAddrPort("127.0.0.1:40000"),
	}
}

func TestTableCountsFromItsStart(t *testing.T) {
	tab := newSockTable(Target{Port: testServerPort}, true, start)
	tab.baseline(sock(1, tcpEstablished, tcpInfo{segsOut: 100, segsIn: 200, bytesSent: 1000, bytesReceived: 2000, dataSegsIn: 50}), start)
	tab.baseline(sock(1, tcpEstablished, tcpInfo{segsOut: 101}), start) // a second list changes nothing
	if c := tab.counters(); c.In.Packets != Known(0) || c.Out.PayloadBytes != Known(0) {
		t.Errorf("the past was counted: %+v", c)
	}
	tab.update(sock(1, tcpEstablished, tcpInfo{segsOut: 110, segsIn: 205, bytesSent: 1300, bytesReceived: 2000, dataSegsIn: 50, totalRetrans: 2}), start)
	c := tab.counters()
	if c.Out.Packets != Known(10) || c.Out.L2Bytes != Known(300+10*66) || c.Out.RetransSegments != Known(2) {
		t.Errorf("out %+v", c.Out)
	}
	if c.In.Packets != Known(5) || c.In.L2Bytes != Known(5*66) || c.In.RetransSegments.Known {
		t.Errorf("in %+v", c.In)
	}
	if c.Exact {
		t.Error("computed headers were called exact")
	}
}

func TestTableNewAndClosedSockets(t *testing.T) {
	tab := newSockTable(Target{Port: testServerPort}, true, start)
	s := sock(1, tcpEstablished, tcpInfo{segsOut: 1, segsIn: 2, bytesReceived: 100, dataSegsIn: 1})
	tab.update(s, start)
	// The SYN-ACK of 74 bytes passed before the server's socket existed; the SYN is
	// among its segments, but is 8 bytes longer than others.
	if c := tab.counters(); c.In.Packets != Known(2) || c.In.L2Bytes != Known(100+2*66+8) || c.Out.L2Bytes != Known(74+66) {
		t.Errorf("new socket: %+v", c)
	}
	s.state, s.info.bytesReceived, s.info.segsIn = tcpClose, 151, 4 // 50 bytes and a FIN
	tab.destroy(s, start)
	if c := tab.counters(); c.In.PayloadBytes != Known(150) || c.In.Packets != Known(4) {
		t.Errorf("closed socket: %+v", c.In)
	}
	if len(tab.live) != 0 {
		t.Error("the closed socket is still kept")
	}
	tab.destroy(sock(2, tcpClose, tcpInfo{bytesReceived: 31, segsIn: 3}), start) // came and went between two lists
	if c := tab.counters(); c.In.PayloadBytes != Known(180) {
		t.Errorf("short connection: %+v", c.In)
	}
}

func TestTableIgnoresWhatEndedBeforeIt(t *testing.T) {
	tab := newSockTable(Target{Port: testServerPort}, true, start)
	later := start.Add(time.Second)
	tab.destroy(sock(1, tcpClose, tcpInfo{bytesReceived: 1 << 30, idleMS: 1200}), later)
	if c := tab.counters(); c.In.PayloadBytes != Known(0) {
		t.Errorf("a connection that ended before was counted: %+v", c.In)
	}
	tab.destroy(sock(2, tcpClose, tcpInfo{bytesReceived: 11, idleMS: 1000}), later)
	if c := tab.counters(); c.In.PayloadBytes != Known(10) {
		t.Errorf("a connection of ours was not counted: %+v", c.In)
	}
}

func TestTableChoosesTheEnd(t *testing.T) {
	addr := netip.MustParseAddr("127.0.0.1")
	server := sock(1, tcpEstablished, tcpInfo{bytesSent: 10, bytesReceived: 1})
	client := server
	client.src, client.dst = server.dst, server.src
	listener := server
	listener.dst = netip.MustParseAddrPort("0.0.0.0:0")
	elsewhere := server
	elsewhere.src = netip.MustParseAddrPort("10.0.0.9:8545")
	for _, c := range []struct {
		name   string
		target Target
		server bool
		s      diagSocket
		want   bool
	}{
		{"server's end", Target{Port: testServerPort, Addr: addr}, true, server, true},
		{"client's end is not the server's", Target{Port: testServerPort, Addr: addr}, true, client, false},
		{"client's end", Target{Port: testServerPort, Addr: addr}, false, client, true},
		{"listener", Target{Port: testServerPort}, true, listener, false},
		{"other address", Target{Port: testServerPort, Addr: addr}, true, elsewhere, false},
		{"every address", Target{Port: testServerPort}, true, elsewhere, true},
		{"other port", Target{Port: 1}, true, server, false},
	} {
		if got := newSockTable(c.target, c.server, start).matches(c.s); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	// Seen from a client, what it sent went into the node.
	tab := newSockTable(Target{Port: testServerPort}, false, start)
	tab.update(client, start)
	c := tab.counters()
	if c.In.PayloadBytes != Known(10) || c.Out.PayloadBytes != Known(1) || !c.In.RetransSegments.Known || c.Out.RetransSegments.Known {
		t.Errorf("from the client: %+v", c)
	}
}

func TestTableKeepsUnseenSocketsForAWhile(t *testing.T) {
	tab := newSockTable(Target{Port: testServerPort}, true, start)
	tab.update(sock(1, tcpEstablished, tcpInfo{bytesSent: 10}), start)
	tab.expire(start.Add(keepUnseen))
	if len(tab.live) != 1 {
		t.Error("forgotten too early: seen again, it would be counted twice")
	}
	tab.expire(start.Add(keepUnseen + time.Second))
	if len(tab.live) != 0 || tab.counters().Out.PayloadBytes != Known(10) {
		t.Errorf("after expiry: %d kept, %+v", len(tab.live), tab.counters().Out)
	}
}

func TestTableFollowsWrappingCounters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := newSockTable(Target{Port: testServerPort}, true, start)
		info := tcpInfo{segsOut: math.MaxUint32 - 5, segsIn: math.MaxUint32, dataSegsOut: math.MaxUint32 - 1}
		tab.baseline(sock(1, tcpEstablished, info), start)
		var packets, payload uint64
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			segs := rapid.Uint32Range(0, 1<<30).Draw(t, "segments")
			bytes := rapid.Uint64Range(0, 1<<40).Draw(t, "bytes")
			info.segsOut += segs
			info.bytesSent += bytes
			packets += uint64(segs)
			payload += bytes
			tab.update(sock(1, tcpEstablished, info), start)
		}
		c := tab.counters()
		if c.Out.Packets != Known(packets) || c.Out.PayloadBytes != Known(payload) || c.Out.L2Bytes != Known(payload+packets*66) {
			t.Fatalf("%+v, want %d packets and %d bytes", c.Out, packets, payload)
		}
	})
}

func TestHeaderBytes(t *testing.T) {
	v6 := netip.MustParseAddrPort("[2001:db8::2]:40000")
	for _, c := range []struct {
		dst  netip.AddrPort
		ts   bool
		want uint64
	}{
		{netip.MustParseAddrPort("127.0.0.1:1"), true, headersIPv4TS}, {netip.MustParseAddrPort("127.0.0.1:1"), false, 54},
		{v6, true, headersIPv6TS}, {v6, false, 74},
	} {
		if got := headerBytes(diagSocket{dst: c.dst, info: tcpInfo{timestamps: c.ts}}); got != c.want {
			t.Errorf("%v, timestamps %v: %d, want %d", c.dst, c.ts, got, c.want)
		}
	}
}
