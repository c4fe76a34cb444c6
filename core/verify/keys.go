package verify

import (
	"sync/atomic"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

const (
	chunkBits = 12
	chunkSize = 1 << chunkBits
)

// Keys maps account slots to public keys. One goroutine appends; any number
// read without a lock, because a slot's key never changes and chunks never
// move. It also keeps expanded keys, up to a bound: an expanded key is about
// 1.5 KB and makes verification a quarter faster.
type Keys struct {
	chunks      atomic.Pointer[[]*keyChunk]
	n           atomic.Int64
	expanded    atomic.Int64
	maxExpanded int64
}

type keyChunk struct {
	raw [chunkSize][32]byte
	exp [chunkSize]atomic.Pointer[ed25519.ExpandedPublicKey]
}

// NewKeys returns an empty table that keeps at most maxExpanded expanded keys.
func NewKeys(maxExpanded int) *Keys {
	k := &Keys{maxExpanded: int64(maxExpanded)}
	k.chunks.Store(new([]*keyChunk))
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
	chunks[n>>chunkBits].raw[n&(chunkSize-1)] = key
	k.n.Store(int64(n + 1))
}

// Key returns the key of a slot, nil if the slot is not registered.
func (k *Keys) Key(slot uint32) *[32]byte {
	if int64(slot) >= k.n.Load() {
		return nil
	}
	return &(*k.chunks.Load())[slot>>chunkBits].raw[slot&(chunkSize-1)]
}

// expandedKey returns the slot's expanded key, or nil when there is no room for
// another one or the key is not a point on the curve.
func (k *Keys) expandedKey(slot uint32) *ed25519.ExpandedPublicKey {
	c := (*k.chunks.Load())[slot>>chunkBits]
	p := &c.exp[slot&(chunkSize-1)]
	if e := p.Load(); e != nil {
		return e
	}
	// The place is taken before the key is expanded, so that workers that get
	// here together cannot exceed the bound.
	if k.expanded.Add(1) > k.maxExpanded {
		k.expanded.Add(-1)
		return nil
	}
	e, err := ed25519.NewExpandedPublicKey(c.raw[slot&(chunkSize-1)][:])
	if err != nil {
		k.expanded.Add(-1)
		return nil
	}
	if !p.CompareAndSwap(nil, e) {
		k.expanded.Add(-1) // another worker kept its own
	}
	return e
}
