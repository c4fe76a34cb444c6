package merkle

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// givenTree is a tree of any size of which only what proves some leaves is
// known: the leaves' hashes and the path, by layer and place.
type givenTree struct {
	s     *Scheme
	size  uint64
	given map[[2]uint64]Hash
}

// node is the recursive specification: what is not given follows from below.
func (g givenTree) node(level int, at uint64) Hash {
	if h, ok := g.given[[2]uint64{uint64(level), at}]; ok {
		return h
	}
	left := g.node(level-1, 2*at)
	switch last := (g.size - 1) >> (level - 1); {
	case 2*at < last:
		return specNode(g.s, left, g.node(level-1, 2*at+1))
	case g.s.partner == nil:
		return left
	default:
		return specNode(g.s, left, g.s.partner(uint(level-1), left))
	}
}

// drawSize draws the size of a tree up to what 64 bits or the scheme's limit
// allow, half of the time close to a power of two or to the largest.
func drawSize(t *rapid.T, s *Scheme) uint64 {
	if rapid.Bool().Draw(t, "close to a power of two") {
		power := rapid.SampledFrom([]uint64{1 << 3, 1 << 32, 1 << 62, 1 << 63, math.MaxUint64 - 3}).Draw(t, "power")
		return sizeFor(s, power-3+rapid.Uint64Range(0, 6).Draw(t, "above"))
	}
	return sizeFor(s, rapid.Uint64Range(1, math.MaxUint64>>rapid.IntRange(0, 63).Draw(t, "shift")).Draw(t, "size"))
}

// drawGiven makes up a tree of any size up to 2⁶⁴-1 and a proof of some leaves.
func drawGiven(t *rapid.T, s *Scheme) (g givenTree, indices []uint64, leaves []byte, path []Hash) {
	size := drawSize(t, s)
	g = givenTree{s, size, map[[2]uint64]Hash{}}
	some := rapid.SliceOfN(rapid.Uint64Range(0, size-1), 1, 12).Draw(t, "indices")
	for _, i := range slices.Clone(some) { // neighbours are the interesting ones
		if rapid.Bool().Draw(t, "neighbour") && i^1 < size {
			some = append(some, i^1)
		}
	}
	slices.Sort(some)
	indices = slices.Compact(some)
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), size))
	random := func() (h Hash) {
		for i := range h {
			h[i] = byte(rng.Uint32())
		}
		return h
	}
	for _, i := range indices {
		h := random()
		g.given[[2]uint64{0, i}] = h
		leaves = append(leaves, h[:]...)
	}
	for level := range s.levels(size) {
		above := map[uint64]bool{}
		for _, i := range indices {
			above[i>>level] = true
		}
		for _, i := range indices { // siblings rise as the indices do
			sib := i>>level ^ 1
			key := [2]uint64{uint64(level), sib}
			if _, have := g.given[key]; have || above[sib] || sib > (size-1)>>level {
				continue
			}
			g.given[key] = random()
			path = append(path, g.given[key])
		}
	}
	return g, indices, leaves, path
}

// Trees of any size up to 2⁶⁴-1, whose root is known from the recursive
// specification: the proof holds, and each leaf's own proof does too.
func TestMultiAnySize(t *testing.T) {
	t.Parallel()
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		v := NewVerifier(s)
		rapid.Check(t, func(t *rapid.T) {
			g, indices, leaves, path := drawGiven(t, s)
			root := g.node(s.levels(g.size), 0)
			check := func() error {
				return v.Multi(context.Background(), root, Nodes(leaves), indices, g.size, path)
			}
			if err := check(); err != nil {
				t.Fatalf("%v of %d: %v", indices, g.size, err)
			}
			for n, i := range indices {
				var single []Hash
				for level := range s.levels(g.size) {
					at, last := i>>level, (g.size-1)>>level
					if at^1 <= last {
						single = append(single, g.node(level, at^1))
					} else if s.partner != nil {
						single = append(single, s.partner(uint(level), g.node(level, at)))
					}
				}
				if err := VerifyInclusionHash(s, root, Hash(leaves[n*HashSize:]), i, g.size, single); err != nil {
					t.Fatalf("leaf %d of %d alone: %v", i, g.size, err)
				}
			}
			if len(path) > 0 {
				path[rapid.IntRange(0, len(path)-1).Draw(t, "node")][7] ^= 0x20
				if check() == nil {
					t.Fatalf("%v of %d: accepted with another path node", indices, g.size)
				}
			}
			path = append(path, Hash{})
			if err := check(); !errors.Is(err, ErrPathLength) {
				t.Fatalf("%v of %d: one node too many: %v", indices, g.size, err)
			}
		})
	})
}
