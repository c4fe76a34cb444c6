package core_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

// A batch that several workers share, and those behind it, keep their order: a
// sender that counts its numbers up far beyond the window loses none.
func TestOneSenderInLargeBatches(t *testing.T) {
	const batches, each = 3, 3000
	gen := genesis.Dev(2)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen, Workers: 4})
	w, r := newWallet(gen), newRecorder()
	var done []<-chan struct{}
	for i := range uint64(batches) {
		txs := make([]tx.View, each)
		for k := range txs {
			txs[k] = w.transfer(0, 1, 1)
		}
		done = append(done, feed(n, r, i*each, txs))
	}
	for _, d := range done {
		letGo(t, d)
	}
	r.settled(t, 0, batches*each)
	if got := len(r.committed()); got != batches*each {
		t.Errorf("%d of %d were committed", got, batches*each)
	}
}

// A client that sends more forgeries than can be checked is told that the node
// is busy, and the others are not.
func TestForgerIsHeldBack(t *testing.T) {
	const each = 256
	gen := genesis.Dev(each)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen, MempoolBytes: 4 << 20})
	w, good := newWallet(gen), newRecorder()
	forged := make([]tx.View, each)
	for i := range forged {
		// A number that stays good while the victims count up.
		forged[i] = w.sign(tx.Fields{From: uint32(i), To: 1, Amount: 1, Nonce: 1 << 19})
		forged[i].Signature()[3] ^= 1
	}
	// The forger's batches are on their way until it hears that it is too much.
	forger := &forgerSink{}
	forgerDone := make(chan struct{}, 1<<16)
	sent := 0
	submit := func() {
		n.Submit(&core.Batch{Base: uint64(sent * each), Txs: forged, Sink: forger, ClientID: 666,
			Done: func(*core.Batch) { forgerDone <- struct{}{} }})
		sent++
	}
	for limit := time.Now().Add(deadline); forger.count(tx.StatusBusy) == 0; {
		if time.Now().After(limit) {
			t.Fatalf("%d forgeries and the node is not busy", sent*each)
		}
		submit()
	}
	const rounds = 20
	for i := range uint64(rounds) {
		for range 5 {
			submit()
		}
		fed(t, n, good, i*each, w.round(each, 1))
	}
	good.settled(t, 0, rounds*each)
	if got := len(good.committed()); got != rounds*each {
		t.Errorf("beside a forger %d of %d were committed", got, rounds*each)
	}
	for range sent {
		select {
		case <-forgerDone:
		case <-time.After(deadline):
			t.Fatal("the node keeps a forger's batch")
		}
	}
	bad, busy := forger.count(tx.StatusBadSignature), forger.count(tx.StatusBusy)
	if bad == 0 || bad+busy != sent*each {
		t.Errorf("of %d forgeries %d are bad and %d busy", sent*each, bad, busy)
	}
	if d := n.RetryAfter(); d < time.Millisecond || d > time.Second {
		t.Errorf("a retry hint of %s", d)
	}
}

// forgerSink counts answers by status.
type forgerSink struct {
	countingSink
	counts [tx.NumStatus]atomic.Int64
}

func (s *forgerSink) Acked(_ uint64, status []tx.Status) {
	for _, st := range status {
		s.counts[st].Add(1)
	}
}

func (s *forgerSink) count(st tx.Status) int { return int(s.counts[st].Load()) }
