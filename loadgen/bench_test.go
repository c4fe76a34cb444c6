package loadgen

import (
	"context"
	"testing"
	"time"
)

// BenchmarkSend offers far more than can be sent to a node that takes
// everything at once, and reports what was sent per second of the schedule.
// The node runs in this process and on the same cores, so the figure is a
// lower limit of what the generator can do.
func BenchmarkSend(b *testing.B) {
	c, err := NewCorpus(CorpusConfig{Chain: testChain, Keys: testKeys(2)})
	if err != nil {
		b.Fatal(err)
	}
	const rate, d = 2_500_000, 250 * time.Millisecond
	// Signatures cost more than sending; the fake node does not look at them.
	for c.Len() < MaxTxs(rate, d) {
		c.chunks = append(c.chunks, make([]byte, chunkTxs*200))
		c.n += chunkTxs
	}
	n := startFake(b, behaviours["commit"])
	var sent, committed, cpu int64
	for b.Loop() {
		o, err := Run(context.Background(), Config{
			Addr: n.addr(), Schedule: Constant, RateTxPerSec: rate, Duration: d, Corpus: c,
		})
		if err != nil || !o.Trial.Valid {
			b.Fatal(err, o.Trial.InvalidReason)
		}
		sent += o.Trial.Counts.Sent
		committed += o.Trial.Counts.Committed
		if o.Trial.Generator.CPUNS != nil {
			cpu += *o.Trial.Generator.CPUNS
		}
	}
	if committed != sent {
		b.Fatalf("%d of %d committed", committed, sent)
	}
	b.ReportMetric(float64(sent)/(d+SendGrace).Seconds()/float64(b.N), "tx/s")
	b.ReportMetric(float64(cpu)/float64(sent), "cpu-ns/tx")
}
