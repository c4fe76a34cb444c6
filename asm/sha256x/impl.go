package sha256x

import "strconv"

// Impl is an implementation in this package. The functions below take one as
// their first argument instead of being values of a function type, because
// through such a value the compiler would have to assume that the buffers
// escape to the heap. An implementation that lacks a function passes it on to
// Generic's. One that this machine cannot run must not be called: its
// instructions would end the program. See Unavailable.
type Impl uint8

// The implementations.
const (
	Generic      Impl = iota // plain Go, the specification
	AVX2                     // 8 lanes
	SHANI                    // SHA instructions of amd64, up to 4 streams
	SHA2                     // SHA instructions of arm64, up to 4 streams
	AVX512Double             // 16 lanes, two groups of pairs in step
	AVX512                   // 16 lanes, large numbers of pairs in a pipeline
)

var implNames = [...]string{
	Generic: "generic", AVX2: "avx2", SHANI: "shani", SHA2: "sha2",
	AVX512Double: "avx512d", AVX512: "avx512",
}

// String is the name of the implementation, as in WEIR_IMPL.
func (i Impl) String() string {
	if int(i) < len(implNames) {
		return implNames[i]
	}
	return "sha256x.Impl(" + strconv.Itoa(int(i)) + ")"
}
