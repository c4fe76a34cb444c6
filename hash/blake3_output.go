package hash

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/asm/blake3x"
)

// ErrOffset marks a place that an output does not have. The position stays
// where it was.
var ErrOffset = errors.New("hash: no such offset in the output")

// blake3OutputBytes is where outputs end. BLAKE3 itself goes on to 2^64 bytes
// (§2.6), but offsets in Go are signed.
const blake3OutputBytes = math.MaxInt64

// BLAKE3Output is the extended output of a message: 2^63-1 bytes, of which the
// first 32 are its digest. Any part can be read without the parts before it.
// It is an [io.ReadSeeker], for one goroutine at a time.
type BLAKE3Output struct {
	root  blake3Root
	impl  blake3x.Impl
	zeebo *blake3.Digest // stands in for root and impl unless nil
	pos   int64
}

// Read fills p from the current position on and moves the position behind it.
// It returns less than len(p) bytes only at the end of the output, and there
// io.EOF.
func (o *BLAKE3Output) Read(p []byte) (int, error) {
	left := blake3OutputBytes - o.pos
	if left == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > left {
		p = p[:left]
	}
	if o.zeebo != nil {
		if _, err := o.zeebo.Read(p); err != nil {
			return 0, err
		}
	} else {
		o.root.read(p, o.impl, uint64(o.pos))
	}
	o.pos += int64(len(p))
	return len(p), nil
}

// Seek moves the position. An output has no end that one would seek from: for
// io.SeekEnd, an unknown whence, and places before the beginning or beyond
// 2^63-1 the error is ErrOffset.
func (o *BLAKE3Output) Seek(offset int64, whence int) (int64, error) {
	var base int64
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = o.pos
	default:
		return o.pos, fmt.Errorf("%w: whence is %d; it must be io.SeekStart or io.SeekCurrent", ErrOffset, whence)
	}
	if offset < -base || offset > blake3OutputBytes-base {
		return o.pos, fmt.Errorf("%w: %d from %d; it must lie from 0 to 2^63-1", ErrOffset, offset, base)
	}
	o.pos = base + offset
	if o.zeebo != nil {
		return o.zeebo.Seek(o.pos, io.SeekStart)
	}
	return o.pos, nil
}

// cloneDigest copies zeebo's half of an output, if there is one.
func cloneDigest(d *blake3.Digest) *blake3.Digest {
	if d == nil {
		return nil
	}
	c := *d
	return &c
}
