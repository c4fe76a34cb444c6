//go:build amd64 && gc && !purego

package blake3x

import "unsafe"

// Unavailable says in words why the implementation cannot run on this
// processor; it is empty when it can.
func (i Impl) Unavailable() string {
	switch i {
	case AVX512:
		if why := AVX512Unavailable(); why != "" {
			return why
		}
		return AVX2Unavailable() // does the small batches
	case AVX2:
		return AVX2Unavailable()
	case Scalar:
		return ScalarUnavailable()
	}
	return ""
}

// Chunks is ChunksGeneric by the implementation.
func Chunks(impl Impl, dst, src []byte, key *[8]uint32, counter uint64, flags uint32) {
	switch impl {
	case AVX512:
		chunksWide(dst, src, key, counter, flags)
	case AVX2:
		ChunksAVX2(dst, src, key, counter, flags)
	case Scalar:
		for i := range len(src) / ChunkSize {
			cv := ChunkScalar(src[i*ChunkSize:][:ChunkSize], key, counter+uint64(i), flags)
			*(*[Size]byte)(dst[i*Size:]) = Bytes(&cv)
		}
	default:
		ChunksGeneric(dst, src, key, counter, flags)
	}
}

// Parents is ParentsGeneric by the implementation.
func Parents(impl Impl, dst, src []byte, key *[8]uint32, flags uint32) {
	switch impl {
	case AVX512:
		parentsWide(dst, src, key, flags)
	case AVX2:
		ParentsAVX2(dst, src, key, flags)
	case Scalar:
		for i := range len(src) / ParentSize {
			pair := (*[16]uint32)(unsafe.Pointer((*[ParentSize]byte)(src[i*ParentSize:])))
			out := CompressScalar(key, pair, 0, BlockSize, flags|Parent)
			*(*[Size]byte)(dst[i*Size:]) = Bytes((*[8]uint32)(out[:8]))
		}
	default:
		ParentsGeneric(dst, src, key, flags)
	}
}

// fewRows says how many rows at the end of a batch of n are better done by
// AVX2 than by AVX-512. Both take the same time however few of their lanes are
// in use, and on Zen 4, which runs a 512-bit instruction as two halves, eight
// lanes take three quarters of the time of sixteen. Where it is not halved, the
// latency of one set of lanes decides, which differs little between the two
// (an estimate). A single row is no batch to either of them.
func fewRows(n int) int {
	if few := n % 16; few >= 2 && few <= avx2Lanes {
		return few
	}
	return 0
}

// chunksWide is ChunksAVX512 except for a few rows at the end.
func chunksWide(dst, src []byte, key *[8]uint32, counter uint64, flags uint32) {
	n := len(src) / ChunkSize
	wide := n - fewRows(n)
	if wide > 0 {
		ChunksAVX512(dst[:wide*Size], src[:wide*ChunkSize], key, counter, flags)
	}
	if wide < n {
		ChunksAVX2(dst[wide*Size:], src[wide*ChunkSize:], key, counter+uint64(wide), flags)
	}
}

// parentsWide is ParentsAVX512 except for a few rows at the end. These come
// last, because dst may be the front of src.
func parentsWide(dst, src []byte, key *[8]uint32, flags uint32) {
	n := len(src) / ParentSize
	wide := n - fewRows(n)
	if wide > 0 {
		ParentsAVX512(dst[:wide*Size], src[:wide*ParentSize], key, flags)
	}
	if wide < n {
		ParentsAVX2(dst[wide*Size:], src[wide*ParentSize:], key, flags)
	}
}

// Chunk is ChunkGeneric by the implementation.
func Chunk(impl Impl, chunk []byte, key *[8]uint32, counter uint64, flags uint32) [8]uint32 {
	switch impl {
	case AVX512:
		return ChunkAVX512(chunk, key, counter, flags)
	case AVX2:
		return ChunkAVX2(chunk, key, counter, flags)
	case Scalar:
		return ChunkScalar(chunk, key, counter, flags)
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
	case Scalar:
		return CompressScalar(cv, block, counter, blockLen, flags)
	}
	return CompressGeneric(cv, block, counter, blockLen, flags)
}

// Many is ManyGeneric by the implementation.
func Many(impl Impl, dst []byte, msgs [][]byte, key *[8]uint32, flags uint32) {
	switch impl {
	case AVX512:
		ManyAVX512(dst, msgs, key, flags)
	case AVX2, Scalar:
		// There is no AVX2 kernel for rows of unequal lengths.
		for i, msg := range msgs {
			words := Chunk(impl, msg, key, 0, flags|Root)
			*(*[Size]byte)(dst[i*Size:]) = Bytes(&words)
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
	case AVX2, Scalar:
		for ; len(dst) > 0; counter++ {
			words := Compress(impl, cv, block, counter, blockLen, flags|Root)
			dst = dst[copy(dst, (*[BlockSize]byte)(unsafe.Pointer(&words))[:]):]
		}
	default:
		XOFGeneric(dst, cv, block, counter, blockLen, flags)
	}
}

// This processor's words are little-endian, so words and bytes are the same
// memory. The three functions below copy it in wide pieces, where Words and
// PutWords go word by word: a wide load just behind narrow stores has to wait
// until they have reached the cache, a fifth of the time of a compression.

// Bytes returns what PutWords writes.
func Bytes(words *[8]uint32) [Size]byte { return *(*[Size]byte)(unsafe.Pointer(words)) }

// Value returns eight words, a chaining value or a key, from their bytes.
func Value(b *[Size]byte) [8]uint32 { return *(*[8]uint32)(unsafe.Pointer(b)) }

// Block returns what Words does.
func Block(b *[BlockSize]byte) [16]uint32 { return *(*[16]uint32)(unsafe.Pointer(b)) }
