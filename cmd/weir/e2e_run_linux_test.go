package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/results"
)

const nobody = 65534

// asNobody lets a command run without any capability, in a folder it owns.
func asNobody(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := os.Chown(cmd.Dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

func needRoot(t *testing.T, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root " + why)
	}
}

func needTime(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("measures for some seconds")
	}
}

// contractKeys are those that the machine-readable contract promises.
var contractKeys = []string{
	"schema", "type", "valid", "warnings",
	"knee.lower_tx_per_sec", "knee.upper_tx_per_sec", "knee.confirmed", "knee.latency_at",
	"latency_ms.accept.p50", "latency_ms.accept.p99", "latency_ms.accept.p999",
	"latency_ms.commit.p50", "latency_ms.commit.p99", "latency_ms.commit.p999",
	"wire.source", "wire.bytes_per_tx.in", "wire.bytes_per_tx.out", "wire.amplification",
	"link.capacity_bits_per_sec.in", "link.capacity_bits_per_sec.out", "link.utilisation", "link.direction", "link.kind",
	"demand.cpu_sec_per_tx", "demand.wire_sec_per_tx", "demand.disk_sec_per_tx", "demand.generator_sec_per_tx",
	"bottleneck", "trials", "record",
}

func hasKey(doc map[string]any, path string) bool {
	head, rest, deeper := strings.Cut(path, ".")
	v, ok := doc[head]
	if !ok || !deeper {
		return ok
	}
	m, ok := v.(map[string]any)
	return ok && hasKey(m, rest)
}

// readRun checks everything about a run that does not depend on the machine's
// mood, and returns its summary.
func readRun(t *testing.T, out outcome, dir string) results.Summary {
	t.Helper()
	var doc map[string]any
	oneObject(t, out.stdout, &doc)
	for _, k := range contractKeys {
		if !hasKey(doc, k) {
			t.Errorf("the summary has no %s", k)
		}
	}
	sch := validator(t, results.SchemaRun)
	valid(t, sch, out.stdout)
	path := filepath.Join(dir, "record.jsonl")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for _, l := range lines {
		valid(t, sch, l)
	}
	var last map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || !reflect.DeepEqual(last, doc) {
		t.Errorf("the record's last line is not what --json printed: %v", err)
	}
	rec, err := results.ReadFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range results.CheckRecord(rec) {
		t.Errorf("the record does not add up: %s", v)
	}
	if rec.Summary == nil || rec.Env == nil {
		t.Fatal("the record lacks its env or summary line")
	}
	if b, err := os.ReadFile(filepath.Join(dir, "report.html")); err != nil || len(b) < 10_000 || len(b) > 500_000 {
		t.Errorf("report.html: %d bytes, %v", len(b), err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "record.txt")); err != nil || len(b) == 0 {
		t.Errorf("record.txt: %d bytes, %v", len(b), err)
	}
	for _, name := range []string{results.FileCSV, results.FileHLog, results.FileOpenMetrics} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, results.FileBench)); (err == nil) != rec.Summary.Valid {
		t.Errorf("valid is %v and bench.txt: %v", rec.Summary.Valid, err)
	}
	if _, err := results.ReadValid(path); err != nil {
		t.Error(err)
	}
	s := *rec.Summary
	if s.Valid != (out.code == exitOK) || !s.Valid && out.code != exitInconclusive {
		t.Errorf("valid is %v with exit code %d\n%s", s.Valid, out.code, out.stderr)
	}
	if !s.Valid && len(s.Warnings) == 0 {
		t.Error("the run is not valid and no warning says why")
	}
	return s
}

func TestRunOnLoopback(t *testing.T) {
	needTime(t)
	for _, user := range []string{"this user", "nobody"} {
		t.Run(user, func(t *testing.T) {
			dir, budget := e2eTemp(t), "7500ms"
			if user == "nobody" {
				needRoot(t, "to become another user")
				budget = "6500ms"
			}
			cmd := weirCommand(t, dir, "run", "--json", "--budget", budget, "--accounts", "256", "--out", "out")
			want := results.NullString(results.WireSockDiag)
			switch {
			case user == "nobody":
				asNobody(t, cmd)
			case os.Geteuid() == 0:
				want = results.WireEBPF
			}
			out := finish(t, cmd)
			s := readRun(t, out, filepath.Join(dir, "out"))
			if s.Wire.Source != want && s.Knee.LowerTxPerSec != nil {
				t.Errorf("wire source %q, want %q: %q", s.Wire.Source, want, s.Warnings)
			}
			if want == results.WireSockDiag && !mentions(s.Warnings, "wire: ebpf", "CAP_BPF") {
				t.Errorf("no warning says why the wire is not counted by eBPF: %q", s.Warnings)
			}
			if s.Link.Kind != results.LinkLoopback || s.Target != "" || len(s.Trials) == 0 {
				t.Errorf("link %q, target %q, %d trials", s.Link.Kind, s.Target, len(s.Trials))
			}
			if entries, err := filepath.Glob(filepath.Join(dir, "out", "node-*")); err != nil || len(entries) > 0 {
				t.Errorf("left in the record's folder: %q %v", entries, err)
			}
		})
	}
}

// mentions tells whether one text has all the words.
func mentions(texts []string, words ...string) bool {
	return slices.ContainsFunc(texts, func(s string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) })
	})
}

// slowLinkBitsPerSec is so little that the wire is the wall even on a machine
// that is busy with other tests.
const slowLinkBitsPerSec = 8_000_000

// wireWall wants the wire named as the wall. A run that the machine's other
// work made inconclusive says so, and is tried again; a run that holds itself
// for valid must be right.
func wireWall(t *testing.T, measure func() results.Summary) results.Summary {
	t.Helper()
	const tries = 3
	var s results.Summary
	for range tries {
		s = measure()
		u := math.NaN()
		if s.Link.Utilisation != nil {
			u = *s.Link.Utilisation
		}
		t.Logf("valid %v · wall %q · utilisation %.3f · knee %v", s.Valid, s.Bottleneck, u, orNull(s.Knee.LowerTxPerSec))
		switch {
		case s.Bottleneck == results.WallWire && u >= 0.85:
			return s
		case s.Valid:
			t.Fatalf("wall %q at utilisation %.3f of a slow link, want wire at 0.85 or more: %q", s.Bottleneck, u, s.Warnings)
		}
	}
	t.Fatalf("inconclusive %d times: %q", tries, s.Warnings)
	return s
}

func orNull(v *float64) any {
	if v == nil {
		return "unknown"
	}
	return *v
}

func TestRunShapedLinkNamesTheWire(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	exe := ownExe(t, e2eTemp(t))
	s := wireWall(t, func() results.Summary {
		dir := e2eTemp(t)
		cmd := weirCommand(t, dir, "run", "--json", "--link", strconv.Itoa(slowLinkBitsPerSec)+"bit", "--budget", "12s", "--accounts", "256", "--out", "out")
		cmd.Path, cmd.Args[0] = exe, exe
		return readRun(t, finish(t, cmd), filepath.Join(dir, "out"))
	})
	if s.Link.Kind != results.LinkShaped || s.Wire.Source != results.WireEBPF {
		t.Errorf("link %q, wire source %q", s.Link.Kind, s.Wire.Source)
	}
	noTraces(t, exe)
}

// TestRunAgainstATargetBehindALink has both ends where somebody else put them:
// the run is told nothing of the link and has to find it.
func TestRunAgainstATargetBehindALink(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	ctx, cancel := context.WithTimeout(context.Background(), e2eTimeout)
	defer cancel()
	lab, err := netlab.Open(ctx, netlab.Config{RateBitsPerSec: slowLinkBitsPerSec, Name: "e2e"})
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	addr := lab.NodeAddr().String() + ":7151"
	dir := e2eTemp(t)
	node := startNode(t, lab.Command(ctx, netlab.NodeSide, weirExe, "node", "--json", "--accounts", "256",
		"--data", filepath.Join(dir, "chain"), "--listen", addr), lab.Start)
	s := wireWall(t, func() results.Summary {
		dir := e2eTemp(t)
		cmd := lab.Command(ctx, netlab.ClientSide, weirExe, "run", "--json", "--target", "weir://"+addr,
			"--budget", "12s", "--out", filepath.Join(dir, "out"))
		return readRun(t, finishWith(t, cmd, lab.Start), filepath.Join(dir, "out"))
	})
	if s.Link.Kind != results.LinkNetwork || s.Wire.Source != results.WireEBPF || s.Target == "" {
		t.Errorf("link %q, wire source %q, target %q", s.Link.Kind, s.Wire.Source, s.Target)
	}
	if s.Wire.BytesPerTx.In == nil || s.Wire.BytesPerTx.Out == nil {
		t.Errorf("wire bytes are unknown: %q", s.Warnings)
	}
	node.stop(t)
}

func TestRunWithoutCapabilities(t *testing.T) {
	needRoot(t, "to become another user")
	dir := e2eTemp(t)
	cmd := weirCommand(t, dir, "run", "--json", "--probe", "ebpf", "--accounts", "16", "--out", "out")
	asNobody(t, cmd)
	out := finish(t, cmd)
	if out.code != exitUsage || out.stdout != "" || !mentions([]string{out.stderr}, "ebpf", "CAP_BPF", "CAP_NET_ADMIN") {
		t.Errorf("want exit code 2 and the missing capabilities named: %s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); !os.IsNotExist(err) {
		t.Errorf("a refused run left its folder: %v", err)
	}
}

func TestRunWithTheAppSource(t *testing.T) {
	needTime(t)
	t.Parallel()
	dir := e2eTemp(t)
	out := weir(t, dir, "run", "--json", "--probe", "app", "--budget", "6500ms", "--max-rate", "500", "--accounts", "64", "--out", "out")
	s := readRun(t, out, filepath.Join(dir, "out"))
	if s.Wire.Source != results.WireApp || s.Wire.Exact {
		t.Errorf("wire source %q, exact %v", s.Wire.Source, s.Wire.Exact)
	}
	// A machine with other work to do may starve the generator, or make trials so
	// slow that none is confirmed. Then there is no rate, and the run has to say
	// that it was the generator that was measured, or that its time was over.
	starved := mentions(s.Warnings, "the generator was measured") || mentions(s.Warnings, "the time was over")
	if s.Knee.LowerTxPerSec == nil && (!mentions(s.Warnings, "inconclusive") || !starved) {
		t.Errorf("500 tx/s did not hold, and nothing says why: %q", s.Warnings)
	}
}

// finishWith runs a command that something else must start.
func finishWith(t *testing.T, cmd *exec.Cmd, start func(*exec.Cmd) error) outcome {
	t.Helper()
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := start(cmd); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done: // its exit code is judged by the caller
	case <-time.After(e2eTimeout):
		t.Fatalf("process %d does not end: %s", cmd.Process.Pid, errOut.String())
	}
	return outcome{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}
