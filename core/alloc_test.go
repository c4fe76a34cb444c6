package core_test

import (
	"encoding/binary"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

// carousel keeps a few batches going round a node, with the next nonces each
// time, so that whatever grows has grown after the first rounds.
type carousel struct {
	node    *core.Node
	batches []*core.Batch
	sink    countingSink
	round   uint64
	back    sync.WaitGroup
}

func newCarousel(n *core.Node, accounts, perBatch int) *carousel {
	c := &carousel{node: n}
	for from := 0; from < accounts; from += perBatch {
		b := &core.Batch{Sink: &c.sink, Done: func(*core.Batch) { c.back.Done() }}
		for i := range perBatch {
			f := tx.Fields{Kind: tx.KindTransfer, From: uint32(from + i), To: uint32((from + i + 1) % accounts), Amount: 1, Expiry: never}
			b.Txs = append(b.Txs, f.AppendUnsigned(nil))
		}
		c.batches = append(c.batches, b)
	}
	return c
}

// turn submits every batch once and waits until all are back.
func (c *carousel) turn() {
	const offNonce = 24
	c.round++
	c.back.Add(len(c.batches))
	for _, b := range c.batches {
		for _, t := range b.Txs {
			binary.LittleEndian.PutUint64(t[offNonce:], c.round)
		}
		c.node.Submit(b)
	}
	c.back.Wait()
}

func objectsAllocated() uint64 {
	m := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(m)
	return m[0].Value.Uint64()
}

// A transaction allocates nothing on its way: what is left, timers and the like,
// is per block.
func TestAllocationsPerTransaction(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes sync.Pool forget: the test runs without it")
	}
	const accounts, perBatch, turns = 10_240, 256, 10
	gen := genesis.Dev(accounts)
	gen.Name = core.UnsignedChain
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen, Unsigned: true})
	c := newCarousel(n, accounts, perBatch)
	for range turns {
		c.turn()
	}
	before := objectsAllocated()
	for range turns {
		c.turn()
	}
	objects := objectsAllocated() - before
	const txs = accounts * turns
	if got := c.sink.committed; got != 2*txs {
		t.Fatalf("%d of %d transactions were committed", got, 2*txs)
	}
	per := float64(objects) / txs
	t.Logf("%d objects for %d transactions: %.5f each", objects, txs, per)
	if per >= 0.02 {
		t.Errorf("%.4f allocations per transaction, want less than 0.02", per)
	}
	runtime.KeepAlive(c)
}
