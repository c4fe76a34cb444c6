//go:build measure && linux

package main

import (
	"path/filepath"
	"testing"

	"github.com/chainweir/weir/results"
)

// wallFactor is how far the predicted next wall of a wire-bound run may be from
// the knee without that wire, either way. The prediction extrapolates: see
// docs/walls.md.
const wallFactor = 2

// TestMeasuredNextWallOfAShapedLink: what a run behind 20 Mbit/s says about the
// processor's wall is held against the knee on loopback, where the processor is
// the wall.
func TestMeasuredNextWallOfAShapedLink(t *testing.T) {
	needRoot(t, "to make network namespaces")
	run := func(args ...string) results.Summary {
		t.Helper()
		var s results.Summary
		for range 3 { // the machine's other work may make a run inconclusive
			dir := e2eTemp(t)
			out := finish(t, weirCommand(t, dir, append([]string{"run", "--json", "--budget", "20s", "--out", "out"}, args...)...))
			if s = readRun(t, out, filepath.Join(dir, "out")); s.Valid {
				return s
			}
			t.Logf("%q is inconclusive: %q", args, s.Warnings)
		}
		t.Fatalf("%q was inconclusive three times", args)
		return s
	}
	shaped, loopback := run("--link", "20mbit"), run()
	if shaped.Bottleneck != results.WallWire || shaped.NextWall == nil {
		t.Fatalf("behind 20 Mbit/s: wall %q, next %+v", shaped.Bottleneck, shaped.NextWall)
	}
	predicted, knee := shaped.NextWall.TxPerSec, *loopback.Knee.LowerTxPerSec
	t.Logf("next wall: %s at %.0f tx/s; knee on loopback %.0f tx/s (%s): %.2f of it", shaped.NextWall.Name, predicted, knee, loopback.Bottleneck, predicted/knee)
	for _, m := range shaped.Demand.Models {
		t.Logf("%-10s %.0f tx/s [%.0f, %.0f], %.1f times the highest rate measured", m.Resource, m.WallTxPerSec, m.WallLowTxPerSec, m.WallHighTxPerSec, m.Extrapolation)
	}
	if predicted > wallFactor*knee || predicted < knee/wallFactor {
		t.Errorf("predicted %.0f, measured %.0f: more than a factor of %d apart", predicted, knee, wallFactor)
	}
}

// TestMeasuredProcessorWallHasParts: on loopback the processor is the wall, and
// its parts are those of a node that checks signatures.
func TestMeasuredProcessorWallHasParts(t *testing.T) {
	dir := e2eTemp(t)
	out := finish(t, weirCommand(t, dir, "run", "--json", "--budget", "20s", "--out", "out"))
	s := readRun(t, out, filepath.Join(dir, "out"))
	if !s.Valid {
		t.Fatalf("inconclusive: %q", s.Warnings)
	}
	if check := weir(t, dir, "check", "out"); check.code != exitOK {
		t.Errorf("weir check: %s", check)
	}
	if s.Bottleneck != results.WallCPU {
		t.Errorf("wall %q, want cpu", s.Bottleneck)
	}
	var sum, largest float64
	name := ""
	for _, p := range s.Demand.Parts {
		if p.Resource != "cpu" {
			continue
		}
		t.Logf("%-14s %5.1f %%  %s", p.Name, 100*p.Share, p.Source)
		if sum += p.SecPerTx; p.SecPerTx > largest {
			largest, name = p.SecPerTx, p.Name
		}
	}
	if s.Demand.CPU == nil || sum < *s.Demand.CPU*0.999 || sum > *s.Demand.CPU*1.001 || name != "signatures" {
		t.Errorf("parts add up to %v of %v, the largest is %q", sum, orNull(s.Demand.CPU), name)
	}
	if p := s.Demand.Profile; p == nil || p.Samples < 50 || p.Coverage < 0.8 || p.Coverage > 1.2 {
		t.Errorf("profile %+v", p)
	}
}
