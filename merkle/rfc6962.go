package merkle

import (
	"crypto/sha256"

	"github.com/chainweir/weir/hash"
)

// Domain prefixes of RFC 6962 section 2.1: a node can never be passed off as
// a leaf.
const (
	rfc6962LeafPrefix = 0x00
	rfc6962NodePrefix = 0x01
)

// RFC6962 is the tree of RFC 6962 section 2.1 and RFC 9162 section 2.1.1:
// leaves are SHA-256(0x00 ‖ leaf), nodes SHA-256(0x01 ‖ left ‖ right), the last
// node of an odd layer moves up, and the empty root is SHA-256 of nothing.
var RFC6962 = &Scheme{
	name:   "rfc6962",
	empty:  sha256.Sum256(nil),
	leaf:   rfc6962Leaf,
	leaves: hash.SHA256Leaves,
	records: func(dst, src []byte, size int) error {
		return hash.SHA256Records(dst, src, size, rfc6962LeafPrefix)
	},
	node:  rfc6962Node,
	nodes: hash.SHA256Nodes,
}

// One leaf or node at a time has no batch to fill, so the standard library's
// one-shot code is used: it lets its argument stay on the stack.

func rfc6962Leaf(leaf []byte) Hash {
	h := sha256.New()
	h.Write([]byte{rfc6962LeafPrefix}) // a hash never returns an error
	h.Write(leaf)
	var out Hash
	h.Sum(out[:0])
	return out
}

func rfc6962Node(left, right Hash) Hash {
	var b [1 + 2*HashSize]byte
	b[0] = rfc6962NodePrefix
	copy(b[1:], left[:])
	copy(b[1+HashSize:], right[:])
	return sha256.Sum256(b[:])
}
