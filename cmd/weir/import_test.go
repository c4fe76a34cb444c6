package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const importSample = `Experiment ID: aaaa
	Connections: 1
	Rate: 200
	Size: 1024
	Total Valid Tx: 17800
	Average Latency: 3.873914787s
Experiment ID: bbbb
	Connections: 2
	Rate: 200
	Size: 1024
	Total Valid Tx: 34600
	Average Latency: 6.759146915s
`

func runCommand(args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = execute(args, strings.NewReader(""), &out, &errOut)
	return code, out.String(), errOut.String()
}

func TestImportCommand(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "loadtime.txt")
	if err := os.WriteFile(file, []byte(importSample), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	code, stdout, stderr := runCommand("import", file, "--duration", "100s", "--out", out, "--json")
	if code != exitOK || stderr != "" {
		t.Fatalf("%d %s", code, stderr)
	}
	var got struct {
		Schema string `json:"schema"`
		Runs   []struct {
			Format    string   `json:"format"`
			Committed *float64 `json:"committed_tx_per_sec"`
			Failed    *int64   `json:"failed"`
			Lints     []struct{ Code string }
		}
		Points []struct {
			N      float64 `json:"n"`
			X      float64 `json:"x_tx_per_sec"`
			Source string  `json:"n_source"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != "weir.import/1" || len(got.Runs) != 2 || len(got.Points) != 2 || *got.Runs[1].Committed != 346 || got.Runs[0].Failed != nil {
		t.Errorf("%s", stdout)
	}
	for name, want := range map[string]string{
		"import.json": stdout, "points.csv": "n,x,r\n689.55", "bench.txt": "BenchmarkImport/tool=loadtime/name=bbbb/clients=2/offered=400 1 346 tx/s",
	} {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
	}
	// Nothing is overwritten unasked, and then all of it.
	if err := os.Remove(filepath.Join(out, "import.json")); err != nil {
		t.Fatal(err)
	}
	code, _, stderr = runCommand("import", file, "--out", out)
	if code != exitUsage || !strings.Contains(stderr, "points.csv is there already") || !strings.Contains(stderr, "--force") {
		t.Errorf("%d %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(out, "import.json")); err == nil {
		t.Error("half of the files were written")
	}
	if code, _, stderr = runCommand("import", file, "--out", out, "--force"); code != exitOK {
		t.Errorf("%d %s", code, stderr)
	}
}

func TestImportPrintsWithin80Columns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "loadtime.txt")
	if err := os.WriteFile(file, []byte(strings.Replace(importSample, "aaaa", "\x1b[31m"+strings.Repeat("a", 90), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runCommand("import", file, "--duration", "90s")
	if code != exitOK || stderr != "" {
		t.Fatalf("%d %s", code, stderr)
	}
	for line := range strings.Lines(stdout) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > helpColumns || strings.Contains(line, "\x1b") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if !strings.Contains(stdout, "runs 1-2: ") || !strings.Contains(stdout, "384.4") {
		t.Error(stdout)
	}
}

func TestImportBadInput(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.txt")
	if err := os.WriteFile(foreign, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"import"}, []string{"at least 1", "weir import --help"}},
		{[]string{"import", filepath.Join(dir, "none")}, []string{"none"}},
		{[]string{"import", dir}, []string{dir, "name the files in it"}},
		{[]string{"import", foreign, "--out", filepath.Join(dir, "new")}, []string{foreign + ":1", `"hello"`, "caliper"}},
		{[]string{"import", foreign, "--format", "jmeter"}, []string{`"jmeter"`, "k6"}},
		{[]string{"import", foreign, "--duration", "-1s"}, []string{"--duration is -1s", "90s"}},
	} {
		code, stdout, stderr := runCommand(tt.args...)
		if code != exitUsage || stdout != "" {
			t.Errorf("%v: %d %s", tt.args, code, stdout)
		}
		for _, want := range tt.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v: %s lacks %q", tt.args, stderr, want)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("a folder was left behind")
	}
}

func TestRunList(t *testing.T) {
	for want, list := range map[string][]int{"run 3": {3}, "runs 1-2": {1, 2}, "runs 1, 3-5, 9": {1, 3, 4, 5, 9}} {
		if got := runList(list); got != want {
			t.Errorf("%v: %q, want %q", list, got, want)
		}
	}
}
