package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/chainweir/weir/hash"
)

// Tree is one of the ledger's three Merkle trees.
type Tree uint8

// The trees, in the order in which the state root covers them.
const (
	TreeAccounts Tree = 0
	TreeItems    Tree = 1 // collections too
	TreeKeys     Tree = 2

	numTrees = 3
)

var treeShapes = [numTrees]struct {
	name string
	tag  byte
	size int // of a record
}{{"accounts", tagAccount, RecordSize}, {"items", tagItem, ItemSize}, {"keys", tagKey, KeySize}}

// String is the tree's name.
func (t Tree) String() string {
	if t < numTrees {
		return treeShapes[t].name
	}
	return fmt.Sprintf("tree_%d", uint8(t))
}

// RecordSize is the length of the tree's records in bytes, 0 of an unknown tree.
func (t Tree) RecordSize() int {
	if t < numTrees {
		return treeShapes[t].size
	}
	return 0
}

// Summary is what the state root is the hash of, by Tree.
type Summary [numTrees]struct {
	Root  [32]byte
	Count uint64 // slots in use; fixes the depth
}

// StateRoot is SHA-256(tag ‖ for each tree: root ‖ count u64).
func (m *Summary) StateRoot() [32]byte {
	var buf [len(tagRoot) + numTrees*40]byte
	b := append(buf[:0], tagRoot...)
	for i := range m {
		b = append(b, m[i].Root[:]...)
		b = binary.LittleEndian.AppendUint64(b, m[i].Count)
	}
	return hash.SHA256(b)
}

func (s *State) tables() [numTrees]*table {
	return [numTrees]*table{&s.accounts, &s.items, &s.keys}
}

// Root commits to the ledger as it is now and returns the state root.
func (s *State) Root() [32]byte {
	for i, t := range s.tables() {
		s.summary[i].Root, s.summary[i].Count = s.update(t), uint64(t.n)
	}
	return s.summary.StateRoot()
}

// ErrProof says that a proof does not lead to the state root.
var ErrProof = errors.New("state proof is invalid")

// Proof is the evidence that a slot of a tree holds a record under a state root.
type Proof struct {
	Tree    Tree
	Slot    uint32
	Summary Summary
	Path    [][32]byte // siblings from the leaf up
}

// Proof returns the path of an account slot. Root must have been called since
// the last change, for this and the other proofs.
func (s *State) Proof(slot uint32) (Proof, error) {
	return s.proof(TreeAccounts, slot, ErrNoSlot)
}

// ItemProof returns the path of an item slot.
func (s *State) ItemProof(slot uint32) (Proof, error) {
	return s.proof(TreeItems, slot, ErrNoItem)
}

// KeyProof returns the path of a key slot.
func (s *State) KeyProof(slot uint32) (Proof, error) {
	return s.proof(TreeKeys, slot, ErrNoKey)
}

func (s *State) proof(tree Tree, slot uint32, missing error) (Proof, error) {
	t := s.tables()[tree]
	if _, err := t.record(slot, missing); err != nil {
		return Proof{}, err
	}
	p := Proof{Tree: tree, Slot: slot, Summary: s.summary, Path: make([][32]byte, depth(t.n))}
	for l := range p.Path {
		sub, i := &t.slabs[slot>>slabBits], int(slot&(1<<slabBits-1))>>l
		if l >= slabBits {
			sub, i = &t.top, int(slot>>l)
		}
		p.Path[l] = [32]byte(sub.node(l-sub.base, i^1))
	}
	return p, nil
}

// VerifyProof checks that record is the record of p.Slot in p.Tree under the
// state root. Its errors are ErrProof.
func VerifyProof(root [32]byte, record []byte, p Proof) error {
	if p.Tree >= numTrees {
		return fmt.Errorf("%w: %s", ErrProof, p.Tree)
	}
	shape, sum := &treeShapes[p.Tree], &p.Summary[p.Tree]
	if len(record) != shape.size {
		return fmt.Errorf("%w: record has %d bytes, want %d", ErrProof, len(record), shape.size)
	}
	if sum.Count > 1<<MaxDepth || uint64(p.Slot) >= sum.Count {
		return fmt.Errorf("%w: slot %d of %d", ErrProof, p.Slot, sum.Count)
	}
	if want := depth(int(sum.Count)); len(p.Path) != want {
		return fmt.Errorf("%w: path has %d nodes, %d slots need %d", ErrProof, len(p.Path), sum.Count, want)
	}
	node := hash.SHA256(append([]byte{shape.tag}, record...))
	for l, sib := range p.Path {
		side := int(p.Slot>>l) & 1
		var pair [2 * nodeSize]byte
		copy(pair[nodeSize*side:], node[:])
		copy(pair[nodeSize*(side^1):], sib[:])
		node = hash.SHA256(pair[:])
	}
	if node != sum.Root || p.Summary.StateRoot() != root {
		return fmt.Errorf("%w: it leads to another root", ErrProof)
	}
	return nil
}
