package workload

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"runtime"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chainOf is the measuring chain of a workload, with its ledger.
func chainOf(w *Workload) (Chain, *state.State) {
	g := w.Genesis()
	s := state.New(0)
	for _, a := range g.AllAccounts() {
		if _, err := s.Add([32]byte(a.PublicKey), a.Balance, a.Membership()); err != nil {
			panic(err)
		}
	}
	return Chain{ID: g.ChainID(), Keys: g.Derived.PrivateKeys(int(g.Derived.Count)), FirstSlot: g.FirstDerivedSlot()}, s
}

func mustOpen(t rapid.TB, w *Workload, at Chain, seed uint64, opts Options) *Source {
	t.Helper()
	s, err := Open(w, at, seed, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type pieces interface {
	Len() int
	Piece(i, n, maxBytes int) ([]byte, int)
}

// views parses everything, in pieces of odd lengths.
func views(t rapid.TB, s pieces) []tx.View {
	t.Helper()
	var out []tx.View
	for i := 0; i < s.Len(); {
		b, n := s.Piece(i, 1+i%777, 0)
		if n == 0 {
			t.Fatalf("no piece at %d of %d", i, s.Len())
		}
		for k := range n {
			v, rest, err := tx.Parse(b)
			if err != nil {
				t.Fatalf("transaction %d: %v", i+k, err)
			}
			out, b = append(out, v), rest
		}
		if len(b) != 0 {
			t.Fatalf("%d bytes after piece %d", len(b), i)
		}
		i += n
	}
	return out
}

// execute applies transactions in order, in blocks that end where cut says, and
// returns how many were refused and one reason.
func execute(s *state.State, height *uint64, txs []tx.View, cut func() int) (bad int, why tx.Status) {
	for len(txs) > 0 {
		n := min(len(txs), cut())
		st := make([]tx.Status, n)
		*height++
		s.Execute(*height, txs[:n], st)
		for _, x := range st {
			if x != tx.StatusOK {
				bad++
				why = x
			}
		}
		txs = txs[n:]
	}
	return bad, why
}

func drawPick(t *rapid.T, turns bool) Pick {
	dists := []string{Uniform, Zipf}
	if turns {
		dists = append(dists, RoundRobin)
	}
	p := Pick{Dist: rapid.SampledFrom(dists).Draw(t, "dist")}
	if p.Dist == Zipf {
		p.Exponent = rapid.Float64Range(0.1, 3).Draw(t, "exponent")
	}
	return p
}

func drawNumbers(t *rapid.T, limit uint64) Numbers {
	n := Numbers{Dist: rapid.SampledFrom([]string{Constant, Uniform, LogNormal, List}).Draw(t, "numbers")}
	switch n.Dist {
	case Constant:
		n.Value = rapid.Uint64Range(0, limit).Draw(t, "value")
	case Uniform:
		n.Min = rapid.Uint64Range(0, limit).Draw(t, "min")
		n.Max = rapid.Uint64Range(n.Min, limit).Draw(t, "max")
	case LogNormal:
		n.Max = rapid.Uint64Range(10, limit).Draw(t, "max")
		n.Median, n.Sigma = float64(n.Max)/2, rapid.Float64Range(0.05, 2).Draw(t, "sigma")
	case List:
		for range rapid.IntRange(1, 5).Draw(t, "values") {
			n.Values = append(n.Values, Weighted{rapid.Uint64Range(0, limit).Draw(t, "v"), rapid.Uint32Range(1, 9).Draw(t, "w")})
		}
	}
	return n
}

// drawWorkload is any mix, on few accounts so that they meet often.
func drawWorkload(t *rapid.T) *Workload {
	w := &Workload{Name: "drawn", Accounts: Accounts{rapid.Uint32Range(3, 60).Draw(t, "accounts"), DefaultBalance}}
	for range rapid.IntRange(1, 4).Draw(t, "parts") {
		p := Part{Weight: rapid.Uint32Range(1, 100).Draw(t, "weight")}
		switch rapid.IntRange(0, 2).Draw(t, "activity") {
		case 0:
			p.Transfer = &Transfer{From: drawPick(t, true), To: drawPick(t, true), Amount: drawNumbers(t, 1000)}
			if rapid.Bool().Draw(t, "hot") {
				p.Transfer.Hot = &Hot{2, rapid.Float64Range(0, 1).Draw(t, "share"), rapid.SampledFrom([]string{"to", "from", "both"}).Draw(t, "side")}
			}
		case 1:
			p.Collection = &Collection{
				Collections: rapid.Uint32Range(1, 50).Draw(t, "collections"), Items: rapid.Uint32Range(2, 99).Draw(t, "items"),
				Burnable: 800, Mint: rapid.Uint32Range(0, 3).Draw(t, "mint"), Transfer: rapid.Uint32Range(1, 3).Draw(t, "transfer"),
				Burn: rapid.Uint32Range(0, 1).Draw(t, "burn"), To: drawPick(t, true), MetadataBytes: drawNumbers(t, tx.MaxTail),
			}
		case 2:
			p.KV = &KV{From: drawPick(t, true), Keys: rapid.Uint32Range(1, 99).Draw(t, "keys"), Key: drawPick(t, true), ValueBytes: drawNumbers(t, tx.MaxTail)}
		}
		w.Mix = append(w.Mix, p)
	}
	return w
}

// Whatever the mix: all transactions parse, every signature verifies, and the
// ledger takes every one of them, wherever the blocks end.
func TestEveryTransactionIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorkload(t)
		at, ledger := chainOf(w)
		s := mustOpen(t, w, at, rapid.Uint64().Draw(t, "seed"), Options{chunkTxs: 256})
		defer s.Close()
		setup, err := s.Setup(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Extend(context.Background(), rapid.IntRange(1, 768).Draw(t, "n"), nil); err != nil {
			t.Fatal(err)
		}
		longest := max(1, min(900, s.OrderSlackTxs()))
		cut := func() int { return rapid.IntRange(1, longest).Draw(t, "block") }
		var height uint64
		seen := map[[2]uint64]bool{}
		for i, p := range []pieces{setup, s} {
			txs := views(t, p)
			for k, v := range txs {
				if id := [2]uint64{uint64(v.From()), v.Nonce()}; seen[id] {
					t.Fatalf("nonce %d of account %d is used twice", v.Nonce(), v.From())
				} else {
					seen[id] = true
				}
				if k%64 != 0 {
					continue
				}
				pub := at.Keys[v.From()-at.FirstSlot].Public().(ed25519.PublicKey)
				if !ed25519.Verify(pub, v.AppendSigning(nil, &at.ID), v.Signature()) {
					t.Fatalf("transaction %d of %d: the signature does not verify", k, i)
				}
			}
			if bad, why := execute(ledger, &height, txs, cut); bad > 0 {
				t.Fatalf("part %d: %d of %d refused: %s", i, bad, len(txs), why)
			}
		}
	})
}

// The ledger also takes the transactions in another order, as far from the
// intended one as the stated slack allows.
func TestOrderSlack(t *testing.T) {
	w, _, err := Load("collection")
	if err != nil {
		t.Fatal(err)
	}
	w.Accounts.Count = 512
	w.Mix[0].Collection.Items = 2048
	at, ledger := chainOf(w)
	s := mustOpen(t, w, at, 5, Options{})
	defer s.Close()
	setup, err := s.Setup(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Extend(t.Context(), 2*chunkTxs, nil); err != nil {
		t.Fatal(err)
	}
	slack := s.OrderSlackTxs()
	if slack < 2200 || slack > 2560 {
		t.Fatalf("slack %d", slack)
	}
	var height uint64
	all := func() int { return 1 << 20 }
	if bad, why := execute(ledger, &height, views(t, setup), all); bad > 0 {
		t.Fatalf("set-up: %d refused: %s", bad, why)
	}
	txs := views(t, s)
	d := slack / 2
	for i := 0; i+d < len(txs); i += d { // every other run of d overtakes the one before
		if i/d%2 == 0 {
			for k := range min(d, len(txs)-i-d) {
				txs[i+k], txs[i+d+k] = txs[i+d+k], txs[i+k]
			}
		}
	}
	if bad, why := execute(ledger, &height, txs, func() int { return 1000 }); bad > 0 {
		t.Errorf("%d of %d refused: %s", bad, len(txs), why)
	}
}

func digest(t *testing.T, s pieces) string {
	t.Helper()
	h := sha256.New()
	for i := 0; i < s.Len(); {
		b, n := s.Piece(i, math.MaxInt, 0)
		h.Write(b)
		i += n
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// The bytes follow from text, seed and chain: not from the cores, nor from how
// the source grew, nor from the version of this program, unless somebody
// changes these digests on purpose.
func TestGoldenDigests(t *testing.T) {
	for name, want := range map[string][2]string{
		"transfer":   {"e3b0c44298fc1c14", "2c442418deff2438"},
		"collection": {"5090972692b7a426", "e872f43968bee814"},
		"kv":         {"e3b0c44298fc1c14", "55cb7124e7231e14"},
	} {
		w, _, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Accounts.Count = 300
		if k := w.Mix[0].Collection; k != nil {
			k.Collections, k.Items = 77, 500
		}
		at, _ := chainOf(w)
		for _, grow := range [][]int{{1, 3000}, {3000}} {
			procs := runtime.GOMAXPROCS(len(grow))
			s := mustOpen(t, w, at, 42, Options{chunkTxs: 512})
			setup, err := s.Setup(t.Context(), nil)
			for _, n := range grow {
				if err == nil {
					err = s.Extend(t.Context(), n, nil)
				}
			}
			runtime.GOMAXPROCS(procs)
			if err != nil {
				t.Fatal(err)
			}
			if got := [2]string{digest(t, setup), digest(t, s)}; got != want {
				t.Errorf("%s, grown by %v: %q, want %q", name, grow, got, want)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
