//go:build arm64 && gc && !purego

package sha256x

import "encoding/binary"

// Unavailable says in words why the implementation cannot run here. It is empty
// when it can.
func (i Impl) Unavailable() string {
	switch i {
	case Generic:
		return ""
	case SHA2:
		return SHA2Unavailable()
	default:
		return "its instructions are amd64's"
	}
}

// Pairs sets digest i of dst to SHA-256(pair i of src). See PairsGeneric.
func Pairs(impl Impl, dst, src []byte) {
	if impl == SHA2 {
		PairsSHA2(dst, src)
		return
	}
	PairsGeneric(dst, src)
}

// Nodes sets digest i of dst to SHA-256(0x01 ‖ pair i of src). See
// NodesGeneric.
func Nodes(impl Impl, dst, src []byte) {
	if impl == SHA2 {
		NodesSHA2(dst, src)
		return
	}
	NodesGeneric(dst, src)
}

// DPairs sets digest i of dst to SHA-256(SHA-256(pair i of src)). See
// DPairsGeneric.
func DPairs(impl Impl, dst, src []byte) {
	if impl == SHA2 {
		DPairsSHA2(dst, src)
		return
	}
	DPairsGeneric(dst, src)
}

// Sum returns the digest of msg, with Generic or SHA2.
func Sum(impl Impl, msg []byte) [Size]byte {
	if impl == SHA2 {
		return SumSHA2(msg)
	}
	return SumGeneric(msg)
}

// Blocks compresses the whole blocks of p into state, with Generic or SHA2.
func Blocks(impl Impl, state *[8]uint32, p []byte) {
	if impl == SHA2 {
		BlocksSHA2(state, p)
		return
	}
	BlocksGeneric(state, p)
}

// Finish is FinishGeneric, with Generic or SHA2.
func Finish(impl Impl, state *[8]uint32, rest []byte, before uint64) [Size]byte {
	if impl != SHA2 {
		return FinishGeneric(state, rest, before)
	}
	whole := len(rest) / BlockSize * BlockSize
	BlocksSHA2(state, rest[:whole])
	var end [2 * BlockSize]byte
	n := Pad(&end, rest[whole:], before+uint64(len(rest)))
	BlocksSHA2(state, end[:n])
	var digest [Size]byte
	for i, word := range state {
		binary.BigEndian.PutUint32(digest[4*i:], word)
	}
	return digest
}

// Many sets digest i of dst to SHA-256(msgs[i]), with Generic.
func Many(_ Impl, dst []byte, msgs [][]byte) { ManyGeneric(dst, msgs) }

// Prefixed sets digest i of dst to SHA-256(prefix ‖ msgs[i]), with Generic.
func Prefixed(_ Impl, dst []byte, msgs [][]byte, prefix byte) { PrefixedGeneric(dst, msgs, prefix) }

// Records sets digest i of dst to SHA-256(prefix ‖ record i), where src holds
// records of size bytes back to back, with Generic.
func Records(_ Impl, dst, src []byte, size int, prefix byte) {
	RecordsGeneric(dst, src, size, prefix)
}
