//go:build !((amd64 || arm64) && gc && !purego && !noasm && !appengine)

package hash

import "crypto/sha256"

// minioUnavailable: this build leaves minio/sha256-simd out, because all it
// has beyond crypto/sha256 is assembly for amd64 and arm64.
func minioUnavailable() string {
	return "this build has no assembly of minio/sha256-simd: it needs amd64 or arm64, the gc compiler, and no purego or noasm tag"
}

// The kernels never choose an unavailable implementation; were one of these
// called all the same, its digest would still be right.

func minioSum256(msg []byte) [Size]byte { return sha256.Sum256(msg) }

func minioSumPrefixed(prefix byte, msg []byte) [Size]byte {
	return sumPrefixed(implStd, prefix, msg)
}
