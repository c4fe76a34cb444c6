package solo_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/engine/solo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type entry struct {
	id   int
	size solo.Size
}

func sizeOf(e entry) solo.Size { return e.size }

// deadline bounds every wait in these tests; none depends on how long it takes.
const deadline = 30 * time.Second

// Blocks keep the limits, the order and every entry, whatever comes in; and
// none is cut before the next entry would not fit.
func TestLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := solo.Config{
			MaxTxs: rapid.IntRange(1, 20).Draw(t, "max txs"), MaxBytes: rapid.IntRange(1, 200).Draw(t, "max bytes"),
			Interval: time.Hour, // never
		}
		in := make(chan entry, 200)
		n := rapid.IntRange(0, 200).Draw(t, "n")
		for i := range n {
			in <- entry{i, solo.Size{Txs: rapid.IntRange(0, 25).Draw(t, "txs"), Bytes: rapid.IntRange(0, 250).Draw(t, "bytes")}}
		}
		close(in)
		var blocks [][]entry
		err := solo.Run(context.Background(), cfg, in, sizeOf, func(b []entry) error {
			blocks = append(blocks, b)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		var before solo.Size
		for k, b := range blocks {
			var sum solo.Size
			for _, e := range b {
				if e.id != next {
					t.Fatalf("entry %d comes where %d belongs", e.id, next)
				}
				next++
				sum.Txs, sum.Bytes = sum.Txs+e.size.Txs, sum.Bytes+e.size.Bytes
			}
			if len(b) == 0 || len(b) > 1 && (sum.Txs > cfg.MaxTxs || sum.Bytes > cfg.MaxBytes) {
				t.Fatalf("block of %d entries with %+v, limits %+v", len(b), sum, cfg)
			}
			if k > 0 && before.Txs+b[0].size.Txs <= cfg.MaxTxs && before.Bytes+b[0].size.Bytes <= cfg.MaxBytes &&
				before.Txs < cfg.MaxTxs && before.Bytes < cfg.MaxBytes {
				t.Fatalf("a block of %+v was cut although %+v would have fitted", before, b[0].size)
			}
			before = sum
		}
		if next != n {
			t.Fatalf("%d of %d entries came out", next, n)
		}
	})
}

// start runs the engine; cuts receives every block.
func start(ctx context.Context, cfg solo.Config, in <-chan entry) (cuts chan []entry, done chan error) {
	cuts, done = make(chan []entry), make(chan error, 1)
	go func() {
		done <- solo.Run(ctx, cfg, in, sizeOf, func(b []entry) error {
			select {
			case cuts <- b:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return cuts, done
}

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

// With room left, the interval cuts: again and again, also after a block that
// was cut by size.
func TestIntervalCuts(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	in := make(chan entry)
	cuts, done := start(ctx, solo.Config{MaxTxs: 3, MaxBytes: 1 << 20, Interval: time.Millisecond}, in)
	one := solo.Size{Txs: 1, Bytes: 1}
	for i := range 20 {
		in <- entry{i, one}
		if b := wait(t, cuts, "a block cut by time"); len(b) != 1 || b[0].id != i {
			t.Fatalf("entry %d: block %v", i, b)
		}
		if i%4 == 0 {
			in <- entry{-1, solo.Size{Txs: 3}}
			if b := wait(t, cuts, "a block cut by size"); len(b) != 1 || b[0].id != -1 {
				t.Fatalf("block %v", b)
			}
		}
	}
	cancel()
	if err := wait(t, done, "the end"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestEnds(t *testing.T) {
	cfg := solo.Config{MaxTxs: 2, MaxBytes: 100, Interval: time.Hour}
	boom := errors.New("boom")
	in := make(chan entry, 3)
	for i := range 3 {
		in <- entry{i, solo.Size{Txs: 1}}
	}
	if err := solo.Run(t.Context(), cfg, in, sizeOf, func([]entry) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("a cut that fails: %v", err)
	}
	// What waits when the channel closes is cut; slices stay the receiver's.
	in = make(chan entry, 5)
	for i := range 5 {
		in <- entry{i, solo.Size{Txs: 1}}
	}
	close(in)
	cuts, done := start(t.Context(), cfg, in)
	var ids []int
	var kept [][]entry
	for len(kept) < 3 {
		kept = append(kept, wait(t, cuts, "a block"))
	}
	if err := wait(t, done, "the end"); err != nil {
		t.Error(err)
	}
	for _, b := range kept {
		for _, e := range b {
			ids = append(ids, e.id)
		}
	}
	if !slices.Equal(ids, []int{0, 1, 2, 3, 4}) {
		t.Errorf("%v", ids)
	}
}

// A cut that blocks leaves entries in the channel instead of collecting them.
func TestBackPressure(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	in := make(chan entry, 10)
	cuts, done := start(ctx, solo.Config{MaxTxs: 1, MaxBytes: 1, Interval: time.Hour}, in)
	for i := range 10 {
		in <- entry{i, solo.Size{Txs: 1}}
	}
	if b := wait(t, cuts, "the first block"); b[0].id != 0 {
		t.Fatal(b)
	}
	in <- entry{10, solo.Size{Txs: 1}} // one place came free; the next cut waits for us
	if len(in) < 8 {
		t.Errorf("%d entries left in the channel", len(in))
	}
	cancel()
	if err := wait(t, done, "the end"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
