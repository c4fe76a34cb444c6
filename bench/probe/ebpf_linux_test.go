//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sync/errgroup"
)

// needEBPF skips where loading is not possible for this user or kernel; on the
// machines weir is measured on, root must succeed.
func needEBPF(t *testing.T) {
	t.Helper()
	needRoot(t)
	src, _, err := Open(Target{Port: 1, Addr: netip.MustParseAddr("127.0.0.1"), Force: KindEBPF})
	if errors.Is(err, ErrNotSupported) {
		t.Skipf("this kernel has no tcx: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLoopbackPayloadIsExact(t *testing.T) {
	needEBPF(t)
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			ln, ap := listen(t, addr)
			src, rep := open(t, serverTarget(ap, ""))
			if src.Kind() != KindEBPF || len(rep.Refused) != 0 || !slices.Equal(rep.Attached, []string{"tcx ingress on lo"}) {
				t.Fatalf("%s, report %+v", src.Kind(), rep)
			}
			const in, out = 20_000_003, 5_000_001
			c := connect(t, ln)
			if err := c.exchange(in, out); err != nil {
				t.Fatal(err)
			}
			got := eventually(t, src, func(got Counters) error {
				info := tcpInfoOf(t, c.client)
				if got.In.Packets != Known(uint64(info.Segs_out)) || got.Out.Packets != Known(uint64(info.Segs_in)) {
					return fmt.Errorf("frames in %v, out %v; the client's socket sent %d and received %d segments",
						got.In.Packets, got.Out.Packets, info.Segs_out, info.Segs_in)
				}
				moreIn, moreOut := c.resent(t)
				return payload(got, in+moreIn, out+moreOut)
			})
			checkFrames(t, "in", got.In, ap.Addr(), tcpInfoOf(t, c.server).Total_retrans)
			checkFrames(t, "out", got.Out, ap.Addr(), tcpInfoOf(t, c.client).Total_retrans)
			if !got.Exact || got.Lost != Known(0) || got.In.RetransSegments.Known {
				t.Errorf("exact %v, lost %v, retransmissions %v", got.Exact, got.Lost, got.In.RetransSegments)
			}
		})
	}
}

// checkFrames: payload and headers add up to the bytes counted. Segments that
// the other end sent twice are answered with selective acknowledgements, of up
// to 36 bytes more; mostly there are none.
func checkFrames(t *testing.T, name string, d Direction, addr netip.Addr, answered uint32) {
	t.Helper()
	header := uint64(headersIPv4TS)
	if addr.Is6() {
		header = headersIPv6TS
	}
	if b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_timestamps"); err != nil || strings.TrimSpace(string(b)) == "0" {
		t.Logf("timestamps are off or unknown (%v): header sizes not checked", err)
		return
	}
	slack := uint64(answered) * 36
	// SYN and SYN-ACK carry 8 bytes more than other segments.
	if want := d.PayloadBytes.N + d.Packets.N*header + 8; d.L2Bytes.N < want || d.L2Bytes.N > want+slack {
		t.Errorf("%s: %v layer-2 bytes for %v frames and %v payload, want %d", name, d.L2Bytes, d.Packets, d.PayloadBytes, want)
	}
	mss := mtu + ethernetHeader - header
	packets, bytes := d.MTU1500()
	least := (d.PayloadBytes.N + mss - 1) / mss
	if packets.N < least || packets.N > least+d.Packets.N {
		t.Errorf("%s: %v frames at MTU 1500, want %d to %d", name, packets, least, least+d.Packets.N)
	}
	if want := d.PayloadBytes.N + packets.N*header + 8; bytes.N < want || bytes.N > want+slack {
		t.Errorf("%s: %v bytes at MTU 1500, want %d", name, bytes, want)
	}
}

func TestTwoInstancesCountApart(t *testing.T) {
	needEBPF(t)
	ln1, ap1 := listen(t, "127.0.0.1:0")
	ln2, ap2 := listen(t, "127.0.0.1:0")
	src1, _ := open(t, serverTarget(ap1, KindEBPF))
	src2, _ := open(t, serverTarget(ap2, KindEBPF))
	c1, c2 := connect(t, ln1), connect(t, ln2)
	var g errgroup.Group
	g.Go(func() error { return c1.exchange(3_000_000, 1000) })
	g.Go(func() error { return c2.exchange(2000, 4_000_000) })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	expect := func(c conversation, in, out uint64) func(Counters) error {
		return func(got Counters) error {
			moreIn, moreOut := c.resent(t)
			return payload(got, in+moreIn, out+moreOut)
		}
	}
	eventually(t, src1, expect(c1, 3_000_000, 1000))
	eventually(t, src2, expect(c2, 2000, 4_000_000))

	// Closing one leaves the other counting.
	if err := src1.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c2.exchange(1, 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, src2, expect(c2, 2001, 4_000_001))
	if _, err := src1.Snapshot(); !errors.Is(err, ErrClosed) {
		t.Errorf("snapshot of a closed source: %v", err)
	}
}

func TestCloseLeavesNothingInTheKernel(t *testing.T) {
	needEBPF(t)
	lo, err := findIface(Target{Addr: netip.MustParseAddr("::1")})
	if err != nil {
		t.Fatal(err)
	}
	attached := func() map[ebpf.ProgramID]bool {
		res, err := link.QueryPrograms(link.QueryOptions{Target: lo.index, Attach: ebpf.AttachTCXIngress})
		if err != nil {
			t.Fatal(err)
		}
		ids := map[ebpf.ProgramID]bool{}
		for _, p := range res.Programs {
			ids[p.ID] = true
		}
		return ids
	}
	src, _ := open(t, serverTarget(netip.MustParseAddrPort("127.0.0.1:9"), KindEBPF))
	s := src.(*ebpfSource)
	prog, err := s.objs.WeirWire.Info()
	if err != nil {
		t.Fatal(err)
	}
	progID, _ := prog.ID()
	m, err := s.objs.Wire.Info()
	if err != nil {
		t.Fatal(err)
	}
	mapID, _ := m.ID()
	l, err := s.links[0].Info()
	if err != nil {
		t.Fatal(err)
	}
	if !attached()[progID] {
		t.Fatalf("program %d is not attached to %s", progID, lo.name)
	}
	if err := errors.Join(src.Close(), src.Close()); err != nil {
		t.Fatal(err)
	}
	if attached()[progID] {
		t.Errorf("program %d is still attached", progID)
	}
	gone := func(what string, lookup func() (interface{ Close() error }, error)) {
		t.Helper()
		deadline := time.Now().Add(trafficTimeout)
		for {
			obj, err := lookup()
			if errors.Is(err, os.ErrNotExist) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = obj.Close()
			if time.Now().After(deadline) {
				t.Fatalf("%s is still in the kernel %v after Close", what, trafficTimeout)
			}
			<-time.After(time.Millisecond) // the kernel frees it asynchronously; the deadline decides
		}
	}
	gone("the link", func() (interface{ Close() error }, error) { return link.NewFromID(l.ID) })
	gone("the program", func() (interface{ Close() error }, error) { return ebpf.NewProgramFromID(progID) })
	gone("the map", func() (interface{ Close() error }, error) { return ebpf.NewMapFromID(mapID) })
}

func TestFailedOpenLeavesNothing(t *testing.T) {
	needEBPF(t)
	// The program loads, and the second attachment fails: both must be undone.
	s := &ebpfSource{}
	_, err := s.attach(serverTarget(netip.MustParseAddrPort("127.0.0.1:9"), ""), iface{name: "absent", index: 1 << 30, linkHeader: ethernetHeader})
	var r Refusal
	if !errors.As(err, &r) || r.Errno != "ENODEV" || !strings.Contains(r.Reason, "gone") {
		t.Errorf("refusal %+v from %v", r, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestFindIface(t *testing.T) {
	for _, c := range []struct {
		name   string
		target Target
		want   string
		err    error
	}{
		{"loopback", Target{Addr: netip.MustParseAddr("127.0.0.2"), PerspectiveServer: true}, "lo", nil},
		{"client of loopback", Target{Addr: netip.MustParseAddr("127.0.0.1")}, "lo", nil},
		{"named", Target{Iface: "lo"}, "lo", nil},
		{"no such name", Target{Iface: "weir-absent0"}, "", ErrTarget},
		{"no address", Target{}, "", ErrTarget},
		{"every address", Target{Addr: netip.IPv6Unspecified()}, "", ErrTarget},
		{"nobody holds it", Target{Addr: netip.MustParseAddr("192.0.2.77"), PerspectiveServer: true}, "", ErrTarget},
	} {
		got, err := findIface(c.target)
		if !errors.Is(err, c.err) || got.name != c.want {
			t.Errorf("%s: %+v, %v; want %q, %v", c.name, got, err, c.want, c.err)
		}
		if err == nil && (!got.loopback || got.linkHeader != ethernetHeader) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if _, _, err := Open(Target{Port: 1, Iface: "weir-absent0", CounterFunc: func() (uint64, uint64) { return 0, 0 }}); !errors.Is(err, ErrTarget) && os.Geteuid() == 0 {
		t.Errorf("a mistyped interface fell through to another source: %v", err)
	}
}

// The computed bytes are held against the counted ones: payload to the byte,
// frames to two per connection, because a socket in TIME_WAIT counts nothing:
// when the server closes first, the client's FIN and its acknowledgement are
// missing. Layer 2 accordingly.
func TestSockDiagAgreesWithEBPF(t *testing.T) {
	needEBPF(t)
	for _, c := range []struct {
		name, addr  string
		serverFirst bool
		tolerance   uint64 // frames per connection
	}{
		{"client closes, v4", "127.0.0.1:0", false, 0},
		{"client closes, v6", "[::1]:0", false, 0},
		{"server closes, v4", "127.0.0.1:0", true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			ln, ap := listen(t, c.addr)
			exact, _ := open(t, serverTarget(ap, KindEBPF))
			computed, _ := open(t, serverTarget(ap, KindSockDiag))
			const connections, in, out = 20, 100_000, 30_000
			var twiceIn, twiceOut uint64
			for range connections {
				conn := connect(t, ln)
				if err := conn.exchange(in, out); err != nil {
					t.Fatal(err)
				}
				moreIn, moreOut := conn.resent(t)
				twiceIn, twiceOut = twiceIn+moreIn, twiceOut+moreOut
				if err := conn.shut(c.serverFirst); err != nil {
					t.Fatal(err)
				}
			}
			e := eventually(t, exact, func(got Counters) error { return payload(got, connections*in+twiceIn, connections*out+twiceOut) })
			// The server's sockets know what they sent twice, not what they got twice,
			// and nothing of the selective acknowledgements that answer it.
			twice := twiceIn + twiceOut
			eventually(t, computed, func(s Counters) error {
				return errors.Join(payload(s, connections*in, connections*out+twiceOut),
					near("in", s.In, e.In, connections*c.tolerance, twice), near("out", s.Out, e.Out, connections*c.tolerance, twice))
			})
		})
	}
}

// near: at most so many frames of headers, and so many bytes, apart.
func near(name string, computed, counted Direction, frames, bytes uint64) error {
	if distance(computed.Packets, counted.Packets) > frames || distance(computed.L2Bytes, counted.L2Bytes) > frames*headersIPv6TS+bytes {
		return fmt.Errorf("%s: %v frames and %v bytes computed, %v and %v counted; at most %d frames apart",
			name, computed.Packets, computed.L2Bytes, counted.Packets, counted.L2Bytes, frames)
	}
	return nil
}

func distance(a, b Count) uint64 { return max(a.N, b.N) - min(a.N, b.N) }
