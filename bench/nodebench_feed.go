package bench

import (
	"context"
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

	ran     atomic.Bool // out of transactions
	refused atomic.Int64
	reason  atomic.Uint32 // the last refusal's status
}

func newFeeder(node *core.Node, src source) *feeder {
	f := &feeder{node: node, src: src, free: make(chan *core.Batch, feedUnderWay/feedBatch)}
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
			f.ran.Store(true)
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

// window feeds the node for d, waits until all of it is committed, and returns
// transactions per second from the first submission to the last commit. What the
// node used meanwhile is added to total.
//
// The pipeline is empty at both ends. That costs it the time of one block at
// each, and counts every transaction: blocks reach the disk in groups, and a
// window cut between two commits would be wrong by what is under way.
func (f *feeder) window(ctx context.Context, d time.Duration, total *usageDelta) (float64, error) {
	stop, done := make(chan struct{}), make(chan error, 1)
	before := f.usage()
	begin := time.Now()
	go func() { done <- f.run(stop) }()
	f.pause(ctx, done, d)
	fed := time.Since(begin)
	close(stop)
	if err := <-done; err != nil {
		return 0, err
	}
	if err := f.drain(); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	after := f.usage()
	txs := after.Committed - before.Committed
	switch n := f.refused.Load(); {
	case n > 0:
		return 0, fmt.Errorf("%w: the node refused %d transactions, the last as %s", ErrNodeBench, n, tx.Status(f.reason.Load()))
	case txs == 0:
		return 0, fmt.Errorf("%w: nothing was committed in %v", ErrNodeBench, took)
	case f.ran.Load() && fed < d/2:
		return 0, fmt.Errorf("%w: the feed ran out of transactions after %v; the machine is too uneven, give longer windows", ErrNodeBench, fed)
	}
	f.ran.Store(false)
	total.add(before, after)
	return float64(txs) / took.Seconds(), nil
}

// pause waits for d, or less when the feed or the context ends.
func (f *feeder) pause(ctx context.Context, done chan error, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case err := <-done:
		done <- err
	case <-ctx.Done():
	}
}

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
