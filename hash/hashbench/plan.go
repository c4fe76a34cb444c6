package hashbench

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chainweir/weir/hash"
)

// ErrPlan marks a plan that cannot be measured.
var ErrPlan = errors.New("hashbench: impossible plan")

// Limits of what a plan may ask for.
const (
	MaxSize      = 16 << 20 // bytes of one message
	MaxCount     = 1 << 20  // items of one batch
	maxJobBytes  = 64 << 20 // bytes of one batch
	maxPlanCells = 4096
)

// PairSize is the size of a pair, for which the pair kernels have no choice.
const PairSize = 2 * hash.Size

// Plan says what to measure. The zero Plan measures every kernel at sizes that
// show its shape, in about a second.
type Plan struct {
	Kernels []string // names; empty for all
	Sizes   []int    // message bytes, for kernels that take messages
	Counts  []int    // items per batch, for kernels that take batches
}

// cell is one line of the plan.
type cell struct {
	kernel  string
	n, size int
	impls   []hash.Implementation // available ones, specification first
}

// Defaults: pairs from a lone one to a whole level; messages of a digest pair,
// a transaction, a BLAKE3 chunk, and beyond the caches' first level.
var (
	pairCounts  = []int{1, 16, 256, 4096}
	chunkCounts = []int{1, 16, 256}
	batchCounts = []int{16, 1024}
	batchSizes  = []int{200, 1024}
	sha256Sizes = []int{64, 200, 1024, 65536}
	blake3Sizes = []int{64, 1024, 65536, 1 << 20}
)

// cells lists the plan in the order of the registry.
func (p Plan) cells(list []hash.Implementation) ([]cell, error) {
	// What cannot run here has no functions that would tell its kernel's shape.
	list = slices.DeleteFunc(slices.Clone(list), func(im hash.Implementation) bool { return im.Unavailable != "" })
	if err := p.check(list); err != nil {
		return nil, err
	}
	var cells []cell
	for _, kernel := range kernelNames(list) {
		if len(p.Kernels) > 0 && !slices.Contains(p.Kernels, kernel) {
			continue
		}
		impls := slices.DeleteFunc(slices.Clone(list), func(im hash.Implementation) bool {
			return im.Kernel != kernel
		})
		counts, sizes := p.shape(impls[0])
		for _, n := range counts {
			for _, size := range sizes {
				if int64(n)*int64(size) > maxJobBytes {
					return nil, fmt.Errorf("%w: %s with %d messages of %d bytes is more than %d bytes; lower the count or the size",
						ErrPlan, kernel, n, size, maxJobBytes)
				}
				cells = append(cells, cell{kernel, n, size, impls})
			}
		}
	}
	if len(cells) > maxPlanCells {
		return nil, fmt.Errorf("%w: %d combinations of kernel, count and size; at most %d", ErrPlan, len(cells), maxPlanCells)
	}
	return cells, nil
}

// shape returns the batch sizes and message sizes for a kernel.
func (p Plan) shape(im hash.Implementation) (counts, sizes []int) {
	or := func(chosen, usual []int) []int {
		if len(chosen) > 0 {
			return chosen
		}
		return usual
	}
	switch {
	case im.Pairs != nil:
		return or(p.Counts, pairCounts), []int{PairSize}
	case im.Chunks != nil:
		return or(p.Counts, chunkCounts), []int{hash.BLAKE3ChunkSize}
	case im.Many != nil:
		return or(p.Counts, batchCounts), or(p.Sizes, batchSizes)
	case im.Kernel == "blake3":
		return []int{1}, or(p.Sizes, blake3Sizes)
	default:
		return []int{1}, or(p.Sizes, sha256Sizes)
	}
}

func (p Plan) check(list []hash.Implementation) error {
	names := kernelNames(list)
	for _, k := range p.Kernels {
		if !slices.Contains(names, k) {
			return fmt.Errorf("%w: no kernel %q; there are %s", ErrPlan, k, strings.Join(names, ", "))
		}
	}
	for _, size := range p.Sizes {
		if size < 0 || size > MaxSize {
			return fmt.Errorf("%w: message size %d; it must be 0 to %d bytes", ErrPlan, size, MaxSize)
		}
	}
	for _, n := range p.Counts {
		if n < 1 || n > MaxCount {
			return fmt.Errorf("%w: batch of %d; it must be 1 to %d items", ErrPlan, n, MaxCount)
		}
	}
	selected := func(use func(hash.Implementation) bool) bool {
		return slices.ContainsFunc(list, func(im hash.Implementation) bool {
			return (len(p.Kernels) == 0 || slices.Contains(p.Kernels, im.Kernel)) && use(im)
		})
	}
	if len(p.Sizes) > 0 && !selected(func(im hash.Implementation) bool { return im.Pairs == nil }) {
		return fmt.Errorf("%w: a message size was given, but pairs are always %d bytes; choose a kernel of messages or give no size", ErrPlan, PairSize)
	}
	if len(p.Counts) > 0 && !selected(func(im hash.Implementation) bool { return im.One == nil }) {
		return fmt.Errorf("%w: a batch size was given, but these kernels hash one message; choose a batch kernel or give no count", ErrPlan)
	}
	return nil
}

func kernelNames(list []hash.Implementation) []string {
	var names []string
	for _, im := range list {
		if !slices.Contains(names, im.Kernel) {
			names = append(names, im.Kernel)
		}
	}
	return names
}
