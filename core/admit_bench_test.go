package core

import (
	"math"
	"testing"
	"time"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/mempool"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
	"github.com/chainweir/weir/core/wire"
)

type deafSink struct{}

func (deafSink) Acked(uint64, []tx.Status)              {}
func (deafSink) Committed(uint64, uint64, []wire.Range) {}
func (deafSink) Rejected([]wire.Rejection)              {}

// BenchmarkAdmit is one signature worker with all that it does for 1 024
// transactions of four clients (queue, mempool, verification, leaf hashes,
// acknowledgement), in turns with the bare verification of the same signatures.
// The ratio of the two rates is what the stage leaves of the bare one.
func BenchmarkAdmit(b *testing.B) {
	const clients, each = 4, verify.MaxBatch / 4
	gen := genesis.Dev(verify.MaxBatch)
	signing := gen.Derived.PrivateKeys(verify.MaxBatch)
	cfg := Config{Workers: 1, MempoolBytes: 64 << 20}
	n := &Node{
		cfg: cfg, chain: gen.ChainID(), keys: verify.NewKeys(verify.MaxBatch), pool: mempool.New(cfg.MempoolBytes),
		verifyQ: newVerifyQueue(&cfg), readyCh: make(chan *Batch, clients),
	}
	n.ctx = b.Context()
	batches := make([]*Batch, clients)
	var all []tx.View
	for i, a := range gen.AllAccounts() {
		n.keys.Append(a.PublicKey)
		n.pool.AddAccount(tx.Window{}, tx.Membership{})
		f := tx.Fields{Kind: tx.KindTransfer, From: uint32(i), To: 1, Amount: 1, Nonce: 1, Expiry: math.MaxUint64}
		v := tx.View(f.AppendUnsigned(nil))
		v.Sign(&n.chain, signing[i])
		all = append(all, v)
	}
	for i := range batches {
		batches[i] = &Batch{Txs: all[i*each : (i+1)*each], Sink: deafSink{}, ClientID: uint64(i)}
	}
	a := &admission{node: n, verify: verify.NewBatch(n.chain, n.keys), clock: n.stVerify.clock()}
	bareVerifier := verify.NewBatch(n.chain, n.keys)
	w := n.verifyQ.Worker()
	failed := make([]tx.Status, each) // in execution: the numbers are free again
	for i := range failed {
		failed[i] = tx.StatusInsufficient
	}
	status := make([]tx.Status, len(all))
	var stage, bare time.Duration
	b.ReportAllocs()
	for b.Loop() {
		t0 := time.Now()
		for _, batch := range batches {
			batch.prepare()
			if _, ok := n.verifyQ.Push(batch.ClientID, batch, each); !ok {
				b.Fatal("the queue is full")
			}
		}
		parts, _ := w.Take()
		a.check(parts)
		w.Done(a.admit)
		t1 := time.Now()
		for range clients {
			done := <-n.readyCh
			if done.accepted() != each {
				b.Fatalf("%v", done.status)
			}
			n.pool.Settle(done.Txs, failed)
		}
		t2 := time.Now()
		bareVerifier.Verify(all, status)
		stage, bare = stage+t1.Sub(t0), bare+time.Since(t2)
	}
	per := float64(b.N) * float64(len(all))
	b.ReportMetric(float64(stage.Nanoseconds())/per, "stage-ns/tx")
	b.ReportMetric(float64(bare.Nanoseconds())/per, "bare-ns/tx")
	b.ReportMetric(bare.Seconds()/stage.Seconds(), "ratio")
}
