package loadgen_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/loadgen"
)

// The real node takes what the corpus holds: registered slots, nonces inside
// the window, signatures for its chain.
func TestRealNodeCommitsTheCorpus(t *testing.T) {
	const accounts = 500
	gen := genesis.Dev(accounts)
	node, err := core.Open(core.Config{Dir: t.TempDir(), Genesis: gen, Workers: 1})
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
	defer func() {
		cancel()
		<-served
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	}()

	corpus, err := loadgen.NewCorpus(loadgen.CorpusConfig{
		Chain: gen.ChainID(), Keys: gen.Derived.PrivateKeys(accounts), FirstSlot: gen.FirstDerivedSlot(), Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	const rate, d = 2000.0, 400 * time.Millisecond
	if err := corpus.Extend(ctx, 2*loadgen.MaxTxs(rate, d), nil); err != nil {
		t.Fatal(err)
	}
	first := 0
	for seed := range uint64(2) { // the second run goes on where the first ended
		o, err := loadgen.Run(ctx, loadgen.Config{
			Addr: ln.Addr().String(), Schedule: loadgen.Poisson, RateTxPerSec: rate, Duration: d, Seed: seed,
			Corpus: corpus, FirstTx: first, DrainTimeout: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		c := o.Trial.Counts
		if !o.Trial.Valid || c.Sent == 0 || c.Committed != c.Sent || c.Accepted != c.Sent {
			t.Fatalf("run %d: %+v %s", seed, c, o.Trial.InvalidReason)
		}
		t.Logf("commit p50 %d p99 %d ns, lag p99 %d ns, cpu %d ns", o.Commit.P50, o.Commit.P99, *o.Trial.Generator.LagP99NS, *o.Trial.Generator.CPUNS)
		first += int(c.Offered)
	}
}
