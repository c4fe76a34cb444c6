package tx_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/tx"
)

// model is RFC 4303 section 3.4.3 with a set instead of a bitmap.
type model struct {
	high uint64
	used map[uint64]bool
}

func (m *model) check(n uint64) tx.Status {
	switch {
	case n == 0:
		return tx.StatusNonceUsed
	case n > m.high+1<<20:
		return tx.StatusNonceTooFar
	case n > m.high:
		return tx.StatusOK
	case n+128 <= m.high || m.used[n]:
		return tx.StatusNonceUsed
	}
	return tx.StatusOK
}

func (m *model) use(n uint64) {
	m.used[n] = true
	m.high = max(m.high, n)
}

func (m *model) release(n uint64) {
	if n <= m.high && n+128 > m.high {
		delete(m.used, n)
	}
}

// drawNonce prefers the places where something changes.
func drawNonce(t *rapid.T, high uint64) uint64 {
	off := rapid.OneOf(
		rapid.Int64Range(-140, 140),
		rapid.SampledFrom([]int64{-129, -128, -127, -65, -64, -63, -1, 0, 1, 2, 63, 64, 65, 127, 128, 129, 1 << 20, 1<<20 + 1, 1 << 40}),
	).Draw(t, "offset")
	if off < 0 && uint64(-off) > high {
		return 0
	}
	return high + uint64(off)
}

func TestWindowModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w tx.Window
		m := model{used: map[uint64]bool{}}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				n := drawNonce(t, m.high)
				before := w
				got, want := w.Check(n), m.check(n)
				if got != want || w != before {
					t.Fatalf("nonce %d with highest %d: %s, the model says %s", n, m.high, got, want)
				}
				if got == tx.StatusOK {
					w.Use(n)
					m.use(n)
				}
			},
			"release": func(t *rapid.T) {
				n := drawNonce(t, m.high)
				w.Release(n)
				m.release(n)
			},
			"": func(t *rapid.T) {
				if w.High != m.high {
					t.Fatalf("highest is %d, the model says %d", w.High, m.high)
				}
				for d := range uint64(140) {
					if d > m.high {
						break
					}
					if got, want := w.Check(m.high-d), m.check(m.high-d); got != want {
						t.Fatalf("nonce %d with highest %d: %s, the model says %s", m.high-d, m.high, got, want)
					}
				}
			},
		})
	})
}

// A gap never blocks a sender, and everything within 128 of the highest can
// still be used, once.
func TestWindowBackfill(t *testing.T) {
	var w tx.Window
	w.Use(1000)
	for n := uint64(1); n <= 1000; n++ {
		want := tx.StatusOK
		if n <= 1000-tx.WindowSize || n == 1000 {
			want = tx.StatusNonceUsed
		}
		if got := w.Check(n); got != want {
			t.Fatalf("nonce %d: %s, want %s", n, got, want)
		}
		if want == tx.StatusOK {
			w.Use(n)
			if got := w.Check(n); got != tx.StatusNonceUsed {
				t.Fatalf("nonce %d twice: %s", n, got)
			}
		}
	}
	if w.Bitmap != [2]uint64{^uint64(0), ^uint64(0)} {
		t.Errorf("a full window has the bitmap %x", w.Bitmap)
	}
}

// What a window says after several numbers does not depend on the order in which
// they were marked: blocks execute some kinds before others.
func TestWindowForgetsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nonces := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 600), 1, 20, func(n uint64) uint64 { return n }).Draw(t, "nonces")
		var a, b tx.Window
		for _, n := range nonces {
			a.Use(n)
		}
		for _, n := range rapid.Permutation(nonces).Draw(t, "another order") {
			b.Use(n)
		}
		if a != b {
			t.Fatalf("%v gives %+v and %+v", nonces, a, b)
		}
	})
}
