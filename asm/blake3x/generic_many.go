package blake3x

import "encoding/binary"

// ManyGeneric sets digest i of dst, 32 bytes, to the BLAKE3 hash of msgs[i],
// none of which is longer than a chunk, 1024 bytes. key is the IV or a key,
// flags those of the mode. No message overlaps dst.
func ManyGeneric(dst []byte, msgs [][]byte, key *[8]uint32, flags uint32) {
	for i, msg := range msgs {
		digest := ChunkGeneric(msg, key, 0, flags|Root)
		PutWords(dst[i*Size:], &digest)
	}
}

// XOFGeneric fills dst with extended output, §2.6: all sixteen words of the
// root's compression, repeated with the numbers counter, counter+1, … of the
// 64-byte blocks of output. cv, block, blockLen and flags are those of the
// root, to which it adds Root. len(dst) need not be a multiple of 64.
func XOFGeneric(dst []byte, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) {
	for ; len(dst) > 0; counter++ {
		var bytes [BlockSize]byte
		for i, w := range CompressGeneric(cv, block, counter, blockLen, flags|Root) {
			binary.LittleEndian.PutUint32(bytes[4*i:], w)
		}
		dst = dst[copy(dst, bytes[:]):]
	}
}
