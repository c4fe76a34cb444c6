package loadgen

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/chainweir/weir/core/tx"
)

func all(t *testing.T, c *Corpus) []tx.View {
	t.Helper()
	var out []tx.View
	for i := 0; i < c.Len(); {
		b, n := c.Piece(i, math.MaxInt, 0)
		if n == 0 {
			t.Fatalf("no piece at %d of %d", i, c.Len())
		}
		for len(b) > 0 {
			v, rest, err := tx.Parse(b)
			if err != nil {
				t.Fatalf("transaction %d: %v", len(out), err)
			}
			out, b = append(out, v), rest
		}
		i += n
	}
	return out
}

func TestCorpusIsValid(t *testing.T) {
	keys := testKeys(5)
	first := []uint64{1, 9, 1, 100, 3}
	c, err := NewCorpus(CorpusConfig{Chain: testChain, Keys: keys, FirstSlot: 10, FirstNonce: first, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Extend(context.Background(), 333, nil); err != nil {
		t.Fatal(err)
	}
	seen := map[[2]uint64]bool{}
	for i, v := range all(t, c) {
		k := int(v.From()) - 10
		pub := keys[k].Public().(ed25519.PublicKey)
		if !ed25519.Verify(pub, v.AppendSigning(nil, &testChain), v.Signature()) {
			t.Fatalf("transaction %d: the signature does not verify", i)
		}
		std := bytes.Clone(v)
		tx.View(std).Sign(&testChain, keys[k])
		if !bytes.Equal(std, v) {
			t.Fatalf("transaction %d: crypto/ed25519 signs differently", i)
		}
		if k != i%5 || v.Nonce() != first[k]+uint64(i/5) {
			t.Fatalf("transaction %d: account %d nonce %d", i, k, v.Nonce())
		}
		if id := [2]uint64{uint64(v.From()), v.Nonce()}; seen[id] {
			t.Fatalf("transaction %d: account %d uses nonce %d twice", i, k, v.Nonce())
		} else {
			seen[id] = true
		}
		if v.To() == v.From() || v.To() < 10 || v.To() > 14 || v.Amount() < 1 || v.Amount() > 100 || v.Expiry() != math.MaxUint64 {
			t.Fatalf("transaction %d: to %d amount %d expiry %d", i, v.To(), v.Amount(), v.Expiry())
		}
	}
}

func TestCorpusIsAFunctionOfItsConfig(t *testing.T) {
	a := sharedCorpus()
	cfg := a.cfg
	b, _ := NewCorpus(cfg)
	var calls []int
	for _, n := range []int{1, 700, 3, chunkTxs + 5} { // grown in steps, across a chunk
		if err := b.Extend(context.Background(), n, func(done, _ int) { calls = append(calls, done) }); err != nil {
			t.Fatal(err)
		}
	}
	if b.Len() != chunkTxs+5 || !slices.Equal(calls, []int{1, 700, chunkTxs, chunkTxs + 5}) {
		t.Fatal(b.Len(), calls)
	}
	for i, v := range all(t, b) {
		w, _ := a.Piece(i, 1, 0)
		if !bytes.Equal(v, w) {
			t.Fatalf("transaction %d differs", i)
		}
	}
	cfg.Seed++
	other, _ := NewCorpus(cfg)
	if err := other.Extend(context.Background(), 1, nil); err != nil {
		t.Fatal(err)
	}
	x, _ := a.Piece(0, 1, 0)
	y, _ := other.Piece(0, 1, 0)
	if bytes.Equal(x, y) {
		t.Error("two seeds give the same transaction")
	}
}

// A uniform corpus draws every account about as often, numbers each one's
// transactions from its first nonce on, and does not depend on how it grew.
func TestUniformCorpus(t *testing.T) {
	keys := testKeys(8)
	first := []uint64{1, 1, 50, 1, 1, 1, 7, 1}
	cfg := CorpusConfig{Chain: testChain, Keys: keys, FirstSlot: 3, FirstNonce: first, Seed: 5, Uniform: true}
	grow := func(steps ...int) []tx.View {
		c, err := NewCorpus(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range steps {
			if err := c.Extend(context.Background(), n, nil); err != nil {
				t.Fatal(err)
			}
		}
		return all(t, c)
	}
	a, b := grow(4000), grow(1, 900, 4000)
	next := slices.Clone(first)
	turns := 0
	for i, v := range a {
		if !bytes.Equal(v, b[i]) {
			t.Fatalf("transaction %d depends on how the corpus grew", i)
		}
		k := int(v.From()) - 3
		if !ed25519.Verify(keys[k].Public().(ed25519.PublicKey), v.AppendSigning(nil, &testChain), v.Signature()) {
			t.Fatalf("transaction %d: the signature does not verify", i)
		}
		if v.Nonce() != next[k] || v.To() == v.From() {
			t.Fatalf("transaction %d: nonce %d of account %d, want %d; to %d", i, v.Nonce(), k, next[k], v.To())
		}
		next[k]++
		if i > 0 && a[i-1].From()+1 == v.From() {
			turns++
		}
	}
	// 500 each, with a standard deviation of 21; a turn follows in one of nine.
	for k, n := range next {
		if sent := n - first[k]; sent < 400 || sent > 600 {
			t.Errorf("account %d sent %d of 4000", k, sent)
		}
	}
	if turns > 700 {
		t.Errorf("%d of 4000 senders follow in turn", turns)
	}
}

func TestPieces(t *testing.T) {
	c := sharedCorpus()
	for _, p := range []struct{ i, n, want int }{
		{0, 1, 1}, {0, 1 << 30, chunkTxs}, {chunkTxs - 3, 10, 3}, {chunkTxs, 10, 10}, {c.Len() - 1, 9, 1},
		{c.Len(), 1, 0}, {-1, 1, 0}, {0, 0, 0}, {0, -1, 0},
	} {
		b, n := c.Piece(p.i, p.n, 0)
		if n != p.want || len(b) != n*tx.Size {
			t.Errorf("Piece(%d, %d) = %d transactions in %d bytes, want %d", p.i, p.n, n, len(b), p.want)
		}
	}
}

func TestCorpusRefusesNonsense(t *testing.T) {
	for name, cfg := range map[string]CorpusConfig{
		"one key":    {Keys: testKeys(1)},
		"short key":  {Keys: []ed25519.PrivateKey{make([]byte, 64), make([]byte, 32)}},
		"nonces":     {Keys: testKeys(2), FirstNonce: []uint64{1}},
		"many slots": {Keys: testKeys(2), FirstSlot: math.MaxUint32},
	} {
		if _, err := NewCorpus(cfg); !errors.Is(err, ErrCorpus) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, _ := NewCorpus(CorpusConfig{Keys: testKeys(2)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Extend(ctx, 5, nil); !errors.Is(err, context.Canceled) || c.Len() != 0 {
		t.Error(err, c.Len())
	}
	if err := c.Extend(context.Background(), maxCorpus+1, nil); !errors.Is(err, ErrCorpus) {
		t.Error(err)
	}
}

func BenchmarkExtend(b *testing.B) {
	c, _ := NewCorpus(CorpusConfig{Chain: testChain, Keys: testKeys(64)})
	n := 0
	for b.Loop() {
		n += 1024
		if err := c.Extend(context.Background(), n, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tx/s")
}
