package merkle

import (
	"encoding/binary"
	"slices"
)

// sharedWays remembers nodes on the way up, so that proofs about one tree do not
// hash its upper layers again and again. Ten thousand proofs in a tree of a
// million leaves meet in thirteen layers below the root: more than half of all
// their nodes.
//
// No verdict rests on it that hashing would not give. A proof is let through
// where its node, its place and what is left of its path are those of a proof
// that was hashed to the same root: the same computation has the same result.
type sharedWays struct {
	slots       []sharedNode
	holds       []bool // proofs of this call that are known to hold
	tries, hits int
}

// sharedNode is a node that a proof passed, with used nodes of its path hashed.
type sharedNode struct {
	node     Hash
	at, last uint64
	proof    int32
	used     uint8
	filled   bool
}

const (
	// sharedLayers is how many layers below the root are remembered. More find
	// fewer proofs that meet, and their nodes fall out of the second cache.
	sharedLayers = 11
	sharedSlots  = 2 << sharedLayers
	// sharedFrom is the number of proofs from which clearing the slots is cheap.
	sharedFrom = 1024
	// Remembering goes on while at least one try of sharedPays meets a proof;
	// the first lanes, before which there is none, are not held against it.
	sharedPays   = 16
	sharedTrials = 4 * batchLanes * sharedLayers
)

// reset forgets the last call. A batch of less than from proofs is not worth it.
func (w *sharedWays) reset(proofs, from int) {
	w.tries, w.hits = 0, 0
	if proofs < from || int(int32(proofs)) != proofs {
		w.holds = w.holds[:0]
		return
	}
	if w.slots == nil {
		w.slots = make([]sharedNode, sharedSlots)
	}
	clear(w.slots)
	w.holds = slices.Grow(w.holds[:0], proofs)[:proofs]
	clear(w.holds)
}

// proven says that a proof holds.
func (w *sharedWays) proven(proof int) {
	if len(w.holds) > 0 {
		w.holds[proof] = true
	}
}

// meets says that the rest of a lane's way, from node on, is known to lead to
// its root. If not, it remembers the lane for those that come later.
func (w *sharedWays) meets(l *lane, node *Hash, proofs []Inclusion) bool {
	if len(w.holds) == 0 || len(l.path)-l.used > sharedLayers {
		return false
	}
	if w.tries > sharedTrials && w.hits*sharedPays < w.tries {
		return false
	}
	w.tries++
	n := &w.slots[binary.LittleEndian.Uint64(node[:])%sharedSlots]
	if n.filled && n.node == *node && w.holds[n.proof] {
		q := &proofs[n.proof]
		if n.at != l.at || n.last != l.last || int(n.used) != l.used || q.Root != proofs[l.proof].Root ||
			!slices.Equal(q.Path[n.used:], l.path[l.used:]) {
			return false
		}
		w.hits++
		return true
	}
	*n = sharedNode{*node, l.at, l.last, int32(l.proof), uint8(l.used), true}
	return false
}
