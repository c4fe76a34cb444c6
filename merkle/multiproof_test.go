package merkle

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fataler is what tests, benchmarks and rapid's checks have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

func mustBuild(t fataler, s *Scheme, leaves [][]byte) *Tree {
	t.Helper()
	tree, err := Build(context.Background(), s, Leaves(leaves), 1)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// picked returns the leaves that indices name.
func picked(leaves [][]byte, indices []uint64) [][]byte {
	var out [][]byte
	for _, i := range indices {
		out = append(out, leaves[i])
	}
	return out
}

// specMultiPath is the definition: of each layer, those nodes above none of the
// leaves whose sibling is above one.
func specMultiPath(t *Tree, indices []uint64) []Hash {
	var path []Hash
	for level := range t.levels {
		layer := t.layer(level)
		n := uint64(len(layer) / HashSize)
		above := make([]bool, n+1) // and the sibling of the last
		for _, i := range indices {
			above[i>>level] = true
		}
		for p := range n {
			if !above[p] && above[p^1] {
				path = append(path, Hash(layer[p*HashSize:]))
			}
		}
	}
	return path
}

// specMultiShape writes down, layer by layer, how each known node gets its
// sibling: b both are known, l and r the known side, d a partner that is
// computed, u it moves up. A proof holds for other indices or another size
// exactly if this is the same.
func specMultiShape(s *Scheme, indices []uint64, size uint64) string {
	var text strings.Builder
	for level := range s.levels(size) {
		last := (size - 1) >> level
		above := map[uint64]bool{}
		for _, i := range indices {
			above[i>>level] = true
		}
		for _, i := range indices {
			at := i >> level
			switch {
			case !above[at]: // another leaf below the same parent wrote it down
				continue
			case above[at^1]:
				text.WriteByte('b')
			case at%2 == 1:
				text.WriteByte('r')
			case at == last && s.partner != nil:
				text.WriteByte('d')
			case at == last:
				text.WriteByte('u')
			default:
				text.WriteByte('l')
			}
			delete(above, at)
			delete(above, at^1)
		}
		text.WriteByte('/')
	}
	// Layers in which every node moves up leave no trace.
	return strings.ReplaceAll(text.String(), "u/", "/")
}

func checkMulti(t testing.TB, v *Verifier, tree *Tree, leaves [][]byte, indices []uint64) []Hash {
	t.Helper()
	path, err := tree.MultiPath(indices)
	if err != nil || !slices.Equal(path, specMultiPath(tree, indices)) {
		t.Fatalf("%v of %d: path of %d nodes, not as specified: %v", indices, len(leaves), len(path), err)
	}
	in := Leaves(picked(leaves, indices))
	if err := v.Multi(context.Background(), tree.Root(), in, indices, tree.Size(), path); err != nil {
		t.Fatalf("%v of %d: %v", indices, len(leaves), err)
	}
	return path
}

// Every set of leaves of every tree up to ten leaves.
func TestMultiEverySet(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		v := NewVerifier(s)
		for n := 1; n <= 10; n++ {
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			for set := 1; set < 1<<n; set++ {
				var indices []uint64
				for i := range n {
					if set>>i&1 == 1 {
						indices = append(indices, uint64(i))
					}
				}
				checkMulti(t, v, tree, leaves, indices)
			}
		}
	})
}

// someIndices returns leaves of a tree of n, each with the chance of a draw.
func someIndices(rng *rand.Rand, n int) []uint64 {
	chance := rng.Float64()
	if rng.IntN(2) == 0 {
		chance /= float64(n) / 4
	}
	var indices []uint64
	for i := range uint64(n) {
		if rng.Float64() < chance {
			indices = append(indices, i)
		}
	}
	if len(indices) == 0 {
		indices = []uint64{rng.Uint64N(uint64(n))}
	}
	return indices
}

// Many sets of leaves of every tree up to 300 leaves, and some of large ones.
func TestMultiManySets(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		rng := rand.New(rand.NewPCG(1, 2))
		v := NewVerifier(s)
		for n := 1; n <= everySize(300); n++ {
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			sets := 12
			if s.limited { // the ways of SSZ, and further up
				sets = 2
			}
			for range sets {
				checkMulti(t, v, tree, leaves, someIndices(rng, n))
			}
		}
		for _, n := range []int{4095, 4097, 99999, 1000 + rng.IntN(99000)} {
			n = int(sizeFor(s, uint64(n)))
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			for range 3 {
				checkMulti(t, v, tree, leaves, someIndices(rng, n))
			}
		}
	})
}

// Hashed leaves and records prove the same as separate leaves.
func TestMultiInputs(t *testing.T) {
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		leaves := someLeaves(s, 77)
		tree := mustBuild(t, s, leaves)
		indices := []uint64{0, 3, 4, 5, 40, 76}
		path := checkMulti(t, NewVerifier(s), tree, leaves, indices)
		var nodes []byte
		for _, i := range indices {
			h, err := tree.LeafHash(i)
			if err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, h[:]...)
		}
		before := slices.Clone(nodes)
		if err := VerifyMulti(s, tree.Root(), Nodes(nodes), indices, 77, path); err != nil {
			t.Errorf("nodes: %v", err)
		}
		if !slices.Equal(before, nodes) {
			t.Error("the caller's nodes were written to")
		}
	})
}

func TestMultiSingleBitChanges(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		v := NewVerifier(s)
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(1, 300).Draw(t, "n")
			indices := someIndices(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)), n)
			if k := rapid.IntRange(1, 8).Draw(t, "k"); len(indices) > k {
				indices = indices[:k]
			}
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			path, err := tree.MultiPath(indices)
			if err != nil {
				t.Fatal(err)
			}
			size, root := uint64(n), tree.Root()
			mine := picked(leaves, indices)
			for i := range mine {
				mine[i] = slices.Clone(mine[i])
			}
			accepts := func() bool {
				return v.Multi(context.Background(), root, Leaves(mine), indices, size, path) == nil
			}
			if !accepts() {
				t.Fatalf("%v of %d is refused", indices, n)
			}
			flip := func(b []byte, what string) {
				if len(b) == 0 {
					return
				}
				at := rapid.IntRange(0, 8*len(b)-1).Draw(t, what)
				b[at/8] ^= 1 << (at % 8)
				if accepts() {
					t.Fatalf("%v of %d: accepted with another %s", indices, n, what)
				}
				b[at/8] ^= 1 << (at % 8)
			}
			for i := range mine {
				flip(mine[i], "leaf")
			}
			for i := range path {
				flip(path[i][:], "path node")
			}
			flip(root[:], "root")
			shape := specMultiShape(s, indices, size)
			same := func() bool {
				return size == sizeFor(s, size) && slices.IsSorted(indices) && len(slices.Compact(slices.Clone(indices))) == len(indices) &&
					indices[len(indices)-1] < size && specMultiShape(s, indices, size) == shape
			}
			for bit := range 64 {
				size ^= 1 << bit
				if got := accepts(); got != same() {
					t.Fatalf("%v of %d: at size %d accepted %v", indices, n, size, got)
				}
				size ^= 1 << bit
				i := bit % len(indices)
				indices[i] ^= 1 << bit
				if got := accepts(); got != same() {
					t.Fatalf("%v of %d: with index %d accepted %v", indices, n, i, got)
				}
				indices[i] ^= 1 << bit
			}
		})
	})
}

func TestMultiErrors(t *testing.T) {
	leaf := make([]byte, HashSize)
	one, two := [][]byte{leaf}, [][]byte{leaf, {31: 1}}
	for name, tc := range map[string]struct {
		scheme  *Scheme
		leaves  [][]byte
		indices []uint64
		size    uint64
		path    []Hash
		want    error
	}{
		"no scheme":         {nil, one, []uint64{0}, 1, nil, ErrScheme},
		"no leaves":         {RFC6962, nil, nil, 1, nil, ErrLeafCount},
		"too few indices":   {RFC6962, two, []uint64{0}, 2, nil, ErrLeafCount},
		"too many indices":  {RFC6962, one, []uint64{0, 1}, 2, nil, ErrLeafCount},
		"size 0":            {RFC6962, one, []uint64{0}, 0, nil, ErrEmptyTree},
		"index is size":     {RFC6962, two, []uint64{0, 2}, 2, nil, ErrIndexRange},
		"index twice":       {RFC6962, two, []uint64{1, 1}, 2, nil, ErrIndexOrder},
		"falling":           {RFC6962, two, []uint64{1, 0}, 2, nil, ErrIndexOrder},
		"no path":           {RFC6962, one, []uint64{0}, 2, nil, ErrPathLength},
		"path of a sibling": {RFC6962, two, []uint64{0, 1}, 2, make([]Hash, 1), ErrPathLength},
		"largest, no path":  {RFC6962, one, []uint64{5}, math.MaxUint64, nil, ErrPathLength},
		"largest":           {RFC6962, one, []uint64{5}, math.MaxUint64, make([]Hash, 64), ErrRootMismatch},
		"half":              {RFC6962, two, []uint64{5, 1 << 62}, 1 << 63, make([]Hash, 2*62), ErrRootMismatch},
		"largest, bitcoin":  {Bitcoin, one, []uint64{5}, math.MaxUint64, make([]Hash, 64), ErrMutated},
		"short leaf":        {Bitcoin, [][]byte{leaf[:31]}, []uint64{0}, 1, nil, ErrLeafSize},
		"twins":             {Bitcoin, [][]byte{leaf, leaf}, []uint64{0, 1}, 2, nil, ErrMutated},
		"twin in the path":  {Bitcoin, one, []uint64{0}, 2, make([]Hash, 1), ErrMutated},
		"wrong root":        {RFC6962, one, []uint64{0}, 1, nil, ErrRootMismatch},
	} {
		err := VerifyMulti(tc.scheme, Hash{1}, Leaves(tc.leaves), tc.indices, tc.size, tc.path)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v; want %v", name, err, tc.want)
		}
	}
	tree := mustBuild(t, RFC6962, someLeaves(RFC6962, 3))
	for want, indices := range map[error][]uint64{
		ErrLeafCount: {}, ErrIndexOrder: {1, 1}, ErrIndexRange: {0, 3},
	} {
		if _, err := tree.MultiPath(indices); !errors.Is(err, want) {
			t.Errorf("path of %v: got %v; want %v", indices, err, want)
		}
	}
	if _, err := mustBuild(t, RFC6962, nil).MultiPath([]uint64{0}); !errors.Is(err, ErrEmptyTree) {
		t.Errorf("path in the empty tree: %v", err)
	}
}

// What CVE-2012-2459 makes of a list: the repeated leaves are refused as twins,
// whether both are proven or one is in the path, while the sound list's last
// leaf, which is paired with itself, is proven without a word about that.
func TestMultiBitcoinPairs(t *testing.T) {
	leaves := someLeaves(Bitcoin, 3)
	tree := mustBuild(t, Bitcoin, leaves)
	path := checkMulti(t, NewVerifier(Bitcoin), tree, leaves, []uint64{2})
	if len(path) != 1 {
		t.Errorf("path of %d nodes; the partner of the last leaf is computed", len(path))
	}
	mutated := append(leaves[:3:3], leaves[2])
	err := VerifyMulti(Bitcoin, tree.Root(), Leaves(mutated[2:]), []uint64{2, 3}, 4, path)
	if !errors.Is(err, ErrMutated) {
		t.Errorf("both twins proven: %v", err)
	}
	path = append([]Hash{Hash(leaves[2])}, path...)
	err = VerifyMulti(Bitcoin, tree.Root(), Leaves(leaves[2:]), []uint64{2}, 4, path)
	if !errors.Is(err, ErrMutated) {
		t.Errorf("a twin in the path: %v", err)
	}
}

func TestMultiContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	leaves := someLeaves(RFC6962, 8)
	tree := mustBuild(t, RFC6962, leaves)
	indices := []uint64{1, 2}
	path, err := tree.MultiPath(indices)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(RFC6962)
	if err := v.Multi(ctx, tree.Root(), Leaves(leaves[1:3]), indices, 8, path); !errors.Is(err, context.Canceled) {
		t.Errorf("multi: %v", err)
	}
	if err := v.Range(ctx, tree.Root(), Leaves(leaves[:8]), 0, 8, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("range: %v", err)
	}
	if err := v.Multi(context.Background(), tree.Root(), Leaves(leaves[1:3]), indices, 8, path); err != nil {
		t.Errorf("after a call that was cancelled: %v", err)
	}
}

func TestVerifierAllocatesNothing(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		leaves := someLeaves(s, 5000)
		tree := mustBuild(t, s, leaves)
		var indices []uint64
		for i := uint64(3); i < 5000; i += 7 {
			indices = append(indices, i)
		}
		multi, err := tree.MultiPath(indices)
		if err != nil {
			t.Fatal(err)
		}
		ranged, err := tree.RangePath(1001, 3000)
		if err != nil {
			t.Fatal(err)
		}
		mine := picked(leaves, indices)
		v, ctx, root := NewVerifier(s), context.Background(), tree.Root()
		allocs(t, "Multi", func() {
			if err := v.Multi(ctx, root, Leaves(mine), indices, 5000, multi); err != nil {
				t.Fatal(err)
			}
		})
		allocs(t, "Range", func() {
			if err := v.Range(ctx, root, Leaves(leaves[1001:4001]), 1001, 5000, ranged); err != nil {
				t.Fatal(err)
			}
		})
	})
}
