package state

import "fmt"

// table is one of the ledger's three: records of one size under dense slots,
// with their tree, their index and what running snapshots need of them.
type table struct {
	size  int  // of a record
	tag   byte // before a record when it is hashed
	n     int  // slots
	slabs []slab
	spare []byte // memory for the next slabs
	index index
	top   slab // the tree over the slabs, from two slabs on

	dirty  []uint64 // bitmap over slots: changed since the last update
	marked int      // at least as many changes since then
	undo   []*undo  // snapshots that are being written

	piece   int    // log2 of the slots that one piece of an update covers
	changed []bool // by piece
}

// maxSlots leaves out the last 32-bit slot: the index keeps slots plus one.
const maxSlots = 1<<32 - 1

func newTable(size int, tag byte, scope, n int) table {
	t := table{size: size, tag: tag, index: index{scope: scope}}
	if n == 0 {
		return t
	}
	if n > 1<<slabBits {
		slabs := (n + 1<<slabBits - 1) >> slabBits
		t.spare = allocate(slabs * slabBytes(slabBits, size))
		t.slabs = make([]slab, 0, slabs)
		n = 1 << slabBits
	}
	t.addSlab(max(minSlabBits, bitsFor(n)))
	return t
}

func (t *table) addSlab(bits int) {
	need := slabBytes(bits, t.size)
	mem := t.spare
	if len(mem) < need {
		mem = allocate(need)
	}
	s, rest := newSlab(mem, bits, 0, t.size)
	t.slabs, t.spare = append(t.slabs, s), rest
}

// rec is the record of a slot below n.
func (t *table) rec(slot uint32) []byte {
	s := &t.slabs[slot>>slabBits]
	return s.recs[int(slot&(1<<slabBits-1))*t.size:][:t.size:t.size]
}

// edit returns the record of a slot to be changed: it goes into the next root,
// and snapshots keep what it was. Calls for slots of different lanes may run at
// once.
func (t *table) edit(lane int, slot uint32) []byte {
	rec := t.rec(slot)
	for _, u := range t.undo {
		u.save(lane, slot, rec)
	}
	t.dirty[slot>>6] |= 1 << (slot & 63)
	return rec
}

// grow opens the next slot and returns it with its zero record. Records that
// were returned before may be elsewhere afterwards.
func (t *table) grow() (uint32, []byte) {
	slot := uint32(t.n)
	switch last := len(t.slabs) - 1; {
	case last < 0:
		t.addSlab(minSlabBits)
	case t.n < last<<slabBits+1<<t.slabs[last].bits:
	case t.slabs[last].bits < slabBits: // the only one
		old := t.slabs[0]
		t.slabs = t.slabs[:0]
		t.addSlab(old.bits + 1)
		copy(t.slabs[0].recs, old.recs)
		for i := range t.dirty {
			t.dirty[i] = ^uint64(0) // all nodes are to be made again
		}
		t.marked += t.n
	default:
		t.addSlab(slabBits)
	}
	t.n++
	if len(t.dirty) < (t.n+63)>>6 {
		t.dirty = append(t.dirty, 0)
	}
	t.dirty[slot>>6] |= 1 << (slot & 63)
	t.marked++
	return slot, t.rec(slot)
}

// record is rec for a slot from outside.
func (t *table) record(slot uint32, missing error) ([]byte, error) {
	if int64(slot) >= int64(t.n) {
		return nil, fmt.Errorf("%w: slot %d of %d", missing, slot, t.n)
	}
	return t.rec(slot), nil
}
