package merkle

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
)

// refuseEveryBit flips each bit of b in turn and calls accepts, which must say
// no.
func refuseEveryBit(t *testing.T, what string, b []byte, accepts func() bool) {
	t.Helper()
	if !accepts() {
		t.Fatalf("%s: refused as it is", what)
	}
	for at := range 8 * len(b) {
		b[at/8] ^= 1 << (at % 8)
		if accepts() {
			t.Fatalf("%s: accepted with bit %d changed", what, at)
		}
		b[at/8] ^= 1 << (at % 8)
	}
}

// refuseEveryBitOf is for all that a proof has of bytes.
func refuseEveryBitOf(t *testing.T, what string, root *Hash, leaves [][]byte, path []Hash, accepts func() bool) {
	t.Helper()
	refuseEveryBit(t, what+", root", root[:], accepts)
	for i := range leaves {
		refuseEveryBit(t, what+", leaf", leaves[i], accepts)
	}
	for i := range path {
		refuseEveryBit(t, what+", path node", path[i][:], accepts)
	}
}

// Each bit of leaf, path and root of each leaf of small trees. What becomes of
// another index or size is for TestInclusionSingleBitChanges and
// TestInclusionOtherPlaces to say. Of trees with 40 or 64 layers, nearly all of
// them padding, one leaf is enough.
func TestEveryBitInclusion(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		for _, n := range []int{1, 2, 3, 5, 7} {
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			for i := range leaves {
				if s.depth > 10 && (n != 3 || i > 0) {
					continue
				}
				path, err := tree.Path(uint64(i))
				if err != nil {
					t.Fatal(err)
				}
				root := tree.Root()
				refuseEveryBitOf(t, "inclusion", &root, leaves[i:i+1], path, func() bool {
					return VerifyInclusion(s, root, leaves[i], uint64(i), uint64(n), path) == nil
				})
			}
		}
	})
}

// The same of multi-proofs and of ranges, whose paths have no padding however
// deep the tree is. See TestMultiSingleBitChanges and TestRangeSingleBitChanges
// for indices and sizes.
func TestEveryBitMultiAndRange(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, s := range append(Schemes(), SSZLimit(1000)) {
		rng := rand.New(rand.NewPCG(21, 22))
		v := NewVerifier(s)
		for _, n := range []int{2, 5, 7} {
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			root := tree.Root()
			for range 3 {
				indices := someIndices(rng, n)
				path, err := tree.MultiPath(indices)
				if err != nil {
					t.Fatal(err)
				}
				mine := picked(leaves, indices)
				refuseEveryBitOf(t, "multi", &root, mine, path, func() bool {
					return v.Multi(ctx, root, Leaves(mine), indices, uint64(n), path) == nil
				})
				first, count := indices[0], uint64(len(indices))
				count = min(count, uint64(n)-first)
				if path, err = tree.RangePath(first, count); err != nil {
					t.Fatal(err)
				}
				mine = leaves[first : first+count]
				refuseEveryBitOf(t, "range", &root, mine, path, func() bool {
					return v.Range(ctx, root, Leaves(mine), first, uint64(n), path) == nil
				})
			}
		}
	}
}

func TestEveryBitConsistency(t *testing.T) {
	t.Parallel()
	for _, s := range consistencySchemes() {
		eachConsistency(t, s, 7, func(c consistency) {
			if c.m == c.n { // no path, and the roots are compared as they are
				refuseEveryBit(t, "equal sizes", c.root1[:], func() bool {
					return VerifyConsistency(s, c.m, c.n, c.root1, c.root2, c.path) == nil
				})
				return
			}
			accepts := func() bool { return VerifyConsistency(s, c.m, c.n, c.root1, c.root2, c.path) == nil }
			refuseEveryBitOf(t, "consistency", &c.root1, nil, c.path, accepts)
			refuseEveryBit(t, "consistency, second root", c.root2[:], accepts)
		})
	}
}

// Chunks, digest and path of BLAKE3's own tree: a message of one chunk, a full
// chunk and a short last one.
func TestEveryBitBLAKE3(t *testing.T) {
	for _, tc := range []struct{ size, index uint64 }{{1, 0}, {1024, 0}, {2048, 1}, {2100, 2}, {5000, 3}, {5000, 4}} {
		msg := blake3Message(int(tc.size))
		root, path, err := BLAKE3Path(context.Background(), msg, tc.index, 1)
		if err != nil {
			t.Fatal(err)
		}
		chunk := bytes.Clone(chunkOf(msg, tc.index))
		refuseEveryBitOf(t, "BLAKE3 chunk", &root, [][]byte{chunk}, path, func() bool {
			return VerifyBLAKE3Chunk(root, chunk, tc.index, tc.size, path) == nil
		})
	}
}

// A generalized index says where a node is and how deep, so each of its bits
// counts as well.
func TestEveryBitGeneralized(t *testing.T) {
	chunks := someLeaves(SSZ, 6)
	tree := mustBuild(t, SSZ, chunks)
	for i, chunk := range chunks {
		path, err := tree.Path(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		root, gindex := tree.Root(), 8+uint64(i)
		accepts := func() bool { return VerifyGeneralized(root, Hash(chunk), gindex, path) == nil }
		refuseEveryBitOf(t, "generalized", &root, [][]byte{chunk}, path, accepts)
		for bit := range 64 {
			gindex ^= 1 << bit
			if accepts() {
				t.Fatalf("chunk %d: accepted at generalized index %d", i, gindex)
			}
			gindex ^= 1 << bit
		}
	}
}
