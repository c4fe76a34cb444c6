//go:build amd64 && gc && !purego

package blake3x

// The functions in this file need no instruction-set extension. They are for
// single blocks and chunks; why one would do without vectors is told in the
// generator, asm/_gen/blake3scalar.

// ScalarUnavailable returns "": every amd64 processor can call the functions
// whose names end in Scalar.
func ScalarUnavailable() string { return "" }

// ChunkScalar works like ChunkGeneric.
func ChunkScalar(chunk []byte, key *[8]uint32, counter uint64, flags uint32) (cv [8]uint32) {
	cv = *key
	first, last := uint32(ChunkStart), ChunkEnd|flags&Root
	flags &^= Root
	whole := len(chunk) / BlockSize
	if whole > 0 && len(chunk)%BlockSize == 0 {
		blocksScalar(&cv, &chunk[0], whole, counter, BlockSize, flags, first, last)
		return cv
	}
	if whole > 0 {
		blocksScalar(&cv, &chunk[0], whole, counter, BlockSize, flags, first, 0)
		first, chunk = 0, chunk[whole*BlockSize:]
	}
	var padded [BlockSize]byte
	n := copy(padded[:], chunk)
	blocksScalar(&cv, &padded[0], 1, counter, uint32(n), flags, first, last)
	return cv
}

// CompressScalar works like CompressGeneric.
func CompressScalar(cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) (out [16]uint32) {
	compressScalar(&out, cv, block, counter, blockLen, flags)
	return out
}
