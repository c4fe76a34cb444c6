package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/netlab"
)

// TestDoctor: one object, worst first, and an exit code that fits it.
func TestDoctor(t *testing.T) {
	needTime(t)
	t.Parallel()
	dir := e2eTemp(t)
	for _, args := range [][]string{{"doctor", "--json"}, {"doctor"}} {
		out := weir(t, dir, args...)
		if len(args) == 1 {
			if out.stdout == "" || out.code > exitFailed {
				t.Error(out)
			}
			continue
		}
		var r doctorReport
		oneObject(t, out.stdout, &r)
		if r.Schema != "weir.doctor/1" || r.Fine != (out.code == exitOK) || !r.Fine && out.code != exitFailed {
			t.Errorf("%s", out)
		}
		notes := false
		for _, f := range r.Findings {
			notes = notes || f.Level == env.LevelNote
			if f.Level == env.LevelSpoils && notes || f.Code == "" || f.Text == "" || f.Remedy == "" {
				t.Errorf("%+v, after a note: %v", f, notes)
			}
		}
	}
}

// A process that outlived its lab's owner is listed, and cleaned when asked.
// --clean is asked for by another process than the one that listed it, and must
// leave this test's own lab alone.
func TestDoctorClean(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	lab, err := netlab.Open(t.Context(), netlab.Config{RateBitsPerSec: 10_000_000, Name: "doctor"})
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	dir := e2eTemp(t)
	// An owner that never was: process 1 started at tick 0 or so, not at 1<<40.
	orphan := exec.Command("sleep", "600")
	orphan.Env = []string{"WEIR_NETLAB=1:1099511627776:doctor-test"}
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = orphan.Wait() // killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = orphan.Process.Kill() // if the doctor did not
		<-ended
	})
	mine := func(l netlab.Leftover) bool { return l.PID == orphan.Process.Pid && l.Name == "doctor-test" }
	var r doctorReport
	out := weir(t, dir, "doctor", "--json")
	oneObject(t, out.stdout, &r)
	if out.code != exitFailed || r.Fine || !slices.ContainsFunc(r.Leftovers, mine) || !strings.Contains(out.stderr, "--clean") {
		t.Errorf("%+v: %s", r.Leftovers, out)
	}
	out = weir(t, dir, "doctor", "--json", "--clean", "--data", filepath.Join(dir, "."))
	r = doctorReport{}
	oneObject(t, out.stdout, &r)
	if !slices.ContainsFunc(r.Cleaned, mine) || slices.ContainsFunc(r.Leftovers, mine) {
		t.Errorf("cleaned %+v, left %+v", r.Cleaned, r.Leftovers)
	}
	<-ended
	if _, err := lab.Losses(netlab.NodeSide); err != nil || lab.Do(netlab.NodeSide, func() error { return nil }) != nil {
		t.Errorf("a living lab was cleaned away: %v", err)
	}
}
