package workload

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/loadgen"
)

// serve runs a real node on the workload's chain until the test ends.
func serve(t *testing.T, w *Workload) string {
	t.Helper()
	node, err := core.Open(core.Config{Dir: t.TempDir(), Genesis: w.Genesis(), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- node.Serve(ctx, ln, rpc.Config{}) }()
	t.Cleanup(func() {
		cancel()
		<-served
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

const mixed = `
accounts: {count: 600}
mix:
  - weight: 5
    transfer: {hot: {accounts: 3, share: 0.5}, to: {dist: zipf, exponent: 1.2}}
  - weight: 3
    collection: {collections: 300, items: 900, burnable: 400, burn: 5, to: {dist: round_robin}}
  - weight: 1
    collection: {collections: 10, items: 600, mint: 0, metadata_bytes: {dist: uniform, min: 0, max: 4096}}
  - weight: 2
    kv: {keys: 5, value_bytes: {dist: list, values: [{value: 0}, {value: 4096}, {value: 33, weight: 9}]}}
`

// A real node commits all of every workload, on two connections and from the
// disk as well as from memory; and a second source on the same chain, which
// finds the numbers and the items as the first has left them.
func TestRealNodeCommitsEverything(t *testing.T) {
	for _, name := range append(Builtins(), "mix") {
		t.Run(name, func(t *testing.T) {
			w, err := Parse("mix", []byte(mixed))
			if name != "mix" {
				w, _, err = Load(name)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.Accounts.Count = 600
			for _, p := range w.Mix {
				if p.Collection != nil {
					p.Collection.Items = min(p.Collection.Items, 2000)
				}
			}
			addr := serve(t, w)
			at, _ := chainOf(w)
			for round := range 2 {
				at = runOn(t, addr, w, at, round)
			}
		})
	}
}

// runOn commits the set-up and one run, and returns the chain after them.
func runOn(t *testing.T, addr string, w *Workload, at Chain, round int) Chain {
	t.Helper()
	c, err := client.Dial(t.Context(), addr, client.Options{ChainID: at.ID})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if at.FirstItem, err = CountItems(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, w, at, 9, Options{MemoryBytes: int64(1-round) << 30, chunkTxs: 256, Dir: t.TempDir()})
	defer s.Close()
	if round == 1 {
		s.shelf.limit = 1 // the smallest window
	}
	setup, err := s.Setup(t.Context(), nil)
	if err == nil {
		err = setup.Commit(t.Context(), addr, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n, err := CountItems(t.Context(), c); err != nil || int(n-at.FirstItem) != setup.Len() {
		t.Fatalf("%d items after %d, the set-up made %d: %v", n, at.FirstItem, setup.Len(), err)
	}
	const rate, d = 3000.0, 400 * time.Millisecond
	if err := s.Extend(t.Context(), loadgen.MaxTxs(rate, d), nil); err != nil {
		t.Fatal(err)
	}
	o, err := loadgen.Run(t.Context(), loadgen.Config{
		Addr: addr, Schedule: loadgen.Poisson, RateTxPerSec: rate, Duration: d, Seed: 4, Corpus: s, DrainTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	n := o.Trial.Counts
	if !o.Trial.Valid || n.Sent == 0 || n.Committed != n.Sent {
		t.Fatalf("round %d: %+v %s", round, n, o.Trial.InvalidReason)
	}
	if round == 0 && s.Missed() != 0 {
		t.Errorf("%d misses in memory", s.Missed())
	}
	at.FirstNonce = s.gen.nonce // beyond all that was drawn, sent or not
	return at
}

// The set-up says which transaction the node refused, and why.
func TestSetupIsRefused(t *testing.T) {
	w, _, err := Load("collection")
	if err != nil {
		t.Fatal(err)
	}
	w.Accounts.Count, w.Mix[0].Collection.Collections, w.Mix[0].Collection.Items = 60, 2, 9
	addr := serve(t, w)
	at, _ := chainOf(w)
	for _, first := range []uint32{0, 5} { // the second names collections that do not exist
		at.FirstItem = first
		s := mustOpen(t, w, at, 1, Options{})
		defer s.Close()
		setup, err := s.Setup(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := setup.Commit(t.Context(), addr, nil); (err != nil) != (first != 0) || err != nil && !errors.Is(err, ErrSetup) {
			t.Error(first, err)
		}
	}
}
