package verify

import (
	"sync/atomic"

	"github.com/oasisprotocol/curve25519-voi/curve"

	"github.com/chainweir/weir/core/tx"
)

const (
	chunkBits = 12
	chunkSize = 1 << chunkBits
)

// Keys maps account slots to public keys. One goroutine appends; any number
// read without a lock, because a slot's key never changes and chunks never
// move.
//
// It also keeps the points of keys that verified something lately, so that they
// need not be decompressed again; see points.
type Keys struct {
	chunks atomic.Pointer[[]*keyChunk]
	n      atomic.Int64
	points points
}

type keyChunk [chunkSize][32]byte

// NewKeys returns an empty table that keeps at most maxPoints points of 160
// bytes. 0 keeps none.
func NewKeys(maxPoints int) *Keys {
	k := new(Keys)
	k.chunks.Store(new([]*keyChunk))
	k.points.init(maxPoints)
	return k
}

// Len is the number of slots.
func (k *Keys) Len() int { return int(k.n.Load()) }

// Append gives the next slot its key. Only one goroutine may append.
func (k *Keys) Append(key [32]byte) {
	n := int(k.n.Load())
	chunks := *k.chunks.Load()
	if n>>chunkBits == len(chunks) {
		grown := append(chunks[:len(chunks):len(chunks)], new(keyChunk))
		k.chunks.Store(&grown)
		chunks = grown
	}
	chunks[n>>chunkBits][n&(chunkSize-1)] = key
	k.n.Store(int64(n + 1))
}

// Key returns the key of a slot, nil if the slot is not registered.
func (k *Keys) Key(slot uint32) *[32]byte {
	if int64(slot) >= k.n.Load() {
		return nil
	}
	return &(*k.chunks.Load())[slot>>chunkBits][slot&(chunkSize-1)]
}

// touchAhead is how many keys are fetched from memory at a time.
const touchAhead = 64

// touch fetches the senders' keys, and what tells where their points are, from
// memory: nothing waits for what is read, so that a processor fetches dozens at
// once. A signature later takes too long for it to look ahead to the next. What
// others change under a lock is not read, but a word beside it.
func (k *Keys) touch(txs []tx.View, status []tx.Status) (sum uint32) {
	n, chunks := k.n.Load(), *k.chunks.Load()
	for i, t := range txs[:min(len(txs), touchAhead)] {
		if status[i] != tx.StatusOK {
			continue // it may be no transaction at all
		}
		slot := t.From()
		if int64(slot) >= n {
			continue
		}
		sum += uint32(chunks[slot>>chunkBits][slot&(chunkSize-1)][0])
		if k.points.ways > 0 {
			if s := k.points.set(slot, false); s != nil {
				sum += s.fetch.Load()
			}
		}
	}
	return sum
}

// Kept is how many points are kept.
func (k *Keys) Kept() int { return int(k.points.kept.Load()) }

// negated sets p to the negated point of a slot's key. cached tells whether it
// was kept; ok is false when the key is the encoding of no point.
func (k *Keys) negated(slot uint32, p *curve.EdwardsPoint) (cached, ok bool) {
	if k.points.get(slot, p) {
		return true, true
	}
	if !decompress(p, k.Key(slot)[:]) {
		return false, false
	}
	p.Neg(p)
	return false, true
}

// decompress is the decoding of ZIP-215: encodings need not be canonical.
func decompress(p *curve.EdwardsPoint, b []byte) bool {
	_, err := p.SetCompressedY((*curve.CompressedEdwardsY)(b))
	return err == nil
}
