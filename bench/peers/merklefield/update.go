package merklefield

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/merkle"
)

// updateSets is the number of updates in a call, each of other leaves, so that
// the nodes of one have left the caches when it is its turn again.
const updateSets = 64

// updates are updates of random leaves of one tree. Calls write two generations
// of leaves by turns, so that every call changes every leaf of its updates.
type updates struct {
	scheme  *merkle.Scheme
	flat    []byte
	indices [][]uint64
	fresh   [2][]byte // a generation's leaves of one update
	roots   [2]merkle.Hash
	nodes   int // of all updates
}

// newUpdates makes updates of count leaves of n, a power of two.
func newUpdates(s *merkle.Scheme, pair pairHash, n, count int) *updates {
	u := &updates{scheme: s, flat: random(n * merkle.HashSize)}
	rng := rand.New(rand.NewPCG(uint64(n), uint64(count)))
	for range updateSets {
		dirty := map[uint64]bool{}
		var set []uint64
		for len(set) < count {
			if index := rng.Uint64N(uint64(n)); !dirty[index] {
				dirty[index] = true
				set = append(set, index)
			}
		}
		u.indices = append(u.indices, set)
		u.nodes += nodesAbove(dirty, uint64(n))
	}
	two := random(2 * count * merkle.HashSize)
	u.fresh[0], u.fresh[1] = two[:len(two)/2], two[len(two)/2:]
	for g, fresh := range u.fresh {
		leaves := nodesOf(u.flat)
		for _, set := range u.indices {
			for i, index := range set {
				leaves[index] = merkle.Hash(fresh[i*merkle.HashSize:])
			}
		}
		u.roots[g] = merkle.Hash(rootOf(leaves, pair, movesUp))
	}
	return u
}

// nodesAbove counts the nodes above some leaves of a tree of size, a power of two.
func nodesAbove(leaves map[uint64]bool, size uint64) int {
	nodes := 0
	for ; size > 1; size /= 2 {
		above := make(map[uint64]bool, len(leaves))
		for index := range leaves {
			above[index/2] = true
		}
		nodes += len(above)
		leaves = above
	}
	return nodes
}

// contestant has a tree of its own.
func (u *updates) contestant(c contest.Contestant, workers int) (contest.Contestant, error) {
	tree, err := merkle.Build(background, u.scheme, merkle.Nodes(u.flat), workers)
	if err != nil {
		return c, err
	}
	generation := 0
	c.Work = updateSets
	c.Timed = func(dst []byte) (time.Duration, error) {
		fresh, want := merkle.Nodes(u.fresh[generation]), u.roots[generation]
		generation ^= 1
		begin := time.Now()
		for _, set := range u.indices {
			if err := tree.Update(background, set, fresh); err != nil {
				return 0, err
			}
		}
		took := time.Since(begin)
		if root := tree.Root(); root != want {
			return 0, fmt.Errorf("%w: root %x after %d updates, want %x", contest.ErrWrongAnswer, root, updateSets, want)
		}
		copy(dst, u.want())
		return took, nil
	}
	return c, nil
}

// want is the row's answer: both generations' roots, which a call checks itself.
func (u *updates) want() []byte { return bytes.Join([][]byte{u.roots[0][:], u.roots[1][:]}, nil) }

// updateRow is the update of count random leaves of n beside the kernel alone.
func updateRow(s *merkle.Scheme, pair pairHash, n, count int) (field.Row, error) {
	u := newUpdates(s, pair, n, count)
	nodes := u.nodes / updateSets
	row := u.row(n, count, 1)
	if s == merkle.RFC6962 {
		row.Kernel, row.Work = "sha256_nodes", floor.Work{Nodes: nodes}
	} else {
		row.Kernel, row.Work = "sha256_pairs", floor.Work{Pairs: nodes}
	}
	k, err := kernelRun(s, pair, nodes)
	if err != nil {
		return field.Row{}, err
	}
	k.want = row.Want
	err = u.enter(&row, 1, contest.Contestant{}, k.contestant())
	return row, err
}

// updateTwoCores is the same on two cores, against one.
func updateTwoCores(s *merkle.Scheme, pair pairHash, n, count int) (field.Row, error) {
	u := newUpdates(s, pair, n, count)
	row := u.row(n, count, twoCores)
	if have := runtime.GOMAXPROCS(0); have < twoCores {
		row.LeftOut = fmt.Sprintf("this process may use %d core; the row needs %d (look at GOMAXPROCS and taskset)", have, twoCores)
		return row, nil
	}
	alone, err := u.contestant(contest.Contestant{Name: field.WeirOnOne, Role: contest.Baseline}, 1)
	if err != nil {
		return field.Row{}, err
	}
	err = u.enter(&row, twoCores, contest.Contestant{Note: "2 cores"}, alone)
	return row, err
}

func (u *updates) row(n, count, cores int) field.Row {
	nodes := u.nodes / updateSets
	return field.Row{
		Row:       contest.Row{Want: u.want(), Procs: cores},
		Benchmark: fmt.Sprintf("MerkleUpdate/scheme=%s/leaves=%d/changed=%d/cores=%d", u.scheme.Name(), n, count, cores),
		Items:     nodes, Item: "node", Bytes: nodes * 2 * merkle.HashSize,
	}
}

// enter adds ours, its control and others to the row.
func (u *updates) enter(row *field.Row, workers int, c contest.Contestant, others ...contest.Contestant) error {
	c.Name, c.Role = field.Weir, contest.Ours
	ours, err := u.contestant(c, workers)
	if err != nil {
		return err
	}
	again, err := u.contestant(contest.Contestant{Name: field.WeirAgain, Role: contest.Control}, workers)
	row.Contestants = append([]contest.Contestant{ours, again}, others...)
	return err
}
