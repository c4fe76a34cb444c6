package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The first roots of zero subtrees, as every consensus client and the deposit
// contract carry them.
func TestSSZKnownZeroHashes(t *testing.T) {
	for i, want := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b",
		"db56114e00fdd4c1f85c892bf35ac9a89289aaecb1ebd0a96cde606a748b5d71",
		"c78009fdf07fc56a11f122370658a353aaa542ed63e44c4bc15ff4cd105ab33c",
		"536d98837f2dd165a55d5eeae91485954472d56f246df256bf3cae19352a123c",
	} {
		if zeroHashes[i] != unhexHash(t, want) {
			t.Errorf("2^%d zero chunks: %x; want %s", i, zeroHashes[i], want)
		}
		if got := SSZLimit(1 << i).EmptyRoot(); got != unhexHash(t, want) {
			t.Errorf("empty list with limit %d: %x; want %s", 1<<i, got, want)
		}
	}
	for depth, got := range zeroHashes {
		if want := specSSZ(nil, depth); got != want {
			t.Errorf("2^%d zero chunks: %x; want %x", depth, got, want)
		}
	}
	// get_deposit_root of the deposit contract before the first deposit: a list
	// of limit 2^32.
	want := unhexHash(t, "d70a234731285c6804c2a4f56711ddb8c82c99740f207854891028af34e27e5e")
	if got := MixInLength(SSZLimit(1<<32).EmptyRoot(), 0); got != want {
		t.Errorf("empty deposit tree: %x; want %x", got, want)
	}
}

// Counts and limits of the consensus specifications' own test of merkleize
// (eth2spec/utils/test_merkle_minimal.py), with chunks as it makes them and roots
// written down as it does.
func TestSSZSpecificationCases(t *testing.T) {
	e := func(i int) (h Hash) {
		for at := range 28 {
			h[at] = 0xff
		}
		binary.LittleEndian.PutUint32(h[28:], uint32(i))
		return h
	}
	z := func(i int) Hash { return specSSZ(nil, i) }
	h := func(l, r Hash) Hash { return specSSZ([][]byte{l[:], r[:]}, 1) }
	four := h(h(e(0), e(1)), h(e(2), e(3)))
	for _, tc := range []struct {
		count int
		limit uint64
		want  Hash // zero: too long, unless nothing is in it
	}{
		{0, 0, z(0)}, {1, 0, Hash{}}, {2, 0, Hash{}},
		{0, 1, z(0)}, {1, 1, e(0)}, {2, 1, Hash{}},
		{0, 2, h(z(0), z(0))}, {1, 2, h(e(0), z(0))}, {2, 2, h(e(0), e(1))}, {3, 2, Hash{}}, {16, 2, Hash{}},
		{0, 4, h(h(z(0), z(0)), z(1))}, {1, 4, h(h(e(0), z(0)), z(1))}, {2, 4, h(h(e(0), e(1)), z(1))},
		{3, 4, h(h(e(0), e(1)), h(e(2), z(0)))}, {4, 4, four}, {5, 4, Hash{}},
		{1, 8, h(h(h(e(0), z(0)), z(1)), z(2))}, {4, 8, h(four, z(2))}, {5, 8, h(four, h(h(e(4), z(0)), z(1)))},
		{6, 8, h(four, h(h(e(4), e(5)), h(z(0), z(0))))}, {7, 8, h(four, h(h(e(4), e(5)), h(e(6), z(0))))},
		{8, 8, h(four, h(h(e(4), e(5)), h(e(6), e(7))))}, {9, 8, Hash{}},
		{0, 16, h(h(h(h(z(0), z(0)), z(1)), z(2)), z(3))}, {3, 16, h(h(h(h(e(0), e(1)), h(e(2), z(0))), z(2)), z(3))},
		{9, 16, h(h(four, h(h(e(4), e(5)), h(e(6), e(7)))), h(h(h(e(8), z(0)), z(1)), z(2)))},
	} {
		var chunks []byte
		for i := range tc.count {
			chunk := e(i)
			chunks = append(chunks, chunk[:]...)
		}
		got, err := Root(context.Background(), SSZLimit(tc.limit), Nodes(chunks), 1)
		tooLong := uint64(tc.count) > tc.limit
		if got != tc.want || errors.Is(err, ErrLimit) != tooLong || (err != nil) != tooLong {
			t.Errorf("%d chunks, limit %d: %x, %v; want %x", tc.count, tc.limit, got, err, tc.want)
		}
	}
}

// Limits of every depth, and every count that fits, against the recursive
// definition, from builders and trees, with every proof.
func TestSSZLimits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	limits := []uint64{1, 2, 3, 4, 5, 16, 17, 100, 1 << 20, 1 << 40, 1<<40 + 1, 1 << 63, 1<<63 + 1, math.MaxUint64}
	for _, limit := range limits {
		s := SSZLimit(limit)
		depth := specDepth(limit)
		for _, n := range []int{0, 1, 2, 3, 4, 5, 15, 16, 17, 33, 100} {
			if uint64(n) > limit {
				continue
			}
			chunks := someLeaves(SSZ, n)
			want := specSSZ(chunks, depth)
			tree, err := build(ctx, s, Leaves(chunks), 2, tinyPieces)
			if err != nil || tree.Root() != want {
				t.Fatalf("%d chunks, limit %d: tree %v, %v", n, limit, tree, err)
			}
			for _, b := range []*Builder{NewBuilder(s, 1), newTinyBuilder(s, 3)} {
				if got, err := b.Root(chunks); err != nil || got != want {
					t.Fatalf("%d chunks, limit %d: %x, %v; want %x", n, limit, got, err, want)
				}
				for i := range chunks {
					p, err := b.Proof(ctx, chunks, uint64(i))
					if err != nil || p.Root != want || len(p.Path) != depth || p.Verify(want) != nil {
						t.Fatalf("chunk %d of %d, limit %d: %d nodes, %v, %v", i, n, limit, len(p.Path), err, p.Verify(want))
					}
					fromTree, err := tree.Path(uint64(i))
					if err != nil || !slices.Equal(fromTree, p.Path) {
						t.Fatalf("chunk %d of %d, limit %d: the tree's path differs: %v", i, n, limit, err)
					}
				}
			}
			for i, chunk := range chunks {
				path, err := tree.Path(uint64(i))
				if err != nil {
					t.Fatal(err)
				}
				checkGeneralized(t, Proof{Root: want, Index: uint64(i), Leaf: chunk, Path: path}, depth)
			}
		}
	}
}

// checkGeneralized holds a proof against the verifier that knows no sizes.
func checkGeneralized(t *testing.T, p Proof, depth int) {
	t.Helper()
	g, err := GeneralizedIndex(depth, p.Index)
	if depth == 64 {
		if !errors.Is(err, ErrIndexRange) {
			t.Fatalf("depth 64: generalized index %d, %v", g, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyGeneralized(p.Root, Hash(p.Leaf), g, p.Path); err != nil {
		t.Fatalf("generalized index %d: %v", g, err)
	}
	for k := range 64 {
		if VerifyGeneralized(p.Root, Hash(p.Leaf), g^1<<k, p.Path) == nil {
			t.Fatalf("generalized index %d also holds at %d", g, g^1<<k)
		}
	}
}

// A list deeper than itself is padded in every layer: whichever node of the
// padding is changed, the proof is refused for it.
func TestSSZPaddingIsChecked(t *testing.T) {
	s := SSZLimit(1 << 40)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		p, err := NewBuilder(s, 1).Proof(context.Background(), someLeaves(s, n), uint64(n-1))
		if err != nil {
			t.Fatal(err)
		}
		level := rapid.IntRange(0, 39).Draw(t, "level")
		p.Path[level][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		want := ErrPathNode
		if (n-1)>>level&1 == 1 { // a sibling to the left is no padding
			want = ErrRootMismatch
		}
		// A wrong left sibling is noticed at the root only.
		if err := p.Verify(p.Root); !errors.Is(err, want) {
			t.Fatalf("chunk %d, level %d: %v; want %v", n-1, level, err, want)
		}
		for _, path := range [][]Hash{p.Path[:39], append(slices.Clone(p.Path), zeroHashes[40]), nil} {
			if err := VerifyInclusion(s, p.Root, p.Leaf, p.Index, p.Size, path); !errors.Is(err, ErrPathLength) {
				t.Fatalf("path of %d nodes: %v", len(path), err)
			}
		}
	})
}

// A proof that climbs the same way at a size above the limit is refused for that
// by every verifier: no list of the type is so long.
func TestSSZLimitIsChecked(t *testing.T) {
	s := SSZLimit(7)
	leaves := someLeaves(s, 6)
	tree := mustBuild(t, s, leaves)
	single, err1 := tree.Path(0)
	multi, err2 := tree.MultiPath([]uint64{0})
	ranged, err3 := tree.RangePath(0, 1)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	root, first := tree.Root(), leaves[:1]
	for size, want := range map[uint64]error{5: nil, 6: nil, 7: nil, 8: ErrLimit} {
		_, batch := VerifyInclusionBatch(s, []Inclusion{{Root: root, Leaf: leaves[0], Size: size, Path: single}})
		for name, err := range map[string]error{
			"single": VerifyInclusion(s, root, leaves[0], 0, size, single),
			"multi":  VerifyMulti(s, root, Leaves(first), []uint64{0}, size, multi),
			"range":  VerifyRange(s, root, Leaves(first), 0, size, ranged),
			"batch":  batch,
		} {
			if !errors.Is(err, want) {
				t.Errorf("%s, size %d of at most 7: %v; want %v", name, size, err, want)
			}
		}
	}
}

// Equal lists with other limits of the same depth have one root; a proof that
// was written down keeps the limit and refuses what is above it.
func TestSSZLimitRoundTrip(t *testing.T) {
	for _, limit := range []uint64{5, 8, 1 << 40, math.MaxUint64} {
		s := SSZLimit(limit)
		p := someProof(t, s, 5, 4)
		data := encode(t, p, false)
		if !contains(string(data), fmt.Sprintf(`"scheme":"ssz:%d"`, limit)) {
			t.Errorf("limit %d: %s", limit, data)
		}
		got, _, err := DecodeProof(data)
		if err != nil || got.Verify(p.Root) != nil || got.Scheme.Name() != s.Name() {
			t.Fatalf("limit %d: %v, %v", limit, got, err)
		}
		if (got.Scheme.checkSize(6) != nil) != (limit == 5) || got.Scheme.EmptyRoot() != s.EmptyRoot() {
			t.Errorf("limit %d: it is not that of the scheme read back", limit)
		}
	}
	if got, err := SchemeByName("ssz:0"); err != nil || got.EmptyRoot() != (Hash{}) || got.LeavesAreNodes() != true {
		t.Errorf("limit 0: %v, %v", got, err)
	}
}

// hash_tree_root of small values, written down by hand.
func TestSSZValues(t *testing.T) {
	root := func(s *Scheme, serialized []byte) Hash {
		got, err := Root(context.Background(), s, Nodes(SSZPack(serialized)), 1)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	var one Hash
	one[0], one[1] = 0xcd, 0xab
	if got := root(SSZ, []byte{0xcd, 0xab}); got != one { // uint16 0xabcd
		t.Errorf("uint16: %x", got)
	}
	// List[uint64, 8] of 1, 2, 3: two chunks at most, one in use.
	list := make([]byte, 24)
	list[0], list[8], list[16] = 1, 2, 3
	var length Hash
	length[0] = 3
	chunk := append(bytes.Clone(list), make([]byte, 8)...)
	data := specSSZ([][]byte{chunk}, 1)
	want := specSSZ([][]byte{data[:], length[:]}, 1)
	if got := MixInLength(root(SSZLimit(2), list), 3); got != want {
		t.Errorf("list of three: %x; want %x", got, want)
	}
	binary.LittleEndian.PutUint64(length[:], math.MaxUint64)
	if got, want := MixInLength(one, math.MaxUint64), specSSZ([][]byte{one[:], length[:]}, 1); got != want {
		t.Errorf("largest length: %x; want %x", got, want)
	}
}

func TestSSZPack(t *testing.T) {
	for n := range 100 {
		src := bytes.Repeat([]byte{7}, n)
		got := SSZPack(src)
		if len(got) != (n+31)/32*32 || !bytes.HasPrefix(got, src) || len(bytes.Trim(got[n:], "\x00")) != 0 {
			t.Errorf("%d bytes: %x", n, got)
		}
	}
}

func TestGeneralizedErrors(t *testing.T) {
	for _, tc := range []struct {
		depth int
		index uint64
		want  uint64 // 0: an error
	}{
		{0, 0, 1}, {0, 1, 0}, {3, 7, 15}, {3, 8, 0}, {-1, 0, 0}, {64, 0, 0},
		{63, 1<<63 - 1, math.MaxUint64}, {63, 1 << 63, 0}, {40, 5, 1<<40 + 5},
	} {
		got, err := GeneralizedIndex(tc.depth, tc.index)
		if got != tc.want || errors.Is(err, ErrIndexRange) != (tc.want == 0) {
			t.Errorf("depth %d, index %d: %d, %v; want %d", tc.depth, tc.index, got, err, tc.want)
		}
	}
	root := zeroHashes[2]
	for name, tc := range map[string]struct {
		gindex uint64
		path   []Hash
		want   error
	}{
		"index 0":   {0, nil, ErrIndexRange},
		"no path":   {4, nil, ErrPathLength},
		"long path": {4, zeroHashes[:3], ErrPathLength},
		"at root":   {1, nil, ErrRootMismatch},
		"swapped":   {4, []Hash{zeroHashes[1], zeroHashes[0]}, ErrRootMismatch},
		"holds":     {6, zeroHashes[:2], nil},
		"largest":   {math.MaxUint64, make([]Hash, 63), ErrRootMismatch},
	} {
		if err := VerifyGeneralized(root, Hash{}, tc.gindex, tc.path); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v; want %v", name, err, tc.want)
		}
	}
}

func TestSSZAllocatesNothing(t *testing.T) {
	s := SSZLimit(1 << 40)
	chunks := someLeaves(s, 1000)
	b := NewBuilder(s, 1)
	p, err := b.Proof(context.Background(), chunks, 999)
	if err != nil {
		t.Fatal(err)
	}
	allocs(t, "Root", func() {
		if _, err := b.Root(chunks); err != nil {
			t.Fatal(err)
		}
	})
	g, err := GeneralizedIndex(40, 999)
	if err != nil {
		t.Fatal(err)
	}
	allocs(t, "verifying", func() {
		if p.Verify(p.Root) != nil || VerifyGeneralized(p.Root, Hash(p.Leaf), g, p.Path) != nil {
			t.Fatal("refused")
		}
		MixInLength(p.Root, 1000)
	})
}
