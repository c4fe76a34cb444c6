package blake3x

import (
	"encoding/binary"
	"math/bits"
)

// This file is the BLAKE3 paper (O'Connor, Aumasson, Neves, Wilcox-O'Hearn,
// 2020) written down, section numbers below: the specification that all other
// implementations are compared with.

// Sizes in bytes.
const (
	Size       = 32   // of a chaining value, a key and a digest
	BlockSize  = 64   // of what one compression takes in
	ChunkSize  = 1024 // of a leaf of the tree
	ParentSize = 2 * Size
)

// Flags of a compression, §2.2 table 3.
const (
	ChunkStart        = 1 << 0
	ChunkEnd          = 1 << 1
	Parent            = 1 << 2
	Root              = 1 << 3
	KeyedHash         = 1 << 4
	DeriveKeyContext  = 1 << 5
	DeriveKeyMaterial = 1 << 6
)

// IV is SHA-256's initial value, §2.2 table 1. It is the key of the default
// hash mode.
var IV = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// Permutation reorders the message words between rounds, §2.2 table 2.
var Permutation = [16]int{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8}

// ChunksGeneric sets value i of dst, 32 bytes, to the chaining value of chunk i
// of src (§2.4). src holds n whole chunks of 1024 bytes; they have the numbers
// counter, counter+1, … in their message. key is the IV or a key, flags those
// of the mode (KeyedHash and so on), 0 in the default mode. dst and src do not
// overlap.
func ChunksGeneric(dst, src []byte, key *[8]uint32, counter uint64, flags uint32) {
	for i := range len(src) / ChunkSize {
		cv := ChunkGeneric(src[i*ChunkSize:][:ChunkSize], key, counter+uint64(i), flags)
		PutWords(dst[i*Size:], &cv)
	}
}

// ParentsGeneric sets value i of dst, 32 bytes, to the chaining value of the
// parent of the two values that are pair i of src, 64 bytes (§2.5). None of
// them is the root. dst may be src[:len(src)/2].
func ParentsGeneric(dst, src []byte, key *[8]uint32, flags uint32) {
	for i := range len(src) / ParentSize {
		block := Words((*[BlockSize]byte)(src[i*ParentSize:]))
		out := CompressGeneric(key, &block, 0, BlockSize, flags|Parent)
		PutWords(dst[i*Size:], (*[8]uint32)(out[:8]))
	}
}

// ChunkGeneric returns the chaining value of one chunk of 0 to 1024 bytes, or
// with Root among the flags the first words of its output (§2.4).
func ChunkGeneric(chunk []byte, key *[8]uint32, counter uint64, flags uint32) [8]uint32 {
	cv := *key
	blockFlags := flags&^Root | ChunkStart
	for {
		var padded [BlockSize]byte
		n := copy(padded[:], chunk)
		chunk = chunk[n:]
		if len(chunk) == 0 {
			blockFlags |= ChunkEnd | flags&Root
		}
		block := Words(&padded)
		out := CompressGeneric(&cv, &block, counter, uint32(n), blockFlags)
		cv = [8]uint32(out[:8])
		if len(chunk) == 0 {
			return cv
		}
		blockFlags &^= ChunkStart
	}
}

// CompressGeneric is the compression function, §2.2. The first eight words of
// its result are the chaining value; all sixteen are a block of the extended
// output, whose number is then the counter (§2.6).
func CompressGeneric(cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) [16]uint32 {
	m := *block
	v := [16]uint32{
		cv[0], cv[1], cv[2], cv[3], cv[4], cv[5], cv[6], cv[7],
		IV[0], IV[1], IV[2], IV[3],
		uint32(counter), uint32(counter >> 32), blockLen, flags,
	}
	for round := range 7 {
		if round > 0 {
			var p [16]uint32
			for i, from := range Permutation {
				p[i] = m[from]
			}
			m = p
		}
		g(&v, 0, 4, 8, 12, m[0], m[1])
		g(&v, 1, 5, 9, 13, m[2], m[3])
		g(&v, 2, 6, 10, 14, m[4], m[5])
		g(&v, 3, 7, 11, 15, m[6], m[7])
		g(&v, 0, 5, 10, 15, m[8], m[9])
		g(&v, 1, 6, 11, 12, m[10], m[11])
		g(&v, 2, 7, 8, 13, m[12], m[13])
		g(&v, 3, 4, 9, 14, m[14], m[15])
	}
	for i := range 8 {
		v[i] ^= v[i+8]
		v[i+8] ^= cv[i]
	}
	return v
}

// g is the quarter round, §2.2.
func g(v *[16]uint32, a, b, c, d int, x, y uint32) {
	v[a] += v[b] + x
	v[d] = bits.RotateLeft32(v[d]^v[a], -16)
	v[c] += v[d]
	v[b] = bits.RotateLeft32(v[b]^v[c], -12)
	v[a] += v[b] + y
	v[d] = bits.RotateLeft32(v[d]^v[a], -8)
	v[c] += v[d]
	v[b] = bits.RotateLeft32(v[b]^v[c], -7)
}

// Words reads a block as sixteen little-endian words.
func Words(block *[BlockSize]byte) [16]uint32 {
	var w [16]uint32
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(block[4*i:])
	}
	return w
}

// PutWords writes eight words to the first 32 bytes of dst, little-endian.
func PutWords(dst []byte, words *[8]uint32) {
	for i, w := range words {
		binary.LittleEndian.PutUint32(dst[4*i:], w)
	}
}
