package hash

import (
	gohash "hash"

	"github.com/zeebo/blake3"
)

// BLAKE3 returns the 32-byte BLAKE3 digest of msg, in the default hash mode.
// Keyed hashing and key derivation are not offered. Kernel "blake3".
func BLAKE3(msg []byte) [Size]byte {
	return sumBLAKE3(kernelBLAKE3.Pick(len(msg)), msg)
}

// BLAKE3Many sets digest i of dst to BLAKE3(msgs[i]). Messages may have any
// lengths; dst has len(msgs)×32 bytes, anything else is ErrLength and writes
// nothing. Kernel "blake3_many".
func BLAKE3Many(dst []byte, msgs [][]byte) error {
	if err := checkMany(dst, len(msgs)); err != nil {
		return err
	}
	blake3Many(kernelBLAKE3Many.Pick(len(msgs)), dst, msgs)
	return nil
}

func sumBLAKE3(impl int, msg []byte) [Size]byte {
	if impl == implZeebo {
		return blake3.Sum256(msg)
	}
	return genericBLAKE3(msg)
}

func blake3Many(impl int, dst []byte, msgs [][]byte) {
	for i, msg := range msgs {
		*digestAt(dst, i) = sumBLAKE3(impl, msg)
	}
}

// NewBLAKE3 returns a streaming BLAKE3 with a 32-byte digest. It is zeebo's,
// whichever implementation the kernels use.
func NewBLAKE3() gohash.Hash { return &blake3Stream{blake3.New()} }

// blake3Stream shows hash.Hash and nothing more of the hasher behind it, so
// that another one can take its place.
type blake3Stream struct{ h *blake3.Hasher }

func (s *blake3Stream) Write(p []byte) (int, error) { return s.h.Write(p) }
func (s *blake3Stream) Sum(b []byte) []byte         { return s.h.Sum(b) }
func (s *blake3Stream) Reset()                      { s.h.Reset() }
func (s *blake3Stream) Size() int                   { return Size }
func (s *blake3Stream) BlockSize() int              { return s.h.BlockSize() }
