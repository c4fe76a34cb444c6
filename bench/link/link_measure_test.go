//go:build measure && linux

package link_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"os"
	"testing"

	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/bench/netlab"
)

// These checks need time and a machine that has it, so they are built with the
// tag "measure" only: go test -tags measure -run Measured ./bench/link -v

func TestMain(m *testing.M) {
	netlab.MaybeRunHolder()
	os.Exit(m.Run())
}

// maxError is how far a measured capacity may be from the shaper's rate.
const maxError = 0.02

// The measured layer-2 capacity of a shaped link is the shaper's rate, in both
// directions.
func TestMeasuredCapacityIsTheShapersRate(t *testing.T) {
	for _, rateBitsPerSec := range []uint64{20_000_000, 100_000_000, 1_000_000_000} {
		t.Run(fmt.Sprintf("%dmbit", rateBitsPerSec/1_000_000), func(t *testing.T) {
			for round := range 3 {
				res := measureLab(t, rateBitsPerSec)
				for name, d := range map[string]*link.Direction{"in": res.In, "out": res.Out} {
					off := d.L2BitsPerSec/float64(rateBitsPerSec) - 1
					t.Logf("round %d %-3s L2 %.3f Mbit/s (%+.2f %%), payload %.3f Mbit/s, %.1f B/segment, %d B in %v, again %v, %s",
						round, name, d.L2BitsPerSec/1e6, 100*off, d.PayloadBitsPerSec/1e6, d.BytesPerSegment,
						d.WindowBytes, d.Duration, *d.RetransmittedBytes, d.Method)
					if math.Abs(off) > maxError {
						t.Errorf("round %d %s: %+.2f %% off the shaper's rate, at most %g %% is allowed", round, name, 100*off, 100*maxError)
					}
				}
				t.Logf("round %d round trip %d ns, warnings %q", round, res.RTTMinNS, res.Warnings)
			}
		})
	}
}

func measureLab(t *testing.T, rateBitsPerSec uint64) link.Result {
	t.Helper()
	if err := netlab.Check(); err != nil {
		t.Skipf("a shaped link needs network namespaces: %v", err)
	}
	lab, err := netlab.Open(t.Context(), netlab.Config{RateBitsPerSec: rateBitsPerSec, Name: "link-measure"})
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	ln, err := lab.Listen(t.Context(), netlab.NodeSide, "tcp", lab.NodeAddr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- link.Serve(ctx, ln, link.ServerConfig{}) }()
	res, err := link.Measure(t.Context(), link.Config{Dial: func(ctx context.Context) (net.Conn, error) {
		return lab.Dial(ctx, netlab.ClientSide, "tcp", ln.Addr().String())
	}})
	cancel()
	if serr := <-served; serr != nil {
		t.Errorf("Serve = %v", serr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return res
}
