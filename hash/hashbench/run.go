package hashbench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/hash"
)

// Limits of one cell.
const (
	sampleTarget = 200 * time.Microsecond // long against the clock's own cost
	samples      = 31                     // of each implementation
	minSamples   = 5                      // of each, however long they take
	cellBudget   = 150 * time.Millisecond // after which minSamples are enough
	maxCalls     = 4096                   // of one sample
	maxDstBytes  = 1 << 20                // of one sample's digests
)

// Row is the result of one implementation in one cell.
type Row struct {
	Kernel        string  `json:"kernel"`
	Impl          string  `json:"impl"`
	N             int     `json:"n"`                // items per call
	Size          int     `json:"size"`             // bytes per item
	NSPerOp       float64 `json:"ns_per_op"`        // nanoseconds per item, best sample
	MedianNSPerOp float64 `json:"median_ns_per_op"` // nanoseconds per item, median sample
	BytesPerSec   float64 `json:"bytes_per_sec"`    // of input, at NSPerOp
	Samples       int     `json:"samples"`
	Verified      bool    `json:"verified"` // every digest of every sample was right
	Chosen        bool    `json:"chosen"`   // the dispatch takes this one at this size
}

// Run measures the plan. progress, if not nil, is called before each cell.
// When ctx ends Run returns the rows of the finished cells and ctx's error.
func Run(ctx context.Context, p Plan, progress func(kernel string, n, size int)) ([]Row, error) {
	return runOver(ctx, p, hash.Implementations(), progress)
}

func runOver(ctx context.Context, p Plan, list []hash.Implementation, progress func(kernel string, n, size int)) ([]Row, error) {
	cells, err := p.cells(list)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, c := range cells {
		if progress != nil {
			progress(c.kernel, c.n, c.size)
		}
		more, err := c.measure(ctx)
		if err != nil {
			return rows, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// trial is one implementation in its cell.
type trial struct {
	im       hash.Implementation
	calls    int // per sample
	dst      []byte
	ns       []float64 // per item, one entry per sample
	verified bool
}

func (c cell) measure(ctx context.Context) ([]Row, error) {
	chosen := hash.Dispatched(c.kernel, c.n, c.size)
	in := newInput(c.n, c.size)
	trials := make([]*trial, len(c.impls))
	for i, im := range c.impls {
		calls, err := c.callsPerSample(im, in)
		if err != nil {
			return nil, err
		}
		trials[i] = &trial{im: im, calls: calls, dst: make([]byte, calls*c.n*hash.Size), verified: true}
	}
	random := rand.NewChaCha8([32]byte{'w', 'e', 'i', 'r'})
	begin := time.Now()
	for s := range samples {
		if s >= minSamples && time.Since(begin) > cellBudget {
			break
		}
		random.Read(in.src)
		for _, t := range trials {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			var err error
			if cpu.AtDepth(s, func() { err = t.sample(in) }); err != nil {
				return nil, err
			}
		}
	}
	rows := make([]Row, len(trials))
	for i, t := range trials {
		rows[i] = t.row(c, chosen)
	}
	return rows, nil
}

// callsPerSample doubles the number of calls until they take sampleTarget.
func (c cell) callsPerSample(im hash.Implementation, in input) (int, error) {
	dst := make([]byte, c.n*hash.Size)
	for calls := 1; ; calls *= 2 {
		begin := time.Now()
		for range calls {
			if err := in.call(im, dst); err != nil {
				return 0, err
			}
		}
		if time.Since(begin) >= sampleTarget || 2*calls > maxCalls || 2*calls*c.n*hash.Size > maxDstBytes {
			return calls, nil
		}
	}
}

// sample times a row of calls and then checks every digest of every call.
func (t *trial) sample(in input) error {
	for i := range t.dst {
		t.dst[i] = 0xa5 // so that a digest left over from the last sample cannot pass
	}
	step := in.n * hash.Size
	begin := time.Now()
	for i := range t.calls {
		if err := in.call(t.im, t.dst[i*step:][:step]); err != nil {
			return err
		}
	}
	elapsed := time.Since(begin)
	t.ns = append(t.ns, float64(elapsed.Nanoseconds())/float64(t.calls*in.n))
	if !in.verify(t.im, t.dst) {
		t.verified = false
	}
	return nil
}

func (t *trial) row(c cell, chosen string) Row {
	slices.Sort(t.ns)
	row := Row{
		Kernel: c.kernel, Impl: t.im.Name, N: c.n, Size: c.size,
		NSPerOp: t.ns[0], MedianNSPerOp: t.ns[len(t.ns)/2], Samples: len(t.ns),
		Verified: t.verified, Chosen: t.im.Name == chosen,
	}
	if row.NSPerOp > 0 {
		row.BytesPerSec = float64(c.size) / row.NSPerOp * 1e9
	}
	return row
}

// Unverified lists the rows whose digests were not all right, as an error.
func Unverified(rows []Row) error {
	var bad []string
	for _, r := range rows {
		if !r.Verified {
			bad = append(bad, fmt.Sprintf("%s:%s (n=%d, size=%d)", r.Kernel, r.Impl, r.N, r.Size))
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %v; do not use these implementations", ErrWrongDigest, bad)
}
