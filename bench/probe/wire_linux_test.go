//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/chainweir/weir/bench/probe/bpf"
)

// skbContext is struct __sk_buff as BPF_PROG_TEST_RUN takes it: everything but
// the two GSO fields must be zero.
type skbContext struct {
	_       [164]byte
	GsoSegs uint32
	_       [8]byte
	GsoSize uint32
	_       [12]byte
}

var (
	server4 = netip.MustParseAddr("10.0.0.1")
	client4 = netip.MustParseAddr("10.0.0.2")
	server6 = netip.MustParseAddr("2001:db8::1")
	client6 = netip.MustParseAddr("2001:db8::2")
)

// frame describes a packet; build writes it out.
type frame struct {
	src, dst         netip.Addr
	sport, dport     uint16
	ipOptions        int    // bytes, IPv4
	extensions       []byte // IPv6, whole extension headers, the first of kind firstExt
	firstExt         byte
	tcpOptions       int
	payload          int
	protocol         byte // default TCP
	fragment         uint16
	zeroLength       bool // IP length field 0, as in BIG TCP
	padding, cut     int  // bytes after the packet, or missing from its end
	dataOffset       byte // overrides the TCP header's length field
	segments, segLen uint32
	udp              bool // a UDP header in place of TCP's
}

// l4Header is the length of the TCP or UDP header.
func (f frame) l4Header() int {
	if f.udp {
		return 8
	}
	return 20 + f.tcpOptions
}

func (f frame) build() []byte {
	protocol := f.protocol
	if protocol == 0 {
		protocol = 6
	}
	b := make([]byte, 12, 256)
	if f.src.Is4() {
		b = append(b, 0x08, 0x00)
		total := 20 + f.ipOptions + f.l4Header() + f.payload
		if f.zeroLength {
			total = 0
		}
		h := make([]byte, 20+f.ipOptions)
		h[0] = 0x40 | byte(5+f.ipOptions/4)
		binary.BigEndian.PutUint16(h[2:], uint16(total))
		binary.BigEndian.PutUint16(h[6:], f.fragment)
		h[8], h[9] = 64, protocol
		copy(h[12:], f.src.AsSlice())
		copy(h[16:], f.dst.AsSlice())
		b = append(b, h...)
	} else {
		b = append(b, 0x86, 0xdd)
		total := len(f.extensions) + f.l4Header() + f.payload
		if f.zeroLength {
			total = 0
		}
		h := make([]byte, 40)
		h[0] = 0x60
		binary.BigEndian.PutUint16(h[4:], uint16(total))
		h[6], h[7] = protocol, 64
		if f.extensions != nil {
			h[6] = f.firstExt
		}
		copy(h[8:], f.src.AsSlice())
		copy(h[24:], f.dst.AsSlice())
		b = append(append(b, h...), f.extensions...)
	}
	if f.udp {
		b = append(b, f.asUDP()...)
		return b[:len(b)-f.cut]
	}
	tcp := make([]byte, 20+f.tcpOptions+f.payload+f.padding)
	binary.BigEndian.PutUint16(tcp[0:], f.sport)
	binary.BigEndian.PutUint16(tcp[2:], f.dport)
	tcp[12] = byte(5+f.tcpOptions/4) << 4
	if f.dataOffset != 0 {
		tcp[12] = f.dataOffset << 4
	}
	b = append(b, tcp...)
	return b[:len(b)-f.cut]
}

func in4() frame {
	return frame{src: client4, dst: server4, sport: 40000, dport: testServerPort, tcpOptions: 12}
}

func out6() frame {
	return frame{src: server6, dst: client6, sport: testServerPort, dport: 40000, tcpOptions: 12}
}

func with(f frame, change func(*frame)) frame {
	change(&f)
	return f
}

// run passes one packet through the program and returns what it counted.
func run(t *testing.T, f frame, addr netip.Addr) bpf.WireCounters {
	t.Helper()
	objs, err := loadWire(testServerPort, addr, ethernetHeader)
	if err != nil {
		t.Fatal(err)
	}
	defer objs.Close()
	ret, err := objs.WeirWire.Run(&ebpf.RunOptions{
		Data:    f.build(),
		Context: skbContext{GsoSegs: f.segments, GsoSize: f.segLen},
	})
	if err != nil {
		t.Fatal(err)
	}
	if int32(ret) != -1 {
		t.Errorf("the program returned %d: other programs of the chain would not run", int32(ret))
	}
	var perCPU []bpf.WireCounters
	if err := objs.Wire.Lookup(uint32(0), &perCPU); err != nil {
		t.Fatal(err)
	}
	var sum bpf.WireCounters
	for i := range perCPU {
		addFlow(&sum.In, &perCPU[i].In)
		addFlow(&sum.Out, &perCPU[i].Out)
		sum.Unclassified += perCPU[i].Unclassified
	}
	return sum
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs")
	}
}

// plainFlow is n frames with headers of h bytes (Ethernet, IP, TCP) each.
func plainFlow(n, payload, h uint64) bpf.WireFlow {
	f := bpf.WireFlow{Packets: n, L2Bytes: payload + n*h, PayloadBytes: payload, Mtu1500Packets: n, Mtu1500L2Bytes: payload + n*h}
	if payload > 0 {
		f.DataPackets = n
	}
	return f
}

// cut changes the MTU-1500 equivalent of a flow to n frames.
func cut(f bpf.WireFlow, n, h uint64) bpf.WireFlow {
	f.Mtu1500Packets, f.Mtu1500L2Bytes = n, f.PayloadBytes+n*h
	return f
}

func TestProgramCountsPackets(t *testing.T) {
	needRoot(t)
	jumbo := []byte{6, 0, 0xc2, 4, 0, 1, 0x11, 0x70} // the kernel's BIG TCP mark, in front of TCP
	padded := []byte{6, 0, 1, 4, 0, 0, 0, 0}         // an ordinary hop-by-hop header
	long := make([]byte, 8*5)
	for i := 0; i < len(long); i += 8 {
		long[i] = 60
	}
	long[32] = 6
	in := func(f bpf.WireFlow) bpf.WireCounters { return bpf.WireCounters{In: f} }
	out := func(f bpf.WireFlow) bpf.WireCounters { return bpf.WireCounters{Out: f} }
	for _, c := range []struct {
		name string
		f    frame
		want bpf.WireCounters
	}{
		{"v4 acknowledgement", in4(), in(plainFlow(1, 0, 66))},
		{"v4 one byte", with(in4(), func(f *frame) { f.payload = 1 }), in(plainFlow(1, 1, 66))},
		{"v4 out", frame{src: server4, dst: client4, sport: testServerPort, dport: 40000, payload: 10}, out(plainFlow(1, 10, 54))},
		{"v4 IP options", with(in4(), func(f *frame) { f.ipOptions = 8; f.payload = 100 }), in(plainFlow(1, 100, 74))},
		{"v4 longest headers", with(in4(), func(f *frame) { f.ipOptions = 40; f.tcpOptions = 40; f.payload = 1380 }), in(plainFlow(1, 1380, 134))},
		{"v4 padded to 60 bytes", with(in4(), func(f *frame) { f.tcpOptions = 0; f.padding = 6 }), in(plainFlow(1, 0, 54))},
		{"v4 full frame", with(in4(), func(f *frame) { f.payload = 1448 }), in(plainFlow(1, 1448, 66))},
		{"v4 loopback frame", with(in4(), func(f *frame) { f.payload = 1449 }), in(cut(plainFlow(1, 1449, 66), 2, 66))},
		{"v4 GSO", with(in4(), func(f *frame) { f.payload = 3000; f.segments = 3; f.segLen = 1448 }), in(plainFlow(3, 3000, 66))},
		{"v4 GSO without a count", with(in4(), func(f *frame) { f.payload = 2897; f.segLen = 1448 }), in(plainFlow(3, 2897, 66))},
		{"v4 GSO of large segments", with(in4(), func(f *frame) { f.payload = 3500; f.segments = 2; f.segLen = 3000 }), in(cut(plainFlow(2, 3500, 66), 4, 66))},
		{"v4 BIG TCP", with(in4(), func(f *frame) { f.payload = 3000; f.segments = 3; f.segLen = 1448; f.zeroLength = true }), in(plainFlow(3, 3000, 66))},
		{"v6 out", with(out6(), func(f *frame) { f.payload = 100 }), out(plainFlow(1, 100, 86))},
		{"v6 GSO", with(out6(), func(f *frame) { f.payload = 3000; f.segments = 3; f.segLen = 1428 }), out(plainFlow(3, 3000, 86))},
		{"v6 loopback frame", with(out6(), func(f *frame) { f.payload = 2857 }), out(cut(plainFlow(1, 2857, 86), 3, 86))},
		{"v6 BIG TCP mark is not on the wire", with(out6(), func(f *frame) {
			f.extensions, f.firstExt, f.zeroLength = jumbo, 0, true
			f.payload, f.segments, f.segLen = 3000, 3, 1428
		}), out(plainFlow(3, 3000, 86))},
		{"v6 BIG TCP without a mark", with(out6(), func(f *frame) { f.zeroLength = true; f.payload, f.segments, f.segLen = 3000, 3, 1428 }), out(plainFlow(3, 3000, 86))},
		{"v6 hop-by-hop header counts", with(out6(), func(f *frame) { f.extensions, f.payload = padded, 10 }), out(plainFlow(1, 10, 94))},
		{"v6 routing header counts", with(out6(), func(f *frame) { f.extensions, f.firstExt, f.payload = padded, 43, 10 }), out(plainFlow(1, 10, 94))},
		{"v6 too many extensions", with(out6(), func(f *frame) { f.extensions, f.firstExt = long, 60 }), bpf.WireCounters{Unclassified: 1}},
		{"v6 fragment of TCP", with(out6(), func(f *frame) { f.extensions, f.firstExt = padded, 44 }), bpf.WireCounters{Unclassified: 1}},
		{"v6 fragment of UDP", with(out6(), func(f *frame) { f.extensions, f.firstExt = []byte{17, 0, 0, 0, 0, 0, 0, 0}, 44 }), bpf.WireCounters{}},
		{"v6 ICMP", with(out6(), func(f *frame) { f.protocol = 58 }), bpf.WireCounters{}},
		{"v4 UDP", with(in4(), func(f *frame) { f.protocol = 17 }), bpf.WireCounters{}},
		{"v4 later fragment", with(in4(), func(f *frame) { f.fragment = 100 }), bpf.WireCounters{Unclassified: 1}},
		{"v4 do not fragment", with(in4(), func(f *frame) { f.fragment = 0x4000 }), in(plainFlow(1, 0, 66))},
		{"v4 other port", with(in4(), func(f *frame) { f.dport++ }), bpf.WireCounters{}},
		{"v4 short TCP header", with(in4(), func(f *frame) { f.tcpOptions = 0; f.cut = 1 }), bpf.WireCounters{Unclassified: 1}},
		{"v4 TCP header too small", with(in4(), func(f *frame) { f.dataOffset = 4 }), bpf.WireCounters{Unclassified: 1}},
		{"v4 TCP header beyond the packet", with(in4(), func(f *frame) { f.tcpOptions = 0; f.dataOffset = 15 }), bpf.WireCounters{Unclassified: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, run(t, c.f, netip.Addr{}), cmp.AllowUnexported(bpf.WireCounters{}, bpf.WireFlow{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestProgramMatchesTheAddress(t *testing.T) {
	needRoot(t)
	in6 := frame{src: client6, dst: server6, sport: 40000, dport: testServerPort}
	mapped := netip.MustParseAddr("::ffff:10.0.0.1")
	for _, c := range []struct {
		name    string
		f       frame
		addr    netip.Addr
		in, out uint64
	}{
		{"v4 server", in4(), server4, 1, 0},
		{"v4 other host with the same port", in4(), client4, 0, 0},
		{"v4 frame, v6 server", in4(), server6, 0, 0},
		{"v6 server", in6, server6, 1, 0},
		{"v6 out", out6(), server6, 0, 1},
		{"v6 other host", in6, client6, 0, 0},
		{"v6 frame, v4 server", in6, server4, 0, 0},
		{"every address", in6, netip.IPv4Unspecified(), 1, 0},
		{"mapped address is unmapped", in4(), mapped.Unmap(), 1, 0},
		{"a peer's same port is out", with(in4(), func(f *frame) { f.src, f.dst, f.sport, f.dport = server4, client4, testServerPort, testServerPort }), server4, 0, 1},
		{"a peer's same port is in", with(in4(), func(f *frame) { f.sport = testServerPort }), server4, 1, 0},
	} {
		got := run(t, c.f, c.addr)
		if got.In.Packets != c.in || got.Out.Packets != c.out {
			t.Errorf("%s: in %d, out %d; want %d, %d", c.name, got.In.Packets, got.Out.Packets, c.in, c.out)
		}
	}
}

func TestSumCountersAddsEveryField(t *testing.T) {
	f := func(n uint64) bpf.WireFlow {
		return bpf.WireFlow{Packets: n, L2Bytes: n * 2, PayloadBytes: n * 3, DataPackets: n * 4, Mtu1500Packets: n * 5, Mtu1500L2Bytes: n * 6}
	}
	d := func(n uint64) Direction {
		return Direction{Packets: Known(n), L2Bytes: Known(n * 2), PayloadBytes: Known(n * 3), DataPackets: Known(n * 4), CutPackets: Known(n * 5), CutL2Bytes: Known(n * 6)}
	}
	got := sumCounters([]bpf.WireCounters{{In: f(1), Out: f(10), Unclassified: 1}, {In: f(2), Out: f(20), Unclassified: 2}})
	want := Counters{In: d(3), Out: d(30), Exact: true, Lost: Known(3)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkProgram is the cost of one watched packet in the kernel, and of one
// that belongs to another port.
func BenchmarkProgram(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root to load eBPF programs")
	}
	objs, err := loadWire(testServerPort, server4, ethernetHeader)
	if err != nil {
		b.Fatal(err)
	}
	defer objs.Close()
	for name, f := range map[string]frame{
		"watched": with(in4(), func(f *frame) { f.payload = 1448 }),
		"other":   with(in4(), func(f *frame) { f.payload = 1448; f.dport = 1 }),
	} {
		b.Run(name, func(b *testing.B) {
			_, d, err := objs.WeirWire.Benchmark(f.build(), b.N, b.ResetTimer)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(d.Nanoseconds()), "ns/packet")
		})
	}
}
