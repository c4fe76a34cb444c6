package merkle

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// Crews that share a bound have no more goroutines at work together than it
// allows, beside their callers' own, and give all of them back.
func TestSharedWorkersAreBounded(t *testing.T) {
	for _, bound := range []int{-1, 0, 1, 3} {
		shared := NewWorkers(bound)
		ctx := shared.With(context.Background())
		const callers = 4
		var busy, most atomic.Int64
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				c := newCrew(8, func(context.Context, int, int) error {
					n := busy.Add(1)
					for {
						m := most.Load()
						if n <= m || most.CompareAndSwap(m, n) {
							break
						}
					}
					busy.Add(-1)
					return nil
				})
				for range 50 {
					if err := c.run(ctx, 16); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got, limit := most.Load(), int64(callers+max(0, bound)); got > limit {
			t.Errorf("bound %d: %d at work, want at most %d", bound, got, limit)
		}
		if free := shared.free.Load(); free != int64(max(0, bound)) {
			t.Errorf("bound %d: %d free at the end", bound, free)
		}
	}
}

// A call may get all, some or none of the goroutines that it would like; what it
// returns is the same, and a failed one gives them back too.
func TestSharedWorkersResults(t *testing.T) {
	leaves := someLeaves(RFC6962, 3*streamBatchLeaves+5)
	want := mustBuild(t, RFC6962, leaves).Root()
	data := bytes.Repeat([]byte("weir"), 3<<20/4)
	digest := BLAKE3Root(data, 1)
	for _, bound := range []int{0, 1, 2} {
		shared := NewWorkers(bound)
		ctx := shared.With(context.Background())
		tree, err := Build(ctx, RFC6962, Leaves(leaves), 4)
		if err != nil || tree.Root() != want {
			t.Fatalf("bound %d: tree %v", bound, err)
		}
		if root, err := Root(ctx, RFC6962, Leaves(leaves), 4); err != nil || root != want {
			t.Errorf("bound %d: root %x, %v", bound, root[:4], err)
		}
		each := func(yield func([]byte, error) bool) {
			for _, leaf := range leaves {
				if !yield(leaf, nil) {
					return
				}
			}
		}
		if root, _, err := RootSeq(ctx, RFC6962, each, 4); err != nil || root != want {
			t.Errorf("bound %d: root of a stream %x, %v", bound, root[:4], err)
		}
		if b, err := BuildBLAKE3(ctx, data, 4); err != nil || b.Root() != digest {
			t.Errorf("bound %d: BLAKE3 %v", bound, err)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := Build(ended, RFC6962, Leaves(leaves), 4); !errors.Is(err, context.Canceled) {
			t.Errorf("bound %d: %v", bound, err)
		}
		if free := shared.free.Load(); free != int64(bound) {
			t.Errorf("bound %d: %d free at the end", bound, free)
		}
	}
}
