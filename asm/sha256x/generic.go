package sha256x

import (
	"encoding/binary"
	"math/bits"
)

// This file is FIPS 180-4 written down, section numbers below: the
// specification that all other implementations are compared with.

// Sizes in bytes.
const (
	Size      = 32 // of a digest
	BlockSize = 64 // of what one compression takes in
	PairSize  = 64 // of two digests side by side
)

// NodePrefix is the byte before a pair in an interior node of RFC 6962 §2.1.
const NodePrefix = 0x01

// IV is the initial hash value, §5.3.3.
var IV = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// K are the round constants, §4.2.2.
var K = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// PairsGeneric sets digest i of dst to SHA-256(pair i of src). src holds n
// pairs of 64 bytes and dst n digests of 32; dst may be src[:len(src)/2].
func PairsGeneric(dst, src []byte) {
	for i := range len(src) / PairSize {
		digest := SumGeneric(src[i*PairSize:][:PairSize])
		copy(dst[i*Size:], digest[:])
	}
}

// NodesGeneric sets digest i of dst to SHA-256(0x01 ‖ pair i of src), the hash
// of an interior node in RFC 6962 §2.1. Shapes as in PairsGeneric.
func NodesGeneric(dst, src []byte) {
	var node [1 + PairSize]byte
	node[0] = NodePrefix
	for i := range len(src) / PairSize {
		copy(node[1:], src[i*PairSize:][:PairSize])
		digest := SumGeneric(node[:])
		copy(dst[i*Size:], digest[:])
	}
}

// DPairsGeneric sets digest i of dst to SHA-256(SHA-256(pair i of src)), as in
// Bitcoin's Merkle tree. Shapes as in PairsGeneric.
func DPairsGeneric(dst, src []byte) {
	for i := range len(src) / PairSize {
		inner := SumGeneric(src[i*PairSize:][:PairSize])
		digest := SumGeneric(inner[:])
		copy(dst[i*Size:], digest[:])
	}
}

// SumGeneric returns the SHA-256 digest of msg.
func SumGeneric(msg []byte) [Size]byte {
	state := IV
	return FinishGeneric(&state, msg, 0)
}

// FinishGeneric returns the digest of a message that ends with rest, state being
// the hash value after the blocks before, which have that many bytes. It leaves
// something else in state.
func FinishGeneric(state *[8]uint32, rest []byte, before uint64) [Size]byte {
	whole := len(rest) / BlockSize * BlockSize
	BlocksGeneric(state, rest[:whole])
	var end [2 * BlockSize]byte
	n := Pad(&end, rest[whole:], before+uint64(len(rest)))
	BlocksGeneric(state, end[:n])
	var digest [Size]byte
	for i, word := range state {
		binary.BigEndian.PutUint32(digest[4*i:], word)
	}
	return digest
}

// Pad writes the end of a message of total bytes to tail: rest, which is less
// than a block, and the padding of §5.1.1. It returns the bytes that count, one
// or two blocks. The part of tail that it does not write must be zero.
func Pad(tail *[2 * BlockSize]byte, rest []byte, total uint64) int {
	n := copy(tail[:], rest)
	tail[n] = 0x80
	end := BlockSize
	if n+1+8 > BlockSize {
		end = 2 * BlockSize
	}
	binary.BigEndian.PutUint64(tail[end-8:], total*8)
	return end
}

// BlocksGeneric compresses the whole blocks of p into state, §6.2.2.
func BlocksGeneric(state *[8]uint32, p []byte) {
	for ; len(p) >= BlockSize; p = p[BlockSize:] {
		var w [64]uint32
		for t := range 16 {
			w[t] = binary.BigEndian.Uint32(p[4*t:])
		}
		for t := 16; t < 64; t++ {
			w[t] = sigma1(w[t-2]) + w[t-7] + sigma0(w[t-15]) + w[t-16]
		}
		a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
		for t := range 64 {
			t1 := h + bigSigma1(e) + (e&f ^ ^e&g) + K[t] + w[t]
			t2 := bigSigma0(a) + (a&b ^ a&c ^ b&c)
			h, g, f, e, d, c, b, a = g, f, e, d+t1, c, b, a, t1+t2
		}
		for i, v := range [8]uint32{a, b, c, d, e, f, g, h} {
			state[i] += v
		}
	}
}

// The functions of §4.1.2.

func bigSigma0(x uint32) uint32 { return ror(x, 2) ^ ror(x, 13) ^ ror(x, 22) }
func bigSigma1(x uint32) uint32 { return ror(x, 6) ^ ror(x, 11) ^ ror(x, 25) }
func sigma0(x uint32) uint32    { return ror(x, 7) ^ ror(x, 18) ^ x>>3 }
func sigma1(x uint32) uint32    { return ror(x, 17) ^ ror(x, 19) ^ x>>10 }

func ror(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }
