package merkle

import (
	"crypto/sha256"
	"fmt"

	"github.com/chainweir/weir/hash"
)

// rfc6962LeafPrefix keeps leaves apart from nodes, whose prefix is 0x01, so that
// a node can never be passed off as a leaf (RFC 6962 section 2.1).
const rfc6962LeafPrefix = 0x00

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

// One leaf has no batch to fill, so the standard library's code is used.

func rfc6962Leaf(leaf []byte) Hash {
	h := sha256.New()
	h.Write([]byte{rfc6962LeafPrefix}) // a hash never returns an error
	h.Write(leaf)
	var out Hash
	h.Sum(out[:0])
	return out
}

// A single node goes through the batch kernel all the same: for one pair it is
// faster than hashing a message of 65 bytes, and its buffers stay on the stack.

func rfc6962Node(left, right Hash) Hash {
	var pair [2 * HashSize]byte
	copy(pair[:], left[:])
	copy(pair[HashSize:], right[:])
	var out Hash
	mustFit(hash.SHA256Nodes(out[:], pair[:]))
	return out
}

// mustFit takes the error of a call whose buffers have constant lengths, and
// which therefore has none.
func mustFit(err error) {
	if err != nil {
		panic(fmt.Sprintf("merkle: one pair of nodes: %v", err))
	}
}
