package env

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Bounds of MeasureFsync: enough for a median, short on a slow disk.
const (
	fsyncWrites     = 20
	fsyncWriteBytes = 4096
	fsyncBudget     = 2 * time.Second
)

// FsyncTimes is the time of one small append and the sync that makes it
// durable.
type FsyncTimes struct {
	Median, Max time.Duration
	Writes      int
}

// MeasureFsync times up to 20 appends of 4 KiB, each followed by fdatasync
// (fsync where there is none), in a temporary file in dir that it removes. It
// starts no write after two seconds or when ctx ends; with at least one write
// done it still answers.
func MeasureFsync(ctx context.Context, dir string) (FsyncTimes, error) {
	f, err := os.CreateTemp(dir, ".weir-fsync-*")
	if err != nil {
		return FsyncTimes{}, fmt.Errorf("timing durable writes: %w", err)
	}
	times, err := timeWrites(ctx, f)
	if err = errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return FsyncTimes{}, fmt.Errorf("timing durable writes in %s: %w", dir, err)
	}
	slices.Sort(times)
	return FsyncTimes{Median: median(times), Max: times[len(times)-1], Writes: len(times)}, nil
}

// timeWrites returns at least one time, or an error.
func timeWrites(ctx context.Context, f *os.File) ([]time.Duration, error) {
	block := make([]byte, fsyncWriteBytes)
	deadline := time.Now().Add(fsyncBudget)
	times := make([]time.Duration, 0, fsyncWrites)
	for i := range fsyncWrites {
		if err := ctx.Err(); err != nil || time.Now().After(deadline) {
			if i == 0 {
				return nil, fmt.Errorf("stopped before the first write: %w", context.Cause(ctx))
			}
			break
		}
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := dataSync(f); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	return times, nil
}

// median returns the middle of a sorted list that is not empty, the mean of
// the two middles when their number is even.
func median(sorted []time.Duration) time.Duration {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
