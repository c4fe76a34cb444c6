package merklebench

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/chainweir/weir/merkle"
)

// Errors of this package. The wrapped text names the value and the remedy.
var (
	ErrConfig    = errors.New("merklebench: bad configuration")
	ErrWrongRoot = errors.New("merklebench: wrong answer")
)

// reference is a scheme written down a second time over crypto/sha256 alone.
type reference struct {
	leaf func(leaf []byte) merkle.Hash
	pair func(left, right merkle.Hash) merkle.Hash
	// partner returns what the lone last node of a layer is paired with; nil:
	// it moves up.
	partner func(level int, last merkle.Hash) merkle.Hash
}

func referenceFor(s *merkle.Scheme) (reference, error) {
	switch s.Name() {
	case "rfc6962", "cometbft":
		return reference{
			leaf: func(leaf []byte) merkle.Hash { return sha256.Sum256(append([]byte{0}, leaf...)) },
			pair: func(l, r merkle.Hash) merkle.Hash {
				return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
			},
		}, nil
	case "bitcoin":
		return reference{
			leaf: func(leaf []byte) merkle.Hash { return merkle.Hash(leaf) },
			pair: func(l, r merkle.Hash) merkle.Hash {
				once := sha256.Sum256(append(l[:], r[:]...))
				return sha256.Sum256(once[:])
			},
			partner: func(_ int, last merkle.Hash) merkle.Hash { return last },
		}, nil
	case "ssz":
		return reference{
			leaf:    func(leaf []byte) merkle.Hash { return merkle.Hash(leaf) },
			pair:    plainPair,
			partner: func(level int, _ merkle.Hash) merkle.Hash { return zeroSubtree(level) },
		}, nil
	case "plain-sha256":
		return reference{
			leaf: func(leaf []byte) merkle.Hash { return sha256.Sum256(leaf) },
			pair: plainPair,
		}, nil
	}
	return reference{}, fmt.Errorf("%w: scheme %s has no reference to check roots against", ErrConfig, s.Name())
}

func plainPair(l, r merkle.Hash) merkle.Hash { return sha256.Sum256(append(l[:], r[:]...)) }

// zeroSubtree returns the SSZ root of 2^level zero chunks.
func zeroSubtree(level int) merkle.Hash {
	var h merkle.Hash
	for range level {
		h = plainPair(h, h)
	}
	return h
}

// root returns the root above n ≥ 1 nodes, which it overwrites, and how many
// nodes it hashed.
func (r reference) root(layer []merkle.Hash) (root merkle.Hash, nodes int) {
	for level := 0; len(layer) > 1; level++ {
		n := len(layer)
		for i := range n / 2 {
			layer[i] = r.pair(layer[2*i], layer[2*i+1])
		}
		nodes += n / 2
		if n%2 == 1 {
			last := layer[n-1]
			if r.partner != nil {
				last = r.pair(last, r.partner(level, last))
				nodes++
			}
			layer[n/2] = last
		}
		layer = layer[:(n+1)/2]
	}
	return layer[0], nodes
}
