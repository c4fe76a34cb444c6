package hash

import (
	"encoding/binary"
	"math/bits"
)

// This file is BLAKE3's default hash mode written down from the BLAKE3 paper
// (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020), section numbers below. It
// is the specification that the fast implementations are compared with, so it
// stays simple and is never optimised.
//
//	message   chunk 0 | chunk 1 | chunk 2 | chunk 3 | chunk 4 (1 to 1024 bytes)
//	               \     /           \     /           |
//	               parent            parent            |
//	                     \          /                  |
//	                        parent                     |
//	                              \                    /
//	                                 root (a parent, or the only chunk)

const (
	blake3BlockSize = 64
	blake3ChunkSize = 1024

	// Domain flags, §2.2 table 3.
	blake3ChunkStart = 1 << 0
	blake3ChunkEnd   = 1 << 1
	blake3Parent     = 1 << 2
	blake3Root       = 1 << 3
)

// blake3IV is SHA-256's initial value, §2.2 table 1.
var blake3IV = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// blake3Permutation reorders the message words between rounds, §2.2 table 2.
var blake3Permutation = [16]int{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8}

func genericBLAKE3(msg []byte) [Size]byte {
	cv := blake3Subtree(msg, 0, blake3Root)
	var digest [Size]byte
	for i, word := range cv {
		binary.LittleEndian.PutUint32(digest[4*i:], word)
	}
	return digest
}

// blake3Subtree returns the chaining value of the tree over msg, whose first
// chunk has the number counter in the whole message. root is blake3Root for
// the whole message and 0 below.
func blake3Subtree(msg []byte, counter uint64, root uint32) [8]uint32 {
	if len(msg) <= blake3ChunkSize {
		return blake3Chunk(msg, counter, root)
	}
	// The left subtree is the largest full one that leaves the right one at
	// least a byte, §2.1.
	chunks := (len(msg) - 1) / blake3ChunkSize
	leftChunks := 1 << (bits.Len(uint(chunks)) - 1)
	left := blake3Subtree(msg[:leftChunks*blake3ChunkSize], counter, 0)
	right := blake3Subtree(msg[leftChunks*blake3ChunkSize:], counter+uint64(leftChunks), 0)
	var block [16]uint32
	copy(block[:8], left[:])
	copy(block[8:], right[:])
	return blake3Compress(blake3IV, block, 0, blake3BlockSize, blake3Parent|root)
}

// blake3Chunk chains the blocks of one chunk, of which the last may be short
// and, in the empty message, empty (§2.4).
func blake3Chunk(chunk []byte, counter uint64, root uint32) [8]uint32 {
	cv := blake3IV
	flags := uint32(blake3ChunkStart)
	for {
		var padded [blake3BlockSize]byte
		n := copy(padded[:], chunk)
		chunk = chunk[n:]
		if len(chunk) == 0 {
			flags |= blake3ChunkEnd | root
		}
		var block [16]uint32
		for i := range block {
			block[i] = binary.LittleEndian.Uint32(padded[4*i:])
		}
		cv = blake3Compress(cv, block, counter, uint32(n), flags)
		if len(chunk) == 0 {
			return cv
		}
		flags = 0
	}
}

// blake3Compress is the compression function cut to its first eight words,
// which is all that chaining values and 32-byte digests need, §2.2.
func blake3Compress(cv [8]uint32, m [16]uint32, counter uint64, blockLen, flags uint32) [8]uint32 {
	v := [16]uint32{
		cv[0], cv[1], cv[2], cv[3], cv[4], cv[5], cv[6], cv[7],
		blake3IV[0], blake3IV[1], blake3IV[2], blake3IV[3],
		uint32(counter), uint32(counter >> 32), blockLen, flags,
	}
	for round := range 7 {
		if round > 0 {
			var p [16]uint32
			for i, from := range blake3Permutation {
				p[i] = m[from]
			}
			m = p
		}
		blake3G(&v, 0, 4, 8, 12, m[0], m[1])
		blake3G(&v, 1, 5, 9, 13, m[2], m[3])
		blake3G(&v, 2, 6, 10, 14, m[4], m[5])
		blake3G(&v, 3, 7, 11, 15, m[6], m[7])
		blake3G(&v, 0, 5, 10, 15, m[8], m[9])
		blake3G(&v, 1, 6, 11, 12, m[10], m[11])
		blake3G(&v, 2, 7, 8, 13, m[12], m[13])
		blake3G(&v, 3, 4, 9, 14, m[14], m[15])
	}
	for i := range cv {
		cv[i] = v[i] ^ v[i+8]
	}
	return cv
}

// blake3G is the quarter round, §2.2.
func blake3G(v *[16]uint32, a, b, c, d int, x, y uint32) {
	v[a] += v[b] + x
	v[d] = bits.RotateLeft32(v[d]^v[a], -16)
	v[c] += v[d]
	v[b] = bits.RotateLeft32(v[b]^v[c], -12)
	v[a] += v[b] + y
	v[d] = bits.RotateLeft32(v[d]^v[a], -8)
	v[c] += v[d]
	v[b] = bits.RotateLeft32(v[b]^v[c], -7)
}
