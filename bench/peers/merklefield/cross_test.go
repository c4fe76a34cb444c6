package merklefield

import (
	"bytes"
	"testing"

	comet "github.com/cometbft/cometbft/crypto/merkle"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"

	"github.com/chainweir/weir/merkle"
)

// crossSize is the largest tree that is compared leaf by leaf.
const crossSize = 300

// someLeaves are n leaves of 0 to 100 bytes.
func someLeaves(n int) [][]byte {
	flat := random(100 * max(1, n))
	leaves := make([][]byte, n)
	for i := range leaves {
		leaves[i] = flat[100*i:][:(i*37+n)%101]
	}
	return leaves
}

func slices32(path []merkle.Hash) [][]byte {
	list := make([][]byte, len(path))
	for i := range path {
		list[i] = path[i][:]
	}
	return list
}

func hashes(t *testing.T, list [][]byte) []merkle.Hash {
	t.Helper()
	out := make([]merkle.Hash, len(list))
	for i, b := range list {
		if len(b) != merkle.HashSize {
			t.Fatalf("node %d has %d bytes", i, len(b))
		}
		out[i] = merkle.Hash(b)
	}
	return out
}

// logSchemes are the schemes that must give the trees of RFC 6962.
var logSchemes = []*merkle.Scheme{merkle.RFC6962, merkle.CometBFT}

// TestTransparency: the same roots, the same paths byte for byte, and each
// library accepts the other's and refuses them changed.
func TestTransparency(t *testing.T) {
	hasher := rfc6962.DefaultHasher
	for _, s := range logSchemes {
		for n := 0; n <= crossSize; n++ {
			leaves := someLeaves(n)
			theirs := testonly.New(hasher)
			theirs.AppendData(leaves...)
			tree, err := merkle.Build(t.Context(), s, merkle.Leaves(leaves), 1)
			if err != nil {
				t.Fatal(err)
			}
			root := tree.Root()
			ranged := make([]byte, merkle.HashSize)
			if err := compactRange(leaves)(ranged); n > 0 && (err != nil || !bytes.Equal(ranged, root[:])) {
				t.Fatalf("%s, %d leaves: root %x, their compact range has %x, %v", s.Name(), n, root, ranged, err)
			}
			if !bytes.Equal(theirs.Hash(), root[:]) {
				t.Fatalf("%s, %d leaves: root %x, theirs %x", s.Name(), n, root, theirs.Hash())
			}
			for i := range uint64(n) {
				path, err := tree.Path(i)
				if err != nil {
					t.Fatal(err)
				}
				other, err := theirs.InclusionProof(i, uint64(n))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(bytes.Join(slices32(path), nil), bytes.Join(other, nil)) {
					t.Fatalf("%s: path of leaf %d of %d differs", s.Name(), i, n)
				}
				leafHash := hasher.HashLeaf(leaves[i])
				if err := proof.VerifyInclusion(hasher, i, uint64(n), leafHash, slices32(path), root[:]); err != nil {
					t.Fatalf("%s: they refuse leaf %d of %d: %v", s.Name(), i, n, err)
				}
				if err := merkle.VerifyInclusion(s, root, leaves[i], i, uint64(n), hashes(t, other)); err != nil {
					t.Fatalf("%s: we refuse their leaf %d of %d: %v", s.Name(), i, n, err)
				}
				forged := root
				forged[i%merkle.HashSize] ^= 1
				if proof.VerifyInclusion(hasher, i, uint64(n), leafHash, slices32(path), forged[:]) == nil ||
					merkle.VerifyInclusion(s, forged, leaves[i], i, uint64(n), hashes(t, other)) == nil {
					t.Fatalf("%s: leaf %d of %d is under a forged root", s.Name(), i, n)
				}
			}
		}
	}
}

// TestTransparencyVerdicts: both verifiers take and refuse the same indices and
// sizes for a path.
func TestTransparencyVerdicts(t *testing.T) {
	const most = 40
	hasher := rfc6962.DefaultHasher
	for n := 1; n <= most; n++ {
		leaves := someLeaves(n)
		tree, err := merkle.Build(t.Context(), merkle.RFC6962, merkle.Leaves(leaves), 1)
		if err != nil {
			t.Fatal(err)
		}
		root := tree.Root()
		path, err := tree.Path(uint64(n / 3))
		if err != nil {
			t.Fatal(err)
		}
		leafHash, err := tree.LeafHash(uint64(n / 3))
		if err != nil {
			t.Fatal(err)
		}
		for size := range uint64(2 * most) {
			for index := range size + 2 {
				ours := merkle.VerifyInclusionHash(merkle.RFC6962, root, leafHash, index, size, path)
				theirs := proof.VerifyInclusion(hasher, index, size, leafHash[:], slices32(path), root[:])
				if (ours == nil) != (theirs == nil) {
					t.Fatalf("proof of leaf %d of %d as %d of %d: ours %v, theirs %v", n/3, n, index, size, ours, theirs)
				}
			}
		}
	}
}

// TestTransparencyConsistency: the same proofs that a log only grew.
func TestTransparencyConsistency(t *testing.T) {
	hasher := rfc6962.DefaultHasher
	leaves := someLeaves(crossSize)
	theirs := testonly.New(hasher)
	theirs.AppendData(leaves...)
	for n := 1; n <= crossSize; n++ {
		tree, err := merkle.Build(t.Context(), merkle.RFC6962, merkle.Leaves(leaves[:n]), 1)
		if err != nil {
			t.Fatal(err)
		}
		root := tree.Root()
		for m := 1; m <= n; m++ {
			path, err := tree.ConsistencyPath(uint64(m))
			if err != nil {
				t.Fatal(err)
			}
			other, err := theirs.ConsistencyProof(uint64(m), uint64(n))
			if err != nil || !bytes.Equal(bytes.Join(slices32(path), nil), bytes.Join(other, nil)) {
				t.Fatalf("from %d to %d leaves: paths differ, %v", m, n, err)
			}
			old := merkle.Hash(theirs.HashAt(uint64(m)))
			if err := merkle.VerifyConsistency(merkle.RFC6962, uint64(m), uint64(n), old, root, hashes(t, other)); err != nil {
				t.Fatalf("we refuse theirs from %d to %d: %v", m, n, err)
			}
			if err := proof.VerifyConsistency(hasher, uint64(m), uint64(n), slices32(path), old[:], root[:]); err != nil {
				t.Fatalf("they refuse ours from %d to %d: %v", m, n, err)
			}
		}
	}
}

// TestComet: the same roots and aunts as a CometBFT chain.
func TestComet(t *testing.T) {
	for _, s := range logSchemes {
		for n := 0; n <= crossSize; n++ {
			leaves := someLeaves(n)
			tree, err := merkle.Build(t.Context(), s, merkle.Leaves(leaves), 1)
			if err != nil {
				t.Fatal(err)
			}
			root := tree.Root()
			if theirs := comet.HashFromByteSlices(leaves); !bytes.Equal(theirs, root[:]) {
				t.Fatalf("%s, %d leaves: root %x, theirs %x", s.Name(), n, root, theirs)
			}
			_, proofs := comet.ProofsFromByteSlices(leaves)
			for i, p := range proofs {
				path, err := tree.Path(uint64(i))
				if err != nil || !bytes.Equal(bytes.Join(slices32(path), nil), bytes.Join(p.Aunts, nil)) {
					t.Fatalf("%s: path of leaf %d of %d differs, %v", s.Name(), i, n, err)
				}
				if err := merkle.VerifyInclusion(s, root, leaves[i], uint64(i), uint64(n), hashes(t, p.Aunts)); err != nil {
					t.Fatalf("%s: we refuse their leaf %d of %d: %v", s.Name(), i, n, err)
				}
				ours := comet.Proof{Total: int64(n), Index: int64(i), LeafHash: p.LeafHash, Aunts: slices32(path)}
				if err := ours.Verify(root[:], leaves[i]); err != nil {
					t.Fatalf("%s: they refuse leaf %d of %d: %v", s.Name(), i, n, err)
				}
			}
		}
	}
}
