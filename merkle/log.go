package merkle

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoLog marks a scheme whose trees cannot be kept as an append-only log.
var ErrNoLog = errors.New("merkle: scheme has no append-only log")

// ErrLogSize marks a log that would get longer than MaxLogSize.
var ErrLogSize = errors.New("merkle: log is too long")

// MaxLogSize is the most leaves that a Log takes: the positions of its nodes
// are 64-bit numbers.
const MaxLogSize = 1 << 62

// Log is a Merkle tree that only grows, as RFC 6962 describes it: leaves are
// appended one at a time or in batches, and the root is to be had after each.
// It keeps the roots of its complete subtrees, at most 64 nodes, and scratch for
// one block of a batch; nodes that are complete never change again and go to a
// [NodeSink], from which a [LogReader] makes old roots and proofs.
//
// A Log is for one goroutine at a time.
type Log struct {
	scheme *Scheme
	front  frontier
	sink   NodeSink

	layers []byte // the layers of a block, see appendBlock
	done   []byte // its nodes in the order of positions
}

// logBlockLeaves is the number of leaves hashed before their nodes are handed
// on: the block's layers, twice that many nodes, stay in a core's own cache.
const logBlockLeaves = 2048

// NewLog returns a log without leaves. sink takes its complete nodes; nil drops
// them, and with them old roots and proofs. ErrNoLog: the last node of an odd
// layer does not move up in this scheme, so nodes change when the tree grows.
func NewLog(scheme *Scheme, sink NodeSink) (*Log, error) {
	if err := scheme.checkLog(); err != nil {
		return nil, err
	}
	return &Log{scheme: scheme, sink: sink}, nil
}

func (s *Scheme) checkLog() error {
	if err := s.check(); err != nil {
		return err
	}
	if s.partner != nil || s.refuseTwins {
		return fmt.Errorf("%w: %s; use one whose odd nodes move up, such as %s", ErrNoLog, s.name, RFC6962.name)
	}
	return nil
}

// Scheme returns the scheme of the log's tree.
func (l *Log) Scheme() *Scheme { return l.scheme }

// Size returns the number of leaves.
func (l *Log) Size() uint64 { return l.front.size }

// Root returns the root over all leaves so far. It takes one hash for each
// complete subtree but the first, 63 at most.
func (l *Log) Root() Hash {
	return l.front.root(l.scheme, l.scheme.levels(max(1, l.front.size)), nil)
}

// AppendLeaf appends one leaf. Many leaves are several times cheaper in one
// Append. On an error the log is as before; see NodeSink for one from the sink.
func (l *Log) AppendLeaf(leaf []byte) error {
	node, err := l.scheme.HashLeaf(leaf)
	if err != nil {
		return err
	}
	size := l.front.size
	if size >= MaxLogSize {
		return logSizeError(size, 1)
	}
	level := uint(0)
	l.done = append(l.done[:0], node[:]...)
	for ; size>>level&1 == 1; level++ {
		node = l.scheme.node(l.front.peaks[level], node)
		l.done = append(l.done, node[:]...)
	}
	if err := l.store(); err != nil {
		return err
	}
	l.front.peaks[level] = node
	l.front.size++
	return nil
}

// Append appends the leaves of in, in blocks of a few thousand. ErrLeafSize and
// ErrLogSize come before the first block. After an error of the context or the
// sink the log has the leaves of the blocks before it, as Size tells; appending
// the others is the way to go on.
func (l *Log) Append(ctx context.Context, in Input) error {
	in, n, err := in.normal(l.scheme)
	if err != nil {
		return err
	}
	if uint64(n) > MaxLogSize-l.front.size {
		return logSizeError(l.front.size, n)
	}
	if err := in.checkNodes(l.scheme); err != nil {
		return err
	}
	start := l.front.size
	for lo := 0; lo < n; lo += logBlockLeaves {
		err := ctx.Err()
		if err == nil {
			err = l.appendBlock(ctx, in, lo, min(n, lo+logBlockLeaves))
		}
		if err != nil {
			return fmt.Errorf("merkle: log of %d leaves: after %d of %d new ones: %w", start, lo, n, err)
		}
	}
	return nil
}

// checkNodes finds the leaves that are no nodes before anything is done.
func (in Input) checkNodes(s *Scheme) error {
	if in.kind != inputLeaves || !s.LeavesAreNodes() {
		return nil
	}
	for i, leaf := range in.leaves {
		if len(leaf) != HashSize {
			return fmt.Errorf("leaf %d: %w", i, s.leafSizeError(len(leaf)))
		}
	}
	return nil
}

// appendBlock hashes leaves lo to hi and every node that they complete, layer
// by layer. Each layer lies in l.layers behind one free place, which the left
// sibling of the layer's first node takes where that one is an older node.
func (l *Log) appendBlock(ctx context.Context, in Input, lo, hi int) error {
	before, after := l.front.size, l.front.size+uint64(hi-lo)
	if need := (2*(hi-lo) + 2*maxLevels) * HashSize; len(l.layers) < need {
		l.layers = make([]byte, need)
	}
	var layers [maxLevels][]byte
	free := l.layers
	for level := uint(0); after>>level > before>>level; level++ {
		size := (1 + int(after>>level-before>>level)) * HashSize
		layer := free[:size]
		layers[level], free = layer, free[size:]
		if level == 0 {
			nodes, err := in.level0(ctx, l.scheme, layer[HashSize:], lo, hi)
			if err != nil {
				return err
			}
			copy(layer[HashSize:], nodes) // moves only where they are the caller's memory
			continue
		}
		below := layers[level-1]
		if before>>(level-1)&1 == 1 {
			copy(below, l.front.peaks[level-1][:])
		} else {
			below = below[HashSize:]
		}
		if err := l.scheme.nodes(layer[HashSize:], below[:2*(size-HashSize)]); err != nil {
			return fmt.Errorf("merkle: %s: hashing level %d: %w", l.scheme.name, level, err)
		}
	}
	if l.sink != nil {
		l.order(&layers, before, after)
		if err := l.store(); err != nil {
			return err
		}
	}
	for level, layer := range layers {
		if layer != nil && after>>level&1 == 1 {
			l.front.peaks[level] = Hash(layer[len(layer)-HashSize:])
		}
	}
	l.front.size = after
	return nil
}

// order puts the nodes of a block into the order of positions: each leaf with
// the nodes above it that it completes, which are those it is the last leaf of.
func (l *Log) order(layers *[maxLevels][]byte, before, after uint64) {
	l.done = l.done[:0]
	for leaf := before; leaf < after; leaf++ {
		for level := uint(0); ; level++ {
			at := 1 + int(leaf>>level-before>>level)
			l.done = append(l.done, layers[level][at*HashSize:(at+1)*HashSize]...)
			if leaf>>level&1 == 0 {
				break
			}
		}
	}
}

// store hands l.done to the sink.
func (l *Log) store() error {
	if l.sink == nil {
		return nil
	}
	if err := l.sink.StoreNodes(NodeCount(l.front.size), l.done); err != nil {
		return fmt.Errorf("merkle: storing %d nodes of a log of %d leaves: %w",
			len(l.done)/HashSize, l.front.size, err)
	}
	return nil
}

func logSizeError(size uint64, more int) error {
	return fmt.Errorf("%w: %d leaves and %d more; the most is %d", ErrLogSize, size, more, uint64(MaxLogSize))
}
