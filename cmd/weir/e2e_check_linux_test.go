package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chainweir/weir/results"
)

// checked is what weir check --json prints of a folder.
type checked struct {
	Schema      string           `json:"schema"`
	OK          bool             `json:"ok"`
	Partial     bool             `json:"partial"`
	Recomputed  int              `json:"recomputed"`
	Digest      string           `json:"digest"`
	Differences []map[string]any `json:"differences"`
	Notes       []string         `json:"notes"`
}

func checkRecord(t *testing.T, dir, path string) (checked, int) {
	t.Helper()
	out := weir(t, dir, "check", "--json", path)
	var c checked
	oneObject(t, out.stdout, &c)
	if c.Schema != "weir.check/1" {
		t.Errorf("schema %q", c.Schema)
	}
	return c, out.code
}

// A real run's record can be computed again, one number changed cannot, and text
// says the same as JSON.
func TestCheckOfARealRun(t *testing.T) {
	needTime(t)
	dir := e2eTemp(t)
	out := weir(t, dir, "run", "--json", "--budget", "7500ms", "--max-rate", "2000", "--accounts", "64", "--out", "out")
	readRun(t, out, filepath.Join(dir, "out"))
	c, code := checkRecord(t, dir, "out")
	if code != exitOK || !c.OK || c.Digest != "right" || c.Recomputed < 100 {
		t.Fatalf("exit code %d: %+v", code, c)
	}
	text := weir(t, dir, "check", "out")
	if text.code != exitOK || !mentions([]string{text.stdout}, "as given", "values recomputed") {
		t.Errorf("%s", text)
	}
	path := filepath.Join(dir, "out", "record.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	forged := regexp.MustCompile(`"committed":([1-9]\d*)`).ReplaceAllStringFunc(string(b), func(s string) string { return s + "0" })
	if err := os.WriteFile(path, []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	c, code = checkRecord(t, dir, path)
	if code != exitFailed || c.OK || c.Digest != "wrong" || len(c.Differences) < 2 {
		t.Errorf("exit code %d: %+v", code, c)
	}
}

// A run that is killed leaves a record that can be read and is called partial.
func TestCheckOfAKilledRun(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	dir := e2eTemp(t)
	exe := ownExe(t, dir)
	cmd, _, _ := runUnderWay(t, dir, exe)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	c, code := checkRecord(t, dir, "out")
	if code != exitInconclusive || !c.OK || !c.Partial || len(c.Notes) == 0 {
		t.Errorf("exit code %d: %+v", code, c)
	}
	noTraces(t, exe)
}

// The node of a run is killed in the middle of a trial: that trial says nothing,
// and the run goes on with a new node and a record that adds up.
func TestRunGoesOnWhenItsNodeIsKilled(t *testing.T) {
	needTime(t)
	dir := e2eTemp(t)
	exe := ownExe(t, dir)
	cmd := weirCommand(t, dir, "run", "--json", "--budget", "12s", "--max-rate", "1000", "--accounts", "64", "--out", "out")
	cmd.Path, cmd.Args[0] = exe, exe
	var stdout, stderr lockedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // usually it has ended
		_ = cmd.Wait()
	})
	var pid int
	if !until(e2eTimeout, func() bool {
		// In a trial: its blocks are on disk.
		pid = nodeOf(t, exe)
		return pid > 0 && bytesOf(t, filepath.Join(dir, "out", "node-*", "blocks", "*")) > 64<<10
	}) {
		t.Fatalf("no trial: %s", stderr.String())
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its exit code depends on the machine's mood
	rec, err := results.ReadFile(filepath.Join(dir, "out", "record.jsonl"), false)
	if err != nil || rec.Summary == nil {
		t.Fatalf("%v, %s", err, stderr.String())
	}
	invalid := 0
	for _, tr := range rec.Trials {
		if tr.Verdict == results.VerdictInvalid {
			invalid++
			if !strings.Contains(tr.InvalidReason, "the node ended with signal: killed") {
				t.Errorf("trial %d does not say that its node died: %q", tr.ID, tr.InvalidReason)
			}
		}
	}
	if invalid == 0 || len(rec.Trials) < 2 {
		t.Errorf("%d of %d trials are invalid: %q", invalid, len(rec.Trials), rec.Summary.Warnings)
	}
	if c, code := checkRecord(t, dir, "out"); code != exitOK {
		t.Errorf("exit code %d: %+v", code, c)
	}
	noTraces(t, exe)
}

// bytesOf is the length of all files that match.
func bytesOf(t *testing.T, pattern string) int64 {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() { // else gone meanwhile
			sum += info.Size()
		}
	}
	return sum
}

// nodeOf is the process of a run's node, 0 when there is none.
func nodeOf(t *testing.T, exe string) int {
	t.Helper()
	for _, p := range processesOf(t, exe) {
		pid, args, _ := strings.Cut(p, " ")
		if strings.Contains(args, " node ") {
			n, err := strconv.Atoi(pid)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

func TestRunOnAFullDisk(t *testing.T) {
	needTime(t)
	needRoot(t, "to mount a small file system")
	dir := e2eTemp(t)
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("cannot mount a tmpfs of 1 MiB here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	}()
	exe := ownExe(t, dir)
	cmd := weirCommand(t, dir, "run", "--json", "--budget", "7500ms", "--accounts", "64", "--out", "small/out")
	cmd.Path, cmd.Args[0] = exe, exe
	out := finish(t, cmd)
	if out.code != exitUsage && out.code != exitInconclusive || out.stderr == "" {
		t.Errorf("%s", out)
	}
	if _, err := os.Stat(filepath.Join(small, "out", "record.jsonl")); err == nil {
		if _, err := results.ReadFile(filepath.Join(small, "out", "record.jsonl"), true); err != nil {
			t.Errorf("the record cannot be read: %v", err)
		}
	}
	noTraces(t, exe)
}
