// Package merkle builds Merkle trees over lists of leaves and proves and
// checks what is in them. It serves a blockchain node that hashes every block's
// transactions, so the root is its fast path: batches of nodes go to package
// hash, work is spread over cores by subtree, and a [Builder] that is used
// again allocates nothing.
//
// # Shapes
//
// A tree is built in layers. Where a layer has an odd number of nodes, the
// [Scheme] says what becomes of the last one. Seven leaves give:
//
//	RFC 6962: it moves up unchanged      Bitcoin: it is paired with itself
//
//	           root                                 root
//	         /      \                             /      \
//	       *          *                         *          *
//	     /   \      /   \                     /   \      /   \
//	    *     *    *     6                   *     *    *     *
//	   / \   / \  / \                       / \   / \  / \   / \
//	  0   1 2   3 4  5                     0   1 2   3 4  5 6   6
//
// [RFC6962] is the tree of certificate logs (RFC 6962, RFC 9162), with leaves
// and nodes kept apart by a prefix byte. [Bitcoin] is the tree of block headers,
// kept for interoperability: its pairing lets two different lists share a root
// (CVE-2012-2459), which this package detects and reports as [ErrMutated].
// [CometBFT] is the tree of RFC 6962 under the name of the system whose blocks
// have it.
//
// [SSZ] is the tree of Ethereum's consensus layer, padded with zeros to a power
// of two, and [SSZLimit] that of a list type, as deep as its limit says. No zero
// is hashed: where the list ends, roots of zero subtrees come from a table.
//
//	SSZ: three chunks                    SSZLimit(8): three chunks, always three layers
//
//	                                              root
//	           root                             /      \
//	         /      \                          *       Z2    Z2 = root of four zeros
//	       *          *                      /   \
//	     /   \      /   \                   *     *
//	    0     1    2    Z0                 / \   / \
//	                                      0   1 2   Z0       Z0 = one zero chunk
//
// [PlainSHA256] and [PlainBLAKE3] are trees without any such care, for
// interoperability; read their warning. BLAKE3's own tree is apart from the
// schemes, since its leaves are numbered: [BLAKE3Root] is the digest of a
// message, and [VerifyBLAKE3Chunk] checks one chunk of it against that digest.
//
// # What is where
//
// [Builder] computes roots and single paths in a small scratch buffer, without
// ever holding a whole layer. [Tree] keeps every layer, for many proofs.
// [VerifyInclusion] and [VerifyConsistency] check proofs without allocating.
// [Proof] is the JSON form that the weir command writes and reads.
//
// A size is part of what is proven but no root carries it: RFC 6962 signs it
// beside the root, Bitcoin does not commit to it at all. Take root and size from
// a place you trust, and only leaf and path from the prover.
package merkle
