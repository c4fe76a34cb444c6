package merkle

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// indicesOf returns the places of a range.
func indicesOf(first, count uint64) []uint64 {
	out := make([]uint64, count)
	for i := range out {
		out[i] = first + uint64(i)
	}
	return out
}

func checkRangeProof(t testing.TB, v *Verifier, tree *Tree, leaves [][]byte, first, count uint64) {
	t.Helper()
	path, err := tree.RangePath(first, count)
	if err != nil || !slices.Equal(path, specMultiPath(tree, indicesOf(first, count))) {
		t.Fatalf("%d from %d of %d: path of %d nodes, not as specified: %v", count, first, len(leaves), len(path), err)
	}
	in := Leaves(leaves[first : first+count])
	if err := v.Range(context.Background(), tree.Root(), in, first, tree.Size(), path); err != nil {
		t.Fatalf("%d from %d of %d: %v", count, first, len(leaves), err)
	}
}

// Every range of every tree up to 40 leaves (17 where the scheme has a limit), and
// some of larger ones.
func TestRangeEveryRange(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		v := NewVerifier(s)
		most := uint64(40)
		if s.limited { // the ways of SSZ, and further up
			most = 17
		}
		for n := uint64(1); n <= most; n++ {
			leaves := someLeaves(s, int(n))
			tree := mustBuild(t, s, leaves)
			for first := range n {
				for count := uint64(1); count <= n-first; count++ {
					checkRangeProof(t, v, tree, leaves, first, count)
				}
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.Uint64Range(1, sizeFor(s, 3000)).Draw(t, "n")
			leaves := someLeaves(s, int(n))
			tree := mustBuild(t, s, leaves)
			first := rapid.Uint64Range(0, n-1).Draw(t, "first")
			count := rapid.Uint64Range(1, n-first).Draw(t, "count")
			path, err := tree.RangePath(first, count)
			if err != nil {
				t.Fatal(err)
			}
			in := Leaves(leaves[first : first+count])
			if err := v.Range(context.Background(), tree.Root(), in, first, n, path); err != nil {
				t.Fatalf("%d from %d of %d: %v", count, first, n, err)
			}
		})
	})
	leaves := someLeaves(RFC6962, 100000)
	tree := mustBuild(t, RFC6962, leaves)
	for _, r := range [][2]uint64{{0, 100000}, {1, 99998}, {33333, 44444}, {99999, 1}} {
		checkRangeProof(t, NewVerifier(RFC6962), tree, leaves, r[0], r[1])
	}
}

func TestRangeSingleBitChanges(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		v := NewVerifier(s)
		rapid.Check(t, func(t *rapid.T) {
			size := rapid.Uint64Range(1, 300).Draw(t, "size")
			first := rapid.Uint64Range(0, size-1).Draw(t, "first")
			count := rapid.Uint64Range(1, min(size-first, 20)).Draw(t, "count")
			leaves := someLeaves(s, int(size))
			tree := mustBuild(t, s, leaves)
			path, err := tree.RangePath(first, count)
			if err != nil {
				t.Fatal(err)
			}
			root, n := tree.Root(), size
			mine := picked(leaves, indicesOf(first, count))
			for i := range mine {
				mine[i] = slices.Clone(mine[i])
			}
			accepts := func() bool {
				return v.Range(context.Background(), root, Leaves(mine), first, size, path) == nil
			}
			if !accepts() {
				t.Fatalf("%d from %d of %d is refused", count, first, n)
			}
			flip := func(b []byte, what string) {
				if len(b) == 0 {
					return
				}
				at := rapid.IntRange(0, 8*len(b)-1).Draw(t, what)
				b[at/8] ^= 1 << (at % 8)
				if accepts() {
					t.Fatalf("%d from %d of %d: accepted with another %s", count, first, n, what)
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
			shape := specMultiShape(s, indicesOf(first, count), size)
			same := func() bool {
				return size == sizeFor(s, size) && first < size && count <= size-first && specMultiShape(s, indicesOf(first, count), size) == shape
			}
			for bit := range 64 {
				size ^= 1 << bit
				if got := accepts(); got != same() {
					t.Fatalf("%d from %d of %d: at size %d accepted %v", count, first, n, size, got)
				}
				size ^= 1 << bit
				first ^= 1 << bit
				if got := accepts(); got != same() {
					t.Fatalf("%d of %d: from %d accepted %v", count, n, first, got)
				}
				first ^= 1 << bit
			}
			all := mine
			for _, mine = range [][][]byte{all[1:], all[:len(all)-1], append(all[:len(all):len(all)], make([]byte, HashSize))} {
				if accepts() {
					t.Fatalf("%d from %d of %d: accepted with %d leaves", count, first, n, len(mine))
				}
			}
		})
	})
}

// Ranges anywhere in trees of any size up to 2⁶⁴-1 hold exactly as the
// multi-proof of the same leaves, whose path is the same.
func TestRangeAnySize(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		v := NewVerifier(s)
		rapid.Check(t, func(t *rapid.T) {
			size := drawSize(t, s)
			first := rapid.Uint64Range(0, size-1).Draw(t, "first")
			if rapid.Bool().Draw(t, "at the end") {
				first = size - 1 - min(size-1, rapid.Uint64Range(0, 8).Draw(t, "before the end"))
			}
			count := rapid.Uint64Range(1, min(size-first, 33)).Draw(t, "count")
			indices := indicesOf(first, count)
			nodes := rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "bytes")
			nodes = append(nodes, make([]byte, int(count)*HashSize)...)[:int(count)*HashSize]
			for i := range int(count) {
				nodes[i*HashSize+31] = byte(i) + 1
			}
			path := make([]Hash, s.multiPathLen(indices, size))
			for i := range path {
				path[i] = Hash{0: byte(i), 30: 1}
			}
			v.mu.Lock()
			root, err := v.climbMulti(context.Background(), Nodes(nodes), indices, size, path)
			v.mu.Unlock()
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Range(context.Background(), root, Nodes(nodes), first, size, path); err != nil {
				t.Fatalf("%d from %d of %d: %v", count, first, size, err)
			}
		})
	})
}

func TestRangeErrors(t *testing.T) {
	leaf := make([]byte, HashSize)
	one, two := [][]byte{leaf}, [][]byte{leaf, leaf}
	for name, tc := range map[string]struct {
		scheme      *Scheme
		leaves      [][]byte
		first, size uint64
		path        []Hash
		want        error
	}{
		"no scheme":         {nil, one, 0, 1, nil, ErrScheme},
		"no leaves":         {RFC6962, nil, 0, 1, nil, ErrLeafCount},
		"size 0":            {RFC6962, one, 0, 0, nil, ErrEmptyTree},
		"first is size":     {RFC6962, one, 1, 1, nil, ErrIndexRange},
		"end above size":    {RFC6962, two, 1, 2, nil, ErrIndexRange},
		"end above 64 bits": {RFC6962, two, math.MaxUint64 - 1, math.MaxUint64, nil, ErrIndexRange},
		"no path":           {RFC6962, one, 0, 2, nil, ErrPathLength},
		"path too long":     {RFC6962, two, 0, 2, make([]Hash, 1), ErrPathLength},
		"largest, no path":  {RFC6962, two, 5, math.MaxUint64, nil, ErrPathLength},
		"half":              {RFC6962, one, 5, 1 << 63, make([]Hash, 63), ErrRootMismatch},
		"largest, bitcoin":  {Bitcoin, one, 5, math.MaxUint64, make([]Hash, 64), ErrMutated},
		"short leaf":        {Bitcoin, [][]byte{leaf[:31]}, 0, 1, nil, ErrLeafSize},
		"twins":             {Bitcoin, two, 0, 2, nil, ErrMutated},
		"twin on the left":  {Bitcoin, one, 1, 2, make([]Hash, 1), ErrMutated},
		"twin on the right": {Bitcoin, one, 0, 2, make([]Hash, 1), ErrMutated},
		"wrong root":        {RFC6962, one, 0, 1, nil, ErrRootMismatch},
	} {
		err := VerifyRange(tc.scheme, Hash{1}, Leaves(tc.leaves), tc.first, tc.size, tc.path)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v; want %v", name, err, tc.want)
		}
	}
	tree := mustBuild(t, RFC6962, someLeaves(RFC6962, 3))
	for want, r := range map[error][2]uint64{
		ErrLeafCount: {1, 0}, ErrIndexRange: {1, math.MaxUint64},
	} {
		if _, err := tree.RangePath(r[0], r[1]); !errors.Is(err, want) {
			t.Errorf("path of %v: got %v; want %v", r, err, want)
		}
	}
}

// The error names the twins' place in the tree, not in the range.
func TestRangeTwinsPlace(t *testing.T) {
	leaves := someLeaves(Bitcoin, 16)
	tree := mustBuild(t, Bitcoin, leaves)
	path, err := tree.RangePath(3, 9)
	if err != nil {
		t.Fatal(err)
	}
	leaves[9] = leaves[8]
	err = VerifyRange(Bitcoin, tree.Root(), Leaves(leaves[3:12]), 3, 16, path)
	if !errors.Is(err, ErrMutated) || !contains(err.Error(), "nodes 8 and 9 of level 0") {
		t.Errorf("got %v", err)
	}
}
