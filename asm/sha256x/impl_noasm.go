//go:build !((amd64 || arm64) && gc && !purego)

package sha256x

// Unavailable says in words why the implementation cannot run here. It is empty
// when it can.
func (i Impl) Unavailable() string {
	if i == Generic {
		return ""
	}
	return "this build has no assembly: that needs amd64 or arm64, the gc compiler, and no purego tag"
}

// Pairs is PairsGeneric.
func Pairs(_ Impl, dst, src []byte) { PairsGeneric(dst, src) }

// Nodes is NodesGeneric.
func Nodes(_ Impl, dst, src []byte) { NodesGeneric(dst, src) }

// DPairs is DPairsGeneric.
func DPairs(_ Impl, dst, src []byte) { DPairsGeneric(dst, src) }

// Sum is SumGeneric.
func Sum(_ Impl, msg []byte) [Size]byte { return SumGeneric(msg) }

// Blocks is BlocksGeneric.
func Blocks(_ Impl, state *[8]uint32, p []byte) { BlocksGeneric(state, p) }

// Finish is FinishGeneric.
func Finish(_ Impl, state *[8]uint32, rest []byte, before uint64) [Size]byte {
	return FinishGeneric(state, rest, before)
}

// Many is ManyGeneric.
func Many(_ Impl, dst []byte, msgs [][]byte) { ManyGeneric(dst, msgs) }

// Prefixed is PrefixedGeneric.
func Prefixed(_ Impl, dst []byte, msgs [][]byte, prefix byte) { PrefixedGeneric(dst, msgs, prefix) }

// Records is RecordsGeneric.
func Records(_ Impl, dst, src []byte, size int, prefix byte) {
	RecordsGeneric(dst, src, size, prefix)
}
