package hash

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	gohash "hash"

	"github.com/chainweir/weir/asm/sha256x"
)

// errState marks a marshalled state that cannot be resumed. It is not exported:
// crypto/sha256's streams, which may serve as well, have errors of their own,
// and wrapping these streams would hide from crypto/hmac what they are.
var errState = errors.New("hash: not a SHA-256 state")

// NewSHA256 returns a streaming SHA-256 by the fastest implementation (kernel
// "sha256_stream"), in FIPS 140-3 mode by crypto/sha256. Whichever that is, it
// works with crypto/hmac, can be cloned ([gohash.Cloner]), and its state can be
// marshalled ([encoding.BinaryMarshaler], [encoding.BinaryAppender]) in
// crypto/sha256's format and resumed by any of them and by crypto/sha256.
// UnmarshalBinary returns an error for what is not a state, and then changes
// nothing.
func NewSHA256() gohash.Hash { return newStream(kernelStream.PickSettled(streamSize)) }

// streamSize is the length in bytes of the streams that the choice is made for.
// Over long ones all implementations are alike: each block waits for the one
// before. What differs is the way in and out.
const streamSize = 256

func newStream(impl int) gohash.Hash {
	if impl == implStd {
		return sha256.New()
	}
	s := &sha256Stream{impl: streamImpls[impl-implOurStream]}
	s.Reset()
	return s
}

// sha256Stream is a stream over the compression function of sha256x.
type sha256Stream struct {
	impl  sha256x.Impl
	state [8]uint32
	total uint64 // bytes written
	// rest holds the bytes behind the last whole block, total%64 of them.
	rest [sha256x.BlockSize]byte
}

func (s *sha256Stream) Size() int      { return Size }
func (s *sha256Stream) BlockSize() int { return sha256x.BlockSize }

func (s *sha256Stream) Reset() { s.state, s.total = sha256x.IV, 0 }

func (s *sha256Stream) Write(p []byte) (int, error) {
	n, have := len(p), int(s.total%sha256x.BlockSize)
	s.total += uint64(n)
	if have > 0 {
		taken := copy(s.rest[have:], p)
		p = p[taken:]
		if have+taken < sha256x.BlockSize {
			return n, nil
		}
		sha256x.Blocks(s.impl, &s.state, s.rest[:])
	}
	whole := len(p) / sha256x.BlockSize * sha256x.BlockSize
	if whole > 0 {
		sha256x.Blocks(s.impl, &s.state, p[:whole])
	}
	copy(s.rest[:], p[whole:])
	return n, nil
}

// Sum appends the digest of what was written; the stream can go on.
func (s *sha256Stream) Sum(b []byte) []byte {
	state, have := s.state, s.total%sha256x.BlockSize
	digest := sha256x.Finish(s.impl, &state, s.rest[:have], s.total-have)
	return append(b, digest[:]...)
}

// Clone returns an independent copy, as hash.Cloner asks for.
func (s *sha256Stream) Clone() (gohash.Cloner, error) {
	c := *s
	return &c, nil
}

// The marshalled state is that of crypto/sha256: a magic, the chaining value,
// the block under way padded with zeros, and the length, all big-endian.
const (
	stateMagic = "sha\x03"
	stateSize  = len(stateMagic) + Size + sha256x.BlockSize + 8
)

var (
	_ encoding.BinaryMarshaler   = (*sha256Stream)(nil)
	_ encoding.BinaryAppender    = (*sha256Stream)(nil)
	_ encoding.BinaryUnmarshaler = (*sha256Stream)(nil)
)

// MarshalBinary returns the state.
func (s *sha256Stream) MarshalBinary() ([]byte, error) {
	return s.AppendBinary(make([]byte, 0, stateSize))
}

// AppendBinary appends the state to b.
func (s *sha256Stream) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, stateMagic...)
	for _, word := range s.state {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	var block [sha256x.BlockSize]byte
	copy(block[:], s.rest[:s.total%sha256x.BlockSize])
	b = append(b, block[:]...)
	return binary.BigEndian.AppendUint64(b, s.total), nil
}

// UnmarshalBinary resumes a state. Anything that is not one is an error and
// changes nothing.
func (s *sha256Stream) UnmarshalBinary(b []byte) error {
	if len(b) < len(stateMagic) || string(b[:len(stateMagic)]) != stateMagic {
		return fmt.Errorf("%w: it does not begin with %q; pass what MarshalBinary returned", errState, stateMagic)
	}
	if len(b) != stateSize {
		return fmt.Errorf("%w: %d bytes; it must have %d", errState, len(b), stateSize)
	}
	b = b[len(stateMagic):]
	for i := range s.state {
		s.state[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	b = b[Size:]
	copy(s.rest[:], b)
	s.total = binary.BigEndian.Uint64(b[sha256x.BlockSize:])
	return nil
}
