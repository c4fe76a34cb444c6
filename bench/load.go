package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/workload"
)

// LoadConfig is one fixed schedule against a running node.
type LoadConfig struct {
	Target       string // host:port of a weir node, or the URL of another system
	Peer         PeerOptions
	MaxRate      float64 // never offer more; 0: no limit
	Schedule     loadgen.Schedule
	RateTxPerSec float64       // 0: the schedule's own
	Duration     time.Duration // 0: the schedule's own
	Seed         uint64
	Conns        int
	Workload     *workload.Workload // nil: plain transfers
	Progress     func(Progress)
}

// Load signs what the schedule needs and runs it.
func Load(ctx context.Context, cfg LoadConfig) (out loadgen.Outcome, err error) {
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	plan, err := cfg.Schedule.Plan(cfg.RateTxPerSec, cfg.Duration)
	if err != nil {
		return loadgen.Outcome{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := checkPeer(ctx, cfg.Target, cfg.Peer, cfg.MaxRate); err != nil {
		return loadgen.Outcome{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	// Of the plan: a ramp, a trace or a replay has rates of its own. The last
	// digits of a computed one are forgiven.
	if peak := plan.PeakTxPerSec(); cfg.MaxRate > 0 && peak > cfg.MaxRate*(1+1e-9) {
		return loadgen.Outcome{}, fmt.Errorf("%w: a rate of %.6g tx/s is above the bound of %v", ErrConfig, peak, cfg.MaxRate)
	}
	t, err := openTarget(ctx, cfg)
	if err != nil {
		return loadgen.Outcome{}, err
	}
	defer t.stop() //nolint:errcheck // nothing is written any more
	corpus, setup, done, err := openSource(ctx, t, cfg.Workload, cfg.Seed, "", func(step string) { cfg.Progress(Progress{Step: step}) })
	if err != nil {
		return loadgen.Outcome{}, err
	}
	defer func() { err = errors.Join(err, done()) }()
	err = corpus.Extend(ctx, plan.MaxTxs(), func(done, total int) {
		cfg.Progress(Progress{Step: fmt.Sprintf("signing transactions %d of %d", done, total)})
	})
	if err != nil {
		return loadgen.Outcome{}, err
	}
	if err := commitSetup(ctx, t, setup); err != nil {
		return loadgen.Outcome{}, err
	}
	out, err = loadgen.Run(ctx, loadgen.Config{
		Target: t.load(), Conns: cfg.Conns, Schedule: cfg.Schedule, RateTxPerSec: cfg.RateTxPerSec,
		Duration: cfg.Duration, Seed: cfg.Seed, Corpus: corpus,
		Progress: func(l loadgen.Live) { cfg.Progress(Progress{Live: &l}) },
	})
	if err != nil {
		return out, err
	}
	// What was not sent was not measured, whoever is to blame.
	if t := &out.Trial; t.Valid && t.Fidelity != nil && *t.Fidelity < minFidelity {
		t.Valid = false
		t.InvalidReason = fmt.Sprintf("only %.1f %% of the offered load was sent (dropped by the generator %d, by back-pressure %d): offer less, or free the machine",
			100**t.Fidelity, t.DroppedBy.Generator, t.DroppedBy.Backpressure)
	}
	return out, nil
}

// openTarget reaches whatever the target is.
func openTarget(ctx context.Context, cfg LoadConfig) (*target, error) {
	if peerURL(cfg.Target) {
		return openPeer(ctx, cfg.Target, cfg.Peer, cfg.Seed, func(s string) { cfg.Progress(Progress{Step: s}) })
	}
	return openRemote(ctx, cfg.Target)
}

// minFidelity is the share of the offered load below which a run says nothing
// about the rate that it names.
const minFidelity = 0.99
