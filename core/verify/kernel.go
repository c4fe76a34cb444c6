package verify

import (
	cryptorand "crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Verdict is what a kernel says about a range of signatures.
type Verdict uint8

const (
	// AllGood says that every signature of the range verifies.
	AllGood Verdict = iota
	// SomeBad says that at least one does not, and not which.
	SomeBad
	// Each says that the bitmap tells which do not.
	Each
)

// Bitmap has one bit for every signature that a kernel can hold.
type Bitmap [MaxBatch / 64]uint64

// Set sets bit i.
func (b *Bitmap) Set(i int) { b[i>>6] |= 1 << (i & 63) }

// Has tells whether bit i is set.
func (b *Bitmap) Has(i int) bool { return b[i>>6]>>(i&63)&1 != 0 }

// Kernel is the arithmetic under Batch: it takes up to MaxBatch signatures in
// and answers for ranges of them. Two shapes fit. One that checks many in one
// equation answers AllGood or SomeBad, and Batch searches by halves; what it
// computed in Add is not computed again for that. One that checks each by itself,
// some lanes at a time, answers Each, and Batch asks no further.
//
// Every kernel decides by the cofactored equation of ZIP-215 and gives a
// signature the same verdict in every range. A kernel is used by one goroutine
// at a time.
type Kernel interface {
	// Reset forgets all signatures.
	Reset()
	// Add takes the next one, of the key registered for slot, over msg. It
	// returns false, and takes none, when no message could make it good: the key
	// or R is the encoding of no point, or S is not below the group's order. It
	// keeps neither msg nor sig.
	Add(slot uint32, key *[32]byte, msg, sig []byte) bool
	// Check answers for signatures lo to hi-1, which are at least one. For a
	// single one the answer is never SomeBad that could be Each: AllGood means
	// good, anything else bad. With Each it has set the bits of the bad ones, from
	// 0 for the first one added; it clears none.
	Check(lo, hi int, bad *Bitmap) Verdict
}

// multiKernel checks a range in one equation (the batch verification of the
// Ed25519 paper, section 5, with the cofactor):
//
//	8·( Σ zᵢ·Rᵢ + Σ zᵢkᵢ·Aᵢ - (Σ zᵢsᵢ)·B ) = 0
//
// with random 128-bit zᵢ. Signatures of one key share a term, so that a client
// that sends from few accounts costs little more than half.
type multiKernel struct {
	keys  *Keys
	rng   *rand.ChaCha8
	buf   []byte // R, key, message
	stack stack

	n    int
	r, a []curve.EdwardsPoint // a: negated keys
	s, k []scalar.Scalar
	slot []uint32
	miss []bool  // the key's point was not kept
	prev []int32 // the signature before with the same key, or -1
	term []int32 // scratch: the key's term in the equation
	last [lastSize]struct{ slot, at uint32 }

	values  []scalar.Scalar
	scalars []*scalar.Scalar
	places  []*curve.EdwardsPoint
}

// lastSize is a power of two above MaxBatch, so that probing stays short.
const lastSize = 4 * MaxBatch

var _ Kernel = (*multiKernel)(nil)

func newMultiKernel(keys *Keys) *multiKernel {
	const n, terms = MaxBatch, 2*MaxBatch + 1
	var seed [32]byte
	_, _ = cryptorand.Read(seed[:]) // never fails
	k := &multiKernel{
		keys: keys, rng: rand.NewChaCha8(seed), buf: make([]byte, 0, 256), stack: stack{now: time.Now},
		r: make([]curve.EdwardsPoint, n), a: make([]curve.EdwardsPoint, n),
		s: make([]scalar.Scalar, n), k: make([]scalar.Scalar, n),
		slot: make([]uint32, n), miss: make([]bool, n), prev: make([]int32, n), term: make([]int32, n),
		values: make([]scalar.Scalar, terms), scalars: make([]*scalar.Scalar, terms),
		places: make([]*curve.EdwardsPoint, terms),
	}
	for i := range k.scalars {
		k.scalars[i] = &k.values[i]
	}
	k.places[0] = curve.ED25519_BASEPOINT_POINT
	return k
}

// Reset implements Kernel.
func (m *multiKernel) Reset() {
	m.n = 0
	clear(m.last[:])
}

// Add implements Kernel.
func (m *multiKernel) Add(slot uint32, key *[32]byte, msg, sig []byte) bool {
	i := m.n
	if len(sig) != 64 || !scalar.ScMinimalVartime(sig[32:]) || !decompress(&m.r[i], sig[:32]) {
		return false
	}
	at := m.find(slot)
	if at.at != 0 {
		before := int32(at.at - 1)
		m.prev[i], m.miss[i] = before, false
		m.a[i].Set(&m.a[before])
	} else {
		cached, ok := m.keys.negated(slot, &m.a[i])
		if !ok {
			return false
		}
		m.prev[i], m.miss[i] = -1, !cached
	}
	m.buf = append(append(append(m.buf[:0], sig[:32]...), key[:]...), msg...)
	h := sha512.Sum512(m.buf)
	if _, err := m.k[i].SetBytesModOrderWide(h[:]); err != nil {
		return false
	}
	if _, err := m.s[i].SetBits(sig[32:]); err != nil {
		return false
	}
	at.slot, at.at = slot, uint32(i+1)
	m.slot[i] = slot
	m.n++
	return true
}

// find returns where the last signature of a slot is noted, or is to be.
func (m *multiKernel) find(slot uint32) *struct{ slot, at uint32 } {
	for h := slot * 0x9e3779b1 >> (32 - 12); ; h++ { // the table is never full
		e := &m.last[h%lastSize]
		if e.at == 0 || e.slot == slot {
			return e
		}
	}
}

// Check implements Kernel. It never answers Each.
func (m *multiKernel) Check(lo, hi int, _ *Bitmap) Verdict {
	good := hi-lo == 1 && m.single(lo) || hi-lo > 1 && m.equation(lo, hi)
	if !good {
		return SomeBad
	}
	// Only keys that have verified something take a place among the kept ones.
	for i := lo; i < hi; i++ {
		if m.miss[i] {
			m.keys.points.put(m.slot[i], &m.a[i])
			m.miss[i] = false
		}
	}
	return AllGood
}

// single checks s·B - k·A - R for small order.
func (m *multiKernel) single(i int) bool {
	var d curve.EdwardsPoint
	return d.TripleScalarMulBasepointVartime(&m.k[i], &m.a[i], &m.s[i], &m.r[i]).IsSmallOrder()
}

func (m *multiKernel) equation(lo, hi int) bool {
	base := &m.values[0]
	base.Zero()
	n := 1
	var sum, z, zk scalar.Scalar
	var random [32]byte
	for i := lo; i < hi; i++ {
		// A zero would leave the signature unchecked; that two words are zero has
		// the probability that the equation holds by chance.
		binary.LittleEndian.PutUint64(random[0:], m.rng.Uint64())
		binary.LittleEndian.PutUint64(random[8:], m.rng.Uint64())
		if _, err := z.SetBits(random[:]); err != nil {
			return false
		}
		m.values[n].Set(&z)
		m.places[n] = &m.r[i]
		n++
		base.Add(base, sum.Mul(&z, &m.s[i]))
		zk.Mul(&z, &m.k[i])
		if p := int(m.prev[i]); p >= lo {
			m.term[i] = m.term[p]
			t := &m.values[m.term[i]]
			t.Add(t, &zk)
			continue
		}
		m.term[i] = int32(n)
		m.values[n].Set(&zk)
		m.places[n] = &m.a[i]
		n++
	}
	// a holds -A and the sum is negated, so that only one scalar changes sign per
	// key; R keeps its sign, which the small scalar needs.
	for i := lo; i < hi; i++ {
		if int(m.prev[i]) < lo {
			t := &m.values[m.term[i]]
			t.Neg(t)
		}
	}
	base.Neg(base)
	var d curve.EdwardsPoint
	m.stack.multiply(&d, m.scalars[:n], m.places[:n])
	return d.IsSmallOrder()
}
