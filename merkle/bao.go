package merkle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Bao is a file format for BLAKE3's tree, so that content can be checked against
// its BLAKE3 digest while it is being read, from any place on, and not only when
// all of it is there (github.com/oconnor663/bao, docs/spec.md). Sizes and
// hashes of the official test vectors are in the tests.
//
//	                    combined:  length P0 P1 c0 c1 c2
//	     P0 = root      outboard:  length P0 P1             c0 c1 c2 stay elsewhere
//	    /  \            a slice
//	  P1    c2          within c1: length P0 P1    c1
//	 /  \
//	c0  c1              length: 8 bytes, little-endian; P: two chaining values,
//	                    64 bytes; c: a chunk, 1024 bytes or the rest
//
// Nodes are in pre-order: a parent, all of its left side, all of its right side.
// The length is not hashed. What proves it is the last chunk, whose length and
// number are hashed and whose way from the root leads along the right edge.

// Errors of the Bao format. The wrapped text names the place and the remedy.
var (
	// ErrBaoTruncated marks an encoding, or content beside an outboard one, that
	// ends before the tree does. It also wraps io.ErrUnexpectedEOF.
	ErrBaoTruncated = errors.New("merkle: Bao encoding ends too early")
	// ErrBaoMismatch marks a parent or chunk that is not of the tree with the
	// given root: content, tree, length, root or the place of a slice is wrong.
	ErrBaoMismatch = errors.New("merkle: Bao node does not match the root")
	// ErrBaoTrailing marks bytes after the end of the encoding or the content.
	ErrBaoTrailing = errors.New("merkle: bytes after the end of a Bao encoding")
	// ErrBaoLength marks a length of content that is negative or too large for
	// files: an encoding of it cannot exist.
	ErrBaoLength = errors.New("merkle: impossible length of Bao content")
)

const (
	baoHeaderSize = 8
	baoParentSize = 2 * HashSize
	// baoMaxLevels is the number of parents above a chunk of the largest message,
	// of 2^64 - 1 bytes.
	baoMaxLevels = 54
	// baoMaxEncode bounds the content whose outboard encoding is built in memory,
	// far above any memory: 1 PiB, an encoding of 64 TiB.
	baoMaxEncode = 1 << 50
)

// BaoOutboardSize returns the length in bytes of the outboard Bao encoding of
// content of size bytes: a header of 8 and 64 for each parent. The combined
// encoding has size bytes more.
func BaoOutboardSize(size uint64) uint64 {
	return baoHeaderSize + baoParentSize*(BLAKE3Chunks(size)-1)
}

// baoLeft returns the bytes on the left side of a subtree of more than one chunk:
// the largest power of two of chunks that leaves something for the right.
func baoLeft(size uint64) uint64 {
	return 1 << (bits.Len64((size-1)/BLAKE3ChunkSize) - 1) * BLAKE3ChunkSize
}

// baoSubtree is the place of a node: the bytes of the content below it, and the
// number of parents before it in pre-order.
type baoSubtree struct {
	lo, size uint64
	parents  uint64
}

func (t baoSubtree) isChunk() bool { return t.size <= BLAKE3ChunkSize }

// children returns the places of the two nodes below a parent.
func (t baoSubtree) children() (left, right baoSubtree) {
	l := baoLeft(t.size)
	left = baoSubtree{lo: t.lo, size: l, parents: t.parents + 1}
	right = baoSubtree{lo: t.lo + l, size: t.size - l, parents: t.parents + l/BLAKE3ChunkSize}
	return left, right
}

// baoRange is the bytes [from, to) of content of size bytes whose chunks are in
// an encoding. It is empty only where the content is.
type baoRange struct{ from, to, size uint64 }

// baoWanted returns the range for a slice of length bytes from start: at least
// one byte, and the last byte of all if there are none from start on.
func baoWanted(start, length, size uint64) baoRange {
	if size == 0 {
		return baoRange{}
	}
	from := min(start, size-1)
	return baoRange{from: from, to: max(from+1, min(size, baoEnd(start, length))), size: size}
}

// baoEnd is start + length, or the largest number where that is larger still.
func baoEnd(start, length uint64) uint64 {
	if length > math.MaxUint64-start {
		return math.MaxUint64
	}
	return start + length
}

// meets says whether the node is in the encoding. The root always is.
func (r baoRange) meets(t baoSubtree) bool {
	return t.lo < r.to && r.from-min(r.from, t.lo) < t.size || r.size == 0
}

// bytes returns how many bytes of chunks the encoding has, and how many parents.
func (r baoRange) bytes() (chunks, parents uint64) {
	lo := r.from - r.from%BLAKE3ChunkSize
	hi := r.size // the end of the chunk that byte to-1 is in
	if last := r.to - min(r.to, 1); r.size-last > BLAKE3ChunkSize-last%BLAKE3ChunkSize {
		hi = last - last%BLAKE3ChunkSize + BLAKE3ChunkSize
	}
	return hi - lo, r.parents(baoSubtree{size: r.size})
}

// parents counts those at and below t that are in the encoding. Only the nodes
// at the two ends of the range are visited, at most two in a layer.
func (r baoRange) parents(t baoSubtree) uint64 {
	switch {
	case t.isChunk() || !r.meets(t):
		return 0
	case r.from <= t.lo && r.to-t.lo >= t.size:
		return (t.size - 1) / BLAKE3ChunkSize // all of it
	}
	left, right := t.children()
	return 1 + r.parents(left) + r.parents(right)
}

// checkBaoFile refuses lengths that no file with this encoding can have.
func checkBaoFile(size uint64, combined bool) error {
	whole := BaoOutboardSize(size)
	if combined {
		whole += min(size, math.MaxInt64) // 2^60 and 2^63 do not overflow
	}
	if size > math.MaxInt64 || whole > math.MaxInt64 {
		return fmt.Errorf("%w: its header says %d bytes, more than a file can have; take the encoding from where it was made",
			ErrBaoLength, size)
	}
	return nil
}

func baoHeader(size uint64) []byte {
	return binary.LittleEndian.AppendUint64(nil, size)
}
