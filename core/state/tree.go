package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/chainweir/weir/hash"
)

// The commitment is a dense binary Merkle tree over the slots.
//
//	leaf  = SHA-256('a' ‖ 64-byte record)      65 bytes hashed
//	node  = SHA-256(left ‖ right)              64 bytes hashed
//	depth = smallest d with 2^d >= number of slots
//
// Leaves and nodes can never be mistaken for each other: their messages differ
// in length. Places beyond the last slot hold the zero subtree of their level
// (32 zero bytes at the leaves). The depth follows from the count, and the
// count is hashed into the state root, so a proof of any other depth is
// rejected.
const (
	leafTag = 'a'
	rootTag = "weirst1"
)

// MaxDepth is the deepest tree of 32-bit slots.
const MaxDepth = 32

// zeros[l] is the root of an empty subtree of height l.
var zeros = func() (z [MaxDepth + 1][32]byte) {
	for l := 1; l <= MaxDepth; l++ {
		z[l] = hash.SHA256(append(append([]byte(nil), z[l-1][:]...), z[l-1][:]...))
	}
	return z
}()

// tree caches every node's hash and knows which leaves have changed.
type tree struct {
	levels [][]byte // levels[0] holds the leaf hashes, 32 bytes each
	dirty  []uint64 // bitmap over slots
	n      int      // slots, including those not hashed yet

	idx     []uint32 // scratch: the changed indices of a level, ascending
	gather  []byte   // scratch: what is hashed
	results []byte
}

// mark notes that a slot's record has changed.
func (t *tree) mark(slot uint32) { t.dirty[slot>>6] |= 1 << (slot & 63) }

// markNew notes a new slot at the end.
func (t *tree) markNew(slot uint32) {
	t.n = int(slot) + 1
	for len(t.dirty)*64 < t.n {
		t.dirty = append(t.dirty, 0)
	}
	t.mark(slot)
}

// depth is the number of levels above the leaves for n slots.
func depth(n int) int {
	if n <= 1 {
		return 0
	}
	return bits.Len(uint(n - 1))
}

// update rehashes every path from a changed record and returns the tree's root.
func (t *tree) update(recs []byte) [32]byte {
	if t.n == 0 {
		return zeros[0]
	}
	t.idx = t.idx[:0]
	for w, word := range t.dirty {
		for ; word != 0; word &= word - 1 {
			t.idx = append(t.idx, uint32(w<<6+bits.TrailingZeros64(word)))
		}
		t.dirty[w] = 0
	}
	d := depth(t.n)
	for len(t.levels) <= d {
		t.levels = append(t.levels, nil)
	}
	for l := range d + 1 {
		t.grow(l)
	}
	if len(t.idx) > 0 {
		t.hashLeaves(recs)
		for l := range d {
			t.hashLevel(l)
		}
	}
	return [32]byte(t.levels[d][:32])
}

// grow gives level l its length. A level that gains its first nodes has all of
// them above changed leaves, except the one that was the root before: its path
// upwards is hashed because the new leaf's path shares it.
func (t *tree) grow(l int) {
	want := 32 * ((t.n + 1<<l - 1) >> l)
	if have := len(t.levels[l]); have < want {
		t.levels[l] = append(t.levels[l], make([]byte, want-have)...)
	}
}

// hashLeaves hashes the records of the slots in idx into level 0.
func (t *tree) hashLeaves(recs []byte) {
	t.gather = t.gather[:0]
	for _, i := range t.idx {
		t.gather = append(t.gather, recs[int(i)*RecordSize:][:RecordSize]...)
	}
	t.results = sized(t.results, 32*len(t.idx))
	must(hash.SHA256Records(t.results, t.gather, RecordSize, leafTag))
	t.scatter(0)
}

// hashLevel hashes the parents of the nodes in idx from level l into level l+1
// and leaves the parents' indices in idx.
func (t *tree) hashLevel(l int) {
	nodes := t.levels[l]
	t.gather = t.gather[:0]
	out := t.idx[:0]
	last := uint32(1<<32 - 1)
	for _, i := range t.idx {
		p := i >> 1
		if p == last {
			continue
		}
		last = p
		out = append(out, p)
		pair := nodes[64*int(p):]
		if len(pair) >= 64 {
			t.gather = append(t.gather, pair[:64]...)
		} else {
			t.gather = append(t.gather, pair[:32]...)
			t.gather = append(t.gather, zeros[l][:]...)
		}
	}
	t.idx = out
	t.results = sized(t.results, 32*len(out))
	must(hash.SHA256Pairs(t.results, t.gather))
	t.scatter(l + 1)
}

func (t *tree) scatter(l int) {
	for k, i := range t.idx {
		copy(t.levels[l][32*int(i):][:32], t.results[32*k:])
	}
}

func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/2)
	}
	return b[:n]
}

// must holds the invariant that this file passes matching lengths.
func must(err error) {
	if err != nil {
		panic("state: " + err.Error())
	}
}

// Root commits to the ledger as it is now and returns the state root:
// SHA-256(tag ‖ for accounts, items and key-values: root ‖ count u64). Items and
// key-values have no kinds yet; their trees are empty.
func (s *State) Root() [32]byte {
	return stateRoot(s.tree.update(s.recs), uint64(s.Len()))
}

func stateRoot(accounts [32]byte, n uint64) [32]byte {
	var buf [len(rootTag) + 3*40]byte
	b := append(buf[:0], rootTag...)
	b = append(b, accounts[:]...)
	b = binary.LittleEndian.AppendUint64(b, n)
	for range 2 { // items, key-values
		b = append(b, zeros[0][:]...)
		b = binary.LittleEndian.AppendUint64(b, 0)
	}
	return hash.SHA256(b)
}

// ErrProof says that an account proof does not lead to the state root.
var ErrProof = errors.New("account proof is invalid")

// Proof is the evidence that a slot holds a record under a state root.
type Proof struct {
	Slot  uint32
	Count uint64 // registered slots; fixes the depth
	Path  [][32]byte
}

// Proof returns the path of a slot. Root must have been called since the last
// change.
func (s *State) Proof(slot uint32) (Proof, error) {
	if int(slot) >= s.Len() {
		return Proof{}, fmt.Errorf("%w: slot %d of %d", ErrNoSlot, slot, s.Len())
	}
	p := Proof{Slot: slot, Count: uint64(s.Len())}
	i := int(slot)
	for l := range depth(s.Len()) {
		sib := zeros[l]
		if nodes := s.tree.levels[l]; 32*(i^1) < len(nodes) {
			sib = [32]byte(nodes[32*(i^1):])
		}
		p.Path = append(p.Path, sib)
		i >>= 1
	}
	return p, nil
}

// VerifyProof checks that record is the record of p.Slot under the state root.
func VerifyProof(root [32]byte, record []byte, p Proof) error {
	if len(record) != RecordSize {
		return fmt.Errorf("%w: record has %d bytes, want %d", ErrProof, len(record), RecordSize)
	}
	if p.Count > 1<<32 || uint64(p.Slot) >= p.Count {
		return fmt.Errorf("%w: slot %d of %d", ErrProof, p.Slot, p.Count)
	}
	if want := depth(int(p.Count)); len(p.Path) != want {
		return fmt.Errorf("%w: path has %d nodes, %d slots need %d", ErrProof, len(p.Path), p.Count, want)
	}
	node := hash.SHA256(append([]byte{leafTag}, record...))
	i := p.Slot
	for _, sib := range p.Path {
		var pair [64]byte
		copy(pair[32*(i&1):], node[:])
		copy(pair[32*(i&1^1):], sib[:])
		node = hash.SHA256(pair[:])
		i >>= 1
	}
	if stateRoot(node, p.Count) != root {
		return fmt.Errorf("%w: it leads to another root", ErrProof)
	}
	return nil
}
