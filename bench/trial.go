package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/probe"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/workload"
	"github.com/chainweir/weir/results"
)

// trials runs schedules against the target and keeps what they saw. It is the
// knee search's Runner.
type trials struct {
	t        *target
	corpus   loadgen.Source
	setup    *workload.Setup // committed after every start of our own node; nil: none
	schedule loadgen.Schedule
	conns    int
	wire     probe.Source
	appBytes *appCounter
	sameHost bool
	agent    *remote // nil: none
	onLive   func(loadgen.Live)
	onSign   func(done, total int)

	goesOn   bool   // our own node is not started anew between trials either
	used     int    // transactions of the corpus that a remote chain has seen
	broke    string // what ended the last trial before its time; empty: nothing
	done     []results.Trial
	windows  map[int][]results.Window // by trial id
	hists    map[int][]results.Histogram
	warnings map[string]bool
	profiles map[int][]byte // of our own node, by trial id
}

// readings are the counters at one end of a trial's window.
type readings struct {
	wire  probe.Counters
	agent *agentReading
	host  int64
	stats core.Stats
	at    time.Time
	err   error
}

// Run implements knee.Runner.
func (r *trials) Run(ctx context.Context, spec knee.TrialSpec) (knee.Observation, error) {
	if r.t.own == nil || r.t.own.proc == nil {
		if err := r.t.start(ctx); err != nil {
			return knee.Observation{}, err
		}
	}
	if r.t.own != nil || len(r.done) == 0 {
		if err := commitSetup(ctx, r.t, r.setup); err != nil {
			return knee.Observation{}, errors.Join(err, r.t.stop())
		}
	}
	trial, out, err := r.measure(ctx, spec)
	stopErr := r.t.stop()
	if err != nil {
		return knee.Observation{}, errors.Join(err, stopErr)
	}
	if stopErr != nil {
		// A node that died says why; the broken connection is what followed.
		trial.InvalidReason = strings.TrimSuffix(stopErr.Error()+"; "+trial.InvalidReason, "; ")
	}
	obs := observation(&trial, out)
	r.t.lumps(&obs, trial.DurationSec)
	r.done = append(r.done, trial)
	return obs, nil
}

// first is the index of the corpus's first transaction for the next trial. Our
// own node starts from genesis every time, so every trial sends the same ones;
// a remote chain has used them up.
func (r *trials) first() int {
	if r.t.own != nil && !r.goesOn {
		return 0
	}
	return r.used
}

// measure runs one schedule and assembles the trial.
func (r *trials) measure(ctx context.Context, spec knee.TrialSpec) (results.Trial, *loadgen.Outcome, error) {
	first := r.first()
	need := first + loadgen.MaxTxs(spec.RateTxPerSec, spec.Duration)
	if err := r.corpus.Extend(ctx, need, r.onSign); err != nil {
		return results.Trial{}, nil, err
	}
	c, err := r.t.control(ctx)
	if err != nil {
		return results.Trial{}, nil, err
	}
	if c != nil {
		defer c.Close()
	}
	if err := r.settle(ctx, c); err != nil {
		return results.Trial{}, nil, err
	}
	var begin, end readings
	out, err := loadgen.Run(ctx, loadgen.Config{
		Target: r.t.load(), Conns: r.conns, Schedule: r.schedule,
		RateTxPerSec: spec.RateTxPerSec, Duration: spec.Duration, Seed: spec.Seed,
		Corpus: r.corpus, FirstTx: first, Progress: r.onLive,
		OnStart: func() { begin = r.read(ctx, c, true); r.startProfile(&spec) },
		OnEnd:   func() { end = r.read(context.WithoutCancel(ctx), c, false); r.endProfile(&spec) },
	})
	if err != nil {
		return results.Trial{}, nil, err
	}
	r.appBytes.add(out.BytesOut, out.BytesIn) // the client's output is the node's input
	if r.wire != nil && r.wire.Kind() == probe.KindApp {
		end.wire, err = r.wire.Snapshot()
		end.err = errors.Join(end.err, err)
	}
	r.used = first + int(out.Trial.Counts.Offered)
	r.broke = out.Failure
	out.SetID(spec.Index)
	t := out.Trial
	t.Phase = phaseOf(spec.Phase)
	if begin.err == nil && end.err == nil && !begin.at.IsZero() && !end.at.IsZero() {
		r.attach(&t, &begin, &end)
	} else {
		r.warn(fmt.Sprintf("trial %d has no usage counters: %v", t.ID, errors.Join(begin.err, end.err)))
	}
	if n := t.Counts.Rejected["nonce_used"] + t.Counts.Rejected["exec:nonce_used"]; n > 0 {
		r.warn(fmt.Sprintf("trial %d: %d transactions overtook each other by more than a replay window of 128 and were refused: use more accounts (%d or more)", t.ID, n, fewAccounts))
	}
	for _, w := range out.Warnings {
		r.warn(w)
	}
	r.windows[t.ID], r.hists[t.ID] = out.Windows, out.Histograms
	return t, &out, nil
}

// settleTimeout bounds the wait for what an earlier trial left in the queue.
const settleTimeout = 30 * time.Second

// settle waits until nothing waits in a remote node's queue: unlike ours, it
// carries the backlog of one trial into the next.
func (r *trials) settle(ctx context.Context, c *client.Client) error {
	if r.t.own != nil {
		return nil
	}
	if r.t.peer != nil {
		return r.t.peer.settle(ctx, r.used)
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := r.t.stats(ctx, c)
		if err != nil {
			return err
		}
		if s.MempoolBytes == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d bytes of transactions still wait in the node after %v; is somebody else sending?", s.MempoolBytes, settleTimeout)
		}
	}
}

// read takes every counter. The node is asked first at the start and last at
// the end, so that the question is not in the wire's window.
func (r *trials) read(ctx context.Context, c *client.Client, start bool) readings {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var x readings
	ask := func() {
		s, err := r.t.stats(ctx, c)
		x.stats, x.err = s, errors.Join(x.err, err)
	}
	if start {
		ask()
	}
	x.agent = r.readAgent(ctx)
	if r.wire != nil {
		w, err := r.wire.Snapshot()
		x.wire, x.err = w, errors.Join(x.err, err)
	}
	if busy, err := env.HostBusyNS(); err == nil {
		x.host = busy
	}
	x.at = time.Now()
	if !start {
		ask()
	}
	return x
}

// attach puts the differences between the readings into the trial.
func (r *trials) attach(t *results.Trial, a, b *readings) {
	sec := b.at.Sub(a.at).Seconds()
	t.WindowSec = &sec
	if r.wire != nil {
		w := b.wire.Sub(a.wire).Record(r.wire.Kind())
		t.Wire = &w
	}
	if r.sameHost && b.host > 0 {
		d := b.host - a.host
		t.HostCPUBusyNS = &d
	}
	p, q := &a.stats, &b.stats
	if r.t.peer != nil {
		t.Node = r.t.peer.usage(p, q)
		return
	}
	n := &results.NodeUsage{
		DiskBusyNS: diff(p.DiskBusyNS, q.DiskBusyNS), Fsyncs: diff(p.DiskSyncs, q.DiskSyncs),
		Blocks: diff(int64(p.Height), int64(q.Height)), Bytes: diff(p.DiskBytes, q.DiskBytes),
	}
	if q.CPUUserNS+q.CPUSysNS > 0 {
		n.CPUUserNS, n.CPUSysNS = diff(p.CPUUserNS, q.CPUUserNS), diff(p.CPUSysNS, q.CPUSysNS)
	}
	for i, st := range q.Stages {
		s := results.Stage{Name: st.Name, Workers: st.Workers, BusyNS: st.BusyNS, WaitNS: st.WaitNS, Items: st.Items}
		if i < len(p.Stages) && p.Stages[i].Name == st.Name {
			s.BusyNS -= p.Stages[i].BusyNS
			s.WaitNS -= p.Stages[i].WaitNS
			s.Items -= p.Stages[i].Items
		}
		n.Stages = append(n.Stages, s)
	}
	t.Node = n
	r.attachAgent(t, a.agent, b.agent)
}

func diff(a, b int64) *int64 {
	d := b - a
	return &d
}

func (r *trials) warn(text string) { r.warnings[text] = true }

// phaseOf maps the search's phases onto those of records.
func phaseOf(p knee.Phase) results.Phase {
	switch p {
	case knee.Explore:
		return results.PhaseExplore
	case knee.Confirm:
		return results.PhaseConfirm
	case knee.LatencyOnly:
		return results.PhaseLatency
	}
	return results.PhaseBisect
}

// observation is what the search wants to know of a trial.
func observation(t *results.Trial, out *loadgen.Outcome) knee.Observation {
	c := &t.Counts
	o := knee.Observation{
		Offered: c.Offered, Sent: c.Sent, DroppedGenerator: t.DroppedBy.Generator,
		DroppedBackpressure: t.DroppedBy.Backpressure, Accepted: c.Accepted, Committed: c.Committed,
		Rejected: c.RejectedTotal(), Expired: c.Expired, Lost: c.Lost,
		Commit: latency(out.Commit), Accept: latency(out.Accept),
		Invalid: t.InvalidReason,
	}
	if unfit := t.Generator.Check.Unfit(); unfit != "" && unfit == t.InvalidReason {
		o.Invalid, o.Generator = "", unfit
	}
	// A node that is too slow may let transactions wait before it acknowledges
	// them as well as after: whichever queue grows faster is the backlog.
	for _, s := range []*stat.Slope{out.Backlog, out.InFlight} {
		if s != nil && (o.Backlog == nil || s.PerSec > o.Backlog.TxPerSec) {
			o.Backlog = &knee.Growth{TxPerSec: s.PerSec, StdErrTxPerSec: s.StdErr}
		}
	}
	return o
}

func latency(l *loadgen.LatencyNS) *knee.Latency {
	if l == nil {
		return nil
	}
	return &knee.Latency{P50NS: l.P50, P90NS: l.P90, P99NS: l.P99, P999NS: l.P999, MaxNS: l.Max}
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

// isLocal tells whether the address belongs to this machine (in this network
// namespace), so that node and generator share its processors.
func isLocal(ip net.IP) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// appCounter counts payload bytes as the generator's sockets saw them, for the
// wire source that needs nothing from the system.
type appCounter struct{ in, out atomic.Uint64 }

func (c *appCounter) add(in, out uint64)    { c.in.Add(in); c.out.Add(out) }
func (c *appCounter) get() (in, out uint64) { return c.in.Load(), c.out.Load() }
