//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sync/errgroup"

	"github.com/chainweir/weir/bench/netlab"
)

// A lab's namespaces are held by this binary, started again.
func init() { netlab.MaybeRunHolder() }

const (
	labRateBitsPerSec = 50_000_000
	labPayloadBytes   = 12_000_000 // two seconds
	labConnections    = 8
	labDatagrams      = 2000
	labTimeout        = 60 * time.Second
	wireTolerance     = 1e-4
)

func openLab(t *testing.T) (*netlab.Lab, context.Context) {
	t.Helper()
	needEBPF(t)
	if testing.Short() {
		t.Skip("moves 12 MB over a 50 Mbit/s link, which takes some seconds")
	}
	ctx, cancel := context.WithTimeout(context.Background(), labTimeout)
	t.Cleanup(cancel)
	lab, err := netlab.Open(ctx, netlab.Config{RateBitsPerSec: labRateBitsPerSec, Name: "probe-watch"})
	if errors.Is(err, netlab.ErrKernelFeature) {
		t.Skipf("this kernel cannot shape a link: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab, ctx
}

// retransmitted is what nstat shows as TcpRetransSegs, of one side.
func retransmitted(t *testing.T, lab *netlab.Lab, side netlab.Side) uint64 {
	t.Helper()
	var text []byte
	err := lab.Do(side, func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/snmp")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i, name := range names {
			if name == "RetransSegs" {
				n, err := strconv.ParseUint(f[i], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
	}
	t.Fatalf("no RetransSegs in %q", text)
	return 0
}

// The values of all tiers against judges that know nothing of the probe: bytes
// that were written, the shaper's counters, the kernel's own count of segments
// sent again, and Little's law.
func TestWatcherAgreesWithTheShapedLink(t *testing.T) {
	lab, ctx := openLab(t)
	watchSide := func(side netlab.Side, force string, tiers ...int) *Watcher {
		w, rep := watch(t, WatchConfig{Iface: lab.IfaceName(side), NetNS: lab.NSPath(side), Tiers: tiers, Force: force})
		for _, p := range rep.Parts {
			if p.Source == "" && p.Part != "sched" && (p.Part != "rtt" || force == "") {
				t.Fatalf("%v side: %s is not watched: %v", side, p.Part, p.Refused)
			}
		}
		return w
	}
	shaper := func() [2]uint64 {
		bytes, packets, _, err := lab.ShaperCounters(netlab.ClientSide)
		if err != nil {
			t.Fatal(err)
		}
		return [2]uint64{bytes, packets}
	}
	dropSome(t, lab)
	node := watchSide(netlab.NodeSide, "", 2)
	client := watchSide(netlab.ClientSide, "", 1, 3)
	listed := watchSide(netlab.ClientSide, ForceProcfs, 1, 3)
	resent, before := retransmitted(t, lab, netlab.ClientSide), shaper()

	pourTCP(ctx, t, lab)
	// Little's law knows no protocols, so before the datagrams.
	logDelay(t, sampleOf(t, client).Qdisc, sampleOf(t, listed).Qdisc)
	pourUDP(ctx, t, lab)

	var sent Sample
	waitFor(t, client, func(s Sample) error {
		sent = s
		c := classOf(s.Sockets, ClassOther, EndLocal)
		// A frame that the sender's own queue drops costs the two of SYN and FIN.
		if c.AppSentBytes.N < labPayloadBytes || c.AppSentBytes.N > labPayloadBytes+2*labConnections || c.Closed != Known(labConnections) {
			return fmt.Errorf("%v of %d bytes sent, %v closed", c.AppSentBytes, labPayloadBytes, c.Closed)
		}
		return nil
	})
	got := classOf(sent.Sockets, ClassOther, EndLocal)
	if want := retransmitted(t, lab, netlab.ClientSide) - resent; got.RetransSegments != Known(want) || want == 0 {
		t.Errorf("%v segments sent again, nstat says %d; the link has to drop some", got.RetransSegments, want)
	}
	fallback := sampleOf(t, listed)
	if c := classOf(fallback.Sockets, ClassOther, EndLocal); c.AppSentBytes != got.AppSentBytes || c.RetransSegments != got.RetransSegments {
		t.Errorf("without eBPF: %v bytes, %v again; with: %v, %v", c.AppSentBytes, c.RetransSegments, got.AppSentBytes, got.RetransSegments)
	}
	waitFor(t, node, func(s Sample) error {
		in, _ := s.Wire.Total()
		after := shaper()
		bytes, packets := after[0]-before[0], after[1]-before[1]
		if off := math.Abs(float64(in.L2Bytes.N)/float64(bytes) - 1); off > wireTolerance {
			return fmt.Errorf("%v bytes in %v frames counted, the shaper sent %d in %d", in.L2Bytes, in.Frames, bytes, packets)
		}
		t.Logf("%v bytes in %v frames counted; the shaper sent %d in %d; %v segments sent again", in.L2Bytes, in.Frames, bytes, packets, got.RetransSegments)
		return nil
	})
	if d := sent.Qdisc.Other; d.Samples.N < labDatagrams/10 {
		t.Errorf("delays of %v datagrams", d.Samples)
	}
	if sent.RTT == nil || len(sent.RTT.Classes) != 1 || sent.RTT.Classes[0].RTT.Samples.N == 0 {
		t.Errorf("round trips %+v", sent.RTT)
	}
	if sent.Softirq.NAPIPolls.N == 0 {
		t.Errorf("softirqs %+v", sent.Softirq)
	}
}

// logDelay shows the packets' mean delay beside Little's law. How well they
// agree depends on when the machine lets the sampler run: not asserted here.
func logDelay(t *testing.T, packets, little *QdiscSample) {
	t.Helper()
	if packets.TCP.MeanUS == nil || little.Other.MeanUS == nil {
		t.Fatalf("delays unknown: %+v, %+v", packets, little)
	}
	t.Logf("queue delay of %v packets %.0f µs (%v unknown), by Little's law %.0f µs", packets.TCP.Samples, *packets.TCP.MeanUS, packets.Unknown, *little.Other.MeanUS)
}

// dropSome drops one frame of 256 where they reach the node: behind the shaper,
// and behind the programs that count, which are put in front of it.
func dropSome(t *testing.T, lab *netlab.Lab) {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "GPL",
		Instructions: asm.Instructions{
			asm.FnGetPrandomU32.Call(),
			asm.And.Imm(asm.R0, 255),
			asm.JEq.Imm(asm.R0, 0, "drop"),
			asm.Mov.Imm(asm.R0, -1),
			asm.Return(),
			asm.Mov.Imm(asm.R0, 2).WithSymbol("drop"),
			asm.Return(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close() // the link holds it
	var l link.Link
	err = lab.Do(netlab.NodeSide, func() error {
		dev, err := net.InterfaceByName(lab.IfaceName(netlab.NodeSide))
		if err != nil {
			return err
		}
		l, err = link.AttachTCX(link.TCXOptions{Interface: dev.Index, Program: p, Attach: ebpf.AttachTCXIngress})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
}

// pourTCP sends over as many connections as make the queue overflow.
func pourTCP(ctx context.Context, t *testing.T, lab *netlab.Lab) {
	t.Helper()
	ln, err := lab.Listen(ctx, netlab.NodeSide, "tcp", net.JoinHostPort(lab.NodeAddr().String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var g errgroup.Group
	for range labConnections {
		c, err := lab.Dial(ctx, netlab.ClientSide, "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far, err := ln.Accept()
		if err != nil {
			t.Fatal(errors.Join(err, c.Close()))
		}
		g.Go(func() error {
			_, err := c.Write(make([]byte, labPayloadBytes/labConnections))
			return errors.Join(err, c.Close())
		})
		g.Go(func() error {
			_, err := io.Copy(io.Discard, far)
			return errors.Join(err, far.Close())
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// pourUDP sends datagrams that fill the queue, and waits for the last.
func pourUDP(ctx context.Context, t *testing.T, lab *netlab.Lab) {
	t.Helper()
	server, err := lab.ListenPacket(ctx, netlab.NodeSide, "udp", net.JoinHostPort(lab.NodeAddr().String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c, err := lab.Dial(ctx, netlab.ClientSide, "udp", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 1400)
	for range labDatagrams {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.SetReadDeadline(time.Now().Add(labTimeout)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := server.ReadFrom(b); err != nil {
		t.Fatal(err)
	}
}
