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

// How far a measured capacity may be from the shaper's rate.
const (
	maxBulkError  = 0.01
	maxTrainError = 0.02
)

var measuredRates = []uint64{8_000_000, 20_000_000, 100_000_000, 1_000_000_000}

// The measured layer-2 capacity of a shaped link is the shaper's rate, in both
// directions, by bulk TCP and by trains of datagrams; under load the queue of
// the shaper shows in the round trip.
func TestMeasuredCapacityIsTheShapersRate(t *testing.T) {
	for _, rateBitsPerSec := range measuredRates {
		t.Run(fmt.Sprintf("%dmbit", rateBitsPerSec/1_000_000), func(t *testing.T) {
			for round := range 3 {
				s := lookLab(t, rateBitsPerSec)
				check := func(name string, got, most float64) {
					t.Helper()
					off := got/float64(rateBitsPerSec) - 1
					t.Logf("round %d %-9s L2 %.3f Mbit/s (%+.2f %%)", round, name, got/1e6, 100*off)
					if math.Abs(off) > most {
						t.Errorf("round %d %s: %+.2f %% off the shaper's rate, at most %g %% is allowed", round, name, 100*off, 100*most)
					}
				}
				if s.TrainIn == nil || s.TrainOut == nil || s.RTTIdle == nil || s.RTTIn == nil || s.RTTOut == nil {
					t.Fatalf("something is unknown: %q", s.Warnings)
				}
				check("bulk in", s.BulkIn.L2BitsPerSec, maxBulkError)
				check("bulk out", s.BulkOut.L2BitsPerSec, maxBulkError)
				// Below 20 Mbit/s a queue of a few dozen frames is the whole
				// train, which states an error of its own.
				check("train in", s.TrainIn.L2BitsPerSec, max(maxTrainError, s.TrainIn.ErrorPart))
				check("train out", s.TrainOut.L2BitsPerSec, max(maxTrainError, s.TrainOut.ErrorPart))
				t.Logf("round %d trains %+v %+v", round, *s.TrainIn, *s.TrainOut)
				t.Logf("round %d round trips idle %+v, in %+v, out %+v", round, *s.RTTIdle, *s.RTTIn, *s.RTTOut)
				t.Logf("round %d small in %+v out %+v", round, s.SmallIn, s.SmallOut)
				t.Logf("round %d warnings %q", round, s.Warnings)
			}
		})
	}
}

func lookLab(t *testing.T, rateBitsPerSec uint64) link.Survey {
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
	packets := func(side netlab.Side) func(context.Context, string, string) (net.PacketConn, error) {
		return func(ctx context.Context, network, addr string) (net.PacketConn, error) {
			return lab.ListenPacket(ctx, side, network, addr)
		}
	}
	go func() { served <- link.Serve(ctx, ln, link.ServerConfig{ListenPacket: packets(netlab.NodeSide)}) }()
	s, err := link.Look(t.Context(), link.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return lab.Dial(ctx, netlab.ClientSide, "tcp", ln.Addr().String())
		},
		ListenPacket: packets(netlab.ClientSide),
	}, nil)
	cancel()
	if serr := <-served; serr != nil {
		t.Errorf("Serve = %v", serr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
