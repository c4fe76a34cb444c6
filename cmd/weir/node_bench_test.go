package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/chainweir/weir/bench"
)

// A short benchmark of every mode gives a whole report and leaves nothing behind.
func TestNodeBenchReport(t *testing.T) {
	dir := t.TempDir()
	var out, errs bytes.Buffer
	args := []string{"node", "bench", "--dir", dir, "--accounts", "2048", "--rounds", "1", "--duration", "50ms", "--json"}
	if code := execute(args, nil, &out, &errs); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	var r bench.NodeBench
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Schema != "weir.node.bench/1" || len(r.Rows) != 3 || len(r.Stages) == 0 || r.StateRootMS == nil || r.Durable == nil || r.Memory == nil {
		t.Fatalf("%+v", r)
	}
	for i, mode := range bench.NodeBenchModes() {
		row := r.Rows[i]
		signed := mode != bench.ModeUnsigned
		if row.Mode != mode || row.TxPerSec <= 0 || row.Workers < 1 || row.CPUNSPerTx <= 0 || row.TxPerBlock <= 0 ||
			signed != (row.VerifyPerSec != nil) || signed != (row.RatioToVerify != nil) {
			t.Errorf("%+v", row)
		}
		for _, s := range row.Stages {
			if s.Name == "" || s.NSPerTx <= 0 {
				t.Errorf("%s: %+v", mode, s)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	var text bytes.Buffer
	if err := printNodeBench(&text, &r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"signed_cached", "persist", "durable block", "state root", "memory"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &text)
		}
	}
}

func TestNodeBenchBadInput(t *testing.T) {
	for _, c := range []struct{ flag, value, want string }{
		{"--mode", "fast", `"fast"`},
		{"--mode", "", "--mode is empty"},
		{"--rounds", "0", "--rounds is 0"},
		{"--duration", "1ms", "--duration is 1ms"},
		{"--accounts", "10", "--accounts is 10"},
		{"--key-cache", "0", "--key-cache is 0"},
		{"--workers", "-1", "--workers is -1"},
		{"--block-interval", "-1s", "--block-interval is -1s"},
		{"--dir", "/does/not/exist", "/does/not/exist"},
	} {
		var out, errs bytes.Buffer
		if code := execute([]string{"node", "bench", c.flag, c.value}, nil, &out, &errs); code != exitUsage {
			t.Errorf("%s %q: exit code %d", c.flag, c.value, code)
		}
		if !strings.Contains(errs.String(), c.want) || out.Len() != 0 {
			t.Errorf("%s %q: %q on stderr, %q on stdout", c.flag, c.value, &errs, &out)
		}
	}
}
