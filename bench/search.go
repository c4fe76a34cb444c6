package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/probe"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/workload"
	"github.com/chainweir/weir/results"
)

// startRate is the first guess: 35 000 signatures a second for each core (a
// processor of 2022 checks twice as many), or 60 % of the link. The search needs
// only the order of magnitude.
func (r *run) startRate() float64 {
	if r.cfg.startTxPerSec > 0 {
		return r.cfg.startTxPerSec
	}
	rate := 35_000 * r.machine.hostCores
	if r.target.peer != nil {
		rate = peerStartRate
	}
	if l := r.machine.link; l != nil && l.In != nil {
		rate = min(rate, 0.6*l.In.L2BitsPerSec/8/max(1, *r.sum.Wire.TxBytes))
	}
	if r.cfg.MaxRate > 0 {
		rate = min(rate, r.cfg.MaxRate)
	}
	return max(rate, 10)
}

// search looks for the knee and fills in everything that follows from it.
func (r *run) search(ctx context.Context, src probe.Source) (err error) {
	corpus, setup, done, err := openSource(ctx, r.target, r.cfg.Workload, r.cfg.Seed, r.cfg.OutDir, r.step)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	r.describeSource(corpus)
	tr := r.openTrials(corpus, setup, src)
	cfg := r.cfg.searchConfig(r.startRate())
	cfg.Progress = func(e knee.Event) { r.onEvent(e) }
	r.target.fit(&cfg)
	if r.target.own != nil {
		// Sign ahead what the search will probably need, outside its budget.
		ahead := int(1.6 * r.startRate() * cfg.FullTrial.Seconds())
		if err := corpus.Extend(ctx, ahead, tr.onSign); err != nil {
			return err
		}
	}
	ctx, r.abort = context.WithCancelCause(ctx)
	defer r.abort(nil)
	r.kneeCfg = cfg
	res, err := knee.Search(ctx, cfg, tr)
	if cause := context.Cause(ctx); errors.Is(cause, results.ErrWrite) {
		err = cause
	}
	r.peerBytes()
	r.conclude(res)
	r.excluded()
	return r.cutShort(ctx, err)
}

// openTrials fills in what runs the trials. The caller has opened the probe.
func (r *run) openTrials(corpus loadgen.Source, setup *workload.Setup, src probe.Source) *trials {
	tr := r.trials
	*tr = trials{
		t: r.target, corpus: corpus, setup: setup, schedule: r.cfg.Schedule, conns: r.cfg.Conns, wire: src,
		appBytes: tr.appBytes, sameHost: r.machine.sameHost, agent: r.trialsAgent,
		onLive:  func(l loadgen.Live) { r.cfg.Progress(Progress{Live: &l}) },
		onSign:  func(done, total int) { r.step(fmt.Sprintf("signing transactions %d of %d", done, total)) },
		windows: map[int][]results.Window{}, hists: map[int][]results.Histogram{},
		warnings: map[string]bool{}, profiles: map[int][]byte{},
	}
	return tr
}
