package core_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
	"github.com/chainweir/weir/merkle"
)

const never = 1 << 62 // an expiry height that no test reaches

// wallet signs for the accounts of a measuring chain and numbers their
// transactions.
type wallet struct {
	chain  tx.ChainID
	keys   []ed25519.PrivateKey
	nonces []uint64
}

func newWallet(gen *genesis.Genesis) *wallet {
	n := int(gen.Derived.Count)
	return &wallet{gen.ChainID(), gen.Derived.PrivateKeys(n), make([]uint64, n)}
}

// sign completes a transaction: the sender's next number unless one is given.
func (w *wallet) sign(f tx.Fields) tx.View {
	if f.Nonce == 0 {
		w.nonces[f.From]++
		f.Nonce = w.nonces[f.From]
	}
	if f.Expiry == 0 {
		f.Expiry = never
	}
	if f.Kind == 0 {
		f.Kind = tx.KindTransfer
	}
	v := tx.View(f.AppendUnsigned(nil))
	v.Sign(&w.chain, w.keys[f.From])
	return v
}

func (w *wallet) transfer(from, to uint32, amount uint64) tx.View {
	return w.sign(tx.Fields{From: from, To: to, Amount: amount})
}

// round makes one transfer from each of n accounts to its neighbour.
func (w *wallet) round(n int, amount uint64) []tx.View {
	txs := make([]tx.View, n)
	for i := range txs {
		txs[i] = w.transfer(uint32(i), uint32((i+1)%n), amount)
	}
	return txs
}

func joined(txs []tx.View) []byte {
	var b []byte
	for _, v := range txs {
		b = append(b, v...)
	}
	return b
}

// open starts a node that the test closes, unless it did so itself.
func open(t testing.TB, cfg core.Config) *core.Node {
	t.Helper()
	if cfg.BlockInterval == 0 {
		cfg.BlockInterval = time.Millisecond
	}
	n, err := core.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func closeNode(t testing.TB, n *core.Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatalf("closing the node: %v", err)
	}
}

// serve answers clients of n on a loopback port until the test or stop ends it.
func serve(t testing.TB, n *core.Node, cfg rpc.Config) (addr string, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Serve(ctx, ln, cfg) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return ln.Addr().String(), stop
}

// dial connects a client that records what it is told.
func dial(t testing.TB, addr string, opts client.Options) (*client.Client, *recorder) {
	t.Helper()
	r := newRecorder()
	opts.Handler = r.handler()
	c, err := client.Dial(t.Context(), addr, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, r
}

// submit sends transactions in one frame and waits for their outcome.
func submit(t testing.TB, c *client.Client, r *recorder, seq uint64, txs ...tx.View) {
	t.Helper()
	if err := c.Submit(seq, len(txs), joined(txs)); err != nil {
		t.Fatal(err)
	}
	r.settled(t, seq, seq+uint64(len(txs)))
}

// feed hands transactions to a node in its own process and returns a channel
// that is closed when the node has let go of them.
func feed(n *core.Node, r *recorder, seq uint64, txs []tx.View) <-chan struct{} {
	done := make(chan struct{})
	n.Submit(&core.Batch{Base: seq, Txs: txs, Sink: r, Done: func(*core.Batch) { close(done) }})
	return done
}

// fed is feed that waits until the node has let go.
func fed(t testing.TB, n *core.Node, r *recorder, seq uint64, txs []tx.View) {
	t.Helper()
	letGo(t, feed(n, r, seq, txs))
}

func letGo(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(deadline):
		t.Fatal("the node did not let go of a batch")
	}
}

// stateProof is a proof as package state checks it.
func stateProof(p wire.Proof) state.Proof {
	return state.Proof{Tree: state.Tree(p.Tree), Slot: p.Slot, Summary: state.Summary(p.Summary), Path: p.Path}
}

// account asks for an account and checks the proof.
func account(t testing.TB, c *client.Client, slot uint32) (state.Account, tx.Header) {
	t.Helper()
	a, err := c.Account(t.Context(), slot)
	if err != nil {
		t.Fatal(err)
	}
	p := stateProof(a.Proof)
	if p.Slot != slot || p.Tree != state.TreeAccounts {
		t.Fatalf("the proof is of %s slot %d, asked for account %d", p.Tree, p.Slot, slot)
	}
	if err := state.VerifyProof(a.Header.StateRoot, a.Record, p); err != nil {
		t.Fatalf("account %d: %v", slot, err)
	}
	return state.DecodeRecord(a.Record), a.Header
}

// proven fetches a transaction by its place and compares and proves it.
func proven(t testing.TB, c *client.Client, p place, want tx.View) {
	t.Helper()
	pr, err := c.Proof(t.Context(), p.height, p.index)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkProof(pr, p, want); err != nil {
		t.Fatal(err)
	}
}

func checkProof(pr client.Proof, p place, want tx.View) error {
	if !bytes.Equal(pr.Tx, want) || pr.Header.Height != p.height {
		return fmt.Errorf("at %v stands another transaction than was committed there", p)
	}
	return merkle.VerifyInclusion(merkle.RFC6962, pr.Header.TxRoot, pr.Tx, uint64(p.index), uint64(pr.Header.Count), pr.Path)
}

// checkWhole wants a data directory to verify up to its head.
func checkWhole(t testing.TB, dir string, height uint64) {
	t.Helper()
	c, err := core.Check(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Bad != nil || c.Height != height {
		t.Fatalf("Check stops at height %d of %d: %v (bad height %d)", c.Height, height, c.Bad, c.BadHeight)
	}
}
