package merkle

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// Every proof of every tree up to 300 leaves. A builder makes one proof at the
// price of a whole root, so beyond 40 leaves it makes those near the ends and
// some between. A tree that is 40 or 64 layers deep whatever its size differs
// from the others in padding only: beyond 64 leaves every 16th size stands for
// those around it.
func TestInclusionEveryLeaf(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		b := newTinyBuilder(s, 3)
		for n := 1; n <= everySize(300); n++ {
			if s.depth > 10 && n > 64 && n%16 > 1 {
				continue
			}
			leaves := someLeaves(s, n)
			root := specRoot(s, leaves)
			tree := mustBuild(t, s, leaves)
			for i := range leaves {
				path, err := tree.Path(uint64(i))
				if err != nil {
					t.Fatalf("leaf %d of %d: %v", i, n, err)
				}
				if err := VerifyInclusion(s, root, leaves[i], uint64(i), uint64(n), path); err != nil {
					t.Fatalf("leaf %d of %d: %v", i, n, err)
				}
				if s.limited || n > 40 && i > 1 && i < n-2 && (i+n)%37 > 0 {
					continue
				}
				h, err := tree.LeafHash(uint64(i))
				if err != nil || VerifyInclusionHash(s, root, h, uint64(i), uint64(n), path) != nil {
					t.Fatalf("leaf %d of %d: leaf hash %x, %v", i, n, h, err)
				}
				p, err := b.Proof(context.Background(), leaves, uint64(i))
				if err != nil || p.Root != root || !slices.Equal(p.Path, path) {
					t.Fatalf("leaf %d of %d: root %x, %v, or another path than the tree's", i, n, p.Root, err)
				}
			}
		}
	})
}

// shape writes down a leaf's way to the root: at each level l or r (the node's
// own side), d (paired with itself), z (paired with zeros) or nothing (moves
// up). It follows the specification, not the verifier.
//
// A proof holds for another index or size exactly if the shape fits, since what
// a verifier hashes, and in which order, follows from the shape alone and no root
// commits to the size. So a change of the size must be refused exactly if it
// changes the shape. What is left: in RFC 6962's tree leaf 0 of 6 climbs lll as
// in trees of 5, 7 and 8 leaves, while the last leaf has only siblings to its
// left and so holds for its own size alone. That is why a size must come from
// where the root does.
func shape(s *Scheme, index, size uint64) string {
	limit, limited := strings.CutPrefix(s.Name(), "ssz:")
	if !limited {
		return shapeTo(s, specDepth(size), index, size)
	}
	chunks, err := strconv.ParseUint(limit, 10, 64)
	if err != nil {
		panic(err)
	}
	return shapeTo(s, specDepth(chunks), index, size)
}

func shapeTo(s *Scheme, depth int, index, size uint64) string {
	if depth == 0 {
		return ""
	}
	step := "l"
	switch {
	case index%2 == 1:
		step = "r"
	case index == size-1 && s == Bitcoin:
		step = "d"
	case index == size-1 && strings.HasPrefix(s.Name(), "ssz"):
		step = "z"
	case index == size-1:
		step = ""
	}
	return step + shapeTo(s, depth-1, index/2, size/2+size%2)
}

// fits says whether a proof of one shape holds where another is expected: zeros
// may also be the sibling that somebody put there.
func fits(proof, expected string) bool {
	if len(proof) != len(expected) {
		return false
	}
	for i := range proof {
		if proof[i] != expected[i] && (proof[i] != 'z' || expected[i] != 'l') {
			return false
		}
	}
	return true
}

// Every proof of small trees at every place of every small tree: it holds where
// the shape is its own and nowhere else.
func TestInclusionOtherPlaces(t *testing.T) {
	t.Parallel()
	const most = 18
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		var shapes [most + 1][most]string
		for size := range uint64(most + 1) {
			for index := range size {
				shapes[size][index] = shape(s, index, size)
			}
		}
		for n := uint64(1); n <= 15; n++ {
			leaves := someLeaves(s, int(n))
			tree := mustBuild(t, s, leaves)
			for i := range n {
				path, err := tree.Path(i)
				if err != nil {
					t.Fatal(err)
				}
				for size := range uint64(most + 1) {
					for index := range size {
						got := VerifyInclusion(s, tree.Root(), leaves[i], index, size, path)
						if want := fits(shapes[n][i], shapes[size][index]); (got == nil) != want {
							t.Fatalf("the proof of leaf %d of %d as leaf %d of %d: %v; accepting it is %v", i, n, index, size, got, want)
						}
					}
				}
			}
		}
	})
}

// The same in sizes, spelled out for RFC 6962: where a leaf of six is also
// accepted.
func TestInclusionSizesAccepted(t *testing.T) {
	leaves := someLeaves(RFC6962, 6)
	tree := mustBuild(t, RFC6962, leaves)
	for index, want := range [][]uint64{{5, 6, 7, 8}, {5, 6, 7, 8}, {5, 6, 7, 8}, {5, 6, 7, 8}, {6}, {6}} {
		path, err := tree.Path(uint64(index))
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for size := range uint64(1000) {
			if VerifyInclusion(RFC6962, tree.Root(), leaves[index], uint64(index), size, path) == nil {
				got = append(got, size)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("leaf %d of 6 holds for the sizes %v; want %v", index, got, want)
		}
	}
}

func TestInclusionSingleBitChanges(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		b := NewBuilder(s, 1)
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(1, 300).Draw(t, "n")
			i := rapid.IntRange(0, n-1).Draw(t, "index")
			leaves := someLeaves(s, n)
			p, err := b.Proof(context.Background(), leaves, uint64(i))
			if err != nil || p.Verify(p.Root) != nil {
				t.Fatalf("proof: %v, %v", err, p.Verify(p.Root))
			}
			p.Leaf = slices.Clone(p.Leaf)
			refuse := func(what string) {
				if p.Verify(p.Root) == nil {
					t.Fatalf("leaf %d of %d: accepted with another %s", i, n, what)
				}
			}
			bit := func(b []byte, what string) {
				at := rapid.IntRange(0, 8*len(b)-1).Draw(t, what)
				b[at/8] ^= 1 << (at % 8)
				refuse(what)
				b[at/8] ^= 1 << (at % 8)
			}
			if len(p.Leaf) > 0 {
				bit(p.Leaf, "leaf")
			}
			for k := range p.Path {
				bit(p.Path[k][:], "path node")
			}
			root := p.Root
			p.Root[rapid.IntRange(0, 31).Draw(t, "root byte")] ^= 0x10
			refuse("root")
			p.Root = root
			mustMatch := shape(s, p.Index, p.Size)
			for k := range 64 {
				q := p
				q.Index ^= 1 << k
				if q.Verify(root) == nil {
					t.Fatalf("leaf %d of %d: accepted at index %d", i, n, q.Index)
				}
				q = p
				q.Size ^= 1 << k
				same := q.Size > q.Index && q.Size == sizeFor(s, q.Size) && fits(mustMatch, shape(s, q.Index, q.Size))
				if got := q.Verify(root) == nil; got != same {
					t.Fatalf("leaf %d of %d: at size %d accepted %v, same shape %v", i, n, q.Size, got, same)
				}
			}
		})
	})
}

func TestInclusionPathLength(t *testing.T) {
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		for n := 1; n <= 40; n++ {
			leaves := someLeaves(s, n)
			for i := range leaves {
				p, err := NewBuilder(s, 1).Proof(context.Background(), leaves, uint64(i))
				if err != nil {
					t.Fatal(err)
				}
				paths := [][]Hash{
					append(slices.Clone(p.Path), Hash{}),
					append([]Hash{p.Root}, p.Path...),
					make([]Hash, 1000),
				}
				if len(p.Path) > 0 {
					paths = append(paths, nil, p.Path[:len(p.Path)-1], p.Path[1:])
				}
				for _, path := range paths {
					err := VerifyInclusion(s, p.Root, p.Leaf, p.Index, p.Size, path)
					if !errors.Is(err, ErrPathLength) {
						t.Fatalf("leaf %d of %d, %d nodes instead of %d: %v", i, n, len(path), len(p.Path), err)
					}
				}
			}
		}
	})
}

func TestInclusionErrors(t *testing.T) {
	leaf := make([]byte, HashSize)
	big := make([]Hash, 64)
	for name, tc := range map[string]struct {
		scheme      *Scheme
		leaf        []byte
		index, size uint64
		path        []Hash
		want        error
	}{
		"no scheme":             {nil, leaf, 0, 1, nil, ErrScheme},
		"size 0":                {RFC6962, leaf, 0, 0, nil, ErrEmptyTree},
		"index is size":         {RFC6962, leaf, 7, 7, nil, ErrIndexRange},
		"index above size":      {Bitcoin, leaf, math.MaxUint64, 7, nil, ErrIndexRange},
		"short bitcoin leaf":    {Bitcoin, leaf[:31], 0, 1, nil, ErrLeafSize},
		"empty bitcoin leaf":    {Bitcoin, nil, 0, 1, nil, ErrLeafSize},
		"largest size, no path": {RFC6962, leaf, 5, math.MaxUint64, nil, ErrPathLength},
		"largest size":          {RFC6962, leaf, 5, math.MaxUint64, big, ErrRootMismatch},
		"largest size, plain":   {PlainSHA256, leaf, 5, math.MaxUint64, big, ErrRootMismatch},
		"largest size, ssz":     {SSZ, leaf, 5, math.MaxUint64, big, ErrRootMismatch},
		"largest limit, ssz":    {SSZLimit(math.MaxUint64), leaf, 5, 6, big, ErrPathNode},
		"above the limit, ssz":  {SSZLimit(7), leaf, 5, 8, big[:3], ErrLimit},
		"depth of the size":     {SSZLimit(9), leaf, 0, 2, big[:1], ErrPathLength},
		"largest size, bitcoin": {Bitcoin, make([]byte, 32), 5, math.MaxUint64, big, ErrMutated},
		"wrong root":            {RFC6962, leaf, 0, 1, nil, ErrRootMismatch},
	} {
		err := VerifyInclusion(tc.scheme, Hash{1}, tc.leaf, tc.index, tc.size, tc.path)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v; want %v", name, err, tc.want)
		}
	}
}

// A Bitcoin path that pairs the last node with something else, or two equal
// nodes where the last is not alone, is refused for what it is.
func TestInclusionBitcoinPairs(t *testing.T) {
	leaves := someLeaves(Bitcoin, 3)
	p, err := NewBuilder(Bitcoin, 1).Proof(context.Background(), leaves, 2)
	if err != nil {
		t.Fatal(err)
	}
	if p.Path[0] != Hash(leaves[2]) {
		t.Errorf("the last of three leaves must be paired with itself, path %x", p.Path)
	}
	forged := slices.Clone(p.Path)
	forged[0][5] ^= 1
	if err := VerifyInclusion(Bitcoin, p.Root, p.Leaf, 2, 3, forged); !errors.Is(err, ErrPathNode) {
		t.Errorf("another partner: %v", err)
	}
	if err := VerifyInclusion(Bitcoin, p.Root, p.Leaf, 2, 4, p.Path); !errors.Is(err, ErrMutated) {
		t.Errorf("equal siblings in a tree of four: %v", err)
	}
}

func TestPathIndexErrors(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		tree, err := Build(context.Background(), s, Leaves(someLeaves(s, 3)), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, index := range []uint64{3, 4, math.MaxUint64} {
			if _, err := tree.Path(index); !errors.Is(err, ErrIndexRange) {
				t.Errorf("tree, index %d: %v", index, err)
			}
			if _, err := tree.LeafHash(index); !errors.Is(err, ErrIndexRange) {
				t.Errorf("leaf hash, index %d: %v", index, err)
			}
			_, err := NewBuilder(s, 1).Proof(context.Background(), someLeaves(s, 3), index)
			if !errors.Is(err, ErrIndexRange) {
				t.Errorf("builder, index %d: %v", index, err)
			}
		}
		empty, err := Build(context.Background(), s, Leaves(nil), 1)
		if err != nil || empty.Root() != s.EmptyRoot() {
			t.Errorf("empty tree: %v", err)
		}
		if _, err := empty.Path(0); !errors.Is(err, ErrEmptyTree) {
			t.Errorf("empty tree: %v", err)
		}
	})
}
