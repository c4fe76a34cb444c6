package merkle

import (
	"context"
	"fmt"
)

type inputKind uint8

const (
	inputLeaves inputKind = iota
	inputRecords
	inputNodes
)

// Input is a list of leaves in one of three shapes. It refers to the caller's
// memory, copies nothing and is never written to.
type Input struct {
	kind   inputKind
	leaves [][]byte
	flat   []byte
	size   int // bytes per record
}

// Leaves is a list of separate leaves of any lengths.
func Leaves(leaves [][]byte) Input { return Input{kind: inputLeaves, leaves: leaves} }

// Records is a list of leaves of size bytes each that lie side by side in src.
func Records(src []byte, size int) Input {
	return Input{kind: inputRecords, flat: src, size: size}
}

// Nodes is a list of leaves that are hashed already: n×32 bytes. A node that
// hashes each transaction when it arrives pays only for the interior later.
func Nodes(nodes []byte) Input {
	return Input{kind: inputNodes, flat: nodes, size: HashSize}
}

// normal checks the input against the scheme and returns it in its simplest
// shape with the number of leaves.
func (in Input) normal(s *Scheme) (Input, int, error) {
	if err := s.check(); err != nil {
		return in, 0, err
	}
	if in.kind == inputLeaves {
		return in, len(in.leaves), s.checkSize(uint64(len(in.leaves)))
	}
	if in.size < 1 || len(in.flat)%in.size != 0 {
		return in, 0, fmt.Errorf("%w: %d bytes are not a whole number of %d-byte leaves",
			ErrLeafSize, len(in.flat), in.size)
	}
	if in.kind == inputRecords && s.LeavesAreNodes() {
		if in.size != HashSize {
			return in, 0, s.leafSizeError(in.size)
		}
		in.kind = inputNodes
	}
	n := len(in.flat) / in.size
	return in, n, s.checkSize(uint64(n))
}

// hashBatchBytes bounds the leaf bytes hashed between two looks at the context:
// a few milliseconds of work, and far more than a kernel needs to run full.
const hashBatchBytes = 8 << 20

// level0 returns the nodes of leaves lo to hi. They lie in scratch, or in the
// caller's own memory where leaves are nodes already: read them only.
func (in Input) level0(ctx context.Context, s *Scheme, scratch []byte, lo, hi int) ([]byte, error) {
	if in.kind == inputNodes {
		return in.flat[lo*HashSize : hi*HashSize], nil
	}
	out := scratch[:(hi-lo)*HashSize]
	for at := lo; at < hi; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := in.batchEnd(at, hi)
		dst := out[(at-lo)*HashSize : (end-lo)*HashSize]
		if err := in.hashRange(s, dst, at, end); err != nil {
			return nil, err
		}
		at = end
	}
	return out, nil
}

// batchEnd returns the end of the batch that starts at leaf lo: it has at least
// one leaf, and no more than hashBatchBytes if it has several.
func (in Input) batchEnd(lo, hi int) int {
	if in.kind == inputRecords {
		return min(hi, lo+max(1, hashBatchBytes/in.size))
	}
	total := 0
	for i := lo; i < hi; i++ {
		if total += len(in.leaves[i]); total > hashBatchBytes && i > lo {
			return i
		}
	}
	return hi
}

func (in Input) hashRange(s *Scheme, dst []byte, lo, hi int) error {
	switch {
	case in.kind == inputRecords:
		return s.records(dst, in.flat[lo*in.size:hi*in.size], in.size)
	case s.LeavesAreNodes():
		for i, leaf := range in.leaves[lo:hi] {
			if len(leaf) != HashSize {
				return fmt.Errorf("leaf %d: %w", lo+i, s.leafSizeError(len(leaf)))
			}
			copy(dst[i*HashSize:], leaf)
		}
		return nil
	default:
		return s.leaves(dst, in.leaves[lo:hi])
	}
}
