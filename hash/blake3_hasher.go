package hash

import (
	gohash "hash"
	"math"

	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/asm/blake3x"
)

// BLAKE3Hasher is a streaming BLAKE3 in one of the modes. It is a [gohash.Hash]
// with a digest of 32 bytes, a [gohash.XOF] and a [gohash.Cloner]. One
// goroutine at a time may use it. It holds 26 KiB and allocates nothing after
// it was made, except what the methods say.
//
// Large writes are hashed where they lie. Small ones are collected, so that a
// stream is about as fast as a single call however it is cut.
type BLAKE3Hasher struct {
	own   *blake3Stream  // nil if zeebo does the work
	zeebo *blake3.Hasher // nil otherwise

	output  BLAKE3Output // what Read reads
	reading bool         // output is set
}

var (
	_ gohash.XOF    = (*BLAKE3Hasher)(nil)
	_ gohash.Cloner = (*BLAKE3Hasher)(nil)
)

// streamBLAKE3 is the implementation for streams: that for the longest
// messages. A hasher keeps it, so a measurement under way is waited for.
func streamBLAKE3() int { return kernelBLAKE3.PickSettled(math.MaxInt) }

// NewBLAKE3 returns a hasher in the default mode. Streams use the
// implementation that kernel "blake3" has for the longest messages.
func NewBLAKE3() *BLAKE3Hasher {
	impl := streamBLAKE3()
	if impl == implZeebo {
		return &BLAKE3Hasher{zeebo: zeeboDefault().Hasher}
	}
	return newBLAKE3Hasher(lanesOf(impl), defaultBLAKE3())
}

// NewBLAKE3Keyed returns a hasher in the keyed mode: see [BLAKE3Keyed].
func NewBLAKE3Keyed(key *[Size]byte) *BLAKE3Hasher {
	impl := streamBLAKE3()
	if impl == implZeebo {
		return &BLAKE3Hasher{zeebo: zeeboKeyed(key).Hasher}
	}
	return newBLAKE3Hasher(lanesOf(impl), keyedBLAKE3(key))
}

// NewBLAKE3DeriveKey returns a hasher in the key derivation mode. What is
// written to it is the key material; what it derives is read with Read or
// Output. See [BLAKE3DeriveKey].
func NewBLAKE3DeriveKey(context string) *BLAKE3Hasher {
	impl := streamBLAKE3()
	if impl == implZeebo {
		return &BLAKE3Hasher{zeebo: zeeboDeriveKey(context).Hasher}
	}
	lanes := lanesOf(impl)
	return newBLAKE3Hasher(lanes, blake3Mode{key: contextKey(lanes, context), flags: blake3x.DeriveKeyMaterial})
}

func newBLAKE3Hasher(lanes blake3x.Impl, mode blake3Mode) *BLAKE3Hasher {
	return &BLAKE3Hasher{own: &blake3Stream{impl: lanes, mode: mode}}
}

// Write adds p to the message. It never returns an error; after Read, without
// a Reset in between, it panics, as [gohash.XOF] demands.
func (h *BLAKE3Hasher) Write(p []byte) (int, error) {
	if h.reading {
		panic("hash: Write to a BLAKE3Hasher after Read; Reset it first, or read from its Output")
	}
	if h.own != nil {
		h.own.write(p)
		return len(p), nil
	}
	return h.zeebo.Write(p)
}

// Sum appends the 32-byte digest of what was written so far to b, and changes
// nothing: more may be written.
func (h *BLAKE3Hasher) Sum(b []byte) []byte {
	if h.own != nil {
		var digest [Size]byte
		h.own.digest(&digest)
		return append(b, digest[:]...)
	}
	return h.zeebo.Sum(b)
}

// Read fills p with the extended output of what was written, beginning where
// the last Read ended. It ends as [BLAKE3Output.Read] does.
func (h *BLAKE3Hasher) Read(p []byte) (int, error) {
	if !h.reading {
		h.setOutput(&h.output)
		h.reading = true
	}
	return h.output.Read(p)
}

// Output returns the extended output of what was written so far, from its
// beginning. Writing to the hasher does not change it. Allocates the result.
func (h *BLAKE3Hasher) Output() *BLAKE3Output {
	o := new(BLAKE3Output)
	h.setOutput(o)
	return o
}

func (h *BLAKE3Hasher) setOutput(o *BLAKE3Output) {
	if h.own != nil {
		*o = BLAKE3Output{root: h.own.root(), impl: h.own.impl}
		return
	}
	*o = BLAKE3Output{zeebo: h.zeebo.Digest()}
}

// Reset forgets what was written and read. The mode and its key stay.
func (h *BLAKE3Hasher) Reset() {
	h.reading, h.output = false, BLAKE3Output{}
	if h.own != nil {
		h.own.reset()
		return
	}
	h.zeebo.Reset()
}

// Clone returns an independent hasher in the same state. The error is nil.
func (h *BLAKE3Hasher) Clone() (gohash.Cloner, error) {
	c := &BLAKE3Hasher{output: h.output, reading: h.reading}
	if h.own != nil {
		own := *h.own
		c.own = &own
	} else {
		c.zeebo = h.zeebo.Clone()
		c.output.zeebo = cloneDigest(h.output.zeebo)
	}
	return c, nil
}

// Size is the length of the digest, 32.
func (h *BLAKE3Hasher) Size() int { return Size }

// BlockSize is the length of what a compression takes in, 64. Writes need not
// be multiples of it to be fast.
func (h *BLAKE3Hasher) BlockSize() int { return blake3x.BlockSize }
