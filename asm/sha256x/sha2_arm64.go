//go:build arm64 && gc && !purego

package sha256x

import (
	"encoding/binary"

	"github.com/chainweir/weir/asm/cpu"
)

// The functions below use the SHA-256 instructions of the Armv8 Cryptographic
// Extension (FEAT_SHA256), on up to four streams at once. They are tested
// under emulation; their speed is unmeasured.

// No call into assembly may hold a core for long, because the scheduler cannot
// interrupt it. At 2 GHz a slice of these sizes is under 200 µs if a pair of any
// kind, or a block of a lone stream, takes no more than 390 cycles: slow even for
// small cores with these instructions.
const (
	sha2SlicePairs = 1024
	sha2SliceBytes = 1024 * BlockSize
)

// SHA2Unavailable says in words why the functions named SHA2 cannot run here.
// It is empty when they can.
func SHA2Unavailable() string { return cpu.Requires("SHA2") }

// PairsSHA2 is PairsGeneric with SHA-2 instructions. Unmeasured.
func PairsSHA2(dst, src []byte) {
	for len(src) >= PairSize {
		n := min(len(src)/PairSize, sha2SlicePairs)
		sha2Pairs(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// NodesSHA2 is NodesGeneric with SHA-2 instructions. Unmeasured.
func NodesSHA2(dst, src []byte) {
	for len(src) >= PairSize {
		n := min(len(src)/PairSize, sha2SlicePairs)
		sha2Nodes(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// DPairsSHA2 is DPairsGeneric with SHA-2 instructions. Unmeasured.
func DPairsSHA2(dst, src []byte) {
	for len(src) >= PairSize {
		n := min(len(src)/PairSize, sha2SlicePairs)
		sha2DPairs(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// BlocksSHA2 is BlocksGeneric with SHA-2 instructions: one stream, whose blocks
// wait for each other. Unmeasured.
func BlocksSHA2(state *[8]uint32, p []byte) {
	for len(p) >= BlockSize {
		n := min(len(p)/BlockSize*BlockSize, sha2SliceBytes)
		sha2Blocks(state, &p[0], n/BlockSize)
		p = p[n:]
	}
}

// SumSHA2 is SumGeneric with SHA-2 instructions. Unmeasured.
func SumSHA2(msg []byte) [Size]byte {
	state := IV
	whole := len(msg) / BlockSize * BlockSize
	BlocksSHA2(&state, msg[:whole])
	var tail [2 * BlockSize]byte
	n := Pad(&tail, msg[whole:], uint64(len(msg)))
	BlocksSHA2(&state, tail[:n])
	var digest [Size]byte
	for i, word := range state {
		binary.BigEndian.PutUint32(digest[4*i:], word)
	}
	return digest
}
