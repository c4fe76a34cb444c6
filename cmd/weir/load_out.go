package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

// loadFolder makes the folder of --out, which must not hold a record yet: it is
// looked at before the load, which may take long.
func loadFolder(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usagef("--out: %w", err)
	}
	path := filepath.Join(dir, results.FileRecord)
	switch _, err := os.Lstat(path); {
	case err == nil:
		return usagef("--out: %s exists already: name a new folder; a record is never overwritten", path)
	case !errors.Is(err, os.ErrNotExist):
		return usagef("--out: %w", err)
	}
	return nil
}

// loadAbout is what a record of a load says beside its trial.
type loadAbout struct {
	dir, target, workload string
	seed                  uint64
}

// writeLoad writes a load as a record of one trial, and in all other formats. A
// load finds no knee: its summary has none.
func writeLoad(ctx context.Context, about loadAbout, out loadgen.Outcome) error {
	fingerprint := env.Read(ctx, env.Options{DataDir: about.dir})
	t := out.Trial
	out.SetID(1)
	t.ID, t.Phase, t.Verdict, t.Reason = 1, results.PhaseLatency, results.VerdictGood, "a fixed schedule: no goal was set"
	if !t.Valid {
		t.Verdict, t.Reason = results.VerdictInvalid, t.InvalidReason
	}
	sec := time.Since(out.StartedAt).Seconds()
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if about.workload == "" {
		about.workload = "transfer"
	}
	s := results.Summary{
		Valid: t.Valid, Warnings: append(out.Warnings, "a load of one fixed schedule: no knee was searched"), Interrupted: out.Interrupted,
		StartedAt: out.StartedAt, DurationSec: &sec, Host: host, Record: about.dir,
		Target: results.NullString(about.target), Workload: about.workload, Engine: "unknown", Nodes: 1, Seed: about.seed,
		LatencyMS: results.SummaryLatency{Accept: t.LatencyMS.Accept.Short(), Commit: t.LatencyMS.Commit.Short()},
		Trials:    []results.TrialShort{t.Short()},
	}
	if !t.Valid && t.InvalidReason != "" {
		s.Warnings = append(s.Warnings, "trial 1: "+t.InvalidReason)
	}
	rec := results.Record{Env: &fingerprint, Trials: []results.Trial{t}, Windows: out.Windows, Summary: &s}
	if err := results.WriteRecord(filepath.Join(about.dir, results.FileRecord), rec); err != nil {
		return err
	}
	if err := results.WriteFormats(about.dir, rec); err != nil {
		return fmt.Errorf("the record is complete, the other formats are not: %w", err)
	}
	return nil
}
