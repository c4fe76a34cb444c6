//go:build amd64 && gc && !purego

package blake3x

import (
	"unsafe"

	"github.com/chainweir/weir/asm/cpu"
)

// AVX2Unavailable says why the functions ending in AVX2 cannot run here; it is
// empty where they can.
func AVX2Unavailable() string { return cpu.Requires("AVX2") }

// One call into assembly cannot be interrupted by the scheduler: a batch is
// handed over in slices of some 50 µs (13 ns a parent, 200 ns a chunk). A lone
// chunk or parent at the end is faster by itself than as one lane of eight.
const (
	avx2Lanes        = 8
	avx2SliceChunks  = 256
	avx2SliceParents = 4096
)

// ChunksAVX2 does what ChunksGeneric does, eight chunks at a time.
func ChunksAVX2(dst, src []byte, key *[8]uint32, counter uint64, flags uint32) {
	for len(src) >= ChunkSize {
		n := min(len(src)/ChunkSize, avx2SliceChunks)
		switch {
		case n == 1:
			cv := ChunkAVX2(src[:ChunkSize], key, counter, flags)
			PutWords(dst, &cv)
		case n%avx2Lanes == 1:
			n--
			fallthrough
		default:
			chunksAVX2(&dst[0], &src[0], n, key, counter, flags)
		}
		dst, src, counter = dst[n*Size:], src[n*ChunkSize:], counter+uint64(n)
	}
}

// ParentsAVX2 does what ParentsGeneric does, eight parents at a time.
func ParentsAVX2(dst, src []byte, key *[8]uint32, flags uint32) {
	for len(src) >= ParentSize {
		n := min(len(src)/ParentSize, avx2SliceParents)
		switch {
		case n == 1:
			// On amd64 bytes are words as they lie, at any alignment.
			var out [16]uint32
			compressAVX2(&out, key, (*[16]uint32)(unsafe.Pointer(&src[0])), 0, BlockSize, flags|Parent)
			PutWords(dst, (*[8]uint32)(out[:8]))
		case n%avx2Lanes == 1:
			n--
			fallthrough
		default:
			parentsAVX2(&dst[0], &src[0], n, key, flags)
		}
		dst, src = dst[n*Size:], src[n*ParentSize:]
	}
}

// ChunkAVX2 does what ChunkGeneric does.
func ChunkAVX2(chunk []byte, key *[8]uint32, counter uint64, flags uint32) [8]uint32 {
	var out [8]uint32
	chunkAVX2(&out, unsafe.SliceData(chunk), len(chunk), key, counter, flags)
	return out
}

// CompressAVX2 does what CompressGeneric does.
func CompressAVX2(cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) [16]uint32 {
	var out [16]uint32
	compressAVX2(&out, cv, block, counter, blockLen, flags)
	return out
}
