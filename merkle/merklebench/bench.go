package merklebench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/chainweir/weir/merkle"
)

// Config says what to time. Zero values take the defaults of Default.
type Config struct {
	Schemes   []*merkle.Scheme
	Leaves    []int         // tree sizes, 1 or more
	LeafBytes int           // bytes per leaf where leaves are hashed
	Workers   []int         // goroutines per root
	PerCase   time.Duration // time for each tree size and shape of leaf
}

// Limits of a configuration, so that a slip of a digit is an error and not a
// machine without memory.
const (
	maxLeaves    = 1 << 24
	maxLeafBytes = 1 << 20
	maxInput     = 1<<31 - 1
	maxWorkers   = 1024
	minRounds    = 5
	maxRounds    = 1000
)

// Default returns RFC 6962 and Bitcoin, a small, a usual and a large block, 200-byte
// transactions, one core and all of them, in under five seconds.
func Default() Config {
	workers := []int{1}
	if n := runtime.GOMAXPROCS(0); n > 1 {
		workers = append(workers, n)
	}
	return Config{
		Schemes:   []*merkle.Scheme{merkle.RFC6962, merkle.Bitcoin},
		Leaves:    []int{1000, 10000, 100000},
		LeafBytes: 200,
		Workers:   workers,
		PerCase:   250 * time.Millisecond,
	}
}

// Row is one timed case. Times are medians over rounds, in nanoseconds.
type Row struct {
	Scheme string `json:"scheme"`
	Leaves int    `json:"leaves"`
	// LeafBytes is the length of each leaf; 32 where leaves are nodes.
	LeafBytes int `json:"leaf_bytes"`
	// Prehashed says that leaves are nodes already, so that the time is that
	// of the interior alone.
	Prehashed bool    `json:"prehashed"`
	Workers   int     `json:"workers"`
	NSPerRoot float64 `json:"ns_per_root"`
	// Nodes counts the interior nodes that one root takes.
	Nodes int `json:"nodes"`
	// NSPerPair is the node kernel's time per node on one core, in batches
	// that keep it full and data that is in the cache.
	NSPerPair float64 `json:"ns_per_pair"`
	// FloorNS is Nodes × NSPerPair: the interior on one core at the kernel's
	// best. Several workers can be faster.
	FloorNS float64 `json:"floor_ns"`
	// FloorRatio is NSPerRoot / FloorNS. It includes the hashing of leaves,
	// unless Prehashed.
	FloorRatio float64 `json:"floor_ratio"`
	// LeafFloorNS is what the leaf kernel alone takes for the leaves on one
	// core, 0 if Prehashed, and FullRatio is NSPerRoot over both floors.
	LeafFloorNS float64 `json:"leaf_floor_ns"`
	FullRatio   float64 `json:"full_floor_ratio"`
	// Rounds is the number of samples; Verified says that all their roots
	// were right. A wrong one ends the run with ErrWrongRoot.
	Rounds   int  `json:"rounds"`
	Verified bool `json:"verified"`
}

// Run times every case of the configuration in order. It ends early with the
// context's error.
func Run(ctx context.Context, c Config) ([]Row, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, s := range c.Schemes {
		shapes := []bool{false, true} // leaves to hash, then nodes
		if s.LeavesAreNodes() {
			shapes = shapes[1:]
		}
		for _, n := range c.Leaves {
			for _, prehashed := range shapes {
				tc, err := newTree(s, n, c.LeafBytes, prehashed)
				if err != nil {
					return nil, err
				}
				more, err := tc.measure(ctx, c.Workers, c.PerCase)
				if err != nil {
					return nil, err
				}
				rows = append(rows, more...)
			}
		}
	}
	return rows, nil
}

func (c Config) complete() (Config, error) {
	d := Default()
	if len(c.Schemes) == 0 {
		c.Schemes = d.Schemes
	}
	if len(c.Leaves) == 0 {
		c.Leaves = d.Leaves
	}
	if c.LeafBytes == 0 {
		c.LeafBytes = d.LeafBytes
	}
	if len(c.Workers) == 0 {
		c.Workers = d.Workers
	}
	if c.PerCase == 0 {
		c.PerCase = d.PerCase
	}
	if c.LeafBytes < 1 || c.LeafBytes > maxLeafBytes {
		return c, fmt.Errorf("%w: %d bytes per leaf; use 1 to %d", ErrConfig, c.LeafBytes, maxLeafBytes)
	}
	for _, n := range c.Leaves {
		if n < 2 || n > maxLeaves || n > maxInput/c.LeafBytes {
			return c, fmt.Errorf("%w: %d leaves of %d bytes; use 2 to %d leaves and at most %d bytes in all",
				ErrConfig, n, c.LeafBytes, maxLeaves, maxInput)
		}
	}
	for _, w := range c.Workers {
		if w < 1 || w > maxWorkers {
			return c, fmt.Errorf("%w: %d workers; use 1 to %d", ErrConfig, w, maxWorkers)
		}
	}
	if c.PerCase < 0 {
		return c, fmt.Errorf("%w: %v per case; use a positive time", ErrConfig, c.PerCase)
	}
	return c, nil
}

func median(samples []float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return s[mid]
	}
	return (s[mid-1] + s[mid]) / 2
}
