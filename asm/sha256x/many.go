package sha256x

import "encoding/binary"

// ManyGeneric sets digest i of dst to SHA-256(msgs[i]).
func ManyGeneric(dst []byte, msgs [][]byte) {
	for i, msg := range msgs {
		digest := SumGeneric(msg)
		copy(dst[i*Size:], digest[:])
	}
}

// PrefixedGeneric sets digest i of dst to SHA-256(prefix ‖ msgs[i]), as for the
// leaves of RFC 6962 §2.1.
func PrefixedGeneric(dst []byte, msgs [][]byte, prefix byte) {
	for i, msg := range msgs {
		digest := sumPrefixedGeneric(msg, prefix)
		copy(dst[i*Size:], digest[:])
	}
}

// RecordsGeneric sets digest i of dst to SHA-256(prefix ‖ record i), where src
// holds n records of size bytes back to back and dst has room for n digests.
func RecordsGeneric(dst, src []byte, size int, prefix byte) {
	for i := range len(src) / size {
		digest := sumPrefixedGeneric(src[i*size:][:size], prefix)
		copy(dst[i*Size:], digest[:])
	}
}

// sumPrefixedGeneric returns the digest of prefix ‖ msg without joining them:
// the first block takes 63 bytes of the message, the others follow.
func sumPrefixedGeneric(msg []byte, prefix byte) [Size]byte {
	state := IV
	first := [BlockSize]byte{prefix}
	n := 1 + copy(first[1:], msg)
	rest := first[:n]
	if n == BlockSize {
		BlocksGeneric(&state, first[:])
		msg = msg[BlockSize-1:]
		whole := len(msg) / BlockSize * BlockSize
		BlocksGeneric(&state, msg[:whole])
		rest = msg[whole:]
		n += len(msg)
	}
	var tail [2 * BlockSize]byte
	BlocksGeneric(&state, tail[:Pad(&tail, rest, uint64(n))])
	var digest [Size]byte
	for i, word := range state {
		binary.BigEndian.PutUint32(digest[4*i:], word)
	}
	return digest
}
