package merkle

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sync"
)

// Verifier checks many proofs, or proofs about many leaves, with the batch
// kernels of package hash, several times faster than one node after another.
//
// It keeps its buffers, and from the second call of a size on allocates nothing
// unless a check fails. It is safe for concurrent use, but calls wait for each
// other; a goroutine that must not wait has its own Verifier. Leaves and paths
// are neither kept nor written to.
type Verifier struct {
	scheme *Scheme

	mu     sync.Mutex // one call at a time; guards what follows
	nodes  []byte     // known nodes of a layer, or the lanes' nodes
	pairs  []byte     // pairs about to be hashed
	places []uint64   // of a multi-proof's nodes in their layer
	lanes  []lane
	ahead  leavesAhead
	shared sharedWays
	from   int // proofs of a batch from which shared is used
}

// NewVerifier returns a Verifier for scheme.
func NewVerifier(scheme *Scheme) *Verifier { return &Verifier{scheme: scheme, from: sharedFrom} }

// batchLanes is the number of pairs that are hashed in one batch: enough to
// keep kernels of 16 or 32 lanes full, and little enough for pairs and nodes to
// stay in a core's first cache. BenchmarkVerifyBatch is what to judge it by.
const batchLanes = 128

// reserve grows the buffers to what a proof about n leaves needs.
func (v *Verifier) reserve(n int) {
	if need := n * HashSize; len(v.nodes) < need {
		v.nodes = make([]byte, need)
	}
	if v.pairs == nil {
		v.pairs = make([]byte, 2*batchLanes*HashSize)
	}
}

// Inclusion is one proof of a batch: Leaf is leaf Index of the tree of Size
// leaves whose root is Root. Root and Size must come from a trusted place.
type Inclusion struct {
	Root  Hash
	Leaf  []byte
	Index uint64
	Size  uint64
	Path  []Hash // from the leaf's sibling up
	// Hashed says that Leaf is hashed already, and so has 32 bytes.
	Hashed bool
}

// Verify checks this one proof: see VerifyInclusion and VerifyInclusionHash.
func (p *Inclusion) Verify(scheme *Scheme) error {
	if !p.Hashed {
		return VerifyInclusion(scheme, p.Root, p.Leaf, p.Index, p.Size, p.Path)
	}
	if err := scheme.check(); err != nil {
		return err
	}
	if len(p.Leaf) != HashSize {
		return scheme.leafSizeError(len(p.Leaf))
	}
	return VerifyInclusionHash(scheme, p.Root, Hash(p.Leaf), p.Index, p.Size, p.Path)
}

// VerifyInclusionBatch checks many independent inclusion proofs at once. nil:
// all of them hold. Otherwise it returns the places of those that do not, in
// rising order. A caller with many batches keeps a Verifier.
func VerifyInclusionBatch(scheme *Scheme, proofs []Inclusion) (failed []int, err error) {
	return NewVerifier(scheme).Inclusions(context.Background(), proofs, nil)
}

// Inclusions checks many independent inclusion proofs at once, each of which may
// have a tree, a size and a depth of its own. It appends the places of those
// that do not hold to failed, in rising order, and returns that.
//
// The verdict on each is that of VerifyInclusion. Proofs that do not hold make
// it return ErrBatch, which wraps the error of the first of them; Verify tells
// that of the others. Any other error, such as the context's, says nothing
// about the proofs, and appends none.
func (v *Verifier) Inclusions(ctx context.Context, proofs []Inclusion, failed []int) ([]int, error) {
	if err := v.scheme.check(); err != nil {
		return failed, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reserve(batchLanes)
	if v.lanes == nil {
		v.lanes = make([]lane, batchLanes)
	}
	c := climbers{Verifier: v, ctx: ctx, proofs: proofs, failed: failed}
	c.ahead.reset()
	c.shared.reset(len(proofs), v.from)
	defer func() { // do not keep the caller's memory
		clear(v.lanes)
		v.ahead.forget()
	}()
	if err := c.climb(); err != nil {
		return failed, err
	}
	bad := c.failed[len(failed):]
	if len(bad) == 0 {
		return failed, nil
	}
	slices.Sort(bad) // deep proofs end after shallow ones that come later
	return c.failed, fmt.Errorf("%w: %d of %d fail, the first of them proof %d: %w",
		ErrBatch, len(bad), len(proofs), bad[0], proofs[bad[0]].Verify(v.scheme))
}

// lane is a proof on its way up. Its node is in Verifier.nodes.
type lane struct {
	at, last uint64 // the node's place, and that of its layer's last node
	path     []Hash
	used     int // nodes of the path so far; all of them: it has reached the root
	proof    int
	bad      bool // it climbs on, but fails
}

// climbers is a batch of proofs in work. A lane is given to the next proof as
// soon as its own has reached the root, so that batches are full to the end
// however different the depths are.
type climbers struct {
	*Verifier
	ctx    context.Context
	proofs []Inclusion
	next   int // first proof that has not had a lane
	failed []int
}

func (c *climbers) climb() error {
	live := 0
	for ; live < batchLanes; live++ {
		if ok, err := c.start(live); err != nil {
			return err
		} else if !ok {
			break
		}
	}
	for live > 0 {
		c.gather(live)
		if err := c.scheme.nodes(c.nodes[:live*HashSize], c.pairs[:2*live*HashSize]); err != nil {
			return fmt.Errorf("merkle: %s: hashing %d pairs of proofs: %w", c.scheme.name, live, err)
		}
		for i := 0; i < live; {
			l, node := &c.lanes[i], (*Hash)(c.nodes[i*HashSize:])
			l.rise(c.scheme)
			switch {
			case l.used == len(l.path):
				c.finish(l, *node == c.proofs[l.proof].Root)
			case c.shared.meets(l, node, c.proofs):
				c.finish(l, true)
			default:
				i++
				continue
			}
			ok, err := c.start(i)
			switch {
			case err != nil:
				return err
			case ok:
				i++
			default: // no proofs are left: close the gap, whose lane is still to rise
				live--
				c.lanes[i] = c.lanes[live]
				copy(c.nodes[i*HashSize:], c.nodes[live*HashSize:(live+1)*HashSize])
			}
		}
	}
	return nil
}

// start gives lane i to the next proof that has something to climb, and says
// whether there was one.
func (c *climbers) start(i int) (bool, error) {
	for ; c.next < len(c.proofs); c.next++ {
		if c.next == c.ahead.end {
			if err := c.ahead.hash(c.ctx, c.scheme, c.proofs[c.next:]); err != nil {
				return false, err
			}
		}
		p := &c.proofs[c.next]
		node, ok := c.ahead.node(c.next)
		if !ok || p.Index >= p.Size || c.scheme.checkSize(p.Size) != nil || len(p.Path) != c.scheme.pathLen(p.Index, p.Size) {
			c.failed = append(c.failed, c.next)
			continue
		}
		l := lane{at: p.Index, last: p.Size - 1, path: p.Path, proof: c.next}
		if l.skip(c.scheme); len(l.path) == 0 {
			c.finish(&l, *node == p.Root)
			continue
		}
		c.lanes[i] = l
		copy(c.nodes[i*HashSize:], node[:])
		c.next++
		return true, nil
	}
	return false, nil
}

// finish takes a lane whose way leads to its root, or does not.
func (c *climbers) finish(l *lane, leads bool) {
	if l.bad || !leads {
		c.failed = append(c.failed, l.proof)
		return
	}
	c.shared.proven(l.proof)
}

// gather puts each lane's node and its sibling into order for the kernel.
func (c *climbers) gather(live int) {
	s, nodes, pairs := c.scheme, c.nodes, c.pairs
	simple := s.partner == nil && !s.refuseTwins
	for i := range c.lanes[:live] {
		l := &c.lanes[i]
		node, sibling := (*Hash)(nodes[i*HashSize:]), &l.path[l.used]
		pair := (*[2 * HashSize]byte)(pairs[2*i*HashSize:])
		own := int(l.at&1) * HashSize // the node's half of the pair
		moveNode((*Hash)(pair[own:]), node)
		moveNode((*Hash)(pair[own^HashSize:]), sibling)
		if simple {
			continue
		}
		switch {
		case s.partner != nil && movesUp(l.at, l.last): // every layer so far took a node
			l.bad = l.bad || *sibling != s.partner(uint(l.used), *node)
		case s.refuseTwins:
			l.bad = l.bad || *sibling == *node
		}
	}
}

// moveNode copies src to dst, which do not overlap; the compiler knows nothing
// of that, and would call a function.
func moveNode(dst, src *Hash) {
	e := binary.NativeEndian
	a, b := e.Uint64(src[0:]), e.Uint64(src[8:])
	c, d := e.Uint64(src[16:]), e.Uint64(src[24:])
	e.PutUint64(dst[0:], a)
	e.PutUint64(dst[8:], b)
	e.PutUint64(dst[16:], c)
	e.PutUint64(dst[24:], d)
}

// rise moves the lane to the layer above, and on.
func (l *lane) rise(s *Scheme) {
	l.at, l.last, l.used = l.at>>1, l.last>>1, l.used+1
	l.skip(s)
}

// skip passes the layers in which the node moves up unchanged.
func (l *lane) skip(s *Scheme) {
	if s.partner == nil && l.at == l.last && l.last > 0 {
		up := bits.TrailingZeros64(l.last)
		l.at, l.last = l.at>>up, l.last>>up
	}
}

// leavesAhead hashes the leaves of the proofs that come next in one batch.
type leavesAhead struct {
	start, end int // proofs whose nodes are here
	nodes      []byte
	ok         [batchLanes]bool
	leaves     [][]byte
	touched    byte // keeps the compiler from dropping what touch reads
}

func (a *leavesAhead) reset() {
	a.start, a.end = 0, 0
	if a.nodes == nil {
		a.nodes = make([]byte, batchLanes*HashSize)
		a.leaves = make([][]byte, 0, batchLanes)
	}
}

// forget lets go of the caller's memory.
func (a *leavesAhead) forget() { clear(a.leaves[:cap(a.leaves)]) }

// hash takes as many of proofs, which follow those it had, as it has room for.
func (a *leavesAhead) hash(ctx context.Context, s *Scheme, proofs []Inclusion) error {
	proofs = proofs[:min(len(proofs), batchLanes)]
	a.start, a.end = a.end, a.end+len(proofs)
	a.leaves = a.leaves[:0]
	for i := range proofs {
		a.touch(proofs[i].Path)
		if !proofs[i].Hashed && !s.LeavesAreNodes() {
			a.leaves = append(a.leaves, proofs[i].Leaf)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("merkle: proofs from %d on: %w", a.start, err)
	}
	n := len(a.leaves)
	if _, err := Leaves(a.leaves).level0(ctx, s, a.nodes, 0, n); err != nil {
		return fmt.Errorf("merkle: proofs from %d on: %w", a.start, err)
	}
	// The hashes lie side by side. From the end on, each moves to its proof.
	for i := len(proofs) - 1; i >= 0; i-- {
		node := (*Hash)(a.nodes[i*HashSize:])
		if p := &proofs[i]; p.Hashed || s.LeavesAreNodes() {
			a.ok[i] = len(p.Leaf) == HashSize
			copy(node[:], p.Leaf)
			continue
		}
		n--
		a.ok[i] = true
		*node = Hash(a.nodes[n*HashSize:])
	}
	return nil
}

// touch reads one byte of each cache line of a path that is soon climbed. Lanes
// take one node of each path in turn, for which a core has no prefetcher; this
// reads them in order, and the misses overlap.
func (a *leavesAhead) touch(path []Hash) {
	var t byte
	for i := 0; i < min(len(path), maxLevels); i += 2 {
		t ^= path[i][0]
	}
	a.touched ^= t
}

// node returns the level-0 node of a proof's leaf, and whether it has one.
func (a *leavesAhead) node(proof int) (*Hash, bool) {
	i := proof - a.start
	return (*Hash)(a.nodes[i*HashSize:]), a.ok[i]
}
