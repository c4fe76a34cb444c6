package merkle

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomSizes are sizes up to 100 000, of all orders of magnitude, the same in
// each run.
func randomSizes(rng *rand.Rand, n int) []int {
	sizes := []int{100_000}
	for len(sizes) < n {
		sizes = append(sizes, 1+rng.IntN(100_000>>rng.IntN(9)))
	}
	return sizes
}

// At random sizes up to 100 000 of every scheme, and of lists with limits, every
// way to a root leads to the specified one, and proofs of every kind of random
// leaves hold and end to hold when a bit is another.
func TestRandomSizes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("trees of up to 100 000 leaves take minutes where a processor is emulated (-short)")
	}
	eachScheme(t, func(t *testing.T, s *Scheme) {
		rng := rand.New(rand.NewPCG(11, 12))
		for _, n := range randomSizes(rng, 5) {
			checkRandomSize(t, rng, s, n, 1+rng.IntN(4))
		}
	})
	rng := rand.New(rand.NewPCG(13, 14))
	for _, n := range randomSizes(rng, 3) {
		checkRandomSize(t, rng, SSZLimit(uint64(n)), n, 2)
		checkRandomSize(t, rng, SSZLimit(1<<50+uint64(n)), n, 2)
	}
}

func checkRandomSize(t *testing.T, rng *rand.Rand, s *Scheme, n, workers int) {
	t.Helper()
	ctx := context.Background()
	leaves := someLeaves(s, n)
	want := specRoot(s, leaves)
	root, err := Root(ctx, s, Leaves(leaves), workers)
	if err != nil || root != want {
		t.Fatalf("%s: %d leaves, %d workers: %x, %v; want %x", s.Name(), n, workers, root, err, want)
	}
	root, size, err := RootSeq(ctx, s, seqOf(leaves), workers)
	if err != nil || root != want || size != uint64(n) {
		t.Fatalf("%s: stream of %d leaves: %x of %d, %v; want %x", s.Name(), n, root, size, err, want)
	}
	tree, err := Build(ctx, s, Leaves(leaves), workers)
	if err != nil || tree.Root() != want {
		t.Fatalf("%s: tree of %d leaves: %v", s.Name(), n, err)
	}
	p := provenTree{tree, leaves}
	v := NewVerifier(s)
	var all []Inclusion
	for i := range 200 {
		index := rng.Uint64N(size)
		if i < 2 { // the ends
			index = uint64(i) * (size - 1)
		}
		item := p.inclusion(t, index, false)
		if err := item.Verify(s); err != nil {
			t.Fatalf("%s: leaf %d of %d: %v", s.Name(), index, n, err)
		}
		all = append(all, item)
		if len(item.Path) == 0 {
			continue
		}
		item.Path = slices.Clone(item.Path)
		item.Path[rng.IntN(len(item.Path))][rng.IntN(HashSize)] ^= 1 << rng.IntN(8)
		if item.Verify(s) == nil {
			t.Fatalf("%s: leaf %d of %d: accepted with another path node", s.Name(), index, n)
		}
	}
	if failed, err := v.Inclusions(ctx, all, nil); err != nil {
		t.Fatalf("%s: %d leaves: proofs %v of the batch: %v", s.Name(), n, failed, err)
	}
	for range 3 {
		checkMulti(t, v, tree, leaves, someIndices(rng, n))
		first := rng.Uint64N(size)
		checkRangeProof(t, v, tree, leaves, first, 1+rng.Uint64N(size-first))
	}
	if s.partner == nil {
		m := 1 + rng.Uint64N(size)
		path, err := tree.ConsistencyPath(m)
		if err == nil {
			err = VerifyConsistency(s, m, size, specRoot(s, leaves[:m]), want, path)
		}
		if err != nil {
			t.Fatalf("%s: %d of %d leaves: %v", s.Name(), m, n, err)
		}
	}
}
