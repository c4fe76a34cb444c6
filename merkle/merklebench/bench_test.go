package merklebench

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chainweir/weir/merkle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunRows(t *testing.T) {
	rows, err := Run(context.Background(), Config{
		Schemes: []*merkle.Scheme{merkle.RFC6962, merkle.Bitcoin, merkle.CometBFT, merkle.SSZ, merkle.PlainSHA256},
		Leaves:  []int{2, 7, 1500}, LeafBytes: 100, Workers: []int{1, 3}, PerCase: time.Microsecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	// Two workers for the nodes of five schemes and the leaves of three.
	if len(rows) != 8*3*2 {
		t.Fatalf("%d rows", len(rows))
	}
	nodes := map[string]map[int]int{
		"rfc6962":      {2: 1, 7: 6, 1500: 1499},
		"bitcoin":      {2: 1, 7: 7, 1500: pairsOfDoubling(1500)},
		"cometbft":     {2: 1, 7: 6, 1500: 1499},
		"ssz":          {2: 1, 7: 7, 1500: pairsOfDoubling(1500)},
		"plain-sha256": {2: 1, 7: 6, 1500: 1499},
	}
	for _, r := range rows {
		if r.Nodes != nodes[r.Scheme][r.Leaves] {
			t.Errorf("%s, %d leaves: %d nodes; want %d", r.Scheme, r.Leaves, r.Nodes, nodes[r.Scheme][r.Leaves])
		}
		if r.NSPerRoot <= 0 || r.NSPerPair <= 0 || !r.Verified || r.Rounds < minRounds {
			t.Errorf("row without a measurement: %+v", r)
		}
		if r.FloorNS != float64(r.Nodes)*r.NSPerPair || r.FloorRatio != r.NSPerRoot/r.FloorNS {
			t.Errorf("floor does not add up: %+v", r)
		}
		hashed := r.Scheme != "bitcoin" && r.Scheme != "ssz" && !r.Prehashed
		if (r.LeafFloorNS > 0) != hashed || (r.LeafBytes == 100) != hashed {
			t.Errorf("leaf figures: %+v", r)
		}
	}
}

// pairsOfDoubling counts a Bitcoin tree's nodes layer by layer.
func pairsOfDoubling(n int) int {
	if n == 1 {
		return 0
	}
	return (n+1)/2 + pairsOfDoubling((n+1)/2)
}

func TestRunErrors(t *testing.T) {
	for name, c := range map[string]Config{
		"one leaf":    {Leaves: []int{1}},
		"many leaves": {Leaves: []int{maxLeaves + 1}},
		"much input":  {Leaves: []int{maxLeaves}, LeafBytes: 1000},
		"leaf bytes":  {LeafBytes: -1},
		"workers":     {Workers: []int{0}},
		"time":        {PerCase: -1},
		"scheme":      {Schemes: []*merkle.Scheme{new(merkle.Scheme)}},
		"no sha256":   {Schemes: []*merkle.Scheme{merkle.PlainBLAKE3}},
	} {
		if rows, err := Run(context.Background(), c); !errors.Is(err, ErrConfig) || rows != nil {
			t.Errorf("%s: %v, %d rows", name, err, len(rows))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Config{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A wrong answer is an error, never a row.
func TestWrongAnswers(t *testing.T) {
	tc, err := newTree(merkle.RFC6962, 5, 10, false)
	if err != nil {
		t.Fatal(err)
	}
	tc.want[3] ^= 1
	if _, err := tc.measure(context.Background(), []int{1}, 1); !errors.Is(err, ErrWrongRoot) {
		t.Errorf("root: %v", err)
	}
	tc.want[3] ^= 1
	tc.kernel.want[70] ^= 1
	if _, err := tc.measure(context.Background(), []int{1}, 1); !errors.Is(err, ErrWrongRoot) {
		t.Errorf("kernel: %v", err)
	}
}

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(tc.in); got != tc.want {
			t.Errorf("%v: %v; want %v", tc.in, got, tc.want)
		}
	}
}
