package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

// WireBench is what a node of its own process carries over TCP, with the
// generator on the same cores.
type WireBench struct {
	SLO           string   `json:"slo"` // that the knee holds
	LowerTxPerSec *float64 `json:"lower_tx_per_sec"`
	UpperTxPerSec *float64 `json:"upper_tx_per_sec"`
	Confirmed     bool     `json:"confirmed"`
	// CommittedSamples are the committed transactions per second of the trials at
	// the lower bound.
	CommittedSamples []float64 `json:"committed_per_sec_samples"`

	// The commit latency at half of the knee, one sample for each trial that
	// offered what it should.
	HalfTxPerSec float64   `json:"half_tx_per_sec"`
	P99MSSamples []float64 `json:"commit_p99_ms_samples"`
	HalfLoss     float64   `json:"half_loss"` // the largest share of a trial that never committed
	Notes        []string  `json:"notes"`
}

const (
	wireHalfTrials   = 9 // the 95 % interval leaves the outermost of so many out
	wireHalfDuration = 2 * time.Second
	wireHalfShare    = 20 // of the search, which may be a short one
	wireSeed         = 42
)

// ShortestSearch for the knee is one that holds its confirmations.
const ShortestSearch = 10 * time.Second

// benchWire searches for the knee of a node over loopback, as `weir run` does,
// and measures the commit latency at half of it.
func benchWire(ctx context.Context, cfg *NodeBenchConfig) (w *WireBench, err error) {
	dir := filepath.Join(cfg.Dir, "wire")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	cfg.Progress("over TCP: starting the node")
	t, err := openOwn(ctx, NodeCommand{Exe: cfg.Exe}, dir, genesis.Dev(cachedAccounts))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	corpus, err := loadgen.NewCorpus(loadgen.CorpusConfig{Chain: t.chain, Keys: t.keys, FirstSlot: t.firstSlot, Seed: wireSeed})
	if err != nil {
		return nil, err
	}
	tr := &trials{
		t: t, corpus: corpus, schedule: loadgen.Poisson, appBytes: &appCounter{}, sameHost: true,
		onSign:  func(done, total int) { cfg.Progress(fmt.Sprintf("over TCP: signing %d of %d", done, total)) },
		windows: map[int][]results.Window{}, hists: map[int][]results.Histogram{}, warnings: map[string]bool{},
	}
	start := 35_000 * float64(runtime.GOMAXPROCS(0)) // as in a run
	kc := knee.ForBudget(cfg.Search*7/10, trialOverhead, start)
	kc.Budget, kc.Seed, kc.LatencyFractions = cfg.Search, wireSeed, []float64{}
	if kc.SLO, err = knee.ParseSLO(""); err != nil {
		return nil, err
	}
	kc.Progress = func(e knee.Event) {
		if e.Kind == knee.TrialStarted {
			cfg.Progress(fmt.Sprintf("over TCP: trial %d at %.0f tx/s, %.0f s left", e.Spec.Index, e.Spec.RateTxPerSec, e.Left.Seconds()))
		}
	}
	res, err := knee.Search(ctx, kc, tr)
	if err != nil {
		return nil, err
	}
	w = &WireBench{SLO: kc.SLO.String(), LowerTxPerSec: res.LowerTxPerSec, UpperTxPerSec: res.UpperTxPerSec, Confirmed: res.Confirmed, Notes: []string{}}
	if res.Inconclusive != "" {
		w.Notes = append(w.Notes, res.Inconclusive)
	}
	if res.LowerTxPerSec == nil {
		return w, nil
	}
	for _, trial := range res.Trials {
		if trial.Spec.RateTxPerSec == *res.LowerTxPerSec && trial.Discarded == "" {
			w.CommittedSamples = append(w.CommittedSamples, float64(trial.Observed.Committed)/trial.Spec.Duration.Seconds())
		}
	}
	return w, w.half(ctx, cfg, tr, len(res.Trials))
}

// half runs the trials at half of the knee; used is the number of trials that
// there were.
func (w *WireBench) half(ctx context.Context, cfg *NodeBenchConfig, tr *trials, used int) error {
	w.HalfTxPerSec = *w.LowerTxPerSec / 2
	for i := range wireHalfTrials {
		cfg.Progress(fmt.Sprintf("over TCP: latency at %.0f tx/s, trial %d of %d", w.HalfTxPerSec, i+1, wireHalfTrials))
		index := used + i + 1
		o, err := tr.Run(ctx, knee.TrialSpec{
			Index: index, RateTxPerSec: w.HalfTxPerSec, Duration: min(wireHalfDuration, cfg.Search/wireHalfShare),
			Phase: knee.LatencyOnly, Seed: wireSeed + uint64(index),
		})
		if err != nil {
			return err
		}
		w.trialAtHalf(i+1, o)
	}
	return nil
}

// p99Loss is from which share of lost transactions on there is no p99: that of
// the others says nothing of those.
const p99Loss = 0.01

// trialAtHalf takes what a trial at half of the knee showed. One in which the
// generator fell behind says nothing about the node, and its latency would
// flatter; what the node did not take from the socket is lost as what it took.
func (w *WireBench) trialAtHalf(number int, o knee.Observation) {
	due := o.Offered - o.DroppedGenerator
	said := o.Invalid == "" && due > 0 && float64(due) >= minFidelity*float64(o.Offered)
	if !said || o.Committed < o.Offered {
		w.Notes = append(w.Notes, fmt.Sprintf("trial %d at half of the knee: %d of %d transactions were sent and %d committed; %s",
			number, o.Sent, o.Offered, o.Committed, orElse(o.Invalid, "nothing else is known to be wrong")))
	}
	if !said {
		return
	}
	w.HalfLoss = max(w.HalfLoss, float64(due-o.Committed)/float64(due))
	if o.Commit != nil {
		w.P99MSSamples = append(w.P99MSSamples, float64(o.Commit.P99NS)/1e6)
	}
}

// median returns the median of samples with its interval; nil for none.
func median(xs []float64) (*float64, *[2]float64) {
	if len(xs) == 0 {
		return nil, nil
	}
	m := stat.Median(xs)
	return &m, interval95(xs)
}
