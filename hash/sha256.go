package hash

import (
	"crypto/sha256"
	gohash "hash"
)

// SHA256 returns the SHA-256 digest of msg (FIPS 180-4). Kernel "sha256".
func SHA256(msg []byte) [Size]byte {
	return sum256(kernelSHA256.Pick(len(msg)), msg)
}

// NewSHA256 returns a streaming SHA-256. It is crypto/sha256's own, whichever
// implementation the kernels use: its state can be marshalled
// (encoding.BinaryMarshaler, encoding.BinaryUnmarshaler) and works with
// crypto/hmac, and on one long stream no implementation here is faster by
// enough to give that up.
func NewSHA256() gohash.Hash { return sha256.New() }

// sum256 hashes with the implementation of the given index. The calls are
// direct on purpose: see cpu.Kernel.Pick.
func sum256(impl int, msg []byte) [Size]byte {
	if impl == implMinio {
		return minioSum256(msg)
	}
	return sha256.Sum256(msg)
}

// maxShortMessage is the length up to which a prefixed message is put together
// in a buffer on the stack, which is cheaper than a stream.
const maxShortMessage = 255

// sumPrefixed hashes prefix ‖ msg.
func sumPrefixed(impl int, prefix byte, msg []byte) [Size]byte {
	if len(msg) <= maxShortMessage {
		var buf [1 + maxShortMessage]byte
		buf[0] = prefix
		n := copy(buf[1:], msg)
		return sum256(impl, buf[:1+n])
	}
	if impl == implMinio {
		return minioSumPrefixed(prefix, msg)
	}
	h := sha256.New() // stays on the stack: New is inlined
	h.Write([]byte{prefix})
	h.Write(msg)
	var digest [Size]byte
	h.Sum(digest[:0])
	return digest
}
