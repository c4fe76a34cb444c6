package merkle

import (
	"crypto/sha256"
	"fmt"

	"github.com/chainweir/weir/hash"
)

// PlainSHA256 and PlainBLAKE3 are the tree of textbooks: leaves are H(leaf),
// nodes H(left ‖ right), the last node of an odd layer moves up, and the empty
// root is H of nothing.
//
// They are here to read and write what other programs make; a new design takes
// RFC6962. Nothing keeps leaves and nodes apart: the 64 bytes left ‖ right of any
// node are also a leaf of a smaller tree that has the same root, so a root alone
// proves nothing. It binds the leaves only together with the size, which must
// come from the same trusted place, or be fixed, or where no leaf can have 64
// bytes.
//
// PlainBLAKE3 hashes each node as a message of its own. It is not BLAKE3's own
// tree, whose root is BLAKE3(message): see BLAKE3Root.
var (
	PlainSHA256 = &Scheme{
		name:    "plain-sha256",
		empty:   sha256.Sum256(nil),
		leaf:    func(leaf []byte) Hash { return sha256.Sum256(leaf) },
		leaves:  hash.SHA256Many,
		records: plainSHA256Records,
		node:    sszNode,
		nodes:   hash.SHA256Pairs,
	}
	PlainBLAKE3 = &Scheme{
		name:    "plain-blake3",
		empty:   blake3Empty,
		leaf:    func(leaf []byte) Hash { return hash.BLAKE3(leaf) },
		leaves:  hash.BLAKE3Many,
		records: plainBLAKE3Records,
		node:    plainBLAKE3Node,
		nodes:   plainBLAKE3Nodes,
	}
)

// blake3Empty is BLAKE3 of nothing, written down so that an import does not use
// a kernel, whose first use takes milliseconds.
var blake3Empty = Hash{
	0xaf, 0x13, 0x49, 0xb9, 0xf5, 0xf9, 0xa1, 0xa6, 0xa0, 0x40, 0x4d, 0xea, 0x36, 0xdc, 0xc9, 0x49,
	0x9b, 0xcb, 0x25, 0xc9, 0xad, 0xc1, 0x12, 0xb7, 0xcc, 0x9a, 0x93, 0xca, 0xe4, 0x1f, 0x32, 0x62,
}

// plainBatch is how many records are handed to a kernel at once: some times the
// lanes of the widest, in a few kilobytes of the stack.
const plainBatch = 64

func plainSHA256Records(dst, src []byte, size int) error {
	if size == 2*HashSize {
		return hash.SHA256Pairs(dst, src)
	}
	var msgs [plainBatch][]byte
	for len(src) > 0 {
		n := cutRecords(&msgs, src, size)
		if err := hash.SHA256Many(dst[:n*HashSize], msgs[:n]); err != nil {
			return err
		}
		dst, src = dst[n*HashSize:], src[n*size:]
	}
	return nil
}

// plainBLAKE3Records also hashes where dst is the start of src and records have
// at least 32 bytes: a batch's digests are put there when all of it is read.
func plainBLAKE3Records(dst, src []byte, size int) error {
	var msgs [plainBatch][]byte
	var digests [plainBatch * HashSize]byte
	for len(src) > 0 {
		n := cutRecords(&msgs, src, size)
		if err := hash.BLAKE3Many(digests[:n*HashSize], msgs[:n]); err != nil {
			return err
		}
		copy(dst, digests[:n*HashSize])
		dst, src = dst[n*HashSize:], src[n*size:]
	}
	return nil
}

func plainBLAKE3Nodes(dst, src []byte) error {
	if len(src)%(2*HashSize) != 0 || len(dst) != len(src)/2 {
		return fmt.Errorf("%w: src has %d bytes and dst %d; they must have n×64 and n×32", hash.ErrLength, len(src), len(dst))
	}
	return plainBLAKE3Records(dst, src, 2*HashSize)
}

// cutRecords sets msgs to the first records of src, and returns how many.
func cutRecords(msgs *[plainBatch][]byte, src []byte, size int) int {
	n := min(plainBatch, len(src)/size)
	for i := range n {
		msgs[i] = src[i*size : (i+1)*size]
	}
	return n
}

func plainBLAKE3Node(left, right Hash) Hash {
	var b [2 * HashSize]byte
	copy(b[:], left[:])
	copy(b[HashSize:], right[:])
	return hash.BLAKE3(b[:])
}
