package merkle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/hash"
)

// hugeTree is a tree of any size up to 2⁶⁴-1 whose odd nodes move up, of which
// only what a proof shows exists: complete subtrees that open does not ask to
// look into are taken to have some digest of their own, named by their leaves.
type hugeTree struct {
	scheme *Scheme
	open   func(lo, hi uint64) bool
}

// given is the digest of a subtree, or of a leaf, that is not looked into.
func given(lo, hi uint64) Hash {
	var name [16]byte
	binary.BigEndian.PutUint64(name[:8], lo)
	binary.BigEndian.PutUint64(name[8:], hi)
	if hi-lo == 1 {
		return specSum([]byte{0}, name[:8]) // as RFC 6962 hashes hugeLeaf
	}
	return specSum(name[:])
}

func hugeLeaf(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// root is the recursive specification over leaves lo to hi.
func (g hugeTree) root(lo, hi uint64) Hash {
	n := hi - lo
	if n == 1 || n&(n-1) == 0 && !g.open(lo, hi) {
		return given(lo, hi)
	}
	k := specSplit(n)
	return specNode(g.scheme, g.root(lo, lo+k), g.root(lo+k, hi))
}

// path is PATH(index, D[lo:hi]) of RFC 6962 section 2.1.1.
func (g hugeTree) path(index, lo, hi uint64) []Hash {
	if hi-lo == 1 {
		return nil
	}
	mid := lo + specSplit(hi-lo)
	if index < mid {
		return append(g.path(index, lo, mid), g.root(mid, hi))
	}
	return append(g.path(index, mid, hi), g.root(lo, mid))
}

// around opens the subtrees that have a leaf in them.
func around(index uint64) func(lo, hi uint64) bool {
	return func(lo, hi uint64) bool { return lo <= index && index < hi }
}

// across opens the subtrees that the end of a smaller tree cuts.
func across(size uint64) func(lo, hi uint64) bool {
	return func(lo, hi uint64) bool { return lo < size && size < hi }
}

// drawPlace draws a number from lo to hi, half of the time close to one of them
// or to a power of two.
func drawPlace(t *rapid.T, what string, lo, hi uint64) uint64 {
	switch rapid.IntRange(0, 3).Draw(t, what+": where") {
	case 0:
		return lo + min(hi-lo, rapid.Uint64Range(0, 3).Draw(t, what))
	case 1:
		return hi - min(hi-lo, rapid.Uint64Range(0, 3).Draw(t, what))
	case 2:
		power := uint64(1) << rapid.IntRange(0, 63).Draw(t, what)
		return max(lo, min(hi, power-1+rapid.Uint64Range(0, 2).Draw(t, what+": above")))
	}
	return rapid.Uint64Range(lo, hi).Draw(t, what)
}

func TestHugeInclusion(t *testing.T) {
	t.Parallel()
	for _, s := range consistencySchemes() {
		rapid.Check(t, func(t *rapid.T) {
			size := drawSize(t, s)
			index := drawPlace(t, "index", 0, size-1)
			g := hugeTree{s, around(index)}
			root, path := g.root(0, size), g.path(index, 0, size)
			if err := VerifyInclusionHash(s, root, given(index, index+1), index, size, path); err != nil {
				t.Fatalf("leaf %d of %d: %v", index, size, err)
			}
			for bit := range 64 {
				other := index ^ 1<<bit
				if VerifyInclusionHash(s, root, given(index, index+1), other, size, path) == nil {
					t.Fatalf("leaf %d of %d: accepted at index %d", index, size, other)
				}
				other = size ^ 1<<bit
				same := index < other && shape(s, index, other) == shape(s, index, size)
				if err := VerifyInclusionHash(s, root, given(index, index+1), index, other, path); (err == nil) != same {
					t.Fatalf("leaf %d of %d, at size %d: %v", index, size, other, err)
				}
			}
		})
	}
}

func TestHugeConsistency(t *testing.T) {
	t.Parallel()
	for _, s := range consistencySchemes() {
		rapid.Check(t, func(t *rapid.T) {
			n := drawSize(t, s)
			m := drawPlace(t, "m", 1, n)
			g := hugeTree{s, across(m)}
			root1, root2 := g.root(0, m), g.root(0, n)
			path := specSubproof(g.root, m, 0, n, true)
			if err := VerifyConsistency(s, m, n, root1, root2, path); err != nil {
				t.Fatalf("%d of %d: %v", m, n, err)
			}
			for i := range path {
				path[i][5] ^= 4
				if err := VerifyConsistency(s, m, n, root1, root2, path); !errors.Is(err, ErrRootMismatch) {
					t.Fatalf("%d of %d, another node %d: %v", m, n, i, err)
				}
				path[i][5] ^= 4
			}
			own := consistencyShape(m, n, true)
			for bit := range 64 {
				for _, o := range [][2]uint64{{m ^ 1<<bit, n}, {m, n ^ 1<<bit}} {
					same := 0 < o[0] && o[0] <= o[1] && consistencyShape(o[0], o[1], true) == own
					if err := VerifyConsistency(s, o[0], o[1], root1, root2, path); (err == nil) != same {
						t.Fatalf("%d of %d, as %d of %d: %v", m, n, o[0], o[1], err)
					}
				}
			}
		})
	}
}

// hugeNodes is the store of a log of any size.
type hugeNodes struct{ hugeTree }

func (n hugeNodes) ReadNode(level uint, index uint64) (Hash, error) {
	return n.root(index<<level, (index+1)<<level), nil
}

// Roots and proofs of a log of up to MaxLogSize leaves, from its nodes.
func TestHugeLogReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawPlace(t, "n", 1, MaxLogSize)
		m := drawPlace(t, "m", 1, n)
		r := &LogReader{scheme: RFC6962, nodes: hugeNodes{hugeTree{RFC6962, across(m)}}}
		g := hugeTree{RFC6962, across(m)}
		root1, err1 := r.RootAt(m)
		root2, err2 := r.RootAt(n)
		if err := errors.Join(err1, err2); err != nil || root1 != g.root(0, m) || root2 != g.root(0, n) {
			t.Fatalf("roots of %d and %d leaves: %x and %x, %v", m, n, root1, root2, err)
		}
		path, err := r.ConsistencyPath(m, n)
		if err == nil {
			err = VerifyConsistency(RFC6962, m, n, root1, root2, path)
		}
		if err != nil {
			t.Fatalf("%d of %d: %v", m, n, err)
		}
		g.open = around(m - 1)
		r = &LogReader{scheme: RFC6962, nodes: hugeNodes{g}}
		path, err = r.Path(m-1, n)
		if err == nil {
			err = VerifyInclusion(RFC6962, g.root(0, n), hugeLeaf(m-1), m-1, n, path)
		}
		if err != nil {
			t.Fatalf("leaf %d of %d: %v", m-1, n, err)
		}
	})
}

// A log goes on up to its largest size, and no further.
func TestHugeLogEnds(t *testing.T) {
	for _, start := range []uint64{MaxLogSize - 5, MaxLogSize - 1, MaxLogSize} {
		g := hugeTree{RFC6962, func(_, hi uint64) bool { return hi > start }}
		l, err := (&LogReader{scheme: RFC6962, nodes: hugeNodes{g}}).Log(start, nil)
		if err != nil {
			t.Fatal(err)
		}
		for size := start; ; size++ {
			if l.Size() != size || l.Root() != g.root(0, size) {
				t.Fatalf("from %d: root %x at %d; want %x at %d", start, l.Root(), l.Size(), g.root(0, size), size)
			}
			data := encodeLog(t, l)
			back, err := DecodeLog(RFC6962, data, nil)
			if err != nil || back.Root() != l.Root() || !bytes.Equal(encodeLog(t, back), data) {
				t.Fatalf("log of %d leaves is not read back: %v", size, err)
			}
			err = l.AppendLeaf(hugeLeaf(size))
			if size == MaxLogSize {
				if !errors.Is(err, ErrLogSize) {
					t.Fatalf("a leaf more than the most: %v", err)
				}
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Messages of up to 2⁶⁴-1 bytes, of which one chunk is known.
func TestHugeBLAKE3(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := drawPlace(t, "size", 1025, math.MaxUint64)
		n := size/1024 + min(1, size%1024)
		index := drawPlace(t, "index", 0, n-1)
		chunk := blake3Message(int(min(1024, size-index*1024)))
		cv, err := hash.BLAKE3Chunk(chunk, index)
		if err != nil {
			t.Fatal(err)
		}
		path := hugeTree{blake3Nodes, around(index)}.path(index, 0, n)
		root := specBLAKE3(cv, path, index, 0, n, true)
		if err := VerifyBLAKE3Chunk(root, chunk, index, size, path); err != nil {
			t.Fatalf("chunk %d of %d bytes: %v", index, size, err)
		}
		for i := range path {
			path[i][31] ^= 0x80
			if err := VerifyBLAKE3Chunk(root, chunk, index, size, path); !errors.Is(err, ErrRootMismatch) {
				t.Fatalf("chunk %d of %d bytes, another node %d: %v", index, size, i, err)
			}
			path[i][31] ^= 0x80
		}
	})
}

// specBLAKE3 is the value of chunks lo to hi, of which path proves chunk index:
// the last node of the path is the one below the top.
func specBLAKE3(cv Hash, path []Hash, index, lo, hi uint64, top bool) Hash {
	if hi-lo == 1 {
		return cv
	}
	mid := lo + specSplit(hi-lo)
	sibling, path := path[len(path)-1], path[:len(path)-1]
	left, right := sibling, sibling
	if index < mid {
		left = specBLAKE3(cv, path, index, lo, mid, false)
	} else {
		right = specBLAKE3(cv, path, index, mid, hi, false)
	}
	if top {
		return hash.BLAKE3Root(&left, &right)
	}
	return blake3Parent(left, right)
}

// Nodes of any generalized index of 64 bits.
func TestHugeGeneralized(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gindex := drawPlace(t, "gindex", 1, math.MaxUint64)
		path := make([]Hash, bits.Len64(gindex)-1)
		node := given(gindex, 0)
		root := node
		for i := range path {
			path[i] = given(uint64(i), 0)
			if gindex>>i&1 == 1 {
				root = specSum(path[i][:], root[:])
			} else {
				root = specSum(root[:], path[i][:])
			}
		}
		if err := VerifyGeneralized(root, node, gindex, path); err != nil {
			t.Fatalf("generalized index %d: %v", gindex, err)
		}
		for bit := range 64 {
			if VerifyGeneralized(root, node, gindex^1<<bit, path) == nil {
				t.Fatalf("generalized index %d: accepted at %d", gindex, gindex^1<<bit)
			}
		}
	})
}
