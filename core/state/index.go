package state

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// index finds the slot of a record by the key that the record itself holds: 32
// bytes at its beginning and, where scope says so, a u32 that they belong to.
// A cell is four bytes, a Go map of the keys would take some eighty. The hash is
// seeded anew in every process, since senders choose their keys.
type index struct {
	scope int // offset of the u32 in the record; 0: there is none
	seed  maphash.Seed
	parts *[indexParts]indexPart // by the hash's first byte, so that growth stalls for one part only
}

const indexParts = 256

type indexPart struct {
	cells []uint32 // slot+1, 0 for empty; linear probing
	used  int
}

// reserve makes room for n keys.
func (t *table) reserve(n int) {
	x := &t.index
	if x.parts == nil {
		x.seed, x.parts = maphash.MakeSeed(), new([indexParts]indexPart)
	}
	each := n / indexParts
	each += each / 8 // keys do not fall evenly
	if each < 6 {
		return
	}
	for i := range x.parts {
		if p := &x.parts[i]; len(p.cells) == 0 {
			p.cells = make([]uint32, 1<<bits.Len(uint(each*4/3)))
		}
	}
}

func (x *index) hash(key []byte, scope uint32) uint64 {
	var buf [36]byte
	copy(buf[:32], key)
	binary.LittleEndian.PutUint32(buf[32:], scope)
	return maphash.Bytes(x.seed, buf[:])
}

func (x *index) scopeOf(rec []byte) uint32 {
	if x.scope == 0 {
		return 0
	}
	return binary.LittleEndian.Uint32(rec[x.scope:])
}

// find returns the slot with a key.
func (t *table) find(key []byte, scope uint32) (uint32, bool) {
	x := &t.index
	if x.parts == nil {
		return 0, false
	}
	h := x.hash(key, scope)
	p := &x.parts[h>>56]
	if len(p.cells) == 0 {
		return 0, false
	}
	mask := uint32(len(p.cells) - 1)
	for at := uint32(h) & mask; p.cells[at] != 0; at = (at + 1) & mask {
		slot := p.cells[at] - 1
		rec := t.rec(slot)
		if [32]byte(rec) == [32]byte(key) && x.scopeOf(rec) == scope {
			return slot, true
		}
	}
	return 0, false
}

// enter adds a slot, whose record is written and whose key has none yet.
func (t *table) enter(slot uint32) {
	x := &t.index
	if x.parts == nil {
		t.reserve(0)
	}
	rec := t.rec(slot)
	h := x.hash(rec[:32], x.scopeOf(rec))
	p := &x.parts[h>>56]
	if (p.used+1)*4 > len(p.cells)*3 {
		old := p.cells
		p.cells = make([]uint32, max(8, 2*len(old)))
		for _, c := range old {
			if c != 0 {
				rec := t.rec(c - 1)
				p.put(x.hash(rec[:32], x.scopeOf(rec)), c)
			}
		}
	}
	p.put(h, slot+1)
	p.used++
}

func (p *indexPart) put(h uint64, cell uint32) {
	mask := uint32(len(p.cells) - 1)
	at := uint32(h) & mask
	for p.cells[at] != 0 {
		at = (at + 1) & mask
	}
	p.cells[at] = cell
}
