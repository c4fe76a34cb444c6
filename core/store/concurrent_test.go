package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

// TestConcurrentReaders: one goroutine appends, one syncs, several read, over
// many segments; no reader ever sees a height that is missing or wrong. On a
// real disk the readers go through the page cache, whose read-ahead loads the
// very pages that are being written past it.
func TestConcurrentReaders(t *testing.T) {
	t.Run("memory", func(t *testing.T) { readConcurrently(t, memOptions(faultfs.New()), 600) })
	for _, direct := range []store.Direct{store.DirectAuto, store.DirectOff} {
		t.Run("disk, direct "+direct.String(), func(t *testing.T) {
			readConcurrently(t, store.Options{Dir: t.TempDir(), ChainID: chainA, Direct: direct, SegmentBytes: 1 << 20}, 900)
		})
	}
}

func readConcurrently(t *testing.T, opts store.Options, last uint64) {
	l := mustOpen(t, opts)
	t.Logf("direct: %v %s", l.Stats().Direct, l.Stats().DirectReason)
	size := func(h uint64) int { return int(h * 37 % 9000) }
	group, ctx := errgroup.WithContext(t.Context())
	var done atomic.Bool
	group.Go(func() error {
		defer done.Store(true)
		for h := uint64(1); h <= last; h++ {
			if err := l.Append(h, payload(h, 0, size(h))); err != nil {
				return err
			}
		}
		return l.Sync()
	})
	group.Go(func() error {
		for ctx.Err() == nil && !done.Load() {
			if err := l.Sync(); err != nil {
				return err
			}
		}
		return nil
	})
	for reader := range uint64(3) {
		group.Go(func() error {
			rng := rand.New(rand.NewPCG(reader, 0))
			var buf []byte
			var seen uint64
			for ctx.Err() == nil && (!done.Load() || seen < last) {
				head, ok := l.Head()
				if head < seen {
					return fmt.Errorf("the head went back from %d to %d", seen, head)
				}
				seen = head
				if !ok {
					continue
				}
				h := 1 + rng.Uint64N(head)
				got, err := l.Read(h, buf)
				if err != nil {
					return err
				}
				if !bytes.Equal(got, payload(h, 0, size(h))) {
					return fmt.Errorf("height %d has other bytes than were appended", h)
				}
				buf = got
				from, next := max(head, 4)-3, max(head, 4)-3
				if err := l.Scan(from, func(h uint64, p []byte) error {
					if h != next || !bytes.Equal(p, payload(h, 0, size(h))) {
						return fmt.Errorf("scan: height %d where %d was due, or other bytes", h, next)
					}
					next++
					return nil
				}); err != nil {
					return err
				}
				if next <= head {
					return fmt.Errorf("the head is %d, a scan ended before %d", head, next)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if _, err := store.Verify(opts); err != nil {
		t.Fatal(err)
	}
}

// TestCloseWhileScanning: a reader that is under way finishes.
func TestCloseWhileScanning(t *testing.T) {
	l := mustOpen(t, memOptions(faultfs.New()))
	mustCommit(t, l, 1, 3, 100)
	n := 0
	if err := l.Scan(0, func(uint64, []byte) error {
		if n++; n == 1 {
			return l.Close()
		}
		return nil
	}); err != nil || n != 3 {
		t.Fatalf("Scan passed %d heights: %v", n, err)
	}
	wantError(t, l.Scan(4, nil), nil)
	if _, err := l.Read(1, nil); err == nil {
		t.Fatal("Read works after Close")
	}
}
