package merkle

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// provenTrees are trees of many depths and shapes, with their leaves.
type provenTree struct {
	tree   *Tree
	leaves [][]byte
}

func provenTrees(t fataler, s *Scheme) []provenTree {
	var trees []provenTree
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 100, 1025, 4096} {
		leaves := someLeaves(s, n)
		trees = append(trees, provenTree{mustBuild(t, s, leaves), leaves})
	}
	return trees
}

// inclusion returns a proof that holds.
func (p provenTree) inclusion(t fataler, index uint64, hashed bool) Inclusion {
	path, err := p.tree.Path(index)
	if err != nil {
		t.Fatal(err)
	}
	item := Inclusion{Root: p.tree.Root(), Leaf: p.leaves[index], Index: index, Size: p.tree.Size(), Path: path}
	if hashed {
		h, err := p.tree.LeafHash(index)
		if err != nil {
			t.Fatal(err)
		}
		item.Leaf, item.Hashed = h[:], true
	}
	return item
}

// someInclusions returns n proofs of all trees, of which a part is damaged.
func someInclusions(t fataler, rng *rand.Rand, trees []provenTree, n int, damaged float64) []Inclusion {
	items := make([]Inclusion, n)
	for i := range items {
		p := trees[rng.IntN(len(trees))]
		items[i] = p.inclusion(t, rng.Uint64N(p.tree.Size()), rng.IntN(3) == 0)
		if rng.Float64() < damaged {
			damage(rng, &items[i])
		}
	}
	return items
}

// damage changes one thing about a proof. Not all changes make it fail: another
// size may leave the leaf's way up the same.
func damage(rng *rand.Rand, p *Inclusion) {
	p.Path, p.Leaf = slices.Clone(p.Path), slices.Clone(p.Leaf)
	bit := func(b []byte) {
		if len(b) > 0 {
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		}
	}
	switch rng.IntN(12) {
	case 0:
		bit(p.Leaf)
	case 1:
		bit(p.Root[:])
	case 2:
		if len(p.Path) > 0 {
			bit(p.Path[rng.IntN(len(p.Path))][:])
		}
	case 3:
		p.Path = append(p.Path, Hash{})
	case 4:
		p.Path = p.Path[:max(0, len(p.Path)-1)]
	case 5:
		p.Index ^= 1 << rng.IntN(64)
	case 6:
		p.Size ^= 1 << rng.IntN(14)
	case 7:
		p.Size ^= 1 << rng.IntN(64)
	case 8: // the right length at a hostile size
		p.Size = math.MaxUint64 - uint64(rng.IntN(3))
		p.Index = rng.Uint64N(p.Size)
		p.Path = make([]Hash, 64)
	case 9:
		p.Leaf = append(p.Leaf, 0)
	case 10: // twins
		if len(p.Path) > 0 && len(p.Leaf) == HashSize {
			p.Path[0] = Hash(p.Leaf)
		}
	case 11:
		p.Size, p.Index, p.Path = 0, 0, nil
	}
}

// singly is the verdict of the verifier of single proofs.
func singly(s *Scheme, p *Inclusion) error {
	if !p.Hashed {
		return VerifyInclusion(s, p.Root, p.Leaf, p.Index, p.Size, p.Path)
	}
	if len(p.Leaf) != HashSize {
		return ErrLeafSize
	}
	return VerifyInclusionHash(s, p.Root, Hash(p.Leaf), p.Index, p.Size, p.Path)
}

// Whatever is wrong with how many of the proofs, the batch's verdict on each is
// that of the verifier of single proofs.
func TestBatchVerdicts(t *testing.T) {
	t.Parallel()
	for _, s := range append(Schemes(), SSZLimit(8192)) { // a limit that damaged sizes exceed
		trees := provenTrees(t, s)
		v := NewVerifier(s)
		rapid.Check(t, func(t *rapid.T) {
			v.from = rapid.SampledFrom([]int{1, math.MaxInt}).Draw(t, "remember upper layers from")
			rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
			n := rapid.IntRange(0, 5*batchLanes).Draw(t, "n")
			items := someInclusions(t, rng, trees, n, rapid.SampledFrom([]float64{0, 0.01, 0.5, 1}).Draw(t, "damaged"))
			var want []int
			var first error
			for i := range items {
				if err := singly(s, &items[i]); err != nil {
					want = append(want, i)
					first = cmpFirst(first, err)
				}
			}
			got, err := v.Inclusions(context.Background(), items, nil)
			if !slices.Equal(got, want) {
				t.Fatalf("of %d proofs %v fail; want %v", n, got, want)
			}
			switch {
			case first == nil && err != nil:
				t.Fatalf("all hold, yet %v", err)
			case first != nil && (!errors.Is(err, ErrBatch) || !errors.Is(err, sentinel(first))):
				t.Fatalf("got %v; want it to wrap %v", err, first)
			}
		})
	}
}

func cmpFirst(first, next error) error {
	if first == nil {
		return next
	}
	return first
}

// verifierErrors are those that a verifier may return.
var verifierErrors = []error{
	ErrLeafSize, ErrLeafCount, ErrMutated, ErrEmptyTree, ErrIndexRange, ErrIndexOrder, ErrSizeRange,
	ErrPathLength, ErrPathNode, ErrRootMismatch, ErrLimit, ErrNoConsistency,
}

// sentinel returns which of the package's errors err is.
func sentinel(err error) error {
	for _, e := range verifierErrors {
		if errors.Is(err, e) {
			return e
		}
	}
	return err
}

// Around the number of lanes, with one proof that fails in each place.
func TestBatchSizes(t *testing.T) {
	t.Parallel()
	eachScheme(t, func(t *testing.T, s *Scheme) {
		trees := provenTrees(t, s)
		rng := rand.New(rand.NewPCG(3, 4))
		for _, n := range []int{0, 1, 2, 15, 16, 17, batchLanes - 1, batchLanes, batchLanes + 1, 2*batchLanes + 1} {
			items := someInclusions(t, rng, trees, n, 0)
			if failed, err := VerifyInclusionBatch(s, items); err != nil || len(failed) != 0 {
				t.Fatalf("%d proofs that hold: %v, %v", n, failed, err)
			}
			for i := range items {
				items[i].Root[0] ^= 1
				failed, err := VerifyInclusionBatch(s, items)
				if !slices.Equal(failed, []int{i}) || !errors.Is(err, ErrBatch) || !errors.Is(err, ErrRootMismatch) {
					t.Fatalf("%d proofs, %d fails: %v, %v", n, i, failed, err)
				}
				items[i].Root[0] ^= 1
			}
		}
	})
}

func TestBatchErrors(t *testing.T) {
	items := []Inclusion{{Leaf: []byte("a"), Size: 1}}
	before := []int{7}
	failed, err := NewVerifier(nil).Inclusions(context.Background(), items, before)
	if !errors.Is(err, ErrScheme) || errors.Is(err, ErrBatch) || !slices.Equal(failed, before) {
		t.Errorf("no scheme: %v, %v", failed, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	v := NewVerifier(RFC6962)
	failed, err = v.Inclusions(ctx, items, before)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrBatch) || !slices.Equal(failed, before) {
		t.Errorf("cancelled: %v, %v", failed, err)
	}
	failed, err = v.Inclusions(context.Background(), items, before)
	if !errors.Is(err, ErrBatch) || !slices.Equal(failed, []int{7, 0}) {
		t.Errorf("appended to %v: %v, %v", before, failed, err)
	}
	if err := (&Inclusion{Leaf: []byte("short"), Size: 1, Hashed: true}).Verify(RFC6962); !errors.Is(err, ErrLeafSize) {
		t.Errorf("leaf hash of 5 bytes: %v", err)
	}
	if err := (&Inclusion{Hashed: true}).Verify(nil); !errors.Is(err, ErrScheme) {
		t.Errorf("no scheme: %v", err)
	}
}

// One Verifier serves several goroutines, with proofs of all kinds at once.
func TestVerifierConcurrent(t *testing.T) {
	trees := provenTrees(t, RFC6962)
	v := NewVerifier(RFC6962)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 5))
			for range 20 {
				items := someInclusions(t, rng, trees, 200, 0)
				if failed, err := v.Inclusions(context.Background(), items, nil); err != nil {
					t.Errorf("%v, %v", failed, err)
				}
				p := trees[len(trees)-1]
				path, err := p.tree.RangePath(uint64(g), 50)
				if err != nil {
					t.Error(err)
				}
				err = v.Range(context.Background(), p.tree.Root(), Leaves(p.leaves[g:g+50]), uint64(g), p.tree.Size(), path)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestBatchAllocatesNothing(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		trees := provenTrees(t, s)
		rng := rand.New(rand.NewPCG(5, 6))
		items := someInclusions(t, rng, trees, 1000, 0)
		v := NewVerifier(s)
		allocs(t, "Inclusions", func() {
			if failed, err := v.Inclusions(context.Background(), items, nil); err != nil {
				t.Fatal(failed, err)
			}
		})
		for i := range v.lanes { // nor is the caller's memory kept
			if v.lanes[i].path != nil {
				t.Fatal("a lane keeps a path")
			}
		}
		for _, leaf := range v.ahead.leaves {
			if leaf != nil {
				t.Fatal("a leaf is kept")
			}
		}
	})
}

// Proofs that meet ways already known are let through by them, and one that
// differs from there on in any bit is still refused.
func TestBatchSharedWays(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		leaves := someLeaves(s, 4096)
		p := provenTree{mustBuild(t, s, leaves), leaves}
		items := make([]Inclusion, 4096)
		for i := range items {
			items[i] = p.inclusion(t, uint64(i), false)
		}
		v := NewVerifier(s)
		if failed, err := v.Inclusions(context.Background(), items, nil); err != nil {
			t.Fatal(failed, err)
		}
		if v.shared.hits < len(items)/2 {
			t.Errorf("only %d of %d proofs met another one's way", v.shared.hits, len(items))
		}
		rng := rand.New(rand.NewPCG(7, 8))
		var want []int
		for i := 1; i < len(items); i += 1 + rng.IntN(3) {
			item := &items[i]
			item.Path = slices.Clone(item.Path)
			if k := rng.IntN(len(item.Path) + 1); k < len(item.Path) {
				item.Path[k][rng.IntN(HashSize)] ^= 1 << rng.IntN(8)
			} else {
				item.Root[rng.IntN(HashSize)] ^= 1 << rng.IntN(8)
			}
			want = append(want, i)
		}
		failed, err := v.Inclusions(context.Background(), items, nil)
		if !slices.Equal(failed, want) || !errors.Is(err, ErrBatch) {
			t.Errorf("%d fail, want %d: %v", len(failed), len(want), err)
		}
		if v.shared.hits == 0 {
			t.Error("no proof met another one's way")
		}
	})
}

// Proofs of one batch share the nodes above them, but only at the same place:
// the node, the rest of the path, the root and the size of a proven leaf do not
// prove it at another index.
func TestSharedNodesKeepTheirPlace(t *testing.T) {
	const n = 256
	leaves := someLeaves(RFC6962, n)
	tree := mustBuild(t, RFC6962, leaves)
	path, err := tree.Path(5)
	if err != nil {
		t.Fatal(err)
	}
	var ps []Inclusion
	for range 2 * batchLanes {
		ps = append(ps, Inclusion{Root: tree.Root(), Leaf: leaves[5], Index: 5, Size: n, Path: path})
	}
	for bit := range 8 {
		forged := ps[0]
		forged.Index ^= 1 << bit
		ps = append(ps, forged)
	}
	v := NewVerifier(RFC6962)
	v.from = 1
	failed, err := v.Inclusions(context.Background(), ps, nil)
	if !errors.Is(err, ErrBatch) || len(failed) != 8 || failed[0] != 2*batchLanes {
		t.Fatalf("failed: %v, %v; want the last 8 of %d", failed, err, len(ps))
	}
}
