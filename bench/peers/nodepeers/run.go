package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/chainweir/weir/bench/env"
)

// firstRate is where the first search of CometBFT begins, tx/s.
const firstRate = 8000

// grace is what a trial may be late at the end of the budget.
const grace = 30 * time.Second

// maxMakeUp times the rounds asked for are the most.
const maxMakeUp = 2

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	opt, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if opt.weir, err = exec.LookPath(opt.weir); err != nil {
		return usagef("--weir: %w: run make build first", err)
	}
	programs, err := installPeers(ctx, opt, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(opt.dir, "weir-nodepeers-")
	if err != nil {
		return usagef("--dir: %w", err)
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return usagef("--dir: %w", err)
	}
	rep := newReport(env.Read(ctx, env.Options{DataDir: dir}), opt)
	m := match{opt: opt, dir: dir, say: progressLine(stderr), rep: rep, now: time.Now,
		comet: comet{programs: programs, dir: dir, conns: opt.conns, trial: opt.trial, limit: opt.limit}}
	timed, cancel := context.WithTimeout(ctx, opt.budget+grace)
	defer cancel()
	runErr := m.rounds(timed)
	m.say("")
	if errors.Is(runErr, context.Canceled) || errors.Is(runErr, context.DeadlineExceeded) {
		runErr = inconclusivef("stopped in round %d: %w", len(rep.Rounds)+1, runErr)
	} else if runErr != nil {
		return usagef("round %d: %w", len(rep.Rounds)+1, runErr)
	}
	rep.conclude()
	if err := rep.write(stdout, opt.json); err != nil {
		return usagef("writing the answer: %w", err)
	}
	return errors.Join(runErr, rep.verdict())
}

// match is the rounds of one run.
type match struct {
	opt   options
	dir   string
	comet comet
	rep   *report
	say   func(string)
	now   func() time.Time
}

// rounds lets the two take turns, each round with the same share of the time
// that is left. A round that does not find both knees is made up for by another
// one when there is time for it.
func (m *match) rounds(ctx context.Context) error {
	until := m.now().Add(m.opt.budget)
	plan := searchPlan{start: firstRate, growth: firstGrowth, now: m.now}
	complete := 0
	for i := 0; complete < m.opt.rounds && i < maxMakeUp*m.opt.rounds; i++ {
		began := m.now()
		left := until.Sub(began)
		if i >= m.opt.rounds && left < minPerRound {
			break
		}
		share := max(left/time.Duration(m.opt.rounds-complete), minPerRound)
		if i == 0 {
			share = share * 5 / 4 // it has to look further
		}
		// What weir takes afterwards is kept back.
		forWeir := min(max(share/3, leastWeirBudget), weirBudget)
		plan.until = began.Add(share - forWeir - weirOverhead)
		plan.trial = m.opt.trial + m.opt.limit + time.Second + trialOverhead
		found, err := m.cometRound(ctx, i, plan)
		if err != nil {
			return err
		}
		m.say(fmt.Sprintf("round %d: weir", i+1))
		ours, err := runWeir(ctx, m.opt, m.dir, forWeir, i+1)
		r := round{Comet: found}
		switch {
		case errors.Is(err, errNoKnee):
			m.rep.warn("round %d: %v", i+1, err)
		case err != nil:
			return err
		default:
			r.Weir = &ours
			m.say(fmt.Sprintf("round %d: weir: %.0f tx/s, commit p99 %.0f ms", i+1, ours.CommittedTxPerSec, ours.P99MS))
		}
		m.rep.Rounds = append(m.rep.Rounds, r)
		if r.complete() {
			complete++
		}
		plan.follow(found)
	}
	return nil
}

// follow begins the next search where the last one ended.
func (p *searchPlan) follow(found bracket) {
	switch p.growth = laterGrowth; {
	case found.Lower != nil:
		p.start = found.Lower.OfferedTxPerSec
	case found.Upper > 0:
		p.start = found.Upper / p.growth
	default:
		p.start, p.growth = firstRate, firstGrowth
	}
}

func (m *match) cometRound(ctx context.Context, i int, plan searchPlan) (bracket, error) {
	n := 0
	found, err := find(ctx, plan, func(ctx context.Context, rate float64) (trial, error) {
		n++
		at := fmt.Sprintf("round %d: CometBFT, trial %d at %.0f tx/s", i+1, n, rate)
		m.say(at)
		t, err := m.comet.offer(ctx, rate)
		if err == nil {
			m.say(at + ": " + t.Reason)
		}
		return t, err
	})
	switch {
	case errors.Is(err, errTooHigh):
		m.rep.warn("round %d: CometBFT: %v", i+1, err)
	case err != nil:
		return found, fmt.Errorf("CometBFT: %w", err)
	case !found.Complete:
		m.rep.warn("round %d: the time was over before CometBFT's knee was known to %.0f %%: give a larger --budget", i+1, 100*(widthGoal-1))
	}
	return found, nil
}

// progressLine shows a line in place of the last one on a terminal, and each
// on its own elsewhere: a run of minutes should not be silent.
func progressLine(w io.Writer) func(string) {
	f, ok := w.(*os.File)
	if ok && isatty.IsTerminal(f.Fd()) {
		return func(line string) { fmt.Fprintf(f, "\r\x1b[K%s", line) }
	}
	return func(line string) {
		if line != "" {
			fmt.Fprintln(w, line)
		}
	}
}
