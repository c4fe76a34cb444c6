package merkle

import "github.com/chainweir/weir/hash"

// Bitcoin is the transaction tree of a Bitcoin block: leaves are 32-byte
// transaction ids in internal byte order (explorers show them reversed), taken
// as they are; nodes are SHA-256(SHA-256(left ‖ right)); the last node of an odd
// layer is hashed with itself; the empty root is zero.
//
// Pairing a node with itself makes [1 2 3] and [1 2 3 3] share a root
// (CVE-2012-2459). Two equal siblings that are not that pairing are therefore
// reported as ErrMutated. Leaves and nodes are not kept apart either: a proof is
// only as good as the size it is checked against.
var Bitcoin = &Scheme{
	name:          "bitcoin",
	node:          bitcoinNode,
	nodes:         hash.SHA256DPairs,
	partner:       func(_ uint, last Hash) Hash { return last },
	refuseTwins:   true,
	lastByteFirst: true,
}

func bitcoinNode(left, right Hash) Hash {
	var pair [2 * HashSize]byte
	copy(pair[:], left[:])
	copy(pair[HashSize:], right[:])
	var out Hash
	mustFit(hash.SHA256DPairs(out[:], pair[:]))
	return out
}
