package merkle

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
)

// Every piece is done once, by no more workers than allowed, each with a number
// of its own below their count.
func TestCrewDoesEveryPiece(t *testing.T) {
	for _, workers := range []int{1, 2, 7} {
		for _, pieces := range []int{0, 1, 2, 6, 100} {
			done := make([]atomic.Int64, pieces)
			busy := make([]atomic.Int64, workers)
			c := newCrew(workers, func(_ context.Context, worker, piece int) error {
				if busy[worker].Add(1) != 1 {
					return fmt.Errorf("worker %d is two", worker)
				}
				done[piece].Add(1)
				busy[worker].Add(-1)
				return nil
			})
			if err := c.run(context.Background(), pieces); err != nil {
				t.Fatal(err)
			}
			for i := range done {
				if n := done[i].Load(); n != 1 {
					t.Errorf("%d workers: piece %d of %d was done %d times", workers, i, pieces, n)
				}
			}
		}
	}
}

// awaitFailure returns when the crew has noted a failure.
func awaitFailure(c *crew) {
	for failed := false; !failed; runtime.Gosched() {
		c.mu.Lock()
		failed = c.err != nil
		c.mu.Unlock()
	}
}

// The lowest piece's failure is returned, in whichever order they come in.
func TestCrewReturnsLowestFailure(t *testing.T) {
	first, second := errors.New("piece 0"), errors.New("piece 1")
	for _, lowestLast := range []bool{true, false} {
		var c *crew
		begun := make(chan struct{}, 2)
		c = newCrew(2, func(_ context.Context, _, piece int) error {
			begun <- struct{}{}
			for len(begun) < 2 { // both have a piece before either fails
				runtime.Gosched()
			}
			if (piece == 0) == lowestLast {
				awaitFailure(c)
			}
			return []error{first, second}[piece]
		})
		if err := c.run(context.Background(), 2); !errors.Is(err, first) {
			t.Errorf("lowest last %v: got %v", lowestLast, err)
		}
	}
}

// After a failure nobody begins another piece, and the crew can be used again.
func TestCrewStopsAfterFailure(t *testing.T) {
	bad := errors.New("piece 0")
	var begun atomic.Int64
	var c *crew
	c = newCrew(2, func(_ context.Context, _, piece int) error {
		begun.Add(1)
		if piece == 0 {
			return bad
		}
		awaitFailure(c)
		return nil
	})
	if err := c.run(context.Background(), 1000); !errors.Is(err, bad) {
		t.Fatalf("got %v", err)
	}
	if n := begun.Load(); n > 2 {
		t.Errorf("%d pieces were begun", n)
	}
	c.task = func(context.Context, int, int) error { return nil }
	if err := c.run(context.Background(), 3); err != nil {
		t.Errorf("second run: %v", err)
	}
}

func TestTwinsOrder(t *testing.T) {
	places := []twins{{true, 1, 0}, {true, 0, 9}, {true, 2, 0}, {true, 0, 4}, {true, 0, 5}, {false, 0, 0}}
	for range len(places) {
		places = append(places[1:], places[0])
		var got twins
		for _, p := range places {
			got.merge(p)
		}
		if want := (twins{true, 0, 4}); got != want {
			t.Errorf("%v: got %v; want %v", places, got, want)
		}
	}
}
