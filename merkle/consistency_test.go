package merkle

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
)

const consistencyMax = 64

// eachConsistency calls run for every 1 ≤ m ≤ n ≤ 64 with the true proof.
func eachConsistency(t *testing.T, run func(m, n uint64, root1, root2 Hash, path []Hash)) {
	leaves := someLeaves(RFC6962, consistencyMax)
	for n := 1; n <= consistencyMax; n++ {
		tree, err := build(context.Background(), RFC6962, Leaves(leaves[:n]), 2, tinyPieces)
		if err != nil {
			t.Fatal(err)
		}
		for m := 1; m <= n; m++ {
			path, err := tree.ConsistencyPath(uint64(m))
			if err != nil {
				t.Fatalf("%d of %d: %v", m, n, err)
			}
			run(uint64(m), uint64(n), specRFC6962(leaves[:m]), tree.Root(), path)
		}
	}
}

func TestConsistencyEveryPair(t *testing.T) {
	eachConsistency(t, func(m, n uint64, root1, root2 Hash, path []Hash) {
		if err := VerifyConsistency(RFC6962, m, n, root1, root2, path); err != nil {
			t.Fatalf("%d of %d: %v", m, n, err)
		}
		want := specSubproof(someLeaves(RFC6962, int(n)), int(m), true)
		if !slices.Equal(path, want) {
			t.Fatalf("%d of %d: path %x; want %x", m, n, path, want)
		}
	})
}

// specSubproof is SUBPROOF of RFC 6962 section 2.1.2, over specRFC6962.
func specSubproof(leaves [][]byte, m int, whole bool) []Hash {
	n := len(leaves)
	if m == n && whole {
		return nil
	}
	if m == n {
		return []Hash{specRFC6962(leaves)}
	}
	k := 1
	for 2*k < n {
		k *= 2
	}
	if m <= k {
		return append(specSubproof(leaves[:k], m, whole), specRFC6962(leaves[k:]))
	}
	return append(specSubproof(leaves[k:], m-k, false), specRFC6962(leaves[:k]))
}

func TestConsistencyChanges(t *testing.T) {
	eachConsistency(t, func(m, n uint64, root1, root2 Hash, path []Hash) {
		refuse := func(what string, want error, size1, size2 uint64, r1, r2 Hash, path []Hash) {
			if err := VerifyConsistency(RFC6962, size1, size2, r1, r2, path); !errors.Is(err, want) {
				t.Fatalf("%d of %d: another %s: %v; want %v", m, n, what, err, want)
			}
		}
		bad1, bad2 := root1, root2
		bad1[m%32] ^= 1 << (n % 8)
		bad2[n%32] ^= 1 << (m % 8)
		refuse("first root", ErrRootMismatch, m, n, bad1, root2, path)
		refuse("second root", ErrRootMismatch, m, n, root1, bad2, path)
		if m < n {
			refuse("order of roots", ErrRootMismatch, m, n, root2, root1, path)
			refuse("order of sizes", ErrSizeRange, n, m, root1, root2, path)
		}
		for i := range path {
			changed := slices.Clone(path)
			changed[i][(m+n)%32] ^= 1 << (uint64(i) % 8)
			refuse("path node", ErrRootMismatch, m, n, root1, root2, changed)
			refuse("path length", ErrPathLength, m, n, root1, root2, path[:i])
		}
		refuse("path length", ErrPathLength, m, n, root1, root2, append(slices.Clone(path), root1))
		refuse("size", ErrEmptyTree, 0, n, root1, root2, path)
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
