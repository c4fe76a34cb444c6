package merkle

import (
	"context"
	"sync/atomic"
)

// Workers is a bound on goroutines that several calls share: builders of many
// trees at once, say, in a program that must not use more cores than it was
// given. Calls find it in their context:
//
//	shared := merkle.NewWorkers(3)
//	tree, err := merkle.Build(shared.With(ctx), scheme, leaves, 0)
//
// A call always works in its caller's goroutine. It starts others, up to its own
// number of workers, as long as fewer than the bound are at work, and never
// waits for one: where others have them all, it does its work alone. The result
// does not depend on that. A Workers is safe for concurrent use.
type Workers struct {
	free atomic.Int64
}

// NewWorkers returns a bound of n goroutines beside the callers' own; with 0 or
// less every call works alone.
func NewWorkers(n int) *Workers {
	w := new(Workers)
	w.free.Store(int64(max(0, n)))
	return w
}

type workersKey struct{}

// With returns a context whose calls into this package keep to w.
func (w *Workers) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, workersKey{}, w)
}

// workersOf returns the bound that ctx carries, nil for none.
func workersOf(ctx context.Context) *Workers {
	w, _ := ctx.Value(workersKey{}).(*Workers)
	return w
}

// take returns how many of n goroutines may start. Each gives one back at its end.
func (w *Workers) take(n int) int {
	if w == nil {
		return n
	}
	for {
		free := w.free.Load()
		got := min(free, int64(n))
		if got <= 0 {
			return 0
		}
		if w.free.CompareAndSwap(free, free-got) {
			return int(got)
		}
	}
}

// give returns n goroutines that have ended.
func (w *Workers) give(n int) {
	if w != nil {
		w.free.Add(int64(n))
	}
}
