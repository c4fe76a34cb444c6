package solo_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/core/engine/solo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds every wait in these tests; none depends on how long it takes.
const deadline = 30 * time.Second

func wait[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(deadline):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// ref makes a reference that tells which one it is.
func ref(id int, txs, bytes uint32) engine.Ref {
	return engine.Ref{Digest: [32]byte{byte(id), byte(id >> 8)}, Txs: txs, Bytes: bytes}
}

func id(r engine.Ref) int { return int(r.Digest[0]) | int(r.Digest[1])<<8 }

// app keeps copies of what was decided. With a gate, each decision waits for a
// value from it.
type app struct {
	engine.App // Snapshot and Restore, which solo never calls

	gate    chan error
	decided chan engine.Decision
	unknown int // the batch that is not here
}

func newApp() *app { return &app{decided: make(chan engine.Decision, 1000), unknown: -1} }

func (a *app) Check(r engine.Ref) bool { return id(r) != a.unknown }

func (a *app) Commit(ctx context.Context, d engine.Decision) error {
	d.Refs = slices.Clone(d.Refs)
	a.decided <- d
	if a.gate == nil {
		return nil
	}
	select {
	case err := <-a.gate:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func start(ctx context.Context, t testing.TB, cfg solo.Config, a *app) *solo.Engine {
	t.Helper()
	e := solo.New(cfg)
	if err := e.Start(ctx, a); err != nil {
		t.Fatal(err)
	}
	return e
}

// Decisions keep the limits, the order and every reference, whatever is
// proposed; none is cut before the next reference would not fit, and numbers and
// times rise.
func TestLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := solo.Config{
			MaxTxs: rapid.IntRange(1, 20).Draw(t, "max txs"), MaxBytes: rapid.IntRange(1, 200).Draw(t, "max bytes"),
			Interval: time.Hour, // never
			Queue:    rapid.IntRange(1, 300).Draw(t, "queue"),
			Number:   rapid.Uint64Range(0, 9).Draw(t, "number"),
			TimeNS:   rapid.SampledFrom([]uint64{0, 1 << 62}).Draw(t, "time"), // the second is far in the future
		}
		a := newApp()
		e := solo.New(cfg)
		if err := e.Start(context.Background(), a); err != nil {
			t.Fatal(err)
		}
		n := rapid.IntRange(0, 200).Draw(t, "n")
		for i := range n {
			r := ref(i, rapid.Uint32Range(0, 25).Draw(t, "txs"), rapid.Uint32Range(0, 250).Draw(t, "bytes"))
			if err := e.Propose(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		close(a.decided)
		next, number, timeNS := 0, cfg.Number, cfg.TimeNS
		var txs, bytes int // of the decision before; -1: there is none
		txs = -1
		for d := range a.decided {
			if d.Number != number+1 || d.TimeNS <= timeNS {
				t.Fatalf("decision %d at %d follows %d at %d", d.Number, d.TimeNS, number, timeNS)
			}
			number, timeNS = d.Number, d.TimeNS
			first := d.Refs[0]
			if txs >= 0 && txs+int(first.Txs) <= cfg.MaxTxs && bytes+int(first.Bytes) <= cfg.MaxBytes &&
				txs < cfg.MaxTxs && bytes < cfg.MaxBytes {
				t.Fatalf("a decision of %d txs in %d bytes was cut although %+v would have fitted", txs, bytes, first)
			}
			txs, bytes = 0, 0
			for _, r := range d.Refs {
				if id(r) != next {
					t.Fatalf("reference %d comes where %d belongs", id(r), next)
				}
				next++
				txs, bytes = txs+int(r.Txs), bytes+int(r.Bytes)
			}
			if len(d.Refs) > 1 && (txs > cfg.MaxTxs || bytes > cfg.MaxBytes) {
				t.Fatalf("decision of %d references with %d txs in %d bytes, limits %+v", len(d.Refs), txs, bytes, cfg)
			}
		}
		s := e.Status()
		if next != n || s.Decided != int64(n) || s.Proposed != int64(n) || s.Queue != 0 || s.Number != number || s.Err != nil {
			t.Fatalf("%d of %d references came out, status %+v", next, n, s)
		}
	})
}

// With room left, the interval cuts: again and again, also after a decision that
// was cut by size.
func TestIntervalCuts(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	a := newApp()
	e := start(ctx, t, solo.Config{MaxTxs: 3, MaxBytes: 1 << 20, Interval: time.Millisecond}, a)
	propose := func(r engine.Ref) {
		t.Helper()
		if err := e.Propose(r); err != nil {
			t.Fatal(err)
		}
		if d := wait(t, a.decided, "a decision"); len(d.Refs) != 1 || d.Refs[0] != r {
			t.Fatalf("%+v, proposed %+v", d, r)
		}
	}
	for i := range 20 {
		propose(ref(i, 1, 1)) // cut by time
		if i%4 == 0 {
			propose(ref(1000+i, 3, 0)) // cut by size
		}
	}
	cancel()
	// Nothing takes references any more: at the latest when the queue is full,
	// Propose says so.
	var err error
	for i := 0; err == nil && i <= e.Status().QueueCap; i++ {
		err = e.Propose(ref(i, 1, 1))
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Propose after the context ended: %v", err)
	}
	if err := e.Close(); err != nil || !errors.Is(e.Status().Err, context.Canceled) {
		t.Errorf("Close after the context ended: %v, status %v", err, e.Status().Err)
	}
}

// An error of Commit ends the engine, and Propose and Close tell it.
func TestCommitFails(t *testing.T) {
	boom := errors.New("boom")
	a := newApp()
	a.gate = make(chan error, 1)
	a.gate <- boom
	e := start(t.Context(), t, solo.Config{MaxTxs: 1, MaxBytes: 1, Interval: time.Hour, Queue: 1}, a)
	var err error
	for i := 0; err == nil && i < 10; i++ { // the queue holds one, so an early one must fail
		err = e.Propose(ref(i, 1, 1))
	}
	if !errors.Is(err, boom) {
		t.Errorf("Propose: %v", err)
	}
	if err := e.Close(); !errors.Is(err, boom) || !errors.Is(e.Status().Err, boom) {
		t.Errorf("Close: %v, status %v", err, e.Status().Err)
	}
	if s := e.Status(); s.Decided != 0 || s.Number != 0 {
		t.Errorf("a decision that failed is counted: %+v", s)
	}
}

func TestRefuses(t *testing.T) {
	e := solo.New(solo.Config{MaxTxs: 1, MaxBytes: 1, Interval: time.Hour})
	if err := e.Propose(ref(0, 1, 1)); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("before Start: %v", err)
	}
	if s := e.Status(); s.Name != "solo" || s.Err != nil {
		t.Errorf("before Start: %+v", s)
	}
	if err := e.Close(); err != nil {
		t.Errorf("Close before Start: %v", err)
	}
	a := newApp()
	a.unknown = 7
	e = start(t.Context(), t, solo.Config{MaxTxs: 1, MaxBytes: 1, Interval: time.Hour}, a)
	if err := e.Start(t.Context(), a); err == nil {
		t.Error("a second Start succeeded")
	}
	if err := e.Propose(ref(7, 1, 1)); !errors.Is(err, engine.ErrUnknown) {
		t.Errorf("a batch that is not here: %v", err)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(a.decided) != 0 {
		t.Error("the unknown batch was decided")
	}
}

// A Commit that blocks fills the queue and then Propose: nothing piles up.
func TestBackPressure(t *testing.T) {
	const queue = 4
	a := newApp()
	a.gate = make(chan error)
	e := start(t.Context(), t, solo.Config{MaxTxs: 1, MaxBytes: 1, Interval: time.Hour, Queue: queue}, a)
	var proposers sync.WaitGroup
	proposed := make(chan int, 100)
	proposers.Go(func() {
		for i := range 20 {
			if err := e.Propose(ref(i, 1, 1)); err != nil {
				t.Error(err)
			}
			proposed <- i
		}
		close(proposed)
	})
	if d := wait(t, a.decided, "the first decision"); id(d.Refs[0]) != 0 {
		t.Fatal(d)
	}
	for range queue + 1 { // one in the engine's hands and a full queue
		wait(t, proposed, "a proposal")
	}
	if s := e.Status(); s.QueueCap != queue || s.Queue > queue+2 {
		t.Errorf("%+v", s)
	}
	if len(a.decided) != 0 {
		t.Error("a decision did not wait for the one before")
	}
	for range 20 {
		a.gate <- nil
	}
	proposers.Wait()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if s := e.Status(); s.Decided != 20 {
		t.Errorf("%+v", s)
	}
}
