package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fakeSystem is good up to its capacity; its trials take time on a clock that
// only they move.
type fakeSystem struct {
	capacity float64
	flaky    int // first trial of every rate fails where its number is divisible by it
	took     time.Duration
	clock    time.Time
	seen     map[float64]int
	asked    []float64
}

func newFake(capacity float64) *fakeSystem {
	return &fakeSystem{capacity: capacity, took: 10 * time.Second, clock: time.Unix(1000, 0), seen: map[float64]int{}}
}

func (f *fakeSystem) now() time.Time { return f.clock }

func (f *fakeSystem) plan(start, growth float64, budget time.Duration) searchPlan {
	return searchPlan{start: start, growth: growth, now: f.now, until: f.clock.Add(budget), trial: f.took}
}

func (f *fakeSystem) offer(_ context.Context, rate float64) (trial, error) {
	f.clock = f.clock.Add(f.took)
	f.seen[rate]++
	f.asked = append(f.asked, rate)
	good := rate <= f.capacity
	if f.flaky > 0 && len(f.seen)%f.flaky == 0 && f.seen[rate] == 1 {
		good = false
	}
	return trial{OfferedTxPerSec: rate, CommittedTxPerSec: rate, Good: good, Reason: "fake"}, nil
}

func TestFindHoldsTheKnee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFake(rapid.Float64Range(200, 1e6).Draw(t, "capacity"))
		f.flaky = rapid.IntRange(0, 3).Draw(t, "flaky")
		growth := rapid.SampledFrom([]float64{firstGrowth, laterGrowth}).Draw(t, "growth")
		start := f.capacity * rapid.Float64Range(0.3, 3).Draw(t, "start")
		b, err := find(t.Context(), f.plan(start, growth, time.Hour), f.offer)
		if err != nil || !b.Complete || b.Lower == nil {
			t.Fatalf("%+v, %v", b, err)
		}
		if low := b.Lower.OfferedTxPerSec; low > f.capacity || b.Upper <= f.capacity || b.Upper > low*widthGoal {
			t.Fatalf("[%v, %v] for a capacity of %v", low, b.Upper, f.capacity)
		}
		for rate, n := range f.seen {
			if n > 2 || n < 2 && rate > f.capacity {
				t.Fatalf("%v tx/s was tried %d times, capacity %v", rate, n, f.capacity)
			}
		}
	})
}

// TestFindEndsInTime: no trial starts that would be late, and what was found
// is kept.
func TestFindEndsInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFake(30000)
		budget := time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second
		begin := f.clock
		b, err := find(t.Context(), f.plan(8000, firstGrowth, budget), f.offer)
		if err != nil {
			t.Fatal(err)
		}
		if took := f.clock.Sub(begin); took > budget {
			t.Fatalf("took %v of %v", took, budget)
		}
		if want := budget >= 10*time.Second; (b.Lower != nil) != want {
			t.Fatalf("lower bound %v with a budget of %v", b.Lower, budget)
		}
		if len(b.Trials) != len(f.asked) {
			t.Fatalf("%d trials reported, %d run", len(b.Trials), len(f.asked))
		}
	})
}

// TestFindLearnsHowLongTrialsTake: trials that take longer than expected count
// for what they take.
func TestFindLearnsHowLongTrialsTake(t *testing.T) {
	f := newFake(1e9)
	plan := f.plan(1000, 2, 65*time.Second)
	f.took = 20 * time.Second // and not the 10 that were expected
	b, err := find(t.Context(), plan, f.offer)
	if err != nil || len(b.Trials) != 3 || b.Complete || b.Upper != 0 || b.Lower.OfferedTxPerSec != 4000 {
		t.Fatalf("%+v, %v", b, err)
	}
}

func TestFindGivesUp(t *testing.T) {
	f := newFake(1)
	b, err := find(t.Context(), f.plan(1000, 2, time.Hour), f.offer)
	if !errors.Is(err, errTooHigh) || !strings.Contains(err.Error(), "125 tx/s") || b.Lower != nil || b.Upper != 125 {
		t.Fatalf("%+v, %v", b, err)
	}
}

func TestFindKeepsWhatItHasOnErrors(t *testing.T) {
	broken := errors.New("broken")
	n := 0
	f := newFake(1e9)
	b, err := find(t.Context(), f.plan(1000, 2, time.Hour), func(ctx context.Context, rate float64) (trial, error) {
		if n++; n == 3 {
			return trial{}, fmt.Errorf("third: %w", broken)
		}
		return f.offer(ctx, rate)
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "at 4000 tx/s") || b.Lower == nil || b.Lower.OfferedTxPerSec != 2000 {
		t.Fatalf("%+v, %v", b, err)
	}
}
