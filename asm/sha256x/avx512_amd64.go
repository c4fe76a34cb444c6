//go:build amd64 && gc && !purego

package sha256x

import "github.com/chainweir/weir/asm/cpu"

// AVX512Unavailable says why the functions with AVX512 in their names cannot
// run here, or returns "". VBMI and VBMI2 turn bytes around while words are
// transposed; processors with AVX-512 have had them since 2019.
func AVX512Unavailable() string {
	return cpu.Requires("AVX512F", "AVX512BW", "AVX512VBMI", "AVX512VBMI2")
}

const (
	// avx512Lanes is the number of pairs in a group: one for each 32-bit lane.
	avx512Lanes = 16

	// The pairs that one call into assembly takes, as the scheduler cannot
	// interrupt it. On Zen 4 a pair takes 95 cycles, a node 108 and a double pair
	// 152, so that at 2 GHz a slice takes 97, 111 and 78 µs.
	avx512SlicePairs  = 2048
	avx512SliceDPairs = 1024

	// Up to so many pairs go two groups at a time rather than through the
	// pipeline, which has to be filled and drained. On Zen 4 both are equal at
	// 128 pairs; with more units, filling and draining weigh more.
	avx512PipePairs = 160
)

// PairsAVX512 is PairsGeneric: from 161 pairs on with three groups of sixteen
// in different stages of a pipeline, below that as PairsAVX512Double.
func PairsAVX512(dst, src []byte) {
	for len(src) > avx512PipePairs*PairSize {
		n := min(len(src)/PairSize, avx512SlicePairs)
		pairsAVX512Pipe(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
	PairsAVX512Double(dst, src)
}

// PairsAVX512Double is PairsGeneric with two groups of sixteen pairs in the
// same rounds, and one group for the last sixteen pairs or fewer.
func PairsAVX512Double(dst, src []byte) {
	for len(src) > avx512Lanes*PairSize {
		n := doublePairs(len(src)/PairSize, avx512SlicePairs)
		pairsAVX512Two(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
	PairsAVX512Single(dst, src)
}

// PairsAVX512Single is PairsGeneric with one group of sixteen pairs at a time.
func PairsAVX512Single(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SlicePairs)
		pairsAVX512One(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// NodesAVX512 is NodesGeneric, in the way of PairsAVX512.
func NodesAVX512(dst, src []byte) {
	for len(src) > avx512PipePairs*PairSize {
		n := min(len(src)/PairSize, avx512SlicePairs)
		nodesAVX512Pipe(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
	NodesAVX512Double(dst, src)
}

// NodesAVX512Double is NodesGeneric, in the way of PairsAVX512Double.
func NodesAVX512Double(dst, src []byte) {
	for len(src) > avx512Lanes*PairSize {
		n := doublePairs(len(src)/PairSize, avx512SlicePairs)
		nodesAVX512Two(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
	NodesAVX512Single(dst, src)
}

// NodesAVX512Single is NodesGeneric with one group of sixteen pairs at a time.
func NodesAVX512Single(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SlicePairs)
		nodesAVX512One(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// DPairsAVX512 is DPairsGeneric, in the way of PairsAVX512Double at all sizes.
func DPairsAVX512(dst, src []byte) {
	for len(src) > avx512Lanes*PairSize {
		n := doublePairs(len(src)/PairSize, avx512SliceDPairs)
		dpairsAVX512Two(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
	DPairsAVX512Single(dst, src)
}

// DPairsAVX512Single is DPairsGeneric with one group of sixteen pairs at a
// time.
func DPairsAVX512Single(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SliceDPairs)
		dpairsAVX512One(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// doublePairs returns how many of n pairs, more than a group, the next call
// with two groups at a time should take: at most slice, and not the rest that
// one group can take in less time.
func doublePairs(n, slice int) int {
	if n > slice {
		return slice
	}
	if rest := n % (2 * avx512Lanes); rest <= avx512Lanes {
		n -= rest
	}
	return n
}
