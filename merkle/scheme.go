package merkle

import (
	"fmt"
	"strings"
)

// HashSize is the length in bytes of every node.
const HashSize = 32

// Hash is a node of a tree: a leaf hash, an interior node or a root.
type Hash = [HashSize]byte

// Scheme is one way to make a tree out of leaves: how leaves and nodes are
// hashed, and what becomes of the last node of a layer of odd length. A scheme
// is one small file that fills in this struct, and its line in Schemes.
//
// Functions that hash one thing take and return arrays by value, so that a
// verifier's nodes stay on its stack; functions that hash many take flat
// buffers, which is the shape the batch kernels want.
type Scheme struct {
	name  string
	empty Hash // root of a tree without leaves

	// leaf, leaves and records hash one leaf, many, and many of equal size
	// that lie side by side. All three are nil where a leaf is a node already.
	leaf    func(leaf []byte) Hash
	leaves  func(dst []byte, leaves [][]byte) error
	records func(dst, src []byte, size int) error

	// node hashes one pair; nodes hashes n×64 bytes to n×32, and dst may
	// alias src from its start.
	node  func(left, right Hash) Hash
	nodes func(dst, src []byte) error

	// partner returns what the last node of a layer of odd length is hashed
	// with, level 0 being the leaves. nil: it moves up unchanged. A partner
	// appears in inclusion paths, and verifiers insist on its value.
	partner func(level uint, last Hash) Hash

	// limit is the most leaves that a list may have, where limited is set. The
	// tree then has depth layers above the leaves whatever the list's length,
	// which takes a partner.
	limited bool
	limit   uint64
	depth   int

	// refuseTwins says that two equal siblings make the list ambiguous.
	refuseTwins bool

	// lastByteFirst says that people write the scheme's nodes back to front.
	lastByteFirst bool
}

// Schemes returns every scheme of this package, the default first. Of SSZ it
// has the one without a limit; see SSZLimit for the others.
func Schemes() []*Scheme {
	return []*Scheme{RFC6962, Bitcoin, CometBFT, SSZ, PlainSHA256, PlainBLAKE3}
}

// SchemeByName returns the scheme that calls itself name, or ErrScheme: one of
// Schemes, or ssz:N, which is SSZLimit(N).
func SchemeByName(name string) (*Scheme, error) {
	var known []string
	for _, s := range Schemes() {
		if s.name == name {
			return s, nil
		}
		known = append(known, s.name)
	}
	if limit, ok := strings.CutPrefix(name, sszLimitPrefix); ok {
		return sszByLimit(limit)
	}
	return nil, fmt.Errorf("%w: %q; use one of %s, ssz:N with the limit of a list", ErrScheme, name, strings.Join(known, ", "))
}

// Name returns the scheme's name, as SchemeByName takes it.
func (s *Scheme) Name() string { return s.name }

// EmptyRoot returns the root of a tree without leaves.
func (s *Scheme) EmptyRoot() Hash { return s.empty }

// named returns the scheme under the name of another of its users.
func (s *Scheme) named(name string) *Scheme {
	other := *s
	other.name = name
	return &other
}

// LeavesAreNodes reports whether leaves are 32-byte nodes that are not hashed
// again, such as Bitcoin's transaction ids.
func (s *Scheme) LeavesAreNodes() bool { return s.leaf == nil }

// HasDisplayOrder reports whether people write the scheme's nodes last byte
// first, as Bitcoin's explorers do.
func (s *Scheme) HasDisplayOrder() bool { return s.lastByteFirst }

// levels returns how many layers lie above the leaves of a tree of n ≥ 1.
func (s *Scheme) levels(n uint64) int { return max(s.depth, levelsAbove(n)) }

// checkSize returns ErrLimit if a list of n leaves is longer than the scheme
// allows.
func (s *Scheme) checkSize(n uint64) error {
	if s.limited && n > s.limit {
		return fmt.Errorf("%w: %d leaves, but %s takes at most %d", ErrLimit, n, s.name, s.limit)
	}
	return nil
}

// HashLeaf returns the level-0 node of one leaf. ErrLeafSize: leaves are nodes
// in this scheme, and this one does not have 32 bytes.
func (s *Scheme) HashLeaf(leaf []byte) (Hash, error) {
	if err := s.check(); err != nil {
		return Hash{}, err
	}
	if s.leaf != nil {
		return s.leaf(leaf), nil
	}
	if len(leaf) != HashSize {
		return Hash{}, s.leafSizeError(len(leaf))
	}
	return Hash(leaf), nil
}

// HashLeaves writes the level-0 nodes of n leaves into dst of n×32 bytes: what
// Nodes takes later. ErrLeafSize as HashLeaf, or dst has another length.
func (s *Scheme) HashLeaves(dst []byte, leaves [][]byte) error {
	if err := s.check(); err != nil {
		return err
	}
	if len(dst) != len(leaves)*HashSize {
		return fmt.Errorf("%w: dst has %d bytes for %d leaves; it must have %d",
			ErrLeafSize, len(dst), len(leaves), len(leaves)*HashSize)
	}
	return Leaves(leaves).hashRange(s, dst, 0, len(leaves))
}

// HashNodes hashes n pairs of nodes, src of n×64 bytes, into dst of n×32 bytes.
// dst may alias src from its start. It is the kernel that a root is made of.
func (s *Scheme) HashNodes(dst, src []byte) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.nodes(dst, src)
}

func (s *Scheme) check() error {
	if s == nil || s.nodes == nil {
		return fmt.Errorf("%w: nil; use one of Schemes, such as RFC6962", ErrScheme)
	}
	return nil
}

func (s *Scheme) leafSizeError(got int) error {
	return fmt.Errorf("%w: a %s leaf is a node of %d bytes, this one has %d; hash it first",
		ErrLeafSize, s.name, HashSize, got)
}
