package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestSockDiagPayloadAndSegments(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			ln, ap := listen(t, addr)
			old := connect(t, ln)
			if err := old.exchange(777_777, 333_333); err != nil { // before Open: not counted
				t.Fatal(err)
			}
			src, rep := open(t, serverTarget(ap, KindSockDiag))
			if src.Kind() != KindSockDiag || len(rep.Warnings) != 0 {
				t.Fatalf("%s, report %+v", src.Kind(), rep)
			}
			c := connect(t, ln)
			if err := errors.Join(c.exchange(3_000_001, 2_000_001), old.exchange(10, 20)); err != nil {
				t.Fatal(err)
			}
			var twice uint64 // only what the server sends is counted twice
			got := eventually(t, src, func(got Counters) error {
				_, twice = c.resent(t)
				return payload(got, 3_000_011, 2_000_021+twice)
			})
			if got.Exact || got.Lost != Known(0) || !got.Out.RetransSegments.Known || got.In.RetransSegments.Known {
				t.Errorf("exact %v, lost %v, retransmissions %v %v", got.Exact, got.Lost, got.In.RetransSegments, got.Out.RetransSegments)
			}
			// Closed connections keep their counts, and their FIN is no byte.
			c.close()
			old.close()
			eventually(t, src, func(got Counters) error {
				if n := liveSockets(src); n != 0 {
					return fmt.Errorf("%d sockets still open", n)
				}
				return payload(got, 3_000_011, 2_000_021+twice)
			})
		})
	}
}

func liveSockets(src Source) int {
	s := src.(*sockDiagSource)
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.table.live)
}

// Connections that live for less than any sampling interval are counted,
// because the kernel reports their end.
func TestSockDiagCountsShortConnections(t *testing.T) {
	ln, ap := listen(t, "127.0.0.1:0")
	src, _ := open(t, serverTarget(ap, KindSockDiag))
	const connections = 50
	for range connections {
		c, err := tryConnect(ln)
		if err == nil {
			err = c.exchange(1000, 100)
		}
		if c.client != nil {
			c.close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, src, func(got Counters) error { return payload(got, connections*1000, connections*100) })
}

// Without the kernel's reports the sampler keeps what it last saw.
func TestSockDiagSamplesWithoutReports(t *testing.T) {
	ln, ap := listen(t, "127.0.0.1:0")
	src, _, err := startSockDiag(serverTarget(ap, ""), 0)
	if err != nil {
		t.Fatal(err)
	}
	s := src.(*sockDiagSource)
	s.overflow() // what a lost report does
	c := connect(t, ln)
	if err := c.exchange(500, 600); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(trafficTimeout)
	for sampled := false; !sampled; { // by the source's own goroutine: no Snapshot here
		if time.Now().After(deadline) {
			t.Fatalf("not sampled within %v", trafficTimeout)
		}
		<-time.After(time.Millisecond) // a pause between two looks; the deadline decides
		s.mu.Lock()
		sampled = payload(s.table.counters(), 500, 600) == nil
		s.mu.Unlock()
	}
	c.close()
	got, err := src.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := payload(got, 500, 600); err != nil || got.Lost != Known(1) {
		t.Errorf("after the connection was closed: %v; lost %v, want 1", err, got.Lost)
	}
	if err := errors.Join(src.Close(), src.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Snapshot(); !errors.Is(err, ErrClosed) {
		t.Errorf("snapshot after close: %v", err)
	}
}

func TestSockDiagFromTheClient(t *testing.T) {
	ln, ap := listen(t, "127.0.0.1:0")
	// A table of the clients' ends, as on a machine that has only those.
	src, _ := open(t, serverTarget(ap, KindSockDiag))
	s := src.(*sockDiagSource)
	s.mu.Lock()
	s.table.server = false
	s.mu.Unlock()
	c := connect(t, ln)
	if err := c.exchange(1234, 99); err != nil {
		t.Fatal(err)
	}
	eventually(t, src, func(got Counters) error { return payload(got, 1234, 99) })
}

func TestWatchServerEnd(t *testing.T) {
	for _, c := range []struct {
		target Target
		want   bool
	}{
		{Target{Addr: netip.MustParseAddr("192.0.2.1"), PerspectiveServer: true}, true},
		{Target{Addr: netip.MustParseAddr("127.0.0.1")}, true},
		{Target{}, true},
		{Target{Addr: netip.MustParseAddr("192.0.2.1")}, false},
	} {
		if got, err := watchServerEnd(c.target); got != c.want || err != nil {
			t.Errorf("%+v: %v, %v", c.target, got, err)
		}
	}
}

func TestNetNSThatCannotBeEntered(t *testing.T) {
	_, rep, err := Open(Target{Port: 1, Addr: netip.MustParseAddr("127.0.0.1"), NetNS: "/proc/self/ns/absent"})
	if !errors.Is(err, ErrNoSource) || !errors.Is(err, errNetNS) || len(rep.Refused) != 3 {
		t.Errorf("%v, report %+v", err, rep)
	}
	in, out := uint64(0), uint64(0)
	src, rep := open(t, Target{Port: 1, NetNS: "/proc/self/ns/absent", CounterFunc: func() (uint64, uint64) { return in, out }})
	if src.Kind() != KindApp || len(rep.Refused) != 2 || !strings.Contains(rep.Refused[0].Error(), "namespace") {
		t.Errorf("%s, report %+v", src.Kind(), rep)
	}
}

func TestReadPrivilegesOfThisProcess(t *testing.T) {
	if p := readPrivileges(); !p.capEffKnown {
		t.Error("the capabilities of this process could not be read")
	}
}

// BenchmarkSockDiagSnapshot is what one Snapshot without eBPF costs.
func BenchmarkSockDiagSnapshot(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	c, err := tryConnect(ln)
	if err != nil {
		b.Fatal(err)
	}
	defer c.close()
	src, _, err := Open(serverTarget(ln.Addr().(*net.TCPAddr).AddrPort(), KindSockDiag))
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	for b.Loop() {
		if _, err := src.Snapshot(); err != nil {
			b.Fatal(err)
		}
	}
}
