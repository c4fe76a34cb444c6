//go:build amd64 && gc && !purego

package sha256x

// PairsPicked sets digest p of dst to SHA-256(pair p of src) for each p of
// places. It reports whether the implementation can do that; if not, nothing is
// written. dst and src must not overlap and must have all these places, which
// is not checked.
func PairsPicked(impl Impl, dst, src []byte, places []uint32) bool {
	if impl != SHANI {
		return false
	}
	for len(places) > 0 {
		n := min(len(places), shaniCallPairs)
		shaniPairsPicked(&dst[0], &src[0], &places[0], n)
		places = places[n:]
	}
	return true
}

// RecordsPicked is PairsPicked for SHA-256(prefix ‖ record p of src), of records
// of PairSize bytes.
func RecordsPicked(impl Impl, dst, src []byte, places []uint32, prefix byte) bool {
	if impl != SHANI {
		return false
	}
	for len(places) > 0 {
		n := min(len(places), shaniCallPairs)
		shaniRecordsPicked(&dst[0], &src[0], &places[0], n, uint32(prefix))
		places = places[n:]
	}
	return true
}
