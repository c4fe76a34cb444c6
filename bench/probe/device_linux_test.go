//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/chainweir/weir/bench/probe/bpf"
)

// countFrames runs the interface's program for one hook over frames, and returns
// what was counted. testServerPort is class "client".
func countFrames(t *testing.T, program string, all, peers bool, frames ...frame) *WireSample {
	t.Helper()
	classes, err := newClassTable([]PortClass{{"client", testServerPort}}, all)
	if err != nil {
		t.Fatal(err)
	}
	target := &targets{cfg: WatchConfig{PerPeer: peers}, classes: classes}
	w := &wireTraffic{source: SourceTCX, names: classes.names, perPeer: peers}
	spec, err := bpf.LoadDevice()
	if err != nil {
		t.Fatal(err)
	}
	coll, err := w.load(spec, target, ethernetHeader)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.refresh(target); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		ret, err := coll.Programs[program].Run(&ebpf.RunOptions{Data: f.build(), Context: skbContext{GsoSegs: f.segments, GsoSize: f.segLen}})
		if err != nil || ret != 0xffffffff {
			t.Fatalf("program returned %#x, %v", ret, err)
		}
	}
	var s Sample
	if err := w.sample(&s); err != nil {
		t.Fatal(err)
	}
	return s.Wire
}

func counts(frames, payload, header uint64) WireCounts {
	c := WireCounts{Known(frames), Known(payload + frames*header), Known(payload), Known(0)}
	if payload > 0 {
		c.DataFrames = c.Frames
	}
	return c
}

func udp4(payload int) frame {
	return frame{src: client4, dst: server4, sport: 40000, dport: testServerPort, protocol: 17, udp: true, payload: payload}
}

func udp6(payload int) frame {
	return frame{src: client6, dst: server6, sport: 40000, dport: testServerPort, protocol: 17, udp: true, payload: payload}
}

func TestDeviceCountsEveryKindOfPacket(t *testing.T) {
	needRoot(t)
	zero := counts(0, 0, 0)
	tcp := func(end End, received, sent WireCounts) []WireClass {
		return []WireClass{{"client", end, "tcp", received, sent}}
	}
	udp := func(received WireCounts) []WireClass {
		return []WireClass{{"client", EndLocal, "udp", received, zero}}
	}
	gso := func(f frame, segments, length uint32) frame { f.segments, f.segLen = segments, length; return f }
	jumbo := []byte{6, 0, 0xc2, 4, 0, 1, 0x11, 0x70}
	in6 := frame{src: client6, dst: server6, sport: 40000, dport: testServerPort, tcpOptions: 12}
	for _, c := range []struct {
		name, program string
		frames        []frame
		want          []WireClass
		lost          uint64
	}{
		{"v4", "weir_ingress", []frame{in4()}, tcp(EndLocal, counts(1, 0, 66), zero), 0},
		{"v4 to a peer's port", "weir_egress", []frame{in4()}, tcp(EndRemote, zero, counts(1, 0, 66)), 0},
		{"v4 from a peer's port", "weir_ingress", []frame{with(in4(), swap)}, tcp(EndRemote, counts(1, 0, 66), zero), 0},
		{"v4 answer", "weir_egress", []frame{with(in4(), swap)}, tcp(EndLocal, zero, counts(1, 0, 66)), 0},
		{"loopback both ways", "weir_loopback", []frame{in4(), with(in4(), swap)}, tcp(EndLocal, counts(1, 0, 66), counts(1, 0, 66)), 0},
		{"v4 GSO", "weir_ingress", []frame{gso(with(in4(), func(f *frame) { f.payload = 3000 }), 3, 1448)}, tcp(EndLocal, counts(3, 3000, 66), zero), 0},
		{"v4 GSO without a count", "weir_ingress", []frame{gso(with(in4(), func(f *frame) { f.payload = 3000 }), 0, 1448)}, tcp(EndLocal, counts(3, 3000, 66), zero), 0},
		{"v4 options", "weir_ingress", []frame{with(in4(), func(f *frame) { f.ipOptions = 8 })}, tcp(EndLocal, counts(1, 0, 74), zero), 0},
		{"v4 BIG TCP", "weir_ingress", []frame{gso(with(in4(), func(f *frame) { f.payload, f.zeroLength = 3000, true }), 3, 1448)}, tcp(EndLocal, counts(3, 3000, 66), zero), 0},
		{"v4 padding is not counted", "weir_ingress", []frame{with(in4(), func(f *frame) { f.padding = 6 })}, tcp(EndLocal, counts(1, 0, 66), zero), 0},
		{"v6 GSO", "weir_ingress", []frame{gso(with(in6, func(f *frame) { f.payload = 3000 }), 3, 1428)}, tcp(EndLocal, counts(3, 3000, 86), zero), 0},
		{"v6 BIG TCP mark is not on the wire", "weir_ingress", []frame{gso(with(in6, func(f *frame) {
			f.payload, f.extensions, f.firstExt, f.zeroLength = 3000, jumbo, 0, true
		}), 3, 1428)}, tcp(EndLocal, counts(3, 3000, 86), zero), 0},
		{"v6 hop-by-hop header counts", "weir_ingress", []frame{with(in6, func(f *frame) { f.extensions = []byte{6, 0, 1, 4, 0, 0, 0, 0} })}, tcp(EndLocal, counts(1, 0, 94), zero), 0},
		{"short TCP header", "weir_ingress", []frame{with(in4(), func(f *frame) { f.tcpOptions, f.cut = 0, 1 })}, []WireClass{}, 1},
		{"UDP v4", "weir_ingress", []frame{udp4(100)}, udp(counts(1, 100, 42)), 0},
		{"UDP v6", "weir_ingress", []frame{udp6(100)}, udp(counts(1, 100, 62)), 0},
		{"UDP without payload", "weir_ingress", []frame{udp4(0)}, udp(counts(1, 0, 42)), 0},
		{"UDP GSO v4", "weir_ingress", []frame{gso(udp4(3000), 3, 1400)}, udp(counts(3, 3000, 42)), 0},
		{"UDP GSO v6 without a count", "weir_ingress", []frame{gso(udp6(2801), 0, 1400)}, udp(counts(3, 2801, 62)), 0},
		{"UDP fragments", "weir_ingress", []frame{
			with(udp4(1472), func(f *frame) { f.fragment = 0x2000 }),
			with(udp4(1000), func(f *frame) { f.fragment = 185 }),
		}, udp(WireCounts{Known(2), Known(1472 + 42 + 1008 + 34), Known(1472 + 1008), Known(2)}), 0},
		{"a fragment ahead of its first", "weir_ingress", []frame{with(udp4(100), func(f *frame) { f.fragment = 185 })}, []WireClass{}, 1},
		{"another port", "weir_ingress", []frame{with(in4(), func(f *frame) { f.dport++ })}, []WireClass{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := countFrames(t, c.program, false, false, c.frames...)
			if d := cmp.Diff(c.want, got.Classes); d != "" {
				t.Error(d)
			}
			if got.Unclassified != Known(c.lost) {
				t.Errorf("%v unclassified, want %d", got.Unclassified, c.lost)
			}
		})
	}
}

func swap(f *frame) { f.src, f.dst, f.sport, f.dport = f.dst, f.src, f.dport, f.sport }

// Watching all of an interface counts what no class names, ARP and ICMP too.
func TestDeviceCountsTheRest(t *testing.T) {
	needRoot(t)
	icmp := with(in4(), func(f *frame) { f.protocol = 1 })
	other := with(in4(), func(f *frame) { f.dport++ })
	got := countFrames(t, "weir_ingress", true, false, in4(), icmp, other, with(in4(), func(f *frame) { f.tcpOptions, f.cut = 0, 1 }))
	zero := counts(0, 0, 0)
	want := []WireClass{
		{"client", EndLocal, "tcp", counts(1, 0, 66), zero},
		{ClassOther, EndLocal, "tcp", WireCounts{Known(2), Known(66 + 53), Known(0), Known(0)}, zero},
		{ClassOther, EndLocal, "other", counts(1, 0, 66), zero},
	}
	if d := cmp.Diff(want, got.Classes); d != "" {
		t.Error(d)
	}
}

func TestDeviceCountsByPeer(t *testing.T) {
	needRoot(t)
	second := netip.MustParseAddr("10.0.0.3")
	got := countFrames(t, "weir_ingress", false, true, in4(), in4(), with(in4(), func(f *frame) { f.src = second }), udp6(7))
	sum := make(map[string]WireCounts)
	for _, p := range got.Peers {
		sum[p.Protocol+" "+p.Address] = p.Received
	}
	want := map[string]WireCounts{
		"tcp " + client4.String(): counts(2, 0, 66), "tcp " + second.String(): counts(1, 0, 66), "udp " + client6.String(): counts(1, 7, 62),
	}
	if !maps.Equal(sum, want) || got.PeersLost != Known(0) {
		t.Error(cmp.Diff(want, sum), got.PeersLost)
	}
}

// Every object passes the verifier of the running kernel.
func TestEveryObjectLoads(t *testing.T) {
	needRoot(t)
	for name, load := range map[string]func() (*ebpf.CollectionSpec, error){
		"wire": bpf.LoadWire, "device": bpf.LoadDevice, "group": bpf.LoadGroup, "sockets": bpf.LoadSockets,
		"rtt": bpf.LoadRtt, "qdisc": bpf.LoadQdisc, "softirq": bpf.LoadSoftirq, "sched": bpf.LoadSched,
	} {
		spec, err := load()
		if err != nil {
			t.Fatal(err)
		}
		coll, err := ebpf.NewCollection(spec)
		if err != nil {
			t.Errorf("%s: %+v", name, err)
			continue
		}
		coll.Close()
	}
}

// asUDP writes the UDP header and payload of f.
func (f frame) asUDP() []byte {
	b := make([]byte, 8+f.payload+f.padding)
	binary.BigEndian.PutUint16(b[0:], f.sport)
	binary.BigEndian.PutUint16(b[2:], f.dport)
	binary.BigEndian.PutUint16(b[4:], uint16(8+f.payload))
	return b
}
