package core_test

import (
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// BenchmarkPipeline feeds signed transfers, signed beforehand, to a node in
// this process on a real disk: everything but the sockets. One operation is one
// committed transaction.
func BenchmarkPipeline(b *testing.B) {
	const accounts, perBatch, underWay = 4096, 256, 64
	gen := genesis.Dev(accounts)
	w := newWallet(gen)
	var batches [][]tx.View
	for left, from := b.N, uint32(0); left > 0; left -= perBatch {
		txs := make([]tx.View, min(left, perBatch))
		for i := range txs {
			txs[i] = w.transfer(from, (from+1)%accounts, 1)
			from = (from + 1) % accounts
		}
		batches = append(batches, txs)
	}
	n := open(b, core.Config{Dir: b.TempDir(), Genesis: gen, BlockInterval: 10 * time.Millisecond})
	slots := make(chan struct{}, underWay)
	var sink countingSink
	b.SetBytes(tx.Size)
	b.ResetTimer()
	for i, txs := range batches {
		slots <- struct{}{}
		n.Submit(&core.Batch{Base: uint64(i * perBatch), Txs: txs, Sink: &sink, Done: func(*core.Batch) { <-slots }})
	}
	for range underWay {
		slots <- struct{}{}
	}
	b.StopTimer()
	if sink.committed != b.N {
		b.Fatalf("%d of %d transactions were committed", sink.committed, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
}

// countingSink counts commits; the node tells them from one goroutine.
type countingSink struct{ committed int }

func (*countingSink) Acked(uint64, []tx.Status) {}

func (s *countingSink) Committed(_, _ uint64, ranges []wire.Range) {
	for _, r := range ranges {
		s.committed += int(r.Count)
	}
}

func (*countingSink) Rejected([]wire.Rejection) {}
