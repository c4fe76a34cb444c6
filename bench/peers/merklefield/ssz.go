package merklefield

import (
	"crypto/sha256"
	"fmt"
	"runtime"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/merkle"
)

const twoCores = 2

// sszRow is the root of n leaves of 32 bytes, a power of two, on one core.
func sszRow(n int) (field.Row, error) {
	flat := random(n * merkle.HashSize)
	kernel, err := kernelRun(merkle.SSZ, plainPair, n-1)
	if err != nil {
		return field.Row{}, err
	}
	want := rootOf(nodesOf(flat), plainPair, movesUp) // of a power of two nothing is left over
	kernel.want = want
	list := append(ours(merkle.SSZ, merkle.Nodes(flat), 1), kernel.contestant(), gohashtreeLayers(flat), peer(std, "one pair at a time", stdLayers(flat)))
	return field.Row{
		Row:       contest.Row{Want: want, Procs: 1, Contestants: list},
		Benchmark: fmt.Sprintf("MerkleRoot/scheme=ssz/leaves=%d", n),
		Kernel:    "sha256_pairs", Items: n, Item: "leaf", Bytes: len(flat),
		Work: floor.Work{Pairs: n - 1},
	}, nil
}

// sszTwoCores is the same on two cores, against one core of the peer.
func sszTwoCores(n int) (field.Row, error) {
	flat := random(n * merkle.HashSize)
	list := ours(merkle.SSZ, merkle.Nodes(flat), twoCores)
	for i := range list {
		list[i].Note = "2 cores"
	}
	alone := contest.Contestant{Name: field.WeirOnOne, Role: contest.Baseline, Run: rooter(merkle.SSZ, merkle.Nodes(flat), 1)}
	tree := gohashtreeLayers(flat)
	tree.Note = "1 core"
	row := field.Row{
		Row: contest.Row{
			Want: rootOf(nodesOf(flat), plainPair, movesUp), Procs: twoCores, Contestants: append(list, alone, tree),
		},
		Benchmark: fmt.Sprintf("MerkleRootTwoCores/scheme=ssz/leaves=%d", n),
		Kernel:    "sha256_pairs", Items: n, Item: "leaf", Bytes: len(flat),
	}
	if have := runtime.GOMAXPROCS(0); have < twoCores {
		row.LeftOut = fmt.Sprintf("this process may use %d core; the row needs %d (look at GOMAXPROCS and taskset)", have, twoCores)
	}
	return row, nil
}

// layers folds n nodes layer by layer with a function for one layer, in two
// buffers by turns, as a caller of a library without trees does.
func layers(flat []byte, fold func(dst, src []byte) error) job {
	a, b := make([]byte, len(flat)/2), make([]byte, len(flat)/4)
	return func(dst []byte) error {
		src := flat
		for next, other := a, b; len(src) > merkle.HashSize; next, other = other, next {
			out := next[:len(src)/2]
			if err := fold(out, src); err != nil {
				return err
			}
			src = out
		}
		copy(dst, src)
		return nil
	}
}

func stdLayers(flat []byte) job {
	return layers(flat, func(dst, src []byte) error {
		for i := 0; i < len(src); i += 2 * merkle.HashSize {
			*(*merkle.Hash)(dst[i/2:]) = sha256.Sum256(src[i : i+2*merkle.HashSize])
		}
		return nil
	})
}
