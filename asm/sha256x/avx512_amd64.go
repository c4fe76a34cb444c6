//go:build amd64 && gc && !purego

package sha256x

import "github.com/chainweir/weir/asm/cpu"

// AVX512Unavailable says why the functions ending in AVX512, AVX512Single and
// AVX512Double cannot run here, or returns "". VBMI and VBMI2 turn bytes around
// while they transpose; processors with AVX-512 have had them since 2019.
func AVX512Unavailable() string {
	return cpu.Requires("AVX512F", "AVX512BW", "AVX512VBMI", "AVX512VBMI2")
}

// avx512SlicePairs is the number of pairs that one call into assembly takes:
// about 100 µs of double hashes, as the scheduler cannot interrupt it.
const avx512SlicePairs = 2048

// PairsAVX512Single is PairsGeneric for one group of sixteen pairs at a time.
func PairsAVX512Single(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SlicePairs)
		pairsAVX512One(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// NodesAVX512Single is NodesGeneric for one group of sixteen pairs at a time.
func NodesAVX512Single(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SlicePairs)
		nodesAVX512One(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// DPairsAVX512Single is DPairsGeneric for one group of sixteen pairs at a time.
func DPairsAVX512Single(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SlicePairs)
		dpairsAVX512One(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// PairsAVX512Double is PairsGeneric for two groups of sixteen pairs at a time.
func PairsAVX512Double(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SlicePairs)
		pairsAVX512Two(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// NodesAVX512Double is NodesGeneric for two groups of sixteen pairs at a time.
func NodesAVX512Double(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SlicePairs)
		nodesAVX512Two(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// DPairsAVX512Double is DPairsGeneric for two groups of sixteen pairs at a
// time.
func DPairsAVX512Double(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src)/PairSize, avx512SlicePairs)
		dpairsAVX512Two(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
}

// PairsAVX512 is PairsGeneric for large numbers of pairs.
func PairsAVX512(dst, src []byte) {
	for len(src) > 32*PairSize {
		n := min(len(src)/PairSize, avx512SlicePairs)
		pairsAVX512Pipe(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
	PairsAVX512Single(dst, src)
}

// NodesAVX512 is NodesGeneric for large numbers of pairs.
func NodesAVX512(dst, src []byte) {
	for len(src) > 32*PairSize {
		n := min(len(src)/PairSize, avx512SlicePairs)
		nodesAVX512Pipe(&dst[0], &src[0], n)
		dst, src = dst[n*Size:], src[n*PairSize:]
	}
	NodesAVX512Single(dst, src)
}
