package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/hash"
)

// fatalist is what tests and rapid's properties have in common.
type fatalist interface {
	Fatalf(format string, args ...any)
}

// checkUpdate replaces leaves at indices by new ones and holds every node
// against a tree that is built anew.
func checkUpdate(t fatalist, tree *Tree, leaves [][]byte, indices []uint64, in Input, fresh [][]byte) {
	for i, index := range indices {
		leaves[index] = fresh[i]
	}
	if err := tree.Update(context.Background(), indices, in); err != nil {
		t.Fatalf("%d of %d leaves: %v", len(indices), len(leaves), err)
	}
	want, err := Build(context.Background(), tree.Scheme(), Leaves(leaves), 1)
	if err != nil {
		t.Fatalf("building anew: %v", err)
	}
	if !bytes.Equal(tree.nodes, want.nodes) {
		t.Fatalf("%d of %d leaves at %v: update and rebuilding differ", len(indices), len(leaves), indices)
	}
}

// otherLeaves returns leaves for n places of a tree of someLeaves(s, n), which
// are different for each round from 1 to 127.
func otherLeaves(s *Scheme, n, round int) [][]byte {
	leaves := someLeaves(s, n)
	for i := range leaves {
		leaves[i] = append([]byte{}, leaves[i]...)
		if len(leaves[i]) == 0 {
			leaves[i] = []byte{0}
		}
		leaves[i][0] ^= byte(round)
	}
	return leaves
}

// pick returns what the leaves at indices are replaced by.
func pick(fresh [][]byte, indices []uint64) [][]byte {
	var own [][]byte
	for _, index := range indices {
		own = append(own, fresh[index])
	}
	return own
}

func somePlaces(rng *rand.Rand, n, k int) []uint64 {
	var indices []uint64
	for _, index := range rng.Perm(n)[:k] {
		indices = append(indices, uint64(index))
	}
	return indices
}

// Every size with one leaf, some, and all of them.
func TestUpdateEverySize(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := 1; n <= 300; n++ {
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			for round, k := range []int{0, 1, 1 + n/3, n} {
				indices := somePlaces(rng, n, k)
				own := pick(otherLeaves(s, n, 1+round), indices)
				checkUpdate(t, tree, leaves, indices, Leaves(own), own)
			}
			// The last leaf is the one whose way up is special.
			one := otherLeaves(s, n, 10)[n-1:]
			checkUpdate(t, tree, leaves, []uint64{uint64(n - 1)}, Leaves(one), one)
			if got := tree.Root(); got != specRoot(s, leaves) {
				t.Fatalf("%d leaves: root %x; want %x", n, got, specRoot(s, leaves))
			}
		}
	})
}

func TestUpdateRandom(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(1, 2000).Draw(t, "size")
			leaves := someLeaves(s, n)
			tree, err := Build(context.Background(), s, Leaves(leaves), 1)
			if err != nil {
				t.Fatal(err)
			}
			for round := range rapid.IntRange(1, 4).Draw(t, "updates") {
				indices := rapid.SliceOfNDistinct(rapid.Uint64Range(0, uint64(n-1)), 0, n, rapid.ID).Draw(t, "indices")
				own := pick(otherLeaves(s, n, 1+round), indices)
				checkUpdate(t, tree, leaves, indices, Leaves(own), own)
			}
		})
	})
}

func TestUpdateLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	eachScheme(t, func(t *testing.T, s *Scheme) {
		for _, n := range []int{65_535, 65_537, 100_000} {
			if testing.Short() && (n != 65_537 || s != RFC6962 && s != Bitcoin) {
				continue
			}
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			for round, k := range []int{updateBlock - 1, updateBlock + 1, 1000, 40_000} {
				indices := somePlaces(rng, n, k)
				own := pick(otherLeaves(s, n, 1+round), indices)
				checkUpdate(t, tree, leaves, indices, Leaves(own), own)
			}
		}
	})
}

func TestUpdateInputs(t *testing.T) {
	leaves := someLeaves(RFC6962, 100)
	tree := mustBuild(t, RFC6962, leaves)
	flat := make([]byte, 3*50)
	for i := range flat {
		flat[i] = byte(i)
	}
	own := [][]byte{flat[:50], flat[50:100], flat[100:]}
	checkUpdate(t, tree, leaves, []uint64{99, 0, 50}, Records(flat, 50), own)
	own = [][]byte{{1}, {2}}
	nodes := levelZero(t, RFC6962, own)
	before := bytes.Clone(nodes)
	checkUpdate(t, tree, leaves, []uint64{64, 63}, Nodes(nodes), own)
	if !bytes.Equal(nodes, before) {
		t.Error("the caller's nodes were written to")
	}
}

// Whatever is wrong, no byte of the tree changes.
func TestUpdateErrors(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		const n = 77
		leaves := someLeaves(s, n)
		tree := mustBuild(t, s, leaves)
		before := bytes.Clone(tree.nodes)
		fresh := otherLeaves(s, n, 1)
		cancelled, cancel := context.WithCancel(context.Background())
		cancel()
		for name, tc := range map[string]struct {
			ctx     context.Context
			indices []uint64
			in      Input
			want    error
		}{
			"twice, apart":     {t.Context(), []uint64{3, 9, 3}, Leaves(fresh[:3]), ErrUpdate},
			"twice, in a row":  {t.Context(), []uint64{3, 3}, Leaves(fresh[:2]), ErrUpdate},
			"more leaves":      {t.Context(), []uint64{3}, Leaves(fresh[:2]), ErrUpdate},
			"more indices":     {t.Context(), []uint64{3, 4}, Leaves(fresh[:1]), ErrUpdate},
			"out of range":     {t.Context(), []uint64{3, n}, Leaves(fresh[:2]), ErrIndexRange},
			"far out of range": {t.Context(), []uint64{1<<64 - 1, 1}, Leaves(fresh[:2]), ErrIndexRange},
			"half a record":    {t.Context(), []uint64{1}, Records(make([]byte, 33), 32), ErrLeafSize},
			"cancelled":        {cancelled, []uint64{5, 1}, Leaves(fresh[:2]), context.Canceled},
			"cancelled later":  {&lateContext{Context: t.Context(), looks: 5}, []uint64{5, 1}, Leaves(fresh[:2]), context.Canceled},
		} {
			if err := tree.Update(tc.ctx, tc.indices, tc.in); !errors.Is(err, tc.want) {
				t.Errorf("%s: %v; want %v", name, err, tc.want)
			}
			if !bytes.Equal(tree.nodes, before) {
				t.Fatalf("%s: the tree changed", name)
			}
		}
		checkUpdate(t, tree, leaves, []uint64{5, 1}, Leaves(fresh[:2]), fresh[:2])
	})
	empty := mustBuild(t, RFC6962, nil)
	if err := empty.Update(t.Context(), []uint64{0}, Leaves([][]byte{{1}})); !errors.Is(err, ErrEmptyTree) {
		t.Errorf("empty tree: %v", err)
	}
	if err := empty.Update(t.Context(), nil, Leaves(nil)); err != nil {
		t.Errorf("nothing in an empty tree: %v", err)
	}
}

// lateContext is cancelled when it has been looked at that often.
type lateContext struct {
	context.Context
	looks int
	seen  atomic.Int64
}

func (c *lateContext) Err() error {
	if c.seen.Add(1) > int64(c.looks) {
		return context.Canceled
	}
	return nil
}

// An update that makes a Bitcoin list ambiguous is refused and undone, at
// whichever level the equal nodes are.
func TestUpdateMutated(t *testing.T) {
	leaves := someLeaves(Bitcoin, 24)
	for _, size := range []int{1, 2, 4, 8} { // leaves under each of the equal nodes
		tree := mustBuild(t, Bitcoin, leaves)
		before := bytes.Clone(tree.nodes)
		var indices []uint64
		changed := slices.Clone(leaves)
		for i := range size {
			indices = append(indices, uint64(size+i))
			changed[size+i] = leaves[i]
		}
		err := tree.Update(t.Context(), indices, Leaves(leaves[:size]))
		_, want := NewBuilder(Bitcoin, 1).Root(changed)
		if !errors.Is(err, ErrMutated) || !errors.Is(want, ErrMutated) || !bytes.HasSuffix([]byte(err.Error()), []byte(want.Error())) {
			t.Errorf("%d equal leaves: %v; want %v", size, err, want)
		}
		if !bytes.Equal(tree.nodes, before) {
			t.Errorf("%d equal leaves: the tree changed", size)
		}
	}
}

func TestUpdateWorkersAllocateNothing(t *testing.T) {
	leaves := someLeaves(RFC6962, 2*updateParallel)
	tree := mustBuild(t, RFC6962, leaves)
	tree.workers = 2
	indices := somePlaces(rand.New(rand.NewPCG(13, 14)), len(leaves), updateParallel)
	ctx := context.Background()
	allocs(t, "Update", func() {
		if err := tree.Update(ctx, indices, Leaves(leaves[:updateParallel])); err != nil {
			t.Fatal(err)
		}
	})
}

func TestUpdateAllocatesNothing(t *testing.T) {
	leaves := someLeaves(RFC6962, 5000)
	tree := mustBuild(t, RFC6962, leaves)
	indices := []uint64{4999, 3, 2500, 17, 0}
	ctx := context.Background()
	allocs(t, "Update", func() {
		if err := tree.Update(ctx, indices, Leaves(leaves[:5])); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkUpdate changes 1000 random leaves of 1 Mi. x-kernel is the time over
// that of as many nodes in full batches of the kernel, timed in the same run.
func BenchmarkUpdate(b *testing.B) {
	const n, k, sets = 1 << 20, 1000, 64
	for _, s := range []*Scheme{RFC6962, {name: "pairs", node: rfc6962Node, nodes: hash.SHA256Pairs}} {
		b.Run(s.Name(), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(7, 8))
			flat := make([]byte, n*HashSize)
			for i := 0; i < len(flat); i += 8 {
				flat[i], flat[i+1], flat[i+2] = byte(i>>3), byte(i>>11), byte(i>>19)
			}
			ctx := context.Background()
			tree, err := Build(ctx, s, Nodes(flat), 1)
			if err != nil {
				b.Fatal(err)
			}
			indices := make([][]uint64, sets)
			nodes := 0
			for i := range indices {
				dirty := map[uint64]bool{}
				for len(indices[i]) < k {
					index := rng.Uint64N(n)
					if !dirty[index] {
						dirty[index] = true
						indices[i] = append(indices[i], index)
					}
				}
				for level := 1; level <= tree.levels; level++ {
					above := map[uint64]bool{}
					for index := range dirty {
						above[index/2] = true
					}
					nodes += len(above)
					dirty = above
				}
			}
			perUpdate := float64(nodes) / sets
			fresh := make([]byte, k*HashSize)
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				number(fresh, at)
				if err := tree.Update(ctx, indices[at%sets], Nodes(fresh)); err != nil {
					b.Fatal(err)
				}
				at++
			}
			perNode := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / perUpdate
			kernel := kernelNS(b, s, 1024)
			b.ReportMetric(perNode, "ns/node")
			b.ReportMetric(kernel, "kernel-ns/node")
			b.ReportMetric(perNode/kernel, "x-kernel")
			for i := max(0, at-sets); i < at; i++ { // each set's last update, in order
				number(fresh, i)
				for j, index := range indices[i%sets] {
					copy(flat[index*HashSize:], fresh[j*HashSize:(j+1)*HashSize])
				}
			}
			want, err := Root(ctx, s, Nodes(flat), 1)
			if err != nil || tree.Root() != want {
				b.Fatalf("root %x, %v; want %x", tree.Root(), err, want)
			}
		})
	}
}

// number makes the nodes of an update different from those of others.
func number(nodes []byte, update int) {
	for i := 0; i < len(nodes); i += HashSize {
		binary.LittleEndian.PutUint64(nodes[i:], uint64(update)<<32|uint64(i))
	}
}

// kernelNS returns what a node costs the kernel in batches of that many, the
// best of twenty.
func kernelNS(b *testing.B, s *Scheme, batch int) float64 {
	b.Helper()
	const times = 50
	buf := make([]byte, 3*batch*HashSize)
	best := math.Inf(1)
	for range 20 {
		start := time.Now()
		for range times {
			if err := s.HashNodes(buf[:batch*HashSize], buf[batch*HashSize:]); err != nil {
				b.Fatal(err)
			}
		}
		best = min(best, float64(time.Since(start).Nanoseconds())/float64(times*batch))
	}
	return best
}

// runs are indices of a tree of n leaves, k of them or fewer: in a row, in a row
// with some far away, and all over.
func runs(rng *rand.Rand, n, k int) map[string][]uint64 {
	row := make([]uint64, k)
	for i := range row {
		row[i] = uint64(n - k + i)
	}
	mixed := slices.Clone(row)
	for i := 0; i < k && n >= 2*k; i += 16 {
		mixed[i] = uint64(i * (n - k) / k)
	}
	return map[string][]uint64{"row": row, "mixed": mixed, "all over": somePlaces(rng, n, k)}
}

// Whatever the number of workers and wherever the changes are, the nodes are
// those of a tree built anew.
func TestUpdateWorkers(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	eachScheme(t, func(t *testing.T, s *Scheme) {
		for _, n := range []int{updateParallel, 30_001} {
			if testing.Short() && n > updateParallel {
				continue
			}
			leaves := someLeaves(s, n)
			tree := mustBuild(t, s, leaves)
			for round, workers := range []int{1, 2, 16} {
				tree.workers, tree.updater = workers, updater{}
				for _, k := range []int{updateParallel, min(n, 20_000)} {
					for name, indices := range runs(rng, n, k) {
						own := pick(otherLeaves(s, n, 1+8*round+len(name)), indices)
						checkUpdate(t, tree, leaves, indices, Leaves(own), own)
						if pieces := len(tree.updater.pieces); workers == 1 && pieces != 1 || workers > 1 && name == "all over" && pieces < 4 {
							t.Fatalf("%d of %d leaves, %s, %d workers: %d pieces", k, n, name, workers, pieces)
						}
					}
				}
			}
		}
	})
}

// A cancelled update leaves no byte changed, at whichever look at the context.
func TestUpdateWorkersCancelled(t *testing.T) {
	const n = 2 * updateParallel
	leaves := someLeaves(RFC6962, n)
	tree := mustBuild(t, RFC6962, leaves)
	tree.workers = 3
	before := bytes.Clone(tree.nodes)
	own := otherLeaves(RFC6962, n, 1)
	indices := somePlaces(rand.New(rand.NewPCG(11, 12)), n, n)
	for looks := range 1000 {
		err := tree.Update(&lateContext{Context: t.Context(), looks: looks}, indices, Leaves(own))
		if err == nil {
			if looks < 20 {
				t.Errorf("done after %d looks", looks)
			}
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%d looks: %v", looks, err)
		}
		if !bytes.Equal(tree.nodes, before) {
			t.Fatalf("%d looks: the tree changed", looks)
		}
	}
	t.Error("the update never ends")
}

// Of several pairs of equal nodes the same one is named for any number of
// workers: that of the lowest level, then the first.
func TestUpdateWorkersMutated(t *testing.T) {
	const n = 2 * updateParallel
	leaves := someLeaves(Bitcoin, n)
	fresh := otherLeaves(Bitcoin, n, 1)
	var indices []uint64
	for i := range n {
		indices = append(indices, uint64(i))
	}
	copy(fresh[16:24], fresh[24:32]) // equal at level 3, in the first piece
	fresh[n/2] = fresh[n/2+1]
	fresh[n-2] = fresh[n-1]
	_, want := NewBuilder(Bitcoin, 1).Root(fresh)
	for _, workers := range []int{1, 2, 8} {
		tree := mustBuild(t, Bitcoin, leaves)
		tree.workers = workers
		before := bytes.Clone(tree.nodes)
		err := tree.Update(t.Context(), indices, Leaves(fresh))
		if !errors.Is(err, ErrMutated) || !bytes.HasSuffix([]byte(err.Error()), []byte(want.Error())) {
			t.Errorf("%d workers: %v; want %v", workers, err, want)
		}
		if !bytes.Equal(tree.nodes, before) {
			t.Errorf("%d workers: the tree changed", workers)
		}
	}
}
