package hash

import (
	"math/bits"

	"github.com/chainweir/weir/asm/blake3x"
)

// This file hashes whole messages with the batch functions of an
// implementation. BLAKE3's tree puts the largest full subtree to the left, and
// that is the tree that comes out when the values of a level are paired from
// the left and an odd one is carried up as it is:
//
//	level 0   0   1   2   3   4   5   6        chunks
//	           \ /     \ /     \ /    |
//	level 1    01      23      45     6        parents, one batch
//	             \    /          \   /
//	level 2       0-3             456
//
// So a level is one batch, and a batch is only small near the root. The same
// holds when the first values stand for subtrees of 2^k chunks each and the
// last for what is left over. Therefore subtrees need not be reduced to one
// value before they are joined: they are handed up blake3Width values wide, so
// that all batches but those of the last few levels of the whole message fill
// the lanes.

const (
	// blake3Width is how many values a subtree is handed up with: two of them
	// make a batch that fills the widest kernel, two sets of 16 lanes.
	blake3Width = 32

	// blake3Batch is how many chunks are hashed before their parents are: so
	// many that a call's own cost does not show, so few that the message is
	// still in the cache when the next ones are fetched, and that 4 KiB of the
	// stack hold the values.
	blake3Batch = 128
)

// A blake3Mode is what tells the modes of BLAKE3 apart (§2.3): the key that
// stands where the default mode has the initial value, and a flag.
type blake3Mode struct {
	key   [8]uint32
	flags uint32
}

// defaultBLAKE3 is the mode of plain hashing.
func defaultBLAKE3() blake3Mode { return blake3Mode{key: blake3x.IV} }

// keyedBLAKE3 is the mode with a key of the caller's.
func keyedBLAKE3(key *[Size]byte) blake3Mode {
	return blake3Mode{key: blake3x.Value(key), flags: blake3x.KeyedHash}
}

// blake3Sum sets digest to that of msg. It takes a pointer, like all functions
// on the way to it, because a block takes so little time that every copy of the
// result would show.
func blake3Sum(digest *[Size]byte, impl blake3x.Impl, msg []byte, key *[8]uint32, flags uint32) {
	if len(msg) > blake3x.ChunkSize {
		sumTree(digest, impl, msg, key, flags)
		return
	}
	words := blake3x.Chunk(impl, msg, key, 0, flags|blake3x.Root)
	*digest = blake3x.Bytes(&words)
}

// sumTree is blake3Sum for two chunks and more. It is a function of its own to
// keep its buffers off the path of short messages.
//
//go:noinline
func sumTree(digest *[Size]byte, impl blake3x.Impl, msg []byte, key *[8]uint32, flags uint32) {
	root := treeRoot(impl, msg, key, flags)
	root.digest(digest, impl)
}

// treeRoot returns the root of the tree over msg, which has two chunks or more.
func treeRoot(impl blake3x.Impl, msg []byte, key *[8]uint32, flags uint32) blake3Root {
	var cvs [blake3Width * Size]byte
	n := subtree(impl, cvs[:], msg, key, 0, flags)
	for n > 2 {
		n = parentLevel(impl, cvs[:n*Size], key, flags)
	}
	return parentRoot((*[pairSize]byte)(cvs[:]), key, flags)
}

// subtree hashes msg, any length but 0, whose first chunk has the number
// counter, and writes the values of the level of its tree that has at most
// blake3Width of them to cvs. It returns how many they are. cvs has room for
// blake3Width.
func subtree(impl blake3x.Impl, cvs, msg []byte, key *[8]uint32, counter uint64, flags uint32) int {
	switch {
	case len(msg) <= blake3Width*blake3x.ChunkSize:
		return chunkLevel(impl, cvs, msg, key, counter, flags)
	case len(msg) <= blake3Batch*blake3x.ChunkSize:
		return subtreeBatch(impl, cvs, msg, key, counter, flags)
	}
	return subtreeSplit(impl, cvs, msg, key, counter, flags)
}

// subtreeBatch is subtree for up to blake3Batch chunks.
func subtreeBatch(impl blake3x.Impl, cvs, msg []byte, key *[8]uint32, counter uint64, flags uint32) int {
	var level [blake3Batch * Size]byte
	n := chunkLevel(impl, level[:], msg, key, counter, flags)
	for n > blake3Width {
		n = parentLevel(impl, level[:n*Size], key, flags)
	}
	copy(cvs, level[:n*Size])
	return n
}

// subtreeSplit is subtree for more than blake3Batch chunks: the left subtree
// is full and comes with exactly blake3Width values, the right one has at most
// as many.
func subtreeSplit(impl blake3x.Impl, cvs, msg []byte, key *[8]uint32, counter uint64, flags uint32) int {
	leftChunks := 1 << (bits.Len(uint((len(msg)-1)/blake3x.ChunkSize)) - 1)
	left, right := msg[:leftChunks*blake3x.ChunkSize], msg[leftChunks*blake3x.ChunkSize:]
	var both [2 * blake3Width * Size]byte
	n := subtree(impl, both[:], left, key, counter, flags)
	n += subtree(impl, both[n*Size:], right, key, counter+uint64(leftChunks), flags)
	n = parentLevel(impl, both[:n*Size], key, flags)
	copy(cvs, both[:n*Size])
	return n
}

// subtreeValue returns in cv the one chaining value of the tree over msg,
// whose first chunk has the number counter. None of its nodes is the root.
func subtreeValue(impl blake3x.Impl, cv *[Size]byte, msg []byte, key *[8]uint32, counter uint64, flags uint32) {
	var cvs [blake3Width * Size]byte
	n := subtree(impl, cvs[:], msg, key, counter, flags)
	for n > 1 {
		n = parentLevel(impl, cvs[:n*Size], key, flags)
	}
	copy(cv[:], cvs[:])
}

// chunkLevel writes the values of all chunks of msg, of which the last may be
// short, and returns how many they are.
func chunkLevel(impl blake3x.Impl, cvs, msg []byte, key *[8]uint32, counter uint64, flags uint32) int {
	n := len(msg) / blake3x.ChunkSize
	whole := n * blake3x.ChunkSize
	if n > 0 {
		blake3x.Chunks(impl, cvs[:n*Size], msg[:whole], key, counter, flags)
	}
	if whole < len(msg) {
		words := blake3x.Chunk(impl, msg[whole:], key, counter+uint64(n), flags)
		blake3x.PutWords(cvs[n*Size:], &words)
		n++
	}
	return n
}

// parentLevel replaces the values of a level by those of the level above, and
// returns how many they are.
func parentLevel(impl blake3x.Impl, cvs []byte, key *[8]uint32, flags uint32) int {
	pairs := len(cvs) / pairSize
	blake3x.Parents(impl, cvs[:pairs*Size], cvs[:pairs*pairSize], key, flags)
	if pairs*pairSize == len(cvs) {
		return pairs
	}
	copy(cvs[pairs*Size:], cvs[pairs*pairSize:])
	return pairs + 1
}

// A blake3Root is the root node of a tree before its compression: everything
// that the output, of whatever length, is made from (§2.6).
type blake3Root struct {
	cv       [8]uint32
	block    [16]uint32
	blockLen uint32
	flags    uint32
}

// parentRoot is the root above the two values of a pair.
func parentRoot(pair *[pairSize]byte, key *[8]uint32, flags uint32) blake3Root {
	return blake3Root{
		cv: *key, block: blake3x.Block(pair), blockLen: blake3x.BlockSize,
		flags: flags | blake3x.Parent | blake3x.Root,
	}
}

// chunkRoot is the root of a message of at most one chunk: its last block, on
// top of the ones before.
func chunkRoot(impl blake3x.Impl, msg []byte, key *[8]uint32, flags uint32) blake3Root {
	r := blake3Root{cv: *key, flags: flags | blake3x.ChunkStart}
	for len(msg) > blake3x.BlockSize {
		block := blake3x.Block((*[blake3x.BlockSize]byte)(msg))
		out := blake3x.Compress(impl, &r.cv, &block, 0, blake3x.BlockSize, r.flags)
		r.cv = [8]uint32(out[:8])
		r.flags = flags
		msg = msg[blake3x.BlockSize:]
	}
	var last [blake3x.BlockSize]byte
	r.blockLen = uint32(copy(last[:], msg))
	r.block = blake3x.Block(&last)
	r.flags |= blake3x.ChunkEnd | blake3x.Root
	return r
}

// messageRoot is the root of a message of any length.
func messageRoot(impl blake3x.Impl, msg []byte, key *[8]uint32, flags uint32) blake3Root {
	if len(msg) <= blake3x.ChunkSize {
		return chunkRoot(impl, msg, key, flags)
	}
	return treeRoot(impl, msg, key, flags)
}

// digest is the first 32 bytes of the output.
func (r *blake3Root) digest(dst *[Size]byte, impl blake3x.Impl) {
	out := blake3x.Compress(impl, &r.cv, &r.block, 0, r.blockLen, r.flags)
	*dst = blake3x.Bytes((*[8]uint32)(out[:8]))
}

// read fills dst with the output from byte position pos on.
func (r *blake3Root) read(dst []byte, impl blake3x.Impl, pos uint64) {
	counter := pos / blake3x.BlockSize
	if skip := pos % blake3x.BlockSize; skip > 0 && len(dst) > 0 {
		var block [blake3x.BlockSize]byte
		blake3x.XOF(impl, block[:], &r.cv, &r.block, counter, r.blockLen, r.flags)
		dst = dst[copy(dst, block[skip:]):]
		counter++
	}
	if len(dst) > 0 {
		blake3x.XOF(impl, dst, &r.cv, &r.block, counter, r.blockLen, r.flags)
	}
}
