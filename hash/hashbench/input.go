package hashbench

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/hash"
)

// ErrWrongDigest marks an implementation that gave a wrong answer.
var ErrWrongDigest = errors.New("hashbench: wrong digest")

// input is the data of a cell: n items of size bytes, back to back.
type input struct {
	n, size int
	src     []byte
	msgs    [][]byte
}

func newInput(n, size int) input {
	in := input{n: n, size: size, src: make([]byte, n*size), msgs: make([][]byte, n)}
	for i := range in.msgs {
		in.msgs[i] = in.src[i*size:][:size]
	}
	return in
}

// call does the job once.
func (in input) call(im hash.Implementation, dst []byte) error {
	switch {
	case im.Pairs != nil:
		return im.Pairs(dst, in.src)
	case im.Chunks != nil:
		return im.Chunks(dst, in.src, 0)
	case im.Many != nil:
		return im.Many(dst, in.msgs)
	case im.One != nil:
		digest := im.One(in.src)
		copy(dst, digest[:])
		return nil
	}
	return fmt.Errorf("hashbench: %s:%s has no function to time", im.Kernel, im.Name)
}

// verify compares the digests of all calls of a sample with the reference.
func (in input) verify(im hash.Implementation, dst []byte) bool {
	ref := reference(im)
	if ref == nil {
		return false
	}
	want := make([]byte, 0, in.n*hash.Size)
	for i, item := range in.msgs {
		digest := ref(i, item)
		want = append(want, digest[:]...)
	}
	for len(dst) > 0 {
		if !bytes.Equal(dst[:len(want)], want) {
			return false
		}
		dst = dst[len(want):]
	}
	return true
}

// reference returns another way to the digest of item i, or nil for a kernel
// that has none here: its rows are then not verified.
func reference(im hash.Implementation) func(i int, item []byte) [hash.Size]byte {
	if im.Kernel == "blake3_chunks" {
		return func(i int, chunk []byte) (cv [hash.Size]byte) {
			blake3x.ChunksGeneric(cv[:], chunk, &blake3x.IV, uint64(i), 0)
			return cv
		}
	}
	if sum := itemReference(im); sum != nil {
		return func(_ int, item []byte) [hash.Size]byte { return sum(item) }
	}
	return nil
}

// itemReference is reference for kernels to which all items are alike.
func itemReference(im hash.Implementation) func([]byte) [hash.Size]byte {
	switch im.Kernel {
	case "sha256", "sha256_stream", "sha256_pairs", "sha256_many":
		return sha256.Sum256
	case "sha256_nodes":
		return func(pair []byte) [hash.Size]byte {
			node := append(make([]byte, 0, 1+PairSize), 1)
			return sha256.Sum256(append(node, pair...))
		}
	case "sha256d_pairs":
		return func(pair []byte) [hash.Size]byte {
			inner := sha256.Sum256(pair)
			return sha256.Sum256(inner[:])
		}
	case "blake3_parents":
		return func(pair []byte) (cv [hash.Size]byte) {
			blake3x.ParentsGeneric(cv[:], pair, &blake3x.IV, 0)
			return cv
		}
	case "blake3", "blake3_many":
		// zeebo checks everybody else, and the specification checks zeebo.
		if im.Name != "zeebo" {
			return blake3.Sum256
		}
		return specification("blake3")
	}
	return nil
}

// specification returns the first implementation of a kernel of one message.
func specification(kernel string) func([]byte) [hash.Size]byte {
	for _, im := range hash.Implementations() {
		if im.Kernel == kernel {
			return im.One
		}
	}
	return nil
}
