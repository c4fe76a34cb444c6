package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/chainweir/weir/hash"
)

// SSZ is the tree of Ethereum's consensus layer (consensus-specs,
// ssz/simple-serialize.md, section Merkleization: merkleize without a limit),
// for vectors and containers. Leaves are 32-byte chunks, taken as they are;
// nodes are SHA-256(left ‖ right); the list is padded with zero chunks to the
// next power of two, and without chunks the root is one zero chunk.
//
// Padding is never hashed: the root of a subtree of zeros comes from a table.
// An inclusion path has one node for each layer. Zero chunks at the end leave no
// trace in the root, so a proof also holds for other sizes of the same depth;
// lists are told apart by MixInLength.
var SSZ = &Scheme{name: "ssz", node: sszNode, nodes: hash.SHA256Pairs, partner: sszPartner}

const sszLimitPrefix = "ssz:"

// SSZLimit is SSZ for lists of at most limit chunks (merkleize with a limit):
// the tree is as deep as one of limit leaves, so that all lists of a type have
// the same depth. Longer lists are ErrLimit. A root costs as many nodes as the
// list is long, and one for each layer of the rest, whatever the limit.
//
// The limit counts chunks, not elements: for a list of N values of b bytes that
// are packed it is ⌈N×b/32⌉ (chunk_count). The scheme's name is ssz:limit.
// Each call returns a scheme of its own, to be compared by name.
func SSZLimit(limit uint64) *Scheme {
	s := SSZ.named(sszLimitPrefix + strconv.FormatUint(limit, 10))
	s.limited, s.limit = true, limit
	if limit > 0 {
		s.depth = levelsAbove(limit)
	}
	s.empty = zeroHashes[s.depth]
	return s
}

// sszByLimit returns the scheme whose name ends in text, which must be the one
// way to write the limit.
func sszByLimit(text string) (*Scheme, error) {
	limit, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.FormatUint(limit, 10) != text {
		return nil, fmt.Errorf("%w: %q; the limit of ssz is a decimal number of chunks below 2^64, as in ssz:1024",
			ErrScheme, sszLimitPrefix+text)
	}
	return SSZLimit(limit), nil
}

// zeroHashes has the root of 2^i zero chunks at place i. It is made with the
// standard library, since the first use of a kernel takes milliseconds, which an
// import must not.
var zeroHashes = func() (z [maxLevels + 1]Hash) {
	for i := range maxLevels {
		z[i+1] = sha256.Sum256(append(z[i][:], z[i][:]...))
	}
	return z
}()

func sszPartner(level uint, _ Hash) Hash { return zeroHashes[level] }

func sszNode(left, right Hash) Hash {
	var b [2 * HashSize]byte
	copy(b[:], left[:])
	copy(b[HashSize:], right[:])
	var out Hash
	mustFit(hash.SHA256Pairs(out[:], b[:]))
	return out
}

// MixInLength returns the hash tree root of a list from the root of its chunks
// and its length in elements (mix_in_length): SHA-256(root ‖ length), the length
// in 32 bytes, little-endian.
func MixInLength(root Hash, length uint64) Hash {
	var chunk Hash
	binary.LittleEndian.PutUint64(chunk[:], length)
	return sszNode(root, chunk)
}

// SSZPack returns src as whole chunks, the last one padded with zeros (pack, for
// values that are serialized and put together already). The chunks are for
// Nodes. Where src is whole chunks it is returned as it is, else copied.
func SSZPack(src []byte) []byte {
	over := len(src) % HashSize
	if over == 0 {
		return src
	}
	chunks := make([]byte, len(src)+HashSize-over)
	copy(chunks, src)
	return chunks
}

// GeneralizedIndex returns the place of chunk index in a tree of depth layers
// above the chunks, as ssz/merkle-proofs.md counts nodes: the root is 1, and
// below node g are 2g and 2g+1. ErrIndexRange: there is no such chunk, or the
// place does not fit 64 bits, as it does up to depth 63.
func GeneralizedIndex(depth int, index uint64) (uint64, error) {
	if depth < 0 || depth >= maxLevels {
		return 0, fmt.Errorf("%w: depth %d; generalized indices of 64 bits reach from 0 to %d", ErrIndexRange, depth, maxLevels-1)
	}
	if index>>depth > 0 {
		return 0, fmt.Errorf("%w: chunk %d at depth %d; there are 2^%d", ErrIndexRange, index, depth, depth)
	}
	return 1<<depth | index, nil
}

// VerifyGeneralized checks that node is the node of generalized index gindex
// below root, in trees of plain SHA-256 pairs (ssz/merkle-proofs.md,
// verify_merkle_proof). The node may be a chunk or the root of any subtree, and
// the path may lead through several objects, such as from a field of an element
// through a list and its mixed-in length to a block. path comes from the node's
// sibling up and must be as long as gindex is deep, or ErrPathLength. Nothing is
// known here about padding: any sibling is taken that leads to root.
//
// Nothing is allocated unless the check fails.
func VerifyGeneralized(root, node Hash, gindex uint64, path []Hash) error {
	if gindex == 0 {
		return fmt.Errorf("%w: generalized index 0; the root is 1", ErrIndexRange)
	}
	if want := bits.Len64(gindex) - 1; len(path) != want {
		return fmt.Errorf("%w: generalized index %d has a path of %d nodes, this one has %d",
			ErrPathLength, gindex, want, len(path))
	}
	h := node
	for i, sibling := range path {
		if gindex>>i&1 == 0 {
			h = sszNode(h, sibling)
		} else {
			h = sszNode(sibling, h)
		}
	}
	if h != root {
		return fmt.Errorf("%w: generalized index %d leads to %x, not to %x", ErrRootMismatch, gindex, h, root)
	}
	return nil
}
