//go:build !amd64 || !gc || purego

package blake3x

import "encoding/binary"

// Unavailable says in words why the implementation cannot run here; it is
// empty when it can.
func (i Impl) Unavailable() string {
	if i == Generic {
		return ""
	}
	return "this build has no assembly for it (another architecture or compiler, or the purego tag)"
}

// Chunks is ChunksGeneric: this build has no other implementation.
func Chunks(_ Impl, dst, src []byte, key *[8]uint32, counter uint64, flags uint32) {
	ChunksGeneric(dst, src, key, counter, flags)
}

// Parents is ParentsGeneric: this build has no other implementation.
func Parents(_ Impl, dst, src []byte, key *[8]uint32, flags uint32) {
	ParentsGeneric(dst, src, key, flags)
}

// Chunk is ChunkGeneric: this build has no other implementation.
func Chunk(_ Impl, chunk []byte, key *[8]uint32, counter uint64, flags uint32) [8]uint32 {
	return ChunkGeneric(chunk, key, counter, flags)
}

// Compress is CompressGeneric: this build has no other implementation.
func Compress(_ Impl, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) [16]uint32 {
	return CompressGeneric(cv, block, counter, blockLen, flags)
}

// Many is ManyGeneric: this build has no other implementation.
func Many(_ Impl, dst []byte, msgs [][]byte, key *[8]uint32, flags uint32) {
	ManyGeneric(dst, msgs, key, flags)
}

// XOF is XOFGeneric: this build has no other implementation.
func XOF(_ Impl, dst []byte, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) {
	XOFGeneric(dst, cv, block, counter, blockLen, flags)
}

// Bytes returns what PutWords writes.
func Bytes(words *[8]uint32) (b [Size]byte) {
	PutWords(b[:], words)
	return b
}

// Value returns eight words, a chaining value or a key, from their bytes.
func Value(b *[Size]byte) (words [8]uint32) {
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return words
}

// Block returns what Words does.
func Block(b *[BlockSize]byte) [16]uint32 { return Words(b) }
