package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/probe"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

// SoakConfig is one load, held for a long time.
type SoakConfig struct {
	Config
	For time.Duration // under load
	// RateTxPerSec is the load; 0: SoakFraction of the knee, which is searched
	// for first, within Budget.
	RateTxPerSec float64
}

// Of a soak. SoakFraction leaves room for what comes rarely: a system at its
// knee holds no disturbance. A soak is cut into pieces, each of them one point of
// the drift and small enough for its transactions to lie in memory.
const (
	SoakFraction  = 0.7
	MinSoak       = 20 * time.Second
	MaxSoak       = 7 * 24 * time.Hour
	soakPieces    = 60
	minSoakPiece  = time.Second
	maxSoakPiece  = 30 * time.Second
	soakPieceTxs  = 1 << 20
	soakMemoryGap = 200 * time.Millisecond // between looks at the node's memory
	soakSearchDir = "search"
)

// soak is the state of the long part of a Soak.
type soak struct {
	cfg   SoakConfig
	piece time.Duration
	res   results.Soak
}

// Soak searches for the knee, unless a rate is given, and then offers less than
// that for a long time to one node that is not started anew. The record in
// OutDir is that of the long load; that of the search is in its folder "search".
// The summary is that of the search, with the soak.
func Soak(ctx context.Context, cfg SoakConfig) (out Outcome, err error) {
	cfg.setDefaults()
	if err := cfg.checkSoak(ctx); err != nil {
		return out, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	own := cfg.Config
	own.Settings = nil
	if err := own.openFolder(); err != nil {
		return out, err
	}
	s := &soak{cfg: cfg}
	s.res.OfferedTxPerSec, s.res.Record = cfg.RateTxPerSec, cfg.OutDir
	if cfg.RateTxPerSec == 0 {
		search := own
		search.OutDir = filepath.Join(cfg.OutDir, soakSearchDir)
		out, err = Run(ctx, search)
		if err != nil {
			if errors.Is(err, ErrConfig) && len(out.Summary.Trials) == 0 {
				err = errors.Join(err, os.RemoveAll(cfg.OutDir))
			}
			return out, err
		}
		lower := out.Summary.Knee.LowerTxPerSec
		if lower == nil || *lower <= 0 {
			out.Summary.Valid = false
			out.Summary.Warnings = append(out.Summary.Warnings, "no soak: no rate held the goal; give a rate with --soak-rate, or another --slo")
			return out, nil
		}
		share := SoakFraction
		s.res.OfferedTxPerSec, s.res.OfFraction = SoakFraction**lower, &share
	}
	long, err := s.run(ctx, own)
	if cfg.RateTxPerSec > 0 {
		out = long
	} else {
		out.Summary.Soak, out.Summary.Interrupted = long.Summary.Soak, long.Summary.Interrupted
		out.Summary.Warnings = appendNew(out.Summary.Warnings, long.Summary.Warnings)
		out.Summary.Valid = out.Summary.Valid && err == nil
	}
	return out, errors.Join(err, writeSummary(cfg.OutDir, out.Summary))
}

func appendNew(list, more []string) []string {
	list = append(slices.Clone(list), more...)
	slices.Sort(list)
	return slices.Compact(list)
}

func (c *SoakConfig) checkSoak(ctx context.Context) error {
	switch {
	case c.For < MinSoak || c.For > MaxSoak:
		return fmt.Errorf("a soak of %v: give %v to %v, 10m or more to see slow growth", c.For, MinSoak, MaxSoak)
	case !(c.RateTxPerSec >= 0) || math.IsInf(c.RateTxPerSec, 1):
		return fmt.Errorf("a soak at %v tx/s: give a rate above 0, or none to take %.0f %% of the knee", c.RateTxPerSec, 100*SoakFraction)
	case c.MaxRate > 0 && c.RateTxPerSec > c.MaxRate:
		return fmt.Errorf("a soak at %v tx/s is above --max-rate %v", c.RateTxPerSec, c.MaxRate)
	case c.RateTxPerSec*minSoakPiece.Seconds() > soakPieceTxs:
		return fmt.Errorf("a soak at %v tx/s: at most %d are kept ready for each second", c.RateTxPerSec, soakPieceTxs)
	case c.Resume:
		return errors.New("a soak cannot be continued: time that was not watched is missing in it; start anew in another folder")
	case c.Target != "" && c.LinkBits != 0:
		return fmt.Errorf("a link can only be shaped to our own node, not to %s", c.Target)
	}
	return c.check(ctx)
}

// run offers the load and writes the record.
func (s *soak) run(ctx context.Context, cfg Config) (Outcome, error) {
	s.piece = pieceOf(s.cfg.For, s.res.OfferedTxPerSec)
	r := &run{cfg: cfg, started: time.Now(), soak: s}
	err := r.all(ctx)
	return Outcome{r.env, r.sum}, err
}

// pieceOf is the length of the pieces: some sixty of them, if their transactions
// then lie in memory.
func pieceOf(total time.Duration, rateTxPerSec float64) time.Duration {
	p := min(max(total/soakPieces, minSoakPiece), maxSoakPiece)
	if fits := time.Duration(soakPieceTxs / rateTxPerSec * 1e9); p > fits {
		p = max(fits, minSoakPiece)
	}
	return p.Round(100 * time.Millisecond)
}

// soakPieces is what a soak does where a run searches.
func (r *run) soakPieces(ctx context.Context, src probe.Source) (err error) {
	s := r.soak
	corpus, setup, done, err := openSource(ctx, r.target, r.cfg.Workload, r.cfg.Seed, r.cfg.OutDir, r.step)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	r.describeSource(corpus)
	tr := r.openTrials(corpus, setup, src)
	tr.goesOn = true
	if err := commitSetup(ctx, r.target, setup); err != nil {
		return err
	}
	ctx, r.abort = context.WithCancelCause(ctx)
	defer r.abort(nil)
	defer func() {
		s.conclude()
		r.sum.Soak = &s.res
		r.sum.Machine = &results.Machine{
			NodeCores: r.machine.nodeCores, HostCores: r.machine.hostCores, SameHost: r.machine.sameHost, WholeHost: r.machine.wholeHost,
		}
		r.sum.Valid = s.res.Verdict != results.SoakInconclusive
		for w := range tr.warnings {
			r.warn("%s", w)
		}
		if !r.sum.Valid {
			r.warn("the soak is inconclusive: %s", s.res.Reason)
		}
		r.warn("a soak is offered in pieces: for %.0f s between them the node rested while the next transactions were signed", s.res.RestSec)
	}()
	began := time.Now()
	for load := time.Duration(0); load < s.cfg.For; load += s.piece {
		if err := r.soakPiece(ctx, load); err != nil {
			if cause := context.Cause(ctx); errors.Is(cause, results.ErrWrite) {
				return cause
			}
			return r.cutShort(ctx, err)
		}
		s.res.LoadSec += s.piece.Seconds()
		s.res.RestSec = time.Since(began).Seconds() - s.res.LoadSec
	}
	return nil
}

// soakPiece signs, offers and judges one piece, after the given time under load.
func (r *run) soakPiece(ctx context.Context, after time.Duration) error {
	s, tr := r.soak, r.trials
	id := len(r.sum.Trials) + 1
	spec := knee.TrialSpec{
		Index: id, RateTxPerSec: s.res.OfferedTxPerSec, Duration: s.piece, Phase: knee.LatencyOnly,
		Seed: knee.TrialSeed(r.cfg.Seed, id),
	}
	if err := r.freshTransfers(spec); err != nil {
		return err
	}
	mem := r.watchMemory()
	t, out, err := tr.measure(ctx, spec)
	memory := mem.stop()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // what was offered until then is no piece
	}
	obs := observation(&t, out)
	// A piece is short, and drained at its end: what its backlog does is noise. A
	// load that is too high shows in loss, latency and the rate, which counts the
	// time of the drain.
	obs.Backlog = &knee.Growth{}
	j := knee.Judge(r.cfg.SLO, spec, obs, knee.DefaultWidthGoal)
	t.Phase = results.PhaseSoak
	t.Verdict, t.Reason = results.Verdict(j.Verdict), strings.TrimSuffix(j.Reason, ", backlog 0 tx/s") // it was not judged
	if t.Valid = t.Verdict != results.VerdictInvalid; t.Valid {
		t.InvalidReason = ""
	} else {
		t.InvalidReason = orElse(t.InvalidReason, t.Reason)
	}
	tr.done = append(tr.done[:0], t)
	delete(tr.hists, id)
	r.write(&t)
	r.sum.Trials = append(r.sum.Trials, t.Short())
	p := pointOf(&t, (after + s.piece/2).Seconds(), r.machine)
	if p.MemoryBytes = memory; memory != nil {
		p.MemorySource = "rss"
	} else if p.MemoryBytes = r.heap(ctx); p.MemoryBytes != nil {
		p.MemorySource = "heap"
	}
	s.res.Series = append(s.res.Series, p)
	r.step(fmt.Sprintf("soak: %v of %v at %.0f tx/s, the last %v %s", (after + s.piece).Round(time.Second), s.cfg.For, spec.RateTxPerSec, s.piece, t.Verdict))
	return nil
}

// pointOf is a piece in short.
func pointOf(t *results.Trial, tSec float64, m machine) results.SoakPoint {
	p := results.SoakPoint{
		TSec: tSec, CommittedTxPerSec: t.CommittedTxPerSec,
		CommitP50MS: t.LatencyMS.Commit.P50, CommitP99MS: t.LatencyMS.Commit.P99,
		Verdict: t.Verdict, Reason: t.Reason,
	}
	if n := t.Node; n != nil && n.CPUUserNS != nil && n.CPUSysNS != nil && t.Counts.Committed > 0 {
		v := float64(*n.CPUUserNS+*n.CPUSysNS) / 1e9 / float64(t.Counts.Committed)
		p.CPUSecPerTx = &v
		if g := t.Generator.CPUNS; g != nil && t.HostCPUBusyNS != nil && t.WindowSec != nil && m.sameHost && m.wholeHost {
			p.OthersBusy = results.Ratio(float64(*t.HostCPUBusyNS-*n.CPUUserNS-*n.CPUSysNS-*g)/1e9, *t.WindowSec*m.hostCores)
		}
	}
	return p
}

// freshTransfers replaces a corpus of plain transfers by one that begins with
// the next numbers of the accounts, so that memory holds one piece at a time.
// Other sources go on where they were.
func (r *run) freshTransfers(spec knee.TrialSpec) error {
	t, tr := r.target, r.trials
	if _, plain := tr.corpus.(*loadgen.Corpus); !plain {
		return nil
	}
	if t.nonces == nil {
		t.nonces = make([]uint64, len(t.keys))
		for i := range t.nonces {
			t.nonces[i] = 1
		}
	}
	each := uint64((tr.used + len(t.keys) - 1) / len(t.keys))
	for i := range t.nonces {
		t.nonces[i] += each
	}
	c, err := plainTransfers(t, spec.Seed)
	if err != nil {
		return err
	}
	tr.corpus, tr.used = c, 0
	return nil
}

// heap is what a node that somebody else runs says of its memory; nil: nothing.
func (r *run) heap(ctx context.Context) *int64 {
	if r.target.peer != nil {
		return nil
	}
	c, err := client.Dial(ctx, r.target.addr, client.Options{ChainID: r.target.chain, Dial: r.target.dial})
	if err != nil {
		return nil
	}
	defer c.Close()
	st, err := r.target.stats(ctx, c)
	if err != nil || st.HeapBytes <= 0 {
		return nil
	}
	return &st.HeapBytes
}

// memoryWatch looks at a process's resident memory again and again.
type memoryWatch struct {
	end, ended chan struct{}
	seen       []float64
}

// watchMemory begins; without a process of this machine it sees nothing.
func (r *run) watchMemory() *memoryWatch {
	w := &memoryWatch{end: make(chan struct{}), ended: make(chan struct{})}
	pid := 0
	switch t := r.target; {
	case t.own != nil && t.own.proc != nil:
		pid = t.own.proc.cmd.Process.Pid
	case t.peer != nil && t.peer.proc != nil:
		pid = t.peer.proc.PID
	}
	go w.watch(pid)
	return w
}

func (w *memoryWatch) watch(pid int) {
	defer close(w.ended)
	if pid == 0 {
		return
	}
	tick := time.NewTicker(soakMemoryGap)
	defer tick.Stop()
	for {
		if b, err := env.ReadProcessMemory(pid); err == nil {
			w.seen = append(w.seen, float64(b))
		}
		select {
		case <-tick.C:
		case <-w.end:
			return
		}
	}
}

// stop ends the watch and returns the median of what it saw: memory that is
// collected as garbage rises and falls, and its peak says when somebody looked.
func (w *memoryWatch) stop() *int64 {
	close(w.end)
	<-w.ended
	if len(w.seen) == 0 {
		return nil
	}
	slices.Sort(w.seen)
	b := int64(w.seen[len(w.seen)/2])
	return &b
}
