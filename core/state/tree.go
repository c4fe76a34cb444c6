package state

import (
	"math/bits"

	"github.com/chainweir/weir/hash"
)

// The commitment is three dense binary Merkle trees over slots, of accounts, of
// items and collections, and of key-values, under one state root.
//
//	leaf  = SHA-256(tag ‖ record)     tag 'a', 'i' or 'k'; 65, 129 or 97 bytes hashed
//	node  = SHA-256(left ‖ right)     64 bytes hashed
//	depth = smallest d with 2^d >= number of slots
//	state root = SHA-256("weirst1" ‖ for each tree: root ‖ count u64)
//
// Leaves and nodes can never be mistaken for each other: their messages differ
// in length. Places beyond the last slot hold the zero subtree of their level
// (32 zero bytes at the leaves, which are the root of an empty tree). The depth
// follows from the count, and the count is hashed into the state root, so a
// proof of any other depth is rejected.
const (
	tagAccount = 'a'
	tagItem    = 'i'
	tagKey     = 'k'
	tagRoot    = "weirst1"
	nodeSize   = 32
)

// MaxDepth is the deepest tree of 32-bit slots.
const MaxDepth = 32

// zeros[l] is the root of an empty subtree of height l.
var zeros = func() (z [MaxDepth + 1][nodeSize]byte) {
	for l := 1; l <= MaxDepth; l++ {
		z[l] = hash.SHA256(append(append([]byte(nil), z[l-1][:]...), z[l-1][:]...))
	}
	return z
}()

// hasher is one worker's memory.
type hasher struct {
	idx  []uint32  // the changed nodes of a level, ascending
	room []byte    // for kernels that hash only what lies side by side
	_    [128]byte // workers do not write to one another's cache lines
}

// parallelMarks is the number of changes from which an update is worth waking
// other cores: about a tenth of a millisecond of hashing.
const parallelMarks = 512

// update rehashes every path from a changed record and returns the tree's root.
// Pieces of the tree, each a complete subtree, are hashed by any worker; what is
// above them by the caller.
func (s *State) update(t *table) [nodeSize]byte {
	if t.n == 0 {
		return zeros[0]
	}
	workers, slabLog := s.workers, t.slabs[0].bits
	if t.marked < parallelMarks {
		workers = 1
	}
	t.piece = slabLog
	for workers > 1 && t.piece > minPieceBits && t.n>>t.piece < 16*workers {
		t.piece-- // so many that none has to wait long for the last
	}
	pieces := (t.n + 1<<t.piece - 1) >> t.piece
	t.changed = sized(t.changed, pieces)
	s.hashing = t
	s.crew.run(workers, pieces, s.subtrees)
	s.hashing = nil
	s.hashUpper(t)
	t.marked = 0
	if len(t.slabs) == 1 {
		return [nodeSize]byte(t.slabs[0].node(depth(t.n), 0))
	}
	return [nodeSize]byte(t.top.node(t.top.bits, 0))
}

// minPieceBits bounds how far a small tree is divided: below, batches get too
// small for the kernels.
const minPieceBits = 10

// hashPiece hashes the changed records of one piece and the nodes above them,
// up to the piece's root.
func (s *State) hashPiece(worker, piece int) {
	t, h := s.hashing, &s.hashers[worker]
	first := piece << t.piece
	words := t.dirty[first>>6 : min(len(t.dirty), (first+1<<t.piece)>>6)]
	sl := &t.slabs[first>>slabBits]
	h.idx = h.idx[:0]
	h.collect(words, uint32(first)&(1<<slabBits-1))
	if len(h.idx) > 0 && int(h.idx[len(h.idx)-1]) >= t.n-first>>slabBits<<slabBits {
		h.dropBeyond(t.n - first>>slabBits<<slabBits)
	}
	t.changed[piece] = len(h.idx) > 0
	if len(h.idx) > 0 {
		h.leaves(sl, t.size, t.tag)
		h.climb(sl, 0, t.piece)
	}
}

// collect puts the places whose bits are set into idx, the first bit being place
// first, and clears the bits. How many bits a word has cannot be guessed, so four
// are taken out of each, true or not, and only words with more cost a branch.
func (h *hasher) collect(words []uint64, first uint32) {
	const room = 64 // for the places of one word
	marks := 0
	for _, word := range words {
		marks += bits.OnesCount64(word)
	}
	h.idx = sized(h.idx, marks+room)
	idx, n := h.idx, 0
	for w, word := range words {
		words[w] = 0
		at, count := first+uint32(w)<<6, bits.OnesCount64(word)
		to := (*[room]uint32)(idx[n:])
		for i := 0; i < count; i += 4 {
			for j := range 4 {
				to[(i+j)%room] = at + uint32(bits.TrailingZeros64(word))
				word &= word - 1
			}
		}
		n += count
	}
	h.idx = idx[:n]
}

// dropBeyond forgets marks of slots that do not exist: growing marks by words.
func (h *hasher) dropBeyond(n int) {
	for len(h.idx) > 0 && int(h.idx[len(h.idx)-1]) >= n {
		h.idx = h.idx[:len(h.idx)-1]
	}
}

// hashUpper hashes what is above the pieces.
func (s *State) hashUpper(t *table) {
	h := &s.hashers[0]
	perSlab := 1 << (t.slabs[0].bits - t.piece)
	all := false // rebuild the top
	if k := bitsFor(len(t.slabs)); len(t.slabs) > 1 && (t.top.nodes == nil || t.top.bits != k) {
		t.top, _ = newSlab(make([]byte, slabBytes(k, 0)), k, slabBits, 0)
		all = true
	}
	fresh := s.fresh[:0]
	for i := range t.slabs {
		h.idx = h.idx[:0]
		for j := range min(perSlab, max(0, len(t.changed)-i*perSlab)) {
			if t.changed[i*perSlab+j] {
				h.idx = append(h.idx, uint32(j))
			}
		}
		if len(h.idx) > 0 {
			h.climb(&t.slabs[i], t.piece, t.slabs[i].bits)
		}
		if len(h.idx) > 0 || all {
			fresh = append(fresh, uint32(i))
		}
	}
	s.fresh = fresh
	if len(t.slabs) == 1 || len(fresh) == 0 {
		return
	}
	h.idx = h.idx[:0]
	for _, i := range fresh {
		copy(t.top.node(0, int(i)), t.slabs[i].node(slabBits, 0))
		h.idx = append(h.idx, i)
	}
	h.climb(&t.top, 0, t.top.bits)
}

// leaves hashes the records of the places in idx into level 0.
func (h *hasher) leaves(s *slab, size int, tag byte) {
	h.room = sized(h.room, max(hash.PickedRoom(size), hash.PickedRoom(2*nodeSize)))
	must(hash.SHA256RecordsPicked(s.level(0), s.recs, size, tag, h.idx, h.room))
}

// climb hashes the nodes above those in idx, which are of level from and right,
// up to level to. It leaves there in idx what has changed.
func (h *hasher) climb(s *slab, from, to int) {
	h.room = sized(h.room, hash.PickedRoom(2*nodeSize))
	for l := from; l < to; l++ {
		h.parents()
		below, above := s.level(l), s.level(l+1)
		first, last := int(h.idx[0]), int(h.idx[len(h.idx)-1])
		if run := last - first + 1; 16*len(h.idx) >= 15*run {
			// Nearly all: hashing the others again costs less than picking.
			must(hash.SHA256Pairs(above[first*nodeSize:][:run*nodeSize], below[first*2*nodeSize:][:run*2*nodeSize]))
			continue
		}
		must(hash.SHA256PairsPicked(above, below, h.idx, h.room))
	}
}

// parents replaces the nodes in idx by their parents, each once. It has no
// branch, since whether the next one has the same parent cannot be guessed.
func (h *hasher) parents() {
	idx := h.idx
	prev, m := idx[0]>>1, 0
	for _, i := range idx {
		p := i >> 1
		d := p ^ prev
		m += int((d | -d) >> 31)
		idx[m], prev = p, p
	}
	h.idx = idx[:m+1]
}

// depth is the number of levels above the leaves for n slots.
func depth(n int) int { return bitsFor(n) }

func sized[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, n+n/2)
	}
	return b[:n]
}

// must holds the invariant that this file passes matching lengths.
func must(err error) {
	if err != nil {
		panic("state: " + err.Error())
	}
}
