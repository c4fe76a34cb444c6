package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core/store"
)

// DurableBench compares making a block durable with the same bytes written and
// synced to a file, both on extents that were allocated and never written.
type DurableBench struct {
	Bytes   int         `json:"bytes"`
	BlockMS float64     `json:"block_ms"` // median of store.Commit
	RawMS   float64     `json:"raw_ms"`   // median of write and fdatasync
	Ratio   float64     `json:"ratio"`    // median of the pairs
	CI95    *[2]float64 `json:"ratio_ci95"`
	Samples []float64   `json:"ratio_samples"`
	RawHow  string      `json:"raw_how"` // "O_DIRECT" or "buffered"
}

const (
	durableBytes  = 2 << 20 // with the record's head and padding
	durableRounds = 20      // of four: block, raw, raw, block
)

// benchDurable measures in a directory on the disk in question.
func benchDurable(ctx context.Context, dir string) (*DurableBench, error) {
	log, err := store.Open(store.Options{Dir: filepath.Join(dir, "durable"), ChainID: [32]byte{1}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // nothing of it is kept
	raw, err := openRaw(filepath.Join(dir, "raw"), int64(durableBytes)*(2*durableRounds+1))
	if err != nil {
		return nil, err
	}
	defer raw.close()
	rng := rand.NewChaCha8([32]byte{2})
	_, _ = rng.Read(raw.buf)
	payload := make([]byte, durableBytes-4096) // room for the record's head in the same pages
	_, _ = rng.Read(payload)
	height, off := uint64(0), int64(0)
	block := func() (float64, error) {
		height++
		begin := time.Now()
		err := log.Commit(height, payload)
		return time.Since(begin).Seconds() * 1e3, err
	}
	file := func() (float64, error) {
		begin := time.Now()
		err := raw.write(off)
		off += durableBytes
		return time.Since(begin).Seconds() * 1e3, err
	}
	if _, err := block(); err != nil { // makes the segment
		return nil, err
	}
	if _, err := file(); err != nil {
		return nil, err
	}
	var blocks, files, ratios []float64
	for range durableRounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var ms [4]float64
		for i, f := range []func() (float64, error){block, file, file, block} {
			if ms[i], err = f(); err != nil {
				return nil, fmt.Errorf("durable blocks: %w", err)
			}
		}
		blocks, files = append(blocks, ms[0], ms[3]), append(files, ms[1], ms[2])
		ratios = append(ratios, ms[0]/ms[1], ms[3]/ms[2])
	}
	return &DurableBench{
		Bytes: durableBytes, BlockMS: stat.Median(blocks), RawMS: stat.Median(files),
		Ratio: stat.Median(ratios), CI95: interval95(ratios), Samples: ratios, RawHow: raw.how,
	}, nil
}
