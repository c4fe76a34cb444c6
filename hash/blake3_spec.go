package hash

import (
	"math/bits"

	"github.com/chainweir/weir/asm/blake3x"
)

// This file is BLAKE3's tree written down from the BLAKE3 paper (O'Connor,
// Aumasson, Neves, Wilcox-O'Hearn, 2020), §2.1, on top of the specification of
// its nodes in package blake3x. It is what the fast implementations are
// compared with, so it stays simple and is never optimised.
//
//	message   chunk 0 | chunk 1 | chunk 2 | chunk 3 | chunk 4 (1 to 1024 bytes)
//	               \     /           \     /           |
//	               parent            parent            |
//	                     \          /                  |
//	                        parent                     |
//	                              \                    /
//	                                 root (a parent, or the only chunk)

// specBLAKE3 returns the digest of msg under the key and flags of a mode.
func specBLAKE3(msg []byte, key *[8]uint32, flags uint32) (digest [Size]byte) {
	words := specSubtree(msg, key, 0, flags, blake3x.Root)
	blake3x.PutWords(digest[:], &words)
	return digest
}

// specSubtree returns the chaining value of the tree over msg, whose first
// chunk has the number counter in the whole message. root is blake3x.Root for
// the whole message and 0 below.
func specSubtree(msg []byte, key *[8]uint32, counter uint64, flags, root uint32) [8]uint32 {
	if len(msg) <= blake3x.ChunkSize {
		return blake3x.ChunkGeneric(msg, key, counter, flags|root)
	}
	// The left subtree is the largest full one that leaves the right one at
	// least a byte.
	chunks := (len(msg) - 1) / blake3x.ChunkSize
	leftChunks := 1 << (bits.Len(uint(chunks)) - 1)
	left := specSubtree(msg[:leftChunks*blake3x.ChunkSize], key, counter, flags, 0)
	right := specSubtree(msg[leftChunks*blake3x.ChunkSize:], key, counter+uint64(leftChunks), flags, 0)
	var block [16]uint32
	copy(block[:8], left[:])
	copy(block[8:], right[:])
	out := blake3x.CompressGeneric(key, &block, 0, blake3x.BlockSize, flags|blake3x.Parent|root)
	return [8]uint32(out[:8])
}
