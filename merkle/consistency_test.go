package merkle

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
)

// consistencySchemes are the schemes that have consistency proofs.
func consistencySchemes() []*Scheme {
	return slices.DeleteFunc(Schemes(), func(s *Scheme) bool { return s.partner != nil })
}

// consistency is a true proof that m leaves are the beginning of n.
type consistency struct {
	m, n         uint64
	root1, root2 Hash
	path         []Hash
}

// eachConsistency calls run for every 1 ≤ m ≤ n ≤ most with the true proof.
func eachConsistency(t *testing.T, s *Scheme, most int, run func(c consistency)) {
	leaves := someLeaves(s, most)
	roots := make([]Hash, most+1)
	for n := 1; n <= most; n++ {
		roots[n] = specRoot(s, leaves[:n])
		tree, err := build(context.Background(), s, Leaves(leaves[:n]), 2, tinyPieces)
		if err != nil || tree.Root() != roots[n] {
			t.Fatalf("tree of %d leaves: %v", n, err)
		}
		for m := 1; m <= n; m++ {
			path, err := tree.ConsistencyPath(uint64(m))
			if err != nil {
				t.Fatalf("%d of %d: %v", m, n, err)
			}
			run(consistency{uint64(m), uint64(n), roots[m], roots[n], path})
		}
	}
}

func TestConsistencyEveryPair(t *testing.T) {
	t.Parallel()
	const most = 200
	for _, s := range consistencySchemes() {
		leaves := someLeaves(s, most)
		known := map[[2]uint64]Hash{} // most subtrees are in many proofs
		root := func(lo, hi uint64) Hash {
			h, ok := known[[2]uint64{lo, hi}]
			if !ok {
				h = specRoot(s, leaves[lo:hi])
				known[[2]uint64{lo, hi}] = h
			}
			return h
		}
		eachConsistency(t, s, most, func(c consistency) {
			if err := VerifyConsistency(s, c.m, c.n, c.root1, c.root2, c.path); err != nil {
				t.Fatalf("%s: %d of %d: %v", s.Name(), c.m, c.n, err)
			}
			if want := specSubproof(root, c.m, 0, c.n, true); !slices.Equal(c.path, want) {
				t.Fatalf("%s: %d of %d: path %x; want %x", s.Name(), c.m, c.n, c.path, want)
			}
		})
	}
}

// specSplit is the largest power of two below n ≥ 2.
func specSplit(n uint64) uint64 {
	k := uint64(1)
	for k < n-k { // 2k < n, which may not fit 64 bits
		k *= 2
	}
	return k
}

// specSubproof is SUBPROOF(m, D[lo:hi], whole) of RFC 6962 section 2.1.2, where
// root is the root over a range of leaves.
func specSubproof(root func(lo, hi uint64) Hash, m, lo, hi uint64, whole bool) []Hash {
	switch {
	case m == hi-lo && whole:
		return nil
	case m == hi-lo:
		return []Hash{root(lo, hi)}
	}
	k := specSplit(hi - lo)
	if m <= k {
		return append(specSubproof(root, m, lo, lo+k, whole), root(lo+k, hi))
	}
	return append(specSubproof(root, m-k, lo+k, hi, false), root(lo, lo+k))
}

// consistencyShape writes down what SUBPROOF's path is made of: w where it
// starts from the smaller root, which the verifier has, p where it starts from a
// node of the path, then l for each node to the left, which is in both trees, and
// r for each to the right, which is in the larger only.
//
// A proof holds for other sizes exactly if this is the same, since a verifier
// hashes the same nodes in the same order, and neither root commits to its size:
// the proof that 2 leaves begin 3 (wr) also says so of 2 and 4, of 1 and 2, and
// of 4 and 5 to 8. Two equal sizes have an empty path, which no others have.
func consistencyShape(m, n uint64, whole bool) string {
	switch {
	case m == n && whole:
		return "w"
	case m == n:
		return "p"
	}
	k := specSplit(n)
	if m <= k {
		return consistencyShape(m, k, whole) + "r"
	}
	return consistencyShape(m-k, n-k, false) + "l"
}

func TestConsistencyChanges(t *testing.T) {
	t.Parallel()
	for _, s := range consistencySchemes() {
		eachConsistency(t, s, 64, func(c consistency) {
			m, n := c.m, c.n
			refuse := func(what string, want error, size1, size2 uint64, r1, r2 Hash, path []Hash) {
				if err := VerifyConsistency(s, size1, size2, r1, r2, path); !errors.Is(err, want) {
					t.Fatalf("%s: %d of %d: another %s: %v; want %v", s.Name(), m, n, what, err, want)
				}
			}
			bad1, bad2 := c.root1, c.root2
			bad1[m%32] ^= 1 << (n % 8)
			bad2[n%32] ^= 1 << (m % 8)
			refuse("first root", ErrRootMismatch, m, n, bad1, c.root2, c.path)
			refuse("second root", ErrRootMismatch, m, n, c.root1, bad2, c.path)
			if m < n {
				refuse("order of roots", ErrRootMismatch, m, n, c.root2, c.root1, c.path)
				refuse("order of sizes", ErrSizeRange, n, m, c.root1, c.root2, c.path)
			}
			for i := range c.path {
				changed := slices.Clone(c.path)
				changed[i][(m+n)%32] ^= 1 << (uint64(i) % 8)
				refuse("path node", ErrRootMismatch, m, n, c.root1, c.root2, changed)
				refuse("path length", ErrPathLength, m, n, c.root1, c.root2, c.path[:i])
			}
			refuse("path length", ErrPathLength, m, n, c.root1, c.root2, append(slices.Clone(c.path), c.root1))
			refuse("size", ErrEmptyTree, 0, n, c.root1, c.root2, c.path)
		})
	}
}

// Every single bit of both sizes, of every pair up to 64: a change is refused
// exactly if it changes the shape.
func TestConsistencySizeBits(t *testing.T) {
	t.Parallel()
	eachConsistency(t, RFC6962, 64, func(c consistency) {
		own := consistencyShape(c.m, c.n, true)
		for bit := range 64 {
			for _, other := range [][2]uint64{{c.m ^ 1<<bit, c.n}, {c.m, c.n ^ 1<<bit}} {
				m, n := other[0], other[1]
				same := 0 < m && m <= n && consistencyShape(m, n, true) == own
				if err := VerifyConsistency(RFC6962, m, n, c.root1, c.root2, c.path); (err == nil) != same {
					t.Fatalf("the proof from %d to %d, from %d to %d: %v; accepting it is %v", c.m, c.n, m, n, err, same)
				}
			}
		}
	})
}

// Every proof of small trees between every two sizes, and one of them spelled
// out.
func TestConsistencyOtherSizes(t *testing.T) {
	eachConsistency(t, RFC6962, 12, func(c consistency) {
		own := consistencyShape(c.m, c.n, true)
		var accepted [][2]uint64
		for n := range uint64(17) {
			for m := range n + 1 {
				err := VerifyConsistency(RFC6962, m, n, c.root1, c.root2, c.path)
				if want := m > 0 && consistencyShape(m, n, true) == own; (err == nil) != want {
					t.Fatalf("the proof from %d to %d, from %d to %d: %v; accepting it is %v", c.m, c.n, m, n, err, want)
				}
				if err == nil {
					accepted = append(accepted, [2]uint64{m, n})
				}
			}
		}
		want := [][2]uint64{{1, 2}, {2, 3}, {2, 4}, {4, 5}, {4, 6}, {4, 7}, {4, 8}}
		for n := uint64(9); n <= 16; n++ {
			want = append(want, [2]uint64{8, n})
		}
		if c.m == 2 && c.n == 3 && !slices.Equal(accepted, want) {
			t.Errorf("the proof from 2 to 3 holds between %v; want %v", accepted, want)
		}
	})
}

func TestConsistencyErrors(t *testing.T) {
	tree, err := Build(context.Background(), RFC6962, Leaves(someLeaves(RFC6962, 5)), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.ConsistencyPath(0); !errors.Is(err, ErrEmptyTree) {
		t.Errorf("size 0: %v", err)
	}
	if _, err := tree.ConsistencyPath(6); !errors.Is(err, ErrSizeRange) {
		t.Errorf("size 6 of 5: %v", err)
	}
	bitcoin, err := Build(context.Background(), Bitcoin, Leaves(someLeaves(Bitcoin, 5)), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bitcoin.ConsistencyPath(3); !errors.Is(err, ErrNoConsistency) {
		t.Errorf("bitcoin: %v", err)
	}
	for name, tc := range map[string]struct {
		scheme       *Scheme
		size1, size2 uint64
		path         []Hash
		want         error
	}{
		"no scheme":      {nil, 1, 2, nil, ErrScheme},
		"bitcoin":        {Bitcoin, 1, 2, make([]Hash, 1), ErrNoConsistency},
		"both empty":     {RFC6962, 0, 0, nil, ErrEmptyTree},
		"largest sizes":  {RFC6962, math.MaxUint64 - 1, math.MaxUint64, make([]Hash, 64), ErrRootMismatch},
		"largest, short": {RFC6962, math.MaxUint64 - 1, math.MaxUint64, make([]Hash, 63), ErrPathLength},
		"power of two":   {RFC6962, 1 << 63, math.MaxUint64, make([]Hash, 1), ErrRootMismatch},
	} {
		err := VerifyConsistency(tc.scheme, tc.size1, tc.size2, Hash{1}, Hash{2}, tc.path)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v; want %v", name, err, tc.want)
		}
	}
}
