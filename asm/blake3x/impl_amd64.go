//go:build amd64 && gc && !purego

package blake3x

import "unsafe"

// Unavailable says in words why the implementation cannot run on this
// processor; it is empty when it can.
func (i Impl) Unavailable() string {
	switch i {
	case AVX512:
		return AVX512Unavailable()
	case AVX2:
		return AVX2Unavailable()
	}
	return ""
}

// Chunks is ChunksGeneric by the implementation.
func Chunks(impl Impl, dst, src []byte, key *[8]uint32, counter uint64, flags uint32) {
	switch impl {
	case AVX512:
		ChunksAVX512(dst, src, key, counter, flags)
	case AVX2:
		ChunksAVX2(dst, src, key, counter, flags)
	default:
		ChunksGeneric(dst, src, key, counter, flags)
	}
}

// Parents is ParentsGeneric by the implementation.
func Parents(impl Impl, dst, src []byte, key *[8]uint32, flags uint32) {
	switch impl {
	case AVX512:
		ParentsAVX512(dst, src, key, flags)
	case AVX2:
		ParentsAVX2(dst, src, key, flags)
	default:
		ParentsGeneric(dst, src, key, flags)
	}
}

// Chunk is ChunkGeneric by the implementation.
func Chunk(impl Impl, chunk []byte, key *[8]uint32, counter uint64, flags uint32) [8]uint32 {
	switch impl {
	case AVX512:
		return ChunkAVX512(chunk, key, counter, flags)
	case AVX2:
		return ChunkAVX2(chunk, key, counter, flags)
	}
	return ChunkGeneric(chunk, key, counter, flags)
}

// Compress is CompressGeneric by the implementation.
func Compress(impl Impl, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) [16]uint32 {
	switch impl {
	case AVX512:
		return CompressAVX512(cv, block, counter, blockLen, flags)
	case AVX2:
		return CompressAVX2(cv, block, counter, blockLen, flags)
	}
	return CompressGeneric(cv, block, counter, blockLen, flags)
}

// Many is ManyGeneric by the implementation.
func Many(impl Impl, dst []byte, msgs [][]byte, key *[8]uint32, flags uint32) {
	switch impl {
	case AVX512:
		ManyAVX512(dst, msgs, key, flags)
	case AVX2:
		// Eight lanes of unequal messages gain little over one chunk after the
		// other: there is no kernel for it.
		for i, msg := range msgs {
			words := ChunkAVX2(msg, key, 0, flags|Root)
			PutWords(dst[i*Size:], &words)
		}
	default:
		ManyGeneric(dst, msgs, key, flags)
	}
}

// XOF is XOFGeneric by the implementation.
func XOF(impl Impl, dst []byte, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) {
	switch impl {
	case AVX512:
		XOFAVX512(dst, cv, block, counter, blockLen, flags)
	case AVX2:
		for len(dst) > 0 {
			words := CompressAVX2(cv, block, counter, blockLen, flags|Root)
			dst = dst[putOutput(dst, &words):]
			counter++
		}
	default:
		XOFGeneric(dst, cv, block, counter, blockLen, flags)
	}
}

// Bytes is what PutWords writes. This processor's words are little-endian, so it
// is one wide copy: eight narrow stores would hold up whoever copies the result
// on, because a wide load cannot be served from several stores under way.
func Bytes(words *[8]uint32) [Size]byte { return *(*[Size]byte)(unsafe.Pointer(words)) }

// putOutput writes a block of output, or as much of it as dst has room for,
// and returns how many bytes that was.
func putOutput(dst []byte, words *[16]uint32) int {
	if len(dst) >= BlockSize {
		PutWords(dst, (*[8]uint32)(words[:8]))
		PutWords(dst[Size:], (*[8]uint32)(words[8:]))
		return BlockSize
	}
	var block [BlockSize]byte
	PutWords(block[:], (*[8]uint32)(words[:8]))
	PutWords(block[Size:], (*[8]uint32)(words[8:]))
	return copy(dst, block[:])
}
