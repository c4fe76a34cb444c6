package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

func newLoadCmd() *cobra.Command {
	var (
		target, schedule string
		work             string
		rate             float64
		duration         time.Duration
		seed             uint64
		conns            int
		asJSON           bool
		maxRate          float64
		outDir, metrics  string
		peer             bench.PeerOptions
	)
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Offer one fixed schedule to a running node",
		Long: `load sends pre-signed transfers to a weir node on a schedule that does not wait
for answers, and accounts for every one of them. Latencies count from the
intended time of sending, so a stall of the node or of the generator shows.
The node must be on a measuring chain: its accounts' keys are public.

Schedules (--schedule):
` + loadgen.ScheduleHelp,
		Example: "  weir load --rate 5000 --duration 10s\n" +
			"  weir load --schedule ramp:100..20000,poisson --duration 30s\n" +
			"  weir load --schedule replay:weir-runs/a/record.jsonl#3 --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			addr, err := parseTarget(target)
			if err != nil {
				return usagef("--target: %w", err)
			}
			if err := checkPeerFlags(&peer); err != nil {
				return err
			}
			if !(maxRate >= 0) || math.IsInf(maxRate, 1) { // NaN compares with nothing
				return usagef("--max-rate is %v, give a rate above 0, or 0 for no limit", maxRate)
			}
			kind, err := loadgen.ParseSchedule(schedule)
			if err != nil {
				return usagef("--schedule: %w", err)
			}
			w, err := parseWorkload(work)
			if err != nil {
				return err
			}
			rate, duration := loadDefaults(cmd, kind, rate, duration)
			if err := forceKernels(""); err != nil {
				return err
			}
			if err := loadFolder(outDir); err != nil {
				return err
			}
			var live loadCollector
			served, err := startMetrics(metrics, "--metrics", &live, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer served.close()
			progress := progressLine(cmd.ErrOrStderr())
			out, err := bench.Load(cmd.Context(), bench.LoadConfig{
				Target: addr, Peer: peer, MaxRate: maxRate, Schedule: kind, RateTxPerSec: rate, Duration: duration, Seed: seed, Conns: conns, Workload: w,
				Progress: func(p bench.Progress) {
					if p.Live != nil {
						live.set(*p.Live)
						progress(fmt.Sprintf("%.1f s · sent %d · accepted %d · committed %d", p.Live.Elapsed.Seconds(),
							p.Live.Sent, p.Live.Accepted, p.Live.Committed))
					} else {
						progress(p.Step)
					}
				},
			})
			progress("")
			switch {
			case cmd.Context().Err() != nil && err != nil:
				return inconclusivef("interrupted before the first transaction was sent")
			case err != nil:
				return usagef("%w", err)
			}
			if outDir != "" {
				about := loadAbout{dir: outDir, target: target, workload: work, seed: seed}
				if err := writeLoad(context.WithoutCancel(cmd.Context()), about, out); err != nil {
					return usagef("--out: %w", err)
				}
			}
			return reportLoad(cmd, out, asJSON)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&work, "workload", "", workloadUsage)
	fl.StringVar(&target, "target", "weir://127.0.0.1:7151", "weir://host:port of the node, cometbft+http://host:port,\neth+http:// or eth+ws://host:port")
	fl.Float64Var(&rate, "rate", defaultLoadRate, "tx/s of schedules without rates of their own")
	fl.DurationVar(&duration, "duration", defaultLoadDuration, "length of the schedule; a step, trace or\nreplay has its own")
	fl.StringVar(&schedule, "schedule", "poisson", "arrivals, see above")
	fl.Uint64Var(&seed, "seed", 42, "seed of schedule and transactions")
	fl.IntVar(&conns, "conns", 0, "connections (default 2)")
	fl.Float64Var(&maxRate, "max-rate", 0, "refuse a rate above this, tx/s; 0: no limit")
	peerFlags(cmd, &peer)
	fl.StringVar(&outDir, "out", "", "folder for a record of the load, in all formats")
	fl.StringVar(&metrics, "metrics", "", metricsUsage)
	fl.BoolVar(&asJSON, "json", false, "print one JSON object (weir.load/1)")
	return cmd
}

// What a schedule is run with when neither it nor a flag says otherwise.
const (
	defaultLoadRate     = 1000.0
	defaultLoadDuration = 5 * time.Second
)

// loadDefaults leaves the rate and the length to a schedule that has its own,
// unless a flag was given: then it is the schedule that refuses it.
func loadDefaults(cmd *cobra.Command, s loadgen.Schedule, rate float64, duration time.Duration) (float64, time.Duration) {
	if !s.TakesRate() && !cmd.Flags().Changed("rate") {
		rate = 0
	}
	if s.HasDuration() && !cmd.Flags().Changed("duration") {
		duration = 0
	}
	return rate, duration
}

func reportLoad(cmd *cobra.Command, out loadgen.Outcome, asJSON bool) error {
	res := out.Trial.Load(out.Warnings, out.Interrupted)
	var err error
	if asJSON {
		err = printJSON(cmd.OutOrStdout(), res)
	} else {
		err = printLoad(cmd, res)
	}
	switch {
	case err != nil:
		return err
	case out.Interrupted:
		return inconclusivef("interrupted after %.1f s", float64(out.EndNS)/1e9)
	case !res.Valid:
		return inconclusivef("the run is invalid: %w", errors.New(res.InvalidReason))
	}
	return nil
}

func printLoad(cmd *cobra.Command, r results.LoadResult) error {
	w := cmd.OutOrStdout()
	q := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprintf("%.2f", *v)
	}
	ratio := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprintf("%.4f", *v)
	}
	fmt.Fprintf(w, "offered    %10d   dropped %d (generator %d, back-pressure %d)\n", r.Offered, r.Dropped, r.DroppedBy.Generator, r.DroppedBy.Backpressure)
	fmt.Fprintf(w, "sent       %10d   fidelity %s\n", r.Sent, ratio(r.Fidelity))
	fmt.Fprintf(w, "accepted   %10d\n", r.Accepted)
	fmt.Fprintf(w, "committed  %10d   %s tx/s\n", r.Committed, q(r.CommittedTxPerSec))
	for reason, n := range r.Rejected {
		fmt.Fprintf(w, "rejected   %10d   %s\n", n, reason)
	}
	fmt.Fprintf(w, "expired    %10d   lost %d\n", r.Expired, r.Lost)
	fmt.Fprintf(w, "latency ms        p50      p99     p999\n")
	for _, l := range []struct {
		name string
		q    results.Quantiles
	}{{"submit", r.LatencyMS.Submit}, {"accept", r.LatencyMS.Accept}, {"commit", r.LatencyMS.Commit}} {
		fmt.Fprintf(w, "  %-8s %10s %8s %8s\n", l.name, q(l.q.P50), q(l.q.P99), q(l.q.P999))
	}
	for _, text := range r.Warnings {
		complain(cmd.ErrOrStderr(), "weir: warning: "+text)
	}
	return nil
}
