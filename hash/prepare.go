package hash

// The jobs on which the implementations of a kernel are compared: each
// function makes the buffers for a job of n units.

// Sizes of the messages on which the kernels for many messages are measured:
// that of weir's plain transaction, and one that stands for long messages.
const (
	txSize   = 200
	longSize = 1024
)

func prepareOne(sum func(int, []byte) [Size]byte) func(int) func(int) {
	return func(n int) func(int) {
		msg := patterned(n)
		return func(impl int) { sum(impl, msg) }
	}
}

func prepareStream(n int) func(int) {
	chunk, digest := patterned(n), make([]byte, Size)
	return func(impl int) {
		h := newStream(impl)
		h.Write(chunk)
		h.Sum(digest[:0])
	}
}

func preparePairs(hash func(impl int, dst, src []byte)) func(int) func(int) {
	return func(n int) func(int) {
		dst, src := make([]byte, n*Size), patterned(n*pairSize)
		return func(impl int) { hash(impl, dst, src) }
	}
}

func prepareChunks(n int) func(int) {
	dst, src := make([]byte, n*Size), patterned(n*BLAKE3ChunkSize)
	return func(impl int) { blake3Chunks(impl, dst, src, 0) }
}

func prepareMany(hash func(impl int, dst []byte, msgs [][]byte), size int) func(int) func(int) {
	return func(n int) func(int) {
		dst, src, msgs := make([]byte, n*Size), patterned(n*size), make([][]byte, n)
		for i := range msgs {
			msgs[i] = src[i*size:][:size]
		}
		return func(impl int) { hash(impl, dst, msgs) }
	}
}

// patterned returns n bytes that are not all zero, touched, so that the first
// sample does not pay for page faults.
func patterned(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}
