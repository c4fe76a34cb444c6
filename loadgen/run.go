package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// run is one schedule on its way.
type run struct {
	cfg     Config
	began   time.Time // the first intended send; fixed before started is set
	times   []int64   // intended times, ns since began
	cores   []int     // that the process may use; a driver stays on one
	firstNS int64     // the schedule's own time of the first one
	sent    []atomic.Int64
	state   []uint8 // each entry belongs to the recorder of the sending connection

	wallBegan, wallEnded time.Time // by the wall clock

	started atomic.Bool
	live    live
	meter   *blockMeter
	pacer   *pacer
	sampler *sampler
	links   []*link
	tallies []*tally // shared by the links
	procs   int      // that the generator may use, at the start

	mayMiss  bool  // the source is a Preparer
	totalNS  int64 // the longest that the run may last
	maxTxs   int   // in one frame
	maxBytes int   // of one frame's transactions; 0: no limit
	failOnce sync.Once
	failure  error
	failedNS int64 // when
	cancel   context.CancelFunc
}

// link is one connection with both its ends.
type link struct {
	conn   Conn
	sender *sender
	rec    *recorder
}

// Run offers one schedule to a node and returns what became of it. An error
// means that no load was offered. Whatever goes wrong later is in the outcome,
// which then is not valid but accounts for every transaction all the same; that
// includes the end of ctx.
func Run(ctx context.Context, cfg Config) (Outcome, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Outcome{}, err
	}
	if err := allowFiles(cfg.Conns); err != nil {
		return Outcome{}, err
	}
	r, err := newRun(cfg)
	if err != nil {
		return Outcome{}, err
	}
	if p, ok := cfg.Corpus.(Preparer); ok {
		r.mayMiss = true
		if err := p.Prepare(ctx, cfg.FirstTx); err != nil {
			return Outcome{}, err
		}
	}
	return r.run(ctx)
}

// run offers the schedule that newRun has prepared.
func (r *run) run(ctx context.Context) (Outcome, error) {
	runCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.cancel = cancel
	if err := r.dial(ctx); err != nil {
		return Outcome{}, errors.Join(err, r.close())
	}
	out := r.offer(runCtx)
	closeErr := r.close()
	out.Interrupted = ctx.Err() != nil
	r.settle(&out)
	if closeErr != nil {
		out.Warnings = append(out.Warnings, "closing a connection: "+closeErr.Error())
	}
	return out, nil
}

func newRun(cfg Config) (*run, error) {
	times, err := cfg.plan.Times(cfg.Seed)
	if err != nil {
		return nil, err
	}
	if len(times) == 0 {
		return nil, fmt.Errorf("%w: %v tx/s for %s with seed %d has no transaction; take longer", ErrSchedule, cfg.RateTxPerSec, cfg.Duration, cfg.Seed)
	}
	if have := cfg.Corpus.Len() - cfg.FirstTx; have < len(times) {
		return nil, fmt.Errorf("%w: the schedule needs %d from %d on, %d are there; extend it first (MaxTxs says how far)",
			ErrCorpusSmall, len(times), cfg.FirstTx, max(have, 0))
	}
	// The clock starts with the first intended send.
	firstNS := times[0]
	for i := range times {
		times[i] -= firstNS
	}
	r := &run{
		cfg: cfg, times: times, firstNS: firstNS, procs: runtime.GOMAXPROCS(0),
		sent: make([]atomic.Int64, len(times)), state: make([]uint8, len(times)),
		totalNS: int64(cfg.Duration + SendGrace + cfg.DrainTimeout + 10*time.Second),
	}
	// The kernel gives memory when it is first written; not in the middle of it.
	for i := 0; i < len(times); i += 512 {
		r.sent[i].Store(0)
		r.state[i] = 0
	}
	r.meter = &blockMeter{now: r.clock, conns: cfg.Conns}
	r.pacer = &pacer{
		tokens: make(chan int, maxDrivers), now: r.clock, times: times, meter: r.meter,
		windowNS: int64(cfg.BatchWindow), endNS: int64(cfg.Duration + SendGrace), limit: r.frameLimit, fine: sleepFine,
	}
	r.cores = usableCores()
	r.pacer.drivers = min(maxDrivers, len(r.cores), cfg.Conns)
	for i := range r.pacer.drivers {
		r.pacer.tokens <- i
	}
	r.sampler = newSampler(r)
	return r, nil
}

// clock is the time since the first intended send in ns, 0 before it.
func (r *run) clock() int64 {
	if !r.started.Load() {
		return 0
	}
	return time.Since(r.began).Nanoseconds()
}

// frameLimit is how many of n transactions fit into one frame: what the node
// takes, and what lies in one piece of the corpus.
func (r *run) frameLimit(first, n int) int {
	_, n = r.cfg.Corpus.Piece(r.cfg.FirstTx+first, min(n, r.maxTxs), r.maxBytes)
	return max(n, 1)
}

// fail ends the run early. The first reason counts.
func (r *run) fail(err error) {
	r.failOnce.Do(func() {
		r.failure, r.failedNS = err, r.clock()
		r.cancel()
	})
}

// dial opens all connections and learns the target's limits.
func (r *run) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	r.maxTxs = MaxFrameTxs
	for range min(r.cfg.Conns, maxTallies) {
		r.tallies = append(r.tallies, r.tally())
	}
	for i := range r.cfg.Conns {
		shared := r.tallies[i%len(r.tallies)]
		rec := &recorder{r: r, conn: int64(i + 1), tally: shared}
		snd := &sender{r: r, conn: int64(i + 1), tally: shared, frameTxs: hdrhistogram.New(1, MaxFrameTxs, hdrDigits)}
		c, err := r.cfg.Target.Open(ctx, Session{
			Conn: i, Events: rec, WriteTimeout: time.Duration(r.totalNS),
			Wrap: func(nc net.Conn) net.Conn { return newMeteredConn(nc, r.meter, func() { r.pacer.yield(snd) }) },
		})
		if err != nil {
			return openError(i, r.cfg.Conns, err)
		}
		snd.to = c
		r.links = append(r.links, &link{conn: c, rec: rec, sender: snd})
		r.pacer.writers = append(r.pacer.writers, snd)
		l := c.Limits()
		if l.Txs > 0 {
			r.maxTxs = min(r.maxTxs, l.Txs)
		}
		if l.Bytes > 0 && (r.maxBytes == 0 || l.Bytes < r.maxBytes) {
			r.maxBytes = l.Bytes
		}
	}
	return nil
}

// openError names the connection that could not be opened. When the first ones
// could, the target has enough of them.
func openError(i, conns int, err error) error {
	if i == 0 {
		return err
	}
	return fmt.Errorf("%w (connection %d of %d; those before it were opened: the target may allow no more to one client, use fewer --conns)", err, i+1, conns)
}

// tally is a new tally for this run.
func (r *run) tally() *tally {
	return newTally(int64(r.cfg.Window), r.totalNS, r.cfg.Target.Reason)
}

// offer runs the schedule and waits for the outcomes.
func (r *run) offer(ctx context.Context) Outcome {
	defer spareProcs()()
	runtime.GC() // now rather than in the middle
	out := Outcome{StartedAt: time.Now()}
	if r.cfg.OnStart != nil {
		r.cfg.OnStart()
	}
	in0, out0 := r.bytes()
	var gc0, gc1 debug.GCStats
	debug.ReadGCStats(&gc0)
	cpu0, known := cpuNS()
	sched0 := schedLatency()
	r.began, r.wallBegan = time.Now(), r.cfg.wall()
	r.started.Store(true)

	var senders sync.WaitGroup
	for range r.links {
		senders.Go(func() { r.sendLoop(ctx) })
	}
	sent := make(chan struct{})
	go func() { senders.Wait(); close(sent) }()
	r.sampler.start()

	r.waitSent(ctx, sent)
	out.heldBack = r.meter.heldBack()
	r.drain(ctx, sent)
	out.EndNS, r.wallEnded = r.clock(), r.cfg.wall()
	out.schedLagNS = schedP99(sched0, schedLatency())
	if cpu1, _ := cpuNS(); known {
		used := cpu1 - cpu0
		out.Trial.Generator.CPUNS = &used
	}
	debug.ReadGCStats(&gc1)
	pause, blocked := int64(gc1.PauseTotal-gc0.PauseTotal), r.meter.totalNS()
	out.allBlockedNS = r.meter.everyNS()
	out.Trial.Generator.GCPauseNS, out.Trial.Generator.WriteBlockedNS = &pause, &blocked
	in1, out1 := r.bytes()
	out.BytesIn, out.BytesOut = in1-in0, out1-out0
	if r.cfg.OnEnd != nil {
		r.cfg.OnEnd()
	}
	// From here on the ends of connections are ours and no failure.
	r.fail(nil)
	r.sampler.wait()
	for _, l := range r.links {
		_ = l.conn.Close() // ends a write that still waits; close reports errors
	}
	<-sent
	return out
}

// waitSent waits until everything is sent or the time for it is over.
func (r *run) waitSent(ctx context.Context, sent <-chan struct{}) {
	t := time.NewTimer(time.Duration(int64(r.cfg.Duration+SendGrace) - r.clock()))
	defer t.Stop()
	select {
	case <-sent:
	case <-t.C:
	case <-ctx.Done():
	}
}

// drain waits until every sent transaction has an outcome or the drain time is
// over. Looking every 2 ms is close enough: the times that count are taken
// where the events arrive.
func (r *run) drain(ctx context.Context, sent <-chan struct{}) {
	end := int64(r.cfg.Duration + SendGrace + r.cfg.DrainTimeout)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for r.clock() < end {
		select {
		case <-sent:
			if r.live.finished() >= r.live.sent.Load() {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// bytes sums the connections' payload bytes.
func (r *run) bytes() (in, out uint64) {
	for _, l := range r.links {
		i, o := l.conn.Bytes()
		in, out = in+i, out+o
	}
	return in, out
}

// progress is the state of the run for Config.Progress.
func (r *run) progress(elapsed time.Duration) Live {
	return Live{
		Elapsed: elapsed, Offered: int64(len(r.times)), Sent: r.live.sent.Load(), Accepted: r.live.accepted.Load(),
		Committed: r.live.committed.Load(), Failed: r.live.failed.Load(), Draining: elapsed > r.cfg.Duration,
	}
}

// close ends all connections and waits for their goroutines. It may be called
// twice.
func (r *run) close() error {
	r.fail(nil)
	var errs []error
	for _, l := range r.links {
		errs = append(errs, l.conn.Close())
	}
	return errors.Join(errs...)
}
