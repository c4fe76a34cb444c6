package merkle

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"sort"
)

// ErrNoNode marks a node that a store of nodes does not have.
var ErrNoNode = errors.New("merkle: node is not stored")

// NodeSink takes the complete nodes of a [Log] for keeping.
//
// Nodes come in the order in which they are completed, whatever the batches in
// which leaves were appended: each leaf's hash, then the nodes above it that it
// is the last leaf of. A node's place in that order is its position, see
// [NodePosition], so that a flat file of nodes needs no index:
//
//	       6                 the first 7 nodes, of 4 leaves;
//	    /     \              leaf hashes have positions 0, 1, 3, 4
//	  2         5
//	 / \       / \
//	0   1     3   4
type NodeSink interface {
	// StoreNodes takes n×32 bytes, the nodes of positions first to first+n-1,
	// and does not keep the slice. Each node comes once, unless StoreNodes
	// returns an error: then the log is as before the block and the positions
	// come again when appending goes on, with the same nodes if the leaves are.
	StoreNodes(first uint64, nodes []byte) error
}

// NodeReader gives back what a NodeSink took.
type NodeReader interface {
	// ReadNode returns node index of layer level, level 0 being the leaves'
	// hashes. ErrNoNode: it was never stored.
	ReadNode(level uint, index uint64) (Hash, error)
}

// NodeFunc is a NodeSink that is called for one node at a time.
type NodeFunc func(level uint, index uint64, node Hash) error

// StoreNodes calls f for each node and ends with its first error.
func (f NodeFunc) StoreNodes(first uint64, nodes []byte) error {
	for at := 0; at+HashSize <= len(nodes); at += HashSize {
		level, index := NodeAt(first + uint64(at/HashSize))
		if err := f(level, index, Hash(nodes[at:])); err != nil {
			return err
		}
	}
	return nil
}

// NodeCount returns the number of complete nodes in a log of size leaves, at
// most MaxLogSize: 2×size less one for each complete subtree it falls into.
func NodeCount(size uint64) uint64 { return 2*size - uint64(bits.OnesCount64(size)) }

// NodePosition returns the number of nodes that a log completes before node
// index of layer level, which must lie in a log of at most MaxLogSize leaves.
func NodePosition(level uint, index uint64) uint64 {
	lastLeaf := (index+1)<<level - 1
	return NodeCount(lastLeaf) + uint64(level)
}

// NodeAt returns the node of a position: the inverse of NodePosition.
func NodeAt(position uint64) (level uint, index uint64) {
	// NodeCount(n) is between 2n-64 and 2n.
	low := position / 2
	more := sort.Search(maxLevels/2+1, func(i int) bool { return NodeCount(low+uint64(i)+1) > position })
	lastLeaf := low + uint64(more)
	level = uint(position - NodeCount(lastLeaf))
	return level, lastLeaf >> level
}

// NodeList keeps nodes in memory. Its zero value is ready for use, by one
// goroutine at a time.
type NodeList struct {
	nodes []byte
}

// StoreNodes appends nodes, or writes over what is there from first on.
func (l *NodeList) StoreNodes(first uint64, nodes []byte) error {
	if first > uint64(len(l.nodes)/HashSize) {
		return fmt.Errorf("%w: position %d, right after which comes %d; store them in order",
			ErrNoNode, len(l.nodes)/HashSize, first)
	}
	l.nodes = append(l.nodes[:first*HashSize], nodes...)
	return nil
}

// inLog says whether a log of MaxLogSize leaves has the node; positions of others
// would be those of nodes in it.
func inLog(level uint, index uint64) bool {
	return level < maxLevels && index < MaxLogSize>>level
}

// ReadNode returns a node, or ErrNoNode.
func (l *NodeList) ReadNode(level uint, index uint64) (Hash, error) {
	if !inLog(level, index) {
		return Hash{}, noNode(level, index)
	}
	at := NodePosition(level, index)
	if at >= uint64(len(l.nodes)/HashSize) {
		return Hash{}, noNode(level, index)
	}
	return Hash(l.nodes[at*HashSize:]), nil
}

// cut forgets all but the first nodes.
func (l *NodeList) cut(nodes uint64) error {
	if nodes < uint64(len(l.nodes)/HashSize) {
		l.nodes = l.nodes[:nodes*HashSize]
	}
	return nil
}

// NodeFile keeps nodes in a flat file, 32 bytes each in the order of positions.
// It is safe for concurrent use where File is, as an *os.File is. Syncing the
// file before a root is published is for the caller to do.
type NodeFile struct {
	File interface {
		io.ReaderAt
		io.WriterAt
	}
}

// maxFilePosition is the last position whose node ends within an int64 offset.
const maxFilePosition = math.MaxInt64/HashSize - 1

// StoreNodes writes nodes in their place.
func (f NodeFile) StoreNodes(first uint64, nodes []byte) error {
	if first+uint64(len(nodes)/HashSize) > maxFilePosition {
		return fmt.Errorf("%w: position %d does not fit a file", ErrLogSize, first)
	}
	_, err := f.File.WriteAt(nodes, int64(first)*HashSize)
	return err
}

// ReadNode reads a node, or returns ErrNoNode where the file ends before it.
func (f NodeFile) ReadNode(level uint, index uint64) (Hash, error) {
	if !inLog(level, index) {
		return Hash{}, noNode(level, index)
	}
	at := NodePosition(level, index)
	if at > maxFilePosition {
		return Hash{}, noNode(level, index)
	}
	var h Hash
	n, err := f.File.ReadAt(h[:], int64(at)*HashSize)
	switch {
	case n == HashSize:
		return h, nil
	case errors.Is(err, io.EOF):
		return Hash{}, noNode(level, index)
	default:
		return Hash{}, fmt.Errorf("merkle: reading node %d of level %d: %w", index, level, err)
	}
}

func noNode(level uint, index uint64) error {
	return fmt.Errorf("%w: node %d of level %d; the log was shorter when it was last stored", ErrNoNode, index, level)
}

// cut removes all but the first nodes from the file, where there are more and
// File has a Truncate method, as an *os.File has.
func (f NodeFile) cut(nodes uint64) error {
	t, ok := f.File.(interface{ Truncate(size int64) error })
	if !ok || nodes > maxFilePosition {
		return nil
	}
	var b [1]byte
	switch n, err := f.File.ReadAt(b[:], int64(nodes)*HashSize); {
	case n == 0 && errors.Is(err, io.EOF):
		return nil
	case n == 0:
		return fmt.Errorf("merkle: looking for nodes after position %d: %w", nodes, err)
	}
	if err := t.Truncate(int64(nodes) * HashSize); err != nil {
		return fmt.Errorf("merkle: cutting off the nodes from position %d on: %w", nodes, err)
	}
	return nil
}
