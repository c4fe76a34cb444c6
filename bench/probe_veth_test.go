package bench_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/bench/probe"
)

// A lab's namespaces are held by this binary, started again. In init and not in
// a TestMain, so that the package's other tests can have their own.
func init() { netlab.MaybeRunHolder() }

const (
	vethRateBitsPerSec = 200_000_000
	vethPayloadBytes   = 50_000_000 // about two seconds at that rate
	vethTimeout        = 60 * time.Second
	// vethTolerance of the layer-2 bytes: what the shaper sent and the probe did
	// not count are neighbour discovery frames, some hundred bytes in all.
	vethTolerance = 1e-4
)

// TestProbeAgreesWithTheShaper holds the probe's layer-2 bytes against a judge
// that knows nothing of it: the byte counters of the token bucket filters
// through which all traffic between two namespaces passes, in both directions.
func TestProbeAgreesWithTheShaper(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 100 MB over a 200 Mbit/s link, which takes five seconds")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to make network namespaces and to load eBPF programs")
	}
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithTimeout(context.Background(), vethTimeout)
	defer cancel()
	lab, err := netlab.Open(ctx, netlab.Config{RateBitsPerSec: vethRateBitsPerSec, Name: "probe-test"})
	if errors.Is(err, netlab.ErrKernelFeature) {
		t.Skipf("this kernel cannot shape a link: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	client, server := vethConnect(ctx, t, lab)
	defer client.Close()
	defer server.Close()
	port := uint16(server.LocalAddr().(*net.TCPAddr).Port)

	node := vethProbe(t, lab, netlab.NodeSide, port, probe.KindEBPF)
	defer node.Close()
	far := vethProbe(t, lab, netlab.ClientSide, port, probe.KindEBPF)
	defer far.Close()
	sockets := vethProbe(t, lab, netlab.ClientSide, port, probe.KindSockDiag)
	defer sockets.Close()

	before := readShapers(t, lab)
	if err := errors.Join(pour(client, server), pour(server, client)); err != nil {
		t.Fatal(err)
	}

	// Each direction is judged where it has left its shaper, because in front
	// of it the probe also sees what the shaper then drops.
	deadline := time.Now().Add(vethTimeout)
	for {
		in, out := snapshot(t, node), snapshot(t, far)
		after := readShapers(t, lab)
		wrong := errors.Join(
			agree("in, at the node", in.In, after[netlab.ClientSide].sub(before[netlab.ClientSide])),
			agree("out, at the client", out.Out, after[netlab.NodeSide].sub(before[netlab.NodeSide])))
		if wrong == nil {
			logAgreement(t, "in ", in.In, after[netlab.ClientSide].sub(before[netlab.ClientSide]))
			logAgreement(t, "out", out.Out, after[netlab.NodeSide].sub(before[netlab.NodeSide]))
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(wrong)
		}
		<-time.After(time.Millisecond) // the last acknowledgements are on their way; the deadline decides
	}
	compareSides(t, snapshot(t, node), snapshot(t, far), snapshot(t, sockets))
}

// compareSides: what both ends and both sources must have in common.
func compareSides(t *testing.T, node, far, sockets probe.Counters) {
	t.Helper()
	// Nothing is lost behind the shapers, and in front of them at most more.
	if far.In.L2Bytes.N < node.In.L2Bytes.N || node.Out.L2Bytes.N < far.Out.L2Bytes.N {
		t.Errorf("more left the shapers than entered them: in %v of %v, out %v of %v",
			node.In.L2Bytes, far.In.L2Bytes, far.Out.L2Bytes, node.Out.L2Bytes)
	}
	if node.In.PayloadBytes.N < vethPayloadBytes || far.Out.PayloadBytes.N < vethPayloadBytes {
		t.Errorf("payload in %v, out %v; at least %d was moved", node.In.PayloadBytes, far.Out.PayloadBytes, vethPayloadBytes)
	}
	// The MTU is 1500 already: cutting changes nothing.
	if packets, bytes := node.In.MTU1500(); packets != node.In.Packets || bytes != node.In.L2Bytes {
		t.Errorf("MTU-1500 equivalent of MTU-1500 traffic: %v frames, %v bytes; counted %v, %v", packets, bytes, node.In.Packets, node.In.L2Bytes)
	}
	// Computed from the client's socket: what it sent, dropped or not, is In.
	// Selective acknowledgements are the part that cannot be computed.
	if sockets.In.PayloadBytes != far.In.PayloadBytes {
		t.Errorf("the client's socket sent %v bytes of payload, %v were counted at its interface", sockets.In.PayloadBytes, far.In.PayloadBytes)
	}
	if d := relative(sockets.In.L2Bytes.N, far.In.L2Bytes.N); d > 0.01 {
		t.Errorf("computed layer-2 bytes %v are %.2f %% off the counted %v", sockets.In.L2Bytes, 100*d, far.In.L2Bytes)
	}
	t.Logf("sockdiag computes %v bytes in (%v counted), %v segments sent twice", sockets.In.L2Bytes, far.In.L2Bytes, sockets.In.RetransSegments)
}

// vethConnect opens a connection from the client's side to the node's.
func vethConnect(ctx context.Context, t *testing.T, lab *netlab.Lab) (client, server net.Conn) {
	t.Helper()
	ln, err := lab.Listen(ctx, netlab.NodeSide, "tcp", net.JoinHostPort(lab.NodeAddr().String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = lab.Dial(ctx, netlab.ClientSide, "tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		client.Close()
		t.Fatal(err)
	}
	deadline := time.Now().Add(vethTimeout)
	if err := errors.Join(client.SetDeadline(deadline), server.SetDeadline(deadline)); err != nil {
		t.Fatal(err)
	}
	return client, server
}

func vethProbe(t *testing.T, lab *netlab.Lab, side netlab.Side, port uint16, kind string) probe.Source {
	t.Helper()
	src, rep, err := probe.Open(probe.Target{
		Port: port, Addr: lab.NodeAddr(), NetNS: lab.NSPath(side),
		PerspectiveServer: side == netlab.NodeSide, Force: kind,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v side: %v", side, rep.Attached)
	return src
}

// pour moves the payload one way, to the last byte.
func pour(from, to net.Conn) error {
	sent := make(chan error, 1)
	go func() {
		block := make([]byte, 256<<10)
		var err error
		for left := vethPayloadBytes; left > 0 && err == nil; {
			var n int
			n, err = from.Write(block[:min(left, len(block))])
			left -= n
		}
		sent <- err
	}()
	n, err := io.CopyN(io.Discard, to, vethPayloadBytes)
	if err = errors.Join(err, <-sent); err != nil {
		return fmt.Errorf("%d of %d bytes arrived: %w", n, vethPayloadBytes, err)
	}
	return nil
}

func snapshot(t *testing.T, src probe.Source) probe.Counters {
	t.Helper()
	c, err := src.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shaped is what one shaper has sent and dropped.
type shaped struct{ bytes, packets, drops uint64 }

func (s shaped) sub(e shaped) shaped {
	return shaped{s.bytes - e.bytes, s.packets - e.packets, s.drops - e.drops}
}

func readShapers(t *testing.T, lab *netlab.Lab) map[netlab.Side]shaped {
	t.Helper()
	m := map[netlab.Side]shaped{}
	for _, side := range []netlab.Side{netlab.NodeSide, netlab.ClientSide} {
		bytes, packets, drops, err := lab.ShaperCounters(side)
		if err != nil {
			t.Fatal(err)
		}
		m[side] = shaped{bytes, packets, drops}
	}
	return m
}

func relative(a, b uint64) float64 { return math.Abs(float64(a)-float64(b)) / float64(b) }

func agree(name string, d probe.Direction, s shaped) error {
	if !d.L2Bytes.Known || !d.Packets.Known {
		return fmt.Errorf("%s: the probe does not know: %+v", name, d)
	}
	if off := relative(d.L2Bytes.N, s.bytes); off > vethTolerance {
		return fmt.Errorf("%s: %v bytes counted, the shaper sent %d: %.4f %% apart", name, d.L2Bytes, s.bytes, 100*off)
	}
	if off := relative(d.Packets.N, s.packets); off > 10*vethTolerance {
		return fmt.Errorf("%s: %v frames counted, the shaper sent %d", name, d.Packets, s.packets)
	}
	return nil
}

func logAgreement(t *testing.T, name string, d probe.Direction, s shaped) {
	t.Helper()
	t.Logf("%s: %v bytes in %v frames counted; the shaper sent %d in %d (%.5f %% apart) and dropped %d frames",
		name, d.L2Bytes, d.Packets, s.bytes, s.packets, 100*relative(d.L2Bytes.N, s.bytes), s.drops)
}
