//go:build amd64 && gc && !purego

package blake3x

import (
	"unsafe"

	"github.com/chainweir/weir/asm/cpu"
)

// A call into assembly cannot be interrupted. These limits keep each one below
// about 200 µs on processors that do 2 GB/s.
const (
	avx512ChunkGroups  = 12  // 384 KiB
	avx512ParentGroups = 192 // 384 KiB
	avx512XOFBytes     = 384 << 10
)

// AVX512Unavailable says why the functions whose names end in AVX512 cannot be
// called here, or "".
func AVX512Unavailable() string {
	return cpu.Requires("AVX512F", "AVX512BW", "AVX512DQ", "AVX512VL", "BMI2")
}

// ChunksAVX512 works like ChunksGeneric.
func ChunksAVX512(dst, src []byte, key *[8]uint32, counter uint64, flags uint32) {
	n := len(src) / ChunkSize
	for n >= 32 {
		groups := min(n/32, avx512ChunkGroups)
		chunks32(&dst[0], &src[0], groups, key, counter, flags)
		dst, src = dst[groups*32*Size:], src[groups*32*ChunkSize:]
		counter += uint64(groups) * 32
		n -= groups * 32
	}
	if n >= 16 {
		chunks16(&dst[0], &src[0], key, counter, flags)
		dst, src = dst[16*Size:], src[16*ChunkSize:]
		counter += 16
		n -= 16
	}
	if n >= avx512MinLanes {
		var job avx512Job
		for l := range 16 { // lanes without a chunk read the last one
			i := min(l, n-1)
			job.src[l], job.dst[l], job.lengths[l] = lane(dst[i*Size:], src[i*ChunkSize:][:ChunkSize])
		}
		lanes16(&job.dst, &job.src, &job.lengths, n, ChunkSize/BlockSize,
			key, counter, ^uint32(0), flags, ChunkStart, ChunkEnd)
		return
	}
	for i := range n {
		chunkRow(valueAt(dst, i), &src[i*ChunkSize], ChunkSize, key, counter+uint64(i), flags, ChunkStart, ChunkEnd)
	}
}

// ParentsAVX512 works like ParentsGeneric.
func ParentsAVX512(dst, src []byte, key *[8]uint32, flags uint32) {
	n := len(src) / ParentSize
	flags |= Parent
	for n >= 32 {
		groups := min(n/32, avx512ParentGroups)
		parents32(&dst[0], &src[0], groups, key, flags)
		dst, src = dst[groups*32*Size:], src[groups*32*ParentSize:]
		n -= groups * 32
	}
	if n >= 16 {
		parents16(&dst[0], &src[0], key, flags)
		dst, src = dst[16*Size:], src[16*ParentSize:]
		n -= 16
	}
	if n >= avx512MinLanes {
		parentsRest(&dst[0], &src[0], n, key, flags)
		return
	}
	for i := range n {
		chunkRow(valueAt(dst, i), &src[i*ParentSize], ParentSize, key, 0, flags, 0, 0)
	}
}

// ChunkAVX512 works like ChunkGeneric.
func ChunkAVX512(chunk []byte, key *[8]uint32, counter uint64, flags uint32) (out [8]uint32) {
	chunkRow(&out, unsafe.SliceData(chunk), len(chunk), key, counter, flags&^Root, ChunkStart, ChunkEnd|flags&Root)
	return out
}

// CompressAVX512 works like CompressGeneric.
func CompressAVX512(cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) (out [16]uint32) {
	compressRow(&out, cv, block, counter, blockLen, flags)
	return out
}

// valueAt is value i of dst as words, which are little-endian here.
func valueAt(dst []byte, i int) *[8]uint32 {
	return (*[8]uint32)(unsafe.Pointer((*[Size]byte)(dst[i*Size:])))
}
