package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

const (
	feedBatch = 256 // transactions that are submitted together
	// feedUnderWay is how many transactions are in the node: enough that every
	// stage finds work even when blocks are large. Latency is not measured here.
	feedUnderWay = 1 << 16
)

// feeder keeps a number of transactions under way in a node.
type feeder struct {
	node *core.Node
	src  source
	free chan *core.Batch

	sum   int64     // transactions told as committed
	marks chan mark // the newest

	refused atomic.Int64
	reason  atomic.Uint32 // the last refusal's status
}

func newFeeder(node *core.Node, src source) *feeder {
	f := &feeder{node: node, src: src, free: make(chan *core.Batch, feedUnderWay/feedBatch), marks: make(chan mark, 1)}
	node.OnBlock(f.told)
	done := func(b *core.Batch) { f.free <- b }
	for range cap(f.free) {
		f.free <- &core.Batch{Sink: f, Done: done}
	}
	return f
}

// Acked implements core.Sink: every transaction must be taken.
func (f *feeder) Acked(_ uint64, status []tx.Status) {
	for _, s := range status {
		if s != tx.StatusOK {
			f.refused.Add(1)
			f.reason.Store(uint32(s))
		}
	}
}

// Committed implements core.Sink. The node's own counters serve.
func (*feeder) Committed(_, _ uint64, _ []wire.Range) {}

// Rejected implements core.Sink.
func (f *feeder) Rejected(rs []wire.Rejection) {
	f.refused.Add(int64(len(rs)))
	f.reason.Store(uint32(rs[0].Status))
}

// run submits until stop is closed or there is nothing left.
func (f *feeder) run(stop <-chan struct{}) error {
	for {
		var b *core.Batch
		select {
		case <-stop:
			return nil
		case <-f.node.Done():
			return f.node.Err()
		case b = <-f.free:
		}
		begin := time.Now()
		raw := f.src.next(feedBatch)
		b.Txs = b.Txs[:0]
		for len(raw) > 0 {
			t, rest, err := tx.Parse(raw)
			if err != nil {
				f.free <- b
				return fmt.Errorf("%w: a transaction of the feed: %w", ErrNodeBench, err)
			}
			b.Txs, raw = append(b.Txs, t), rest
		}
		if len(b.Txs) == 0 {
			f.free <- b
			return nil
		}
		b.ParseNS = int64(time.Since(begin))
		f.node.Submit(b)
	}
}

// drain waits until the node has let go of every batch.
func (f *feeder) drain() error {
	var back []*core.Batch
	for range cap(f.free) {
		select {
		case b := <-f.free:
			back = append(back, b)
		case <-f.node.Done():
			return f.node.Err()
		}
	}
	for _, b := range back {
		f.free <- b
	}
	return nil
}

// window measures for d in the steady state and returns committed transactions
// per second. What the node used meanwhile is added to total.
//
// It fills the pipeline first, until as much has been committed as is under way
// at once, and counts between two instants at which blocks had just become
// durable, while the feed goes on: how long an empty pipeline takes to fill and
// to drain is no part of a rate. Everything fed is committed before it returns,
// so that the bare verification that follows has the machine for itself.
func (f *feeder) window(ctx context.Context, d time.Duration, total *usageDelta) (float64, error) {
	stop, done := make(chan struct{}), make(chan error, 1)
	filled := f.node.Committed() + f.underWay()
	go func() { done <- f.run(stop) }()
	a, err := f.mark(ctx, done, func(m mark) bool { return m.committed >= filled })
	before := f.usage()
	b := a
	if err == nil {
		b, err = f.mark(ctx, done, func(m mark) bool { return m.at.Sub(a.at) >= d })
	}
	after := f.usage()
	close(stop)
	if err := errors.Join(err, <-done); err != nil {
		return 0, err
	}
	if err := f.drain(); err != nil {
		return 0, err
	}
	if n := f.refused.Load(); n > 0 {
		return 0, fmt.Errorf("%w: the node refused %d transactions, the last as %s", ErrNodeBench, n, tx.Status(f.reason.Load()))
	}
	total.add(before, after)
	return float64(b.committed-a.committed) / b.at.Sub(a.at).Seconds(), nil
}

// mark is an instant at which everything that was durable had been told.
type mark struct {
	at        time.Time
	committed int64
}

// told is the node's OnBlock: blocks that one sync made durable are told one
// after the other, and the last of them is a mark.
func (f *feeder) told(h *tx.Header) {
	f.sum += int64(h.Count)
	if f.sum != f.node.Committed() {
		return
	}
	select {
	case <-f.marks: // an old one that nobody wanted
	default:
	}
	f.marks <- mark{time.Now(), f.sum}
}

// mark waits for the first mark that is good. It fails when the feed ends
// before.
func (f *feeder) mark(ctx context.Context, done chan error, good func(mark) bool) (mark, error) {
	for {
		select {
		case m := <-f.marks:
			if good(m) {
				return m, nil
			}
		case err := <-done:
			done <- nil // it is read once more
			if err == nil {
				err = fmt.Errorf("%w: the feed ran out of transactions; the machine is too uneven, give longer windows", ErrNodeBench)
			}
			return mark{}, err
		case <-ctx.Done():
			return mark{}, ctx.Err()
		}
	}
}

// underWay is how many transactions the feed keeps in the node.
func (f *feeder) underWay() int64 { return int64(cap(f.free)) * feedBatch }

// usageReading is the node's counters with the process's allocations.
type usageReading struct {
	core.Stats
	allocs int64
}

func (f *feeder) usage() usageReading {
	m := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(m)
	return usageReading{f.node.Stats(), int64(m[0].Value.Uint64())}
}

// usageDelta sums what the windows of a mode used.
type usageDelta struct {
	txs, blocks, wallNS, cpuNS, gcCPUNS, rootNS, allocs int64

	stages []core.StageStats
}

func (u *usageDelta) add(a, b usageReading) {
	u.txs += b.Committed - a.Committed
	u.blocks += int64(b.Height - a.Height)
	u.wallNS += b.TimeNS - a.TimeNS
	u.cpuNS += b.CPUUserNS + b.CPUSysNS - a.CPUUserNS - a.CPUSysNS
	u.gcCPUNS += b.GCCPUNS - a.GCCPUNS
	u.rootNS += b.StateRootNS - a.StateRootNS
	u.allocs += b.allocs - a.allocs
	if u.stages == nil {
		u.stages = slices.Clone(b.Stages)
		for i := range u.stages {
			u.stages[i].BusyNS, u.stages[i].BlockedNS = 0, 0
		}
	}
	for i := range u.stages {
		s := &u.stages[i]
		s.BusyNS += b.Stages[i].BusyNS - a.Stages[i].BusyNS
		s.BlockedNS += b.Stages[i].BlockedNS - a.Stages[i].BlockedNS
		s.QueueMax = max(s.QueueMax, b.Stages[i].QueueMax)
	}
}

func (u *usageDelta) perTx(n int64) float64 { return float64(n) / float64(max(1, u.txs)) }
