package merklefield

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"

	"github.com/chainweir/weir/merkle"
)

// background is the context of calls that are timed: a row ends between calls.
var background = context.Background()

// random returns n bytes that are the same in every run.
func random(n int) []byte {
	var seed [32]byte
	copy(seed[:], "weir bench/peers merkle")
	b := make([]byte, n)
	rand.NewChaCha8(seed).Read(b)
	return b
}

// cut returns leaves of size bytes that lie side by side, as out of a block.
func cut(flat []byte, size int) [][]byte {
	leaves := make([][]byte, 0, len(flat)/size)
	for ; len(flat) >= size; flat = flat[size:] {
		leaves = append(leaves, flat[:size:size])
	}
	return leaves
}

// The trees written down once more over crypto/sha256, one node at a time: the
// answers that everybody has to give.

type pairHash = func(left, right merkle.Hash) merkle.Hash

func plainPair(left, right merkle.Hash) merkle.Hash {
	return sha256.Sum256(append(left[:], right[:]...))
}

func doublePair(left, right merkle.Hash) merkle.Hash {
	once := plainPair(left, right)
	return sha256.Sum256(once[:])
}

func logPair(left, right merkle.Hash) merkle.Hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func logLeaf(leaf []byte) merkle.Hash { return sha256.Sum256(append([]byte{0}, leaf...)) }

// nodesOf splits n×32 bytes.
func nodesOf(flat []byte) []merkle.Hash {
	list := make([]merkle.Hash, len(flat)/merkle.HashSize)
	for i := range list {
		list[i] = merkle.Hash(flat[i*merkle.HashSize:])
	}
	return list
}

// rootOf folds a layer of at least one node, which it overwrites. lone says what
// becomes of the last node of an odd layer.
func rootOf(layer []merkle.Hash, pair pairHash, lone func(merkle.Hash) merkle.Hash) []byte {
	for n := len(layer); n > 1; n = len(layer) {
		for i := range n / 2 {
			layer[i] = pair(layer[2*i], layer[2*i+1])
		}
		if n%2 == 1 {
			layer[n/2] = lone(layer[n-1])
		}
		layer = layer[:(n+1)/2]
	}
	return layer[0][:]
}

func movesUp(last merkle.Hash) merkle.Hash { return last }

func withItself(last merkle.Hash) merkle.Hash { return doublePair(last, last) }
