package field

import (
	"crypto/sha256"
	"errors"
	"math/rand/v2"

	zeebo "github.com/zeebo/blake3"
	lukechampine "lukechampine.com/blake3"

	"github.com/chainweir/weir/hash"
)

const (
	digestSize = hash.Size
	pairSize   = 2 * hash.Size
)

// errReferences says that the right answer is not known.
var errReferences = errors.New("field: the reference implementations do not agree")

// random returns n bytes that are the same in every run.
func random(n int) []byte {
	var seed [32]byte
	copy(seed[:], "weir bench/peers")
	b := make([]byte, n)
	rand.NewChaCha8(seed).Read(b)
	return b
}

// messages cuts messages of the given sizes out of one buffer, back to back,
// as they would come out of a block or a frame.
func messages(sizes []int) [][]byte {
	total := 0
	for _, n := range sizes {
		total += n
	}
	buf, msgs := random(total), make([][]byte, len(sizes))
	for i, n := range sizes {
		msgs[i], buf = buf[:n:n], buf[n:]
	}
	return msgs
}

// digests are the answers for many items by a reference for one.
func digests(items [][]byte, sum func([]byte) [digestSize]byte) []byte {
	all := make([]byte, 0, len(items)*digestSize)
	for _, item := range items {
		d := sum(item)
		all = append(all, d[:]...)
	}
	return all
}

func pairsOf(src []byte) [][]byte {
	list := make([][]byte, 0, len(src)/pairSize)
	for ; len(src) > 0; src = src[pairSize:] {
		list = append(list, src[:pairSize])
	}
	return list
}

// nodeSum is the hash of an interior node, RFC 6962 §2.1.
func nodeSum(pair []byte) [digestSize]byte {
	return sha256.Sum256(append([]byte{nodePrefix}, pair...))
}

const nodePrefix = 0x01

// doubleSum is the hash of an interior node of Bitcoin's tree.
func doubleSum(pair []byte) [digestSize]byte {
	inner := sha256.Sum256(pair)
	return sha256.Sum256(inner[:])
}

// blake3Digests are the answers on which both other libraries agree.
func blake3Digests(msgs [][]byte) ([]byte, error) {
	want := digests(msgs, zeebo.Sum256)
	if string(want) != string(digests(msgs, lukechampine.Sum256)) {
		return nil, errReferences
	}
	return want, nil
}
