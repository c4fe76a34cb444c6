package merkle

import "math/bits"

// pieceSizes bounds the pieces that a tree is cut into, in leaves; all are
// powers of two, so that a piece is a subtree.
type pieceSizes struct {
	// max keeps a piece's nodes inside a core's own cache while its layers are
	// folded in place.
	max int
	// min is where handing a piece over costs little beside hashing it.
	min int
	// perWorker evens out workers that the machine holds up.
	perWorker int
	// keep is what a piece is folded down to where there are several: kernels
	// want full batches, so the narrow layers above are done once for all.
	keep int
	// parallel is the tree size below which one core is as fast as many.
	parallel int
}

// defaultSizes follows from caches of 512 KiB and more per core and from kernels
// that are near their best at 64 pairs; BenchmarkPieces compares other choices.
var defaultSizes = pieceSizes{max: 8192, min: 256, perWorker: 4, keep: 64, parallel: 1024}

// plan says how a tree is cut: into pieces of leaves consecutive leaves, each
// folded by levels layers, to keep nodes (the last piece may be smaller).
type plan struct {
	pieces, leaves, levels, keep int
}

// cut plans a tree of n ≥ 1 leaves for that many workers.
func (z pieceSizes) cut(n, workers int) plan {
	leaves := z.max
	if workers > 1 && n >= z.parallel {
		share := uint(n / (workers * z.perWorker))
		leaves = min(z.max, max(z.min, floorPowerOfTwo(share)))
	}
	if n <= leaves {
		return plan{pieces: 1, leaves: n, levels: levelsAbove(uint64(n)), keep: 1}
	}
	return plan{
		pieces: (n + leaves - 1) / leaves,
		leaves: leaves,
		levels: bits.TrailingZeros(uint(leaves / z.keep)),
		keep:   z.keep,
	}
}

// span returns the leaves lo to hi of piece i of a tree of n leaves.
func (p plan) span(i, n int) (lo, hi int) {
	lo = i * p.leaves
	return lo, min(n, lo+p.leaves)
}

// layerLen returns the number of nodes of a layer of a tree of n leaves.
func layerLen(n int, level uint) int { return (n-1)>>level + 1 }

func floorPowerOfTwo(n uint) int {
	if n == 0 {
		return 1
	}
	return 1 << (bits.Len(n) - 1)
}

func ceilPowerOfTwo(n int) int {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len(uint(n-1))
}
