package bench

import (
	"context"
	"fmt"
	"runtime/metrics"
	"slices"
	"sync"
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
	// warmUp fills the pipeline before a window begins.
	warmUp = 400 * time.Millisecond
)

// feeder keeps a number of transactions under way in a node.
type feeder struct {
	node *core.Node
	src  source
	free chan *core.Batch

	mu      sync.Mutex
	txs     int64         // committed
	at      time.Time     // of the last commit
	news    chan struct{} // a block was committed since it was last read
	ran     atomic.Bool   // out of transactions
	refused atomic.Int64
	reason  atomic.Uint32 // the last refusal's status
}

func newFeeder(node *core.Node, src source) *feeder {
	f := &feeder{node: node, src: src, free: make(chan *core.Batch, feedUnderWay/feedBatch), news: make(chan struct{}, 1)}
	done := func(b *core.Batch) { f.free <- b }
	for range cap(f.free) {
		f.free <- &core.Batch{Sink: f, Done: done}
	}
	node.OnBlock(func(h *tx.Header) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.txs, f.at = f.txs+int64(h.Count), time.Now()
		select {
		case f.news <- struct{}{}:
		default:
		}
	})
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

// Committed implements core.Sink. The blocks are counted, see OnBlock.
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

// window feeds the node and returns the rate of commits between two commits that
// are about d apart; what the node used meanwhile is added to total.
func (f *feeder) window(ctx context.Context, d time.Duration, total *usageDelta) (float64, error) {
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- f.run(stop) }()
	begin := f.reading()
	f.pause(ctx, done, warmUp)
	a := f.after(ctx, done, begin)
	ua := f.usage()
	f.pause(ctx, done, d)
	b := f.after(ctx, done, a)
	ub := f.usage()
	close(stop)
	if err := <-done; err != nil {
		return 0, err
	}
	if err := f.drain(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if n := f.refused.Load(); n > 0 {
		return 0, fmt.Errorf("%w: the node refused %d transactions, the last as %s", ErrNodeBench, n, tx.Status(f.reason.Load()))
	}
	if f.ran.Load() {
		return 0, fmt.Errorf("%w: the feed ran out of transactions within %v; the machine is too uneven, give longer windows", ErrNodeBench, warmUp+d)
	}
	if b.txs == a.txs {
		return 0, fmt.Errorf("%w: no commit in %v and %v more", ErrNodeBench, d, commitTimeout)
	}
	total.add(ua, ub)
	return float64(b.txs-a.txs) / b.at.Sub(a.at).Seconds(), nil
}

// commitTimeout is how long a window waits for a commit when it has seen none.
const commitTimeout = 30 * time.Second

// after returns the last commit, which is a later one than before unless the
// feed, the context or the patience ends.
func (f *feeder) after(ctx context.Context, done chan error, before commitReading) commitReading {
	t := time.NewTimer(commitTimeout)
	defer t.Stop()
	for {
		if now := f.reading(); now.txs > before.txs {
			return now
		}
		select {
		case <-f.news:
		case err := <-done:
			done <- err
			return f.reading()
		case <-ctx.Done():
			return f.reading()
		case <-t.C:
			return f.reading()
		}
	}
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

type commitReading struct {
	txs int64
	at  time.Time
}

func (f *feeder) reading() commitReading {
	f.mu.Lock()
	defer f.mu.Unlock()
	return commitReading{f.txs, f.at}
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
			u.stages[i].BusyNS, u.stages[i].WaitNS, u.stages[i].BlockedNS = 0, 0, 0
		}
	}
	for i := range u.stages {
		s := &u.stages[i]
		s.BusyNS += b.Stages[i].BusyNS - a.Stages[i].BusyNS
		s.WaitNS += b.Stages[i].WaitNS - a.Stages[i].WaitNS
		s.BlockedNS += b.Stages[i].BlockedNS - a.Stages[i].BlockedNS
		s.QueueMax = max(s.QueueMax, b.Stages[i].QueueMax)
	}
}

func (u *usageDelta) perTx(n int64) float64 { return float64(n) / float64(max(1, u.txs)) }
