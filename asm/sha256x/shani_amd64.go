//go:build amd64 && gc && !purego

package sha256x

import (
	"unsafe"

	"github.com/chainweir/weir/asm/cpu"
)

// Most of one call into assembly, which holds its core.
const (
	// At the 150 cycles that a double pair takes at most on Zen 4, 77 µs at 2 GHz.
	shaniCallPairs = 1024
	// Blocks of one stream wait for each other: at 128 cycles, 131 µs at 2 GHz.
	shaniCallBlocks = 2048
	// From where on the duos and the pipelines pay, which must fill first.
	shaniDuosPairs     = 8
	shaniRunPairs      = 64
	shaniDPairRunPairs = 16
)

// SHANIUnavailable says why the functions ending in SHANI must not be called
// here, or "". They use AVX's three-operand forms of SSE instructions too.
func SHANIUnavailable() string { return cpu.Requires("SHA", "AVX") }

// PairsSHANI is PairsGeneric with SHA-NI, several pairs side by side.
func PairsSHANI(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, shaniCallPairs)
		switch {
		case n == 1:
			shaniPairs1(&dst[0], &src[0], 1)
		case n == 2:
			shaniPairs2(&dst[0], &src[0], 2)
		case n < shaniDuosPairs:
			shaniPairs4(&dst[0], &src[0], n)
		case n < shaniRunPairs:
			n = n / 4 * 4
			shaniPairsDuos(&dst[0], &src[0], n/4)
		default:
			shaniPairsRun(&dst[0], &src[0], n)
		}
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// NodesSHANI is NodesGeneric with SHA-NI, several pairs side by side.
func NodesSHANI(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, shaniCallPairs)
		switch {
		case n == 1:
			shaniNodes1(&dst[0], &src[0], 1)
		case n == 2:
			shaniNodes2(&dst[0], &src[0], 2)
		case n < shaniRunPairs:
			shaniNodes4(&dst[0], &src[0], n)
		default:
			shaniNodesRun(&dst[0], &src[0], n)
		}
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// DPairsSHANI is DPairsGeneric with SHA-NI, several pairs side by side.
func DPairsSHANI(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, shaniCallPairs)
		switch {
		case n == 1:
			shaniDPairs1(&dst[0], &src[0], 1)
		case n == 2:
			shaniDPairs2(&dst[0], &src[0], 2)
		case n < shaniDPairRunPairs:
			shaniDPairs4(&dst[0], &src[0], n)
		default:
			shaniDPairsRun(&dst[0], &src[0], n)
		}
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// BlocksSHANI is BlocksGeneric with SHA-NI.
func BlocksSHANI(state *[8]uint32, p []byte) {
	for len(p) >= BlockSize {
		n := min(len(p)/BlockSize, shaniCallBlocks)
		shaniBlocks(state, &p[0], n)
		p = p[n*BlockSize:]
	}
}

// SumSHANI is SumGeneric with SHA-NI.
func SumSHANI(msg []byte) [Size]byte {
	state := IV
	return FinishSHANI(&state, msg, 0)
}

// FinishSHANI is FinishGeneric with SHA-NI.
func FinishSHANI(state *[8]uint32, rest []byte, before uint64) (digest [Size]byte) {
	total := before + uint64(len(rest))
	if many := len(rest) / BlockSize; many > shaniCallBlocks {
		BlocksSHANI(state, rest[:many*BlockSize])
		rest = rest[many*BlockSize:]
	}
	blocks := len(rest) / BlockSize
	var end [2 * BlockSize]byte
	endBlocks := Pad(&end, rest[blocks*BlockSize:], total) / BlockSize
	shaniSum(&digest, state, unsafe.SliceData(rest), blocks, &end, endBlocks)
	return digest
}
