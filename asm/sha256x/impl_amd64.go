//go:build amd64 && gc && !purego

package sha256x

// Unavailable says in words why the implementation cannot run here. It is empty
// when it can.
func (i Impl) Unavailable() string {
	switch i {
	case Generic:
		return ""
	case AVX2:
		return AVX2Unavailable()
	case SHANI:
		return SHANIUnavailable()
	case AVX512Double, AVX512:
		return AVX512Unavailable()
	default:
		return "its instructions are arm64's"
	}
}

// Pairs sets digest i of dst to SHA-256(pair i of src). See PairsGeneric.
func Pairs(impl Impl, dst, src []byte) {
	switch impl {
	case AVX2:
		PairsAVX2(dst, src)
	case SHANI:
		PairsSHANI(dst, src)
	case AVX512Double:
		PairsAVX512Double(dst, src)
	case AVX512:
		PairsAVX512(dst, src)
	default:
		PairsGeneric(dst, src)
	}
}

// Nodes sets digest i of dst to SHA-256(0x01 ‖ pair i of src). See
// NodesGeneric.
func Nodes(impl Impl, dst, src []byte) {
	switch impl {
	case AVX2:
		NodesAVX2(dst, src)
	case SHANI:
		NodesSHANI(dst, src)
	case AVX512Double:
		NodesAVX512Double(dst, src)
	case AVX512:
		NodesAVX512(dst, src)
	default:
		NodesGeneric(dst, src)
	}
}

// DPairs sets digest i of dst to SHA-256(SHA-256(pair i of src)). See
// DPairsGeneric.
func DPairs(impl Impl, dst, src []byte) {
	switch impl {
	case AVX2:
		DPairsAVX2(dst, src)
	case SHANI:
		DPairsSHANI(dst, src)
	case AVX512:
		DPairsAVX512(dst, src)
	default:
		DPairsGeneric(dst, src)
	}
}

// Sum returns the digest of msg, with Generic or SHANI.
func Sum(impl Impl, msg []byte) [Size]byte {
	if impl == SHANI {
		return SumSHANI(msg)
	}
	return SumGeneric(msg)
}

// Blocks compresses the whole blocks of p into state, with Generic or SHANI.
func Blocks(impl Impl, state *[8]uint32, p []byte) {
	if impl == SHANI {
		BlocksSHANI(state, p)
		return
	}
	BlocksGeneric(state, p)
}

// Finish is FinishGeneric, with Generic or SHANI.
func Finish(impl Impl, state *[8]uint32, rest []byte, before uint64) [Size]byte {
	if impl == SHANI {
		return FinishSHANI(state, rest, before)
	}
	return FinishGeneric(state, rest, before)
}

// Many sets digest i of dst to SHA-256(msgs[i]), with Generic, SHANI or AVX512.
func Many(impl Impl, dst []byte, msgs [][]byte) {
	switch impl {
	case SHANI:
		ManySHANI(dst, msgs)
	case AVX512:
		ManyAVX512(dst, msgs)
	default:
		ManyGeneric(dst, msgs)
	}
}

// Prefixed sets digest i of dst to SHA-256(prefix ‖ msgs[i]), with Generic,
// SHANI or AVX512.
func Prefixed(impl Impl, dst []byte, msgs [][]byte, prefix byte) {
	switch impl {
	case SHANI:
		PrefixedSHANI(dst, msgs, prefix)
	case AVX512:
		PrefixedAVX512(dst, msgs, prefix)
	default:
		PrefixedGeneric(dst, msgs, prefix)
	}
}

// Records sets digest i of dst to SHA-256(prefix ‖ record i), where src holds
// records of size bytes back to back, with Generic, SHANI or AVX512.
func Records(impl Impl, dst, src []byte, size int, prefix byte) {
	switch impl {
	case SHANI:
		RecordsSHANI(dst, src, size, prefix)
	case AVX512:
		RecordsAVX512(dst, src, size, prefix)
	default:
		RecordsGeneric(dst, src, size, prefix)
	}
}
