package verify

import (
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// Triple is a signature over any message, which Batch has no room for: its
// messages are transactions.
type Triple struct{ Key, Msg, Sig []byte }

// Library is the verdict of curve25519-voi under ZIP-215.
func (v Triple) Library() bool {
	return ed25519.VerifyWithOptions(v.Key, v.Msg, v.Sig, &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215})
}

// KernelOf returns the default kernel with signatures of different keys, and
// how many of them it took.
func KernelOf(keys *Keys, vs ...Triple) (k Kernel, taken int) {
	k = newMultiKernel(keys)
	for _, v := range vs {
		slot := uint32(keys.Len())
		keys.Append([32]byte(v.Key))
		if k.Add(slot, keys.Key(slot), v.Msg, v.Sig) {
			taken++
		}
	}
	return k, taken
}

// LibraryBatch is what the default kernel is measured against: the library's
// own batch verification with the same points.
type LibraryBatch struct{ bv *ed25519.BatchVerifier }

// NewLibraryBatch returns an empty one.
func NewLibraryBatch() *LibraryBatch {
	return &LibraryBatch{ed25519.NewBatchVerifierWithCapacity(MaxBatch)}
}

// Expand returns a library's expanded key, nil for no point.
func Expand(key []byte) *ed25519.ExpandedPublicKey {
	e, err := ed25519.NewExpandedPublicKey(key)
	if err != nil {
		return nil
	}
	return e
}

var zip215 = &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}

// Add adds one signature, with the expanded key unless it is nil.
func (l *LibraryBatch) Add(e *ed25519.ExpandedPublicKey, key, msg, sig []byte) {
	if e != nil {
		l.bv.AddExpandedWithOptions(e, msg, sig, zip215)
	} else {
		l.bv.AddWithOptions(key, msg, sig, zip215)
	}
}

// Verify checks all and forgets them.
func (l *LibraryBatch) Verify() bool {
	defer l.bv.Reset()
	return l.bv.VerifyBatchOnly(nil)
}

// BytesPerPoint is what the size of the cache is computed from.
const BytesPerPoint = bytesPerPoint

// Points is the cache of points by itself.
type Points struct{ points }

// NewPoints returns an empty cache.
func NewPoints(maxPoints int) *Points {
	p := new(Points)
	p.init(maxPoints)
	return p
}

// Get copies a kept point.
func (p *Points) Get(slot uint32, to *curve.EdwardsPoint) bool { return p.get(slot, to) }

// Put keeps a point.
func (p *Points) Put(slot uint32, from *curve.EdwardsPoint) { p.put(slot, from) }

// Kept is how many are kept.
func (p *Points) Kept() int { return int(p.kept.Load()) }

// Decompress decodes a point.
func Decompress(p *curve.EdwardsPoint, b []byte) bool { return decompress(p, b) }
