package blake3x

// Impl names one of the implementations of this package. The functions that
// take one pass everything on to the function of the same name for that
// instruction set; the implementation must be available.
//
// They switch on a number and do not look into a table of function values,
// because through a function value the compiler would have to assume that the
// buffers escape to the heap.
type Impl uint8

// The implementations. On batches each is usually faster than the one before;
// on a single block or chunk it depends on the processor.
const (
	Generic Impl = iota // the specification, which runs everywhere
	Scalar              // one word per general-purpose register, on any amd64
	AVX2
	AVX512
)

// Impls lists the implementations by rising number.
func Impls() []Impl { return []Impl{Generic, Scalar, AVX2, AVX512} }

// String is the name of the implementation as in WEIR_IMPL.
func (i Impl) String() string {
	switch i {
	case Generic:
		return "generic"
	case Scalar:
		return "scalar"
	case AVX2:
		return "avx2"
	case AVX512:
		return "avx512"
	}
	return "unknown"
}
