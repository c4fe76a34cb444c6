package hash

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/chainweir/weir/asm/blake3x"
)

const (
	// parallelPiece is the smallest piece, in bytes, that is worth being handed
	// to another goroutine, which takes a few microseconds to wake up: some
	// tens of microseconds of hashing.
	parallelPiece = 256 * blake3x.ChunkSize

	// parallelShare is how many pieces a worker gets at least on average where
	// the message is long enough, so that one who is held up does not hold up
	// the rest.
	parallelShare = 8

	// parallelGeneric is the number of workers from which the specification,
	// the only implementation of nodes on some processors, overtakes zeebo's
	// serial code, which takes a third of the time per core.
	parallelGeneric = 4

	// maxParallel bounds the goroutines that a slip of a digit asks for.
	maxParallel = 1024
)

// BLAKE3Parallel returns BLAKE3(msg), computed by up to that many goroutines,
// the caller's included; workers of 0 or less are as many as Go uses
// processors. Messages too short to gain by it are hashed by the caller alone.
// All goroutines have ended when it returns. It allocates when it starts any.
func BLAKE3Parallel(msg []byte, workers int) [Size]byte {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, maxParallel)
	if workers == 1 || len(msg) <= parallelPiece {
		return BLAKE3(msg)
	}
	impl := blake3x.Impl(pickLarge(kernelBLAKE3Chunks, parallelPiece/blake3x.ChunkSize, len(msg)))
	if impl == blake3x.Generic && workers < parallelGeneric {
		return BLAKE3(msg)
	}
	return blake3Parallel(impl, msg, workers, pieceSize(len(msg), workers))
}

// pieceSize is a power of two, as the tree demands: the largest that gives
// every worker his share, or else the smallest piece there is.
func pieceSize(n, workers int) int {
	share := max(1, n/(workers*parallelShare))
	return max(parallelPiece, 1<<(bits.Len(uint(share))-1))
}

// blake3Parallel hashes pieces of the given size, a power of two of at least a
// chunk. msg is longer than one of them.
//
//	pieces  0    1    2    3    4 (the rest)    each one subtree, one goroutine
//	         \  /      \  /     |
//	            \      /       /                the caller
//	              \          /
//	                  root
func blake3Parallel(impl blake3x.Impl, msg []byte, workers, piece int) (digest [Size]byte) {
	n := (len(msg) + piece - 1) / piece
	p := parallelRun{impl: impl, msg: msg, piece: piece, cvs: make([]byte, n*Size)}
	var wg sync.WaitGroup
	for range min(workers, n) - 1 {
		wg.Go(p.work)
	}
	p.work()
	wg.Wait()
	for n > 2 {
		n = parentLevel(impl, p.cvs[:n*Size], &blake3x.IV, 0)
	}
	root := parentRoot((*[pairSize]byte)(p.cvs), &blake3x.IV, 0)
	root.digest(&digest, impl)
	return digest
}

// parallelRun is what the workers on one message share.
type parallelRun struct {
	impl  blake3x.Impl
	msg   []byte
	piece int
	cvs   []byte
	next  atomic.Int64 // first piece that nobody has taken
}

func (p *parallelRun) work() {
	for {
		i := int(p.next.Add(1)) - 1
		from := i * p.piece
		if i >= len(p.cvs)/Size {
			return
		}
		part := p.msg[from:min(from+p.piece, len(p.msg))]
		subtreeValue(p.impl, digestAt(p.cvs, i), part, &blake3x.IV, uint64(from/blake3x.ChunkSize), 0)
	}
}
