package merkle

import (
	"fmt"
	"math/bits"
)

// LogReader makes the roots and proofs of a log at any size it ever had, from
// the nodes that its [Log] stored. It reads at most 2×64 nodes for each and
// keeps none, so it is safe for concurrent use where its NodeReader is.
//
// Nodes are taken as they are: a damaged store gives proofs that fail, which
// RootAt of a size whose root was published shows.
type LogReader struct {
	scheme *Scheme
	nodes  NodeReader
}

// NewLogReader returns a reader of nodes. ErrNoLog as for NewLog.
func NewLogReader(scheme *Scheme, nodes NodeReader) (*LogReader, error) {
	if err := scheme.checkLog(); err != nil {
		return nil, err
	}
	return &LogReader{scheme: scheme, nodes: nodes}, nil
}

// RootAt returns the root that the log had when it had size leaves. ErrNoNode:
// it never had that many.
func (r *LogReader) RootAt(size uint64) (Hash, error) {
	if err := checkLogSize(size); err != nil {
		return Hash{}, err
	}
	if size == 0 {
		return r.scheme.empty, nil
	}
	return r.rangeRoot(0, size)
}

// Path returns the inclusion path of leaf index in the log of size leaves, from
// the leaf's sibling up.
func (r *LogReader) Path(index, size uint64) ([]Hash, error) {
	if err := checkLogSize(size); err != nil {
		return nil, err
	}
	if err := checkIndex(index, size); err != nil {
		return nil, err
	}
	path := make([]Hash, 0, r.scheme.pathLen(index, size))
	for level := range uint(levelsAbove(size)) {
		sibling := index>>level ^ 1
		lo := sibling << level
		if lo >= size {
			continue // it moves up
		}
		node, err := r.rangeRoot(lo, min(size, lo+1<<level))
		if err != nil {
			return nil, err
		}
		path = append(path, node)
	}
	return path, nil
}

// ConsistencyPath returns the proof of RFC 6962 section 2.1.2 that the log of
// size1 leaves, 1 ≤ size1 ≤ size2, is a beginning of that of size2. It is empty
// where the two are equal.
func (r *LogReader) ConsistencyPath(size1, size2 uint64) ([]Hash, error) {
	if err := checkLogSize(size2); err != nil {
		return nil, err
	}
	if size1 == 0 {
		return nil, fmt.Errorf("%w: every log continues the empty one; ask from size 1 or more", ErrEmptyTree)
	}
	if size1 > size2 {
		return nil, fmt.Errorf("%w: %d leaves cannot be the beginning of %d", ErrSizeRange, size1, size2)
	}
	path := make([]Hash, 0, consistencyLen(size1, size2))
	if size1 == size2 {
		return path, nil
	}
	// The verifier climbs from the smaller tree's last whole subtree, which it
	// knows already if that is the whole tree.
	low := uint(bits.TrailingZeros64(size1))
	fn, sn := borderStart(size1, size2)
	if fn > 0 {
		node, err := r.rangeRoot(fn<<low, (fn+1)<<low)
		if err != nil {
			return nil, err
		}
		path = append(path, node)
	}
	for level := low; sn > 0; fn, sn, level = fn>>1, sn>>1, level+1 {
		if movesUp(fn, sn) {
			continue
		}
		lo := (fn ^ 1) << level
		node, err := r.rangeRoot(lo, min(size2, lo+1<<level))
		if err != nil {
			return nil, err
		}
		path = append(path, node)
	}
	return path, nil
}

// Log returns the log as it was with size leaves, to go on from there. sink may
// be the store that r reads: what a NodeList or NodeFile has of later leaves is
// then cut off. Another store must do so itself, or readers of sizes between the
// new log's and the old one's get roots of a mixture.
func (r *LogReader) Log(size uint64, sink NodeSink) (*Log, error) {
	if err := checkLogSize(size); err != nil {
		return nil, err
	}
	l := &Log{scheme: r.scheme, sink: sink}
	l.front.size = size
	for rest := size; rest != 0; rest &= rest - 1 {
		level := uint(bits.TrailingZeros64(rest))
		node, err := r.nodes.ReadNode(level, size>>level-1)
		if err != nil {
			return nil, err
		}
		l.front.peaks[level] = node
	}
	if s, ok := sink.(interface{ cut(nodes uint64) error }); ok {
		if err := s.cut(NodeCount(size)); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// rangeRoot returns the node above leaves lo to hi: a complete subtree, or what
// the tree of hi leaves has at its right end.
func (r *LogReader) rangeRoot(lo, hi uint64) (Hash, error) {
	var h Hash
	for rest := hi - lo; rest != 0; rest &= rest - 1 {
		level := uint(bits.TrailingZeros64(rest))
		node, err := r.nodes.ReadNode(level, hi>>level-1)
		if err != nil {
			return Hash{}, err
		}
		if rest == hi-lo {
			h = node
		} else {
			h = r.scheme.node(node, h)
		}
	}
	return h, nil
}

func checkLogSize(size uint64) error {
	if size > MaxLogSize {
		return fmt.Errorf("%w: %d leaves; the most is %d", ErrLogSize, size, uint64(MaxLogSize))
	}
	return nil
}
