package hash

import (
	"crypto/sha256"

	"github.com/chainweir/weir/asm/sha256x"
)

// SHA256 returns the SHA-256 digest of msg (FIPS 180-4). Kernel "sha256".
func SHA256(msg []byte) [Size]byte {
	return sum256(kernelSHA256.Pick(len(msg)), msg)
}

// sum256 hashes with the implementation of the given index. The calls are
// direct on purpose: see cpu.Kernel.Pick.
func sum256(impl int, msg []byte) [Size]byte {
	switch impl {
	case implStd:
		return sha256.Sum256(msg)
	case implMinio:
		return minioSum256(msg)
	default:
		return sha256x.Sum(oneImpls[impl-implOurs], msg)
	}
}

// maxShortMessage is the length up to which a prefixed message is put together
// in a buffer on the stack, which is cheaper than a stream.
const maxShortMessage = 255

// sumPrefixed hashes prefix ‖ msg with one of the libraries.
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
