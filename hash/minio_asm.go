//go:build (amd64 || arm64) && gc && !purego && !noasm && !appengine

package hash

import (
	gohash "hash"
	"runtime"
	"sync"

	minio "github.com/minio/sha256-simd"

	"github.com/chainweir/weir/asm/cpu"
)

// minioUnavailable says why minio/sha256-simd cannot be used. Without the
// processor's SHA instructions it passes everything on to crypto/sha256, so
// there it would be "std" under another name.
func minioUnavailable() string {
	if runtime.GOARCH == "arm64" {
		return cpu.Requires("SHA2")
	}
	return cpu.Requires("SHA", "SSSE3", "SSE4")
}

func minioSum256(msg []byte) [Size]byte { return minio.Sum256(msg) }

// minioStream lets a message be hashed behind a prefix. minio shows its state
// only as a hash.Hash, through which a caller's buffer would escape to the
// heap; so the message passes through a buffer that is there already.
type minioStream struct {
	h   gohash.Hash
	buf [4096]byte
}

var minioStreams = sync.Pool{New: func() any { return &minioStream{h: minio.New()} }}

func minioSumPrefixed(prefix byte, msg []byte) [Size]byte {
	s := minioStreams.Get().(*minioStream)
	defer minioStreams.Put(s)
	s.h.Reset()
	s.buf[0] = prefix
	n := copy(s.buf[1:], msg)
	msg = msg[n:]
	s.h.Write(s.buf[:1+n])
	for len(msg) > 0 {
		n = copy(s.buf[:], msg)
		msg = msg[n:]
		s.h.Write(s.buf[:n])
	}
	return [Size]byte(s.h.Sum(s.buf[:0]))
}
