package hash

import (
	"fmt"

	"github.com/chainweir/weir/asm/blake3x"
)

// BLAKE3ChunkSize is the length in bytes of a leaf of BLAKE3's tree (§2.1).
const BLAKE3ChunkSize = blake3x.ChunkSize

// The functions of this file are the nodes of BLAKE3's tree in the default
// mode, for programs that keep or prove parts of it. Putting together the
// digest of a message of n > 1 chunks takes
//
//   - BLAKE3Chunks for the whole chunks, BLAKE3Chunk if the last one is short;
//   - BLAKE3Parents level by level, an odd value carried up as it is, until two
//     are left;
//   - BLAKE3Root for these two.
//
// A message of one chunk has no nodes below its root: use BLAKE3.

// BLAKE3Chunks sets value i of dst to the chaining value of chunk i of src,
// which has the number counter+i in its message (§2.4). src holds n chunks of
// 1024 bytes and dst n×32 bytes; anything else is ErrLength and writes nothing.
// Kernel "blake3_chunks".
func BLAKE3Chunks(dst, src []byte, counter uint64) error {
	if err := checkChunks(dst, src); err != nil {
		return err
	}
	blake3Chunks(kernelBLAKE3Chunks.Pick(len(src)/blake3x.ChunkSize), dst, src, counter)
	return nil
}

// BLAKE3Parents sets value i of dst to the chaining value of the parent of the
// two values that are pair i of src (§2.5); none of them is a root. src holds n
// pairs of 64 bytes and dst n×32 bytes; anything else is ErrLength and writes
// nothing. dst may be src[:len(src)/2]. Kernel "blake3_parents".
func BLAKE3Parents(dst, src []byte) error {
	if err := checkPairs(dst, src); err != nil {
		return err
	}
	blake3Parents(kernelBLAKE3Parents.Pick(len(src)/pairSize), dst, src)
	return nil
}

// BLAKE3Chunk returns the chaining value of one chunk of 1 to 1024 bytes, such
// as the short one at the end of a message, with the number counter (§2.4).
// Another length is ErrLength.
func BLAKE3Chunk(chunk []byte, counter uint64) (cv [Size]byte, err error) {
	if len(chunk) < 1 || len(chunk) > blake3x.ChunkSize {
		return cv, fmt.Errorf("%w: a chunk of %d bytes; it must have 1 to %d", ErrLength, len(chunk), blake3x.ChunkSize)
	}
	words := blake3x.Chunk(blake3x.Impl(kernelBLAKE3Chunks.Pick(1)), chunk, &blake3x.IV, counter, 0)
	return blake3x.Bytes(&words), nil
}

// BLAKE3Root returns the digest of the message whose tree has these two
// chaining values below its root (§2.5).
func BLAKE3Root(left, right *[Size]byte) (digest [Size]byte) {
	var pair [pairSize]byte
	copy(pair[:Size], left[:])
	copy(pair[Size:], right[:])
	root := parentRoot(&pair, &blake3x.IV, 0)
	root.digest(&digest, blake3x.Impl(kernelBLAKE3Parents.Pick(1)))
	return digest
}

func checkChunks(dst, src []byte) error {
	if len(src)%blake3x.ChunkSize != 0 {
		return fmt.Errorf("%w: src has %d bytes (dst %d); it must hold whole chunks of %d bytes",
			ErrLength, len(src), len(dst), blake3x.ChunkSize)
	}
	if want := len(src) / blake3x.ChunkSize * Size; len(dst) != want {
		return fmt.Errorf("%w: src has %d bytes, that is %d chunks, but dst has %d bytes; it must have %d",
			ErrLength, len(src), len(src)/blake3x.ChunkSize, len(dst), want)
	}
	return nil
}

// In the kernels of nodes an implementation has the index that is its number
// in blake3x.

func blake3Chunks(impl int, dst, src []byte, counter uint64) {
	blake3x.Chunks(blake3x.Impl(impl), dst, src, &blake3x.IV, counter, 0)
}

func blake3Parents(impl int, dst, src []byte) {
	blake3x.Parents(blake3x.Impl(impl), dst, src, &blake3x.IV, 0)
}
