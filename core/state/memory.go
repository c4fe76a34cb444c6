package state

import "math/bits"

// Slots are kept in slabs of up to 1<<slabBits. A slab holds the records of its
// slots and every node of the subtree over them, so that what one piece of the
// commitment touches lies together, a table grows without moving what it has,
// and with records of 64 bytes a full slab is four huge pages.
const slabBits = 16

// minSlabBits is the size of the smallest slab, one word of the dirty bitmap.
const minSlabBits = 6

// slab is a complete binary tree of 1<<bits places. Places without a slot hold
// the empty subtree of their level.
type slab struct {
	recs  []byte // records back to back; nil in the tree above the slabs
	nodes []byte // level 0, then level 1, … up to the one node of level bits
	bits  int
	base  int // level of this tree's level 0 in the whole tree
}

// levelAt is where level l of a tree of 1<<bits places begins, in bytes.
func levelAt(bits, l int) int { return nodeSize * (2<<bits - (2<<bits)>>l) }

func (s *slab) level(l int) []byte {
	return s.nodes[levelAt(s.bits, l):levelAt(s.bits, l+1)]
}

func (s *slab) node(l, i int) []byte {
	return s.nodes[levelAt(s.bits, l)+nodeSize*i:][:nodeSize]
}

// slabBytes is the memory of a slab of 1<<bits records of the given size. One
// node of it is padding, so that in slabs back to back every record and every
// pair of siblings lies within a cache line.
func slabBytes(bits, size int) int { return size<<bits + nodeSize<<(bits+1) }

// newSlab makes an empty slab out of zeroed memory, of which it returns the rest.
func newSlab(mem []byte, bits, base, size int) (slab, []byte) {
	recs, all := size<<bits, slabBytes(bits, size) // the latter with the padding
	s := slab{recs: mem[:recs:recs], nodes: mem[recs:all:all], bits: bits, base: base}
	for l := range bits + 1 {
		if zeros[base+l] != [nodeSize]byte{} {
			repeat(s.level(l), zeros[base+l][:])
		}
	}
	return s, mem[all:]
}

// repeat fills dst with copies of unit.
func repeat(dst, unit []byte) {
	for n := copy(dst, unit); n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// hugeMin is the size from which huge pages are asked for: with pages of 4 KiB
// every record and node of a large ledger would be a miss in the processor's
// address cache too.
const hugeMin = 4 << 20

// allocate returns n zeroed bytes.
func allocate(n int) []byte {
	b := make([]byte, n)
	if n >= hugeMin {
		adviseHuge(b)
	}
	return b
}

// bitsFor is the smallest b with 1<<b >= n.
func bitsFor(n int) int {
	if n <= 1 {
		return 0
	}
	return bits.Len(uint(n - 1))
}
