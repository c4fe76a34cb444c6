package hash

import "github.com/chainweir/weir/asm/sha256x"

// The three functions of this file have one shape. src holds n pairs of 64
// bytes, dst gets n digests of 32:
//
//	src  | left 0 | right 0 | left 1 | right 1 | …
//	dst  | digest 0         | digest 1         | …
//
// dst may be src[:len(src)/2]: digest i is written only after pair i was read,
// and never over a pair that is still to be read. Any other overlap gives
// wrong digests. Lengths that do not fit are ErrLength, and nothing is written.

// SHA256Pairs sets digest i of dst to SHA-256(pair i of src). Kernel
// "sha256_pairs".
func SHA256Pairs(dst, src []byte) error {
	if err := checkPairs(dst, src); err != nil {
		return err
	}
	pairs(kernelPairs.Pick(len(src)/pairSize), dst, src)
	return nil
}

// SHA256Nodes sets digest i of dst to SHA-256(0x01 ‖ pair i of src), the hash
// of an interior node in RFC 6962 §2.1. Kernel "sha256_nodes".
func SHA256Nodes(dst, src []byte) error {
	if err := checkPairs(dst, src); err != nil {
		return err
	}
	nodes(kernelNodes.Pick(len(src)/pairSize), dst, src)
	return nil
}

// SHA256DPairs sets digest i of dst to SHA-256(SHA-256(pair i of src)), the
// hash of an interior node in Bitcoin's Merkle tree. Kernel "sha256d_pairs".
func SHA256DPairs(dst, src []byte) error {
	if err := checkPairs(dst, src); err != nil {
		return err
	}
	dpairs(kernelDPairs.Pick(len(src)/pairSize), dst, src)
	return nil
}

// nodePrefix and leafPrefix keep nodes and leaves apart (RFC 6962 §2.1).
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

func pairs(impl int, dst, src []byte) {
	if impl >= implOurs {
		sha256x.Pairs(pairImpls[impl-implOurs], dst, src)
		return
	}
	for i := range len(src) / pairSize {
		*digestAt(dst, i) = sum256(impl, src[i*pairSize:][:pairSize])
	}
}

func nodes(impl int, dst, src []byte) {
	if impl >= implOurs {
		sha256x.Nodes(pairImpls[impl-implOurs], dst, src)
		return
	}
	var node [1 + pairSize]byte
	node[0] = nodePrefix
	for i := range len(src) / pairSize {
		copy(node[1:], src[i*pairSize:][:pairSize])
		*digestAt(dst, i) = sum256(impl, node[:])
	}
}

func dpairs(impl int, dst, src []byte) {
	if impl >= implOurs {
		sha256x.DPairs(dpairImpls[impl-implOurs], dst, src)
		return
	}
	for i := range len(src) / pairSize {
		inner := sum256(impl, src[i*pairSize:][:pairSize])
		*digestAt(dst, i) = sum256(impl, inner[:])
	}
}
