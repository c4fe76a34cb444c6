package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const (
	emptyRoot      = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	emptyLeafRoot  = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
	threeLeaves    = "\n00\n10\n"
	threeLeafRoot  = "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
	block100kTxids = `8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87
fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4
6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4
e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d
`
	block100kRoot = "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766"
)

// runMerkle runs weir merkle with args and returns its exit code and output, as
// execute does for the whole program.
func runMerkle(t testing.TB, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	root := &cobra.Command{Use: "weir", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(newMerkleCmd())
	root.SetArgs(append([]string{"merkle"}, args...))
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	if err := root.Execute(); err != nil {
		errs.WriteString("weir: " + err.Error() + "\n")
		code = exitUsage
		var ee *exitError
		if errors.As(err, &ee) {
			code = ee.code
		}
	}
	return code, out.String(), errs.String()
}

// runMerkleJSON runs it with --json and decodes the one object that it prints.
func runMerkleJSON(t *testing.T, wantCode int, stdin string, args ...string) map[string]any {
	t.Helper()
	code, stdout, stderr := runMerkle(t, stdin, append(args, "--json")...)
	if code != wantCode {
		t.Fatalf("%v: exit code %d, want %d: %s", args, code, wantCode, stderr)
	}
	dec := json.NewDecoder(strings.NewReader(stdout))
	var object map[string]any
	if err := dec.Decode(&object); err != nil || dec.More() {
		t.Fatalf("%v: stdout is not one JSON object: %v: %q", args, err, stdout)
	}
	if object["schema"] != "weir.merkle/1" {
		t.Errorf("%v: schema %v", args, object["schema"])
	}
	return object
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMerkleRoot(t *testing.T) {
	for name, tc := range map[string]struct {
		text, want string
		leaves     float64
		args       []string
	}{
		"no leaves":         {"", emptyRoot, 0, nil},
		"the empty leaf":    {"\n", emptyLeafRoot, 1, nil},
		"three leaves":      {threeLeaves, threeLeafRoot, 3, nil},
		"CR LF":             {"\r\n00\r\n10", threeLeafRoot, 3, []string{"--workers", "2"}},
		"bitcoin":           {block100kTxids, block100kRoot, 4, []string{"--scheme", "bitcoin", "--reverse"}},
		"bitcoin, no leaf":  {"", strings.Repeat("00", 32), 0, []string{"--scheme", "bitcoin"}},
		"bitcoin, one leaf": {threeLeafRoot + "\n", threeLeafRoot, 1, []string{"--scheme=bitcoin"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, "leaves.hex", tc.text)
			for _, in := range []struct{ stdin, file string }{{"", file}, {tc.text, "-"}} {
				args := append([]string{"root", in.file}, tc.args...)
				code, stdout, stderr := runMerkle(t, in.stdin, args...)
				if code != 0 || stdout != tc.want+"\n" || stderr != "" {
					t.Errorf("%v: exit code %d, %q, %q", args, code, stdout, stderr)
				}
				got := runMerkleJSON(t, 0, in.stdin, args...)
				if got["root"] != tc.want || got["leaves"] != tc.leaves || got["mutated"] != false {
					t.Errorf("%v: %v", args, got)
				}
			}
		})
	}
}

// CVE-2012-2459: the root is printed, and everything else says not to use it.
func TestMerkleRootMutated(t *testing.T) {
	line := func(digit string) string { return strings.Repeat(digit, 64) + "\n" }
	sound, mutated := line("1")+line("2")+line("3"), line("1")+line("2")+line("3")+line("3")
	want := runMerkleJSON(t, 0, sound, "root", "--scheme", "bitcoin", "-")
	got := runMerkleJSON(t, 1, mutated, "root", "--scheme", "bitcoin", "-")
	if got["root"] != want["root"] || got["mutated"] != true || len(got["warnings"].([]any)) != 1 {
		t.Errorf("got %v; want root %v", got, want["root"])
	}
	code, stdout, stderr := runMerkle(t, mutated, "root", "--scheme", "bitcoin", "-")
	if code != 1 || stdout != want["root"].(string)+"\n" || !strings.Contains(stderr, "nodes 2 and 3 of level 0 are equal") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr = runMerkle(t, mutated, "prove", "--index", "0", "--scheme", "bitcoin", "--json", "-")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "ambiguous") {
		t.Errorf("prove: exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestMerkleInputErrors(t *testing.T) {
	txid := strings.Repeat("ab", 32)
	for name, tc := range map[string]struct {
		text string
		args []string
		want string
	}{
		"odd digits":         {"00\n1\n", []string{"root", "-"}, "standard input:2: 1 hex digits"},
		"no hex":             {"00\n\nhello\n", []string{"root", "-"}, "standard input:3: column 1"},
		"0x":                 {"0x00\n", []string{"root", "-"}, "remove the 0x"},
		"short txid":         {txid + "\n" + txid[2:] + "\n", []string{"root", "--scheme", "bitcoin", "-"}, ":2: a bitcoin leaf is a node of 32 bytes, this line has 31"},
		"empty bitcoin line": {txid + "\n\n", []string{"root", "--scheme", "bitcoin", "-"}, ":2: the line is empty"},
		"missing file":       {"", []string{"root", "/nowhere/leaves.hex"}, "/nowhere/leaves.hex"},
		"a folder":           {"", []string{"root", os.TempDir()}, "directory"},
		"no file":            {"", []string{"root"}, "takes one FILE"},
		"two files":          {"", []string{"root", "a", "b"}, "takes one FILE"},
		"scheme":             {"", []string{"root", "--scheme", "rfc9162", "-"}, "use one of rfc6962, bitcoin"},
		"reverse ssz":        {"", []string{"root", "--scheme", "ssz", "--reverse", "-"}, "leave it out"},
		"reverse rfc6962":    {"", []string{"root", "--reverse", "-"}, "leave it out"},
		"workers":            {"", []string{"root", "--workers", "-1", "-"}, "--workers -1"},
		"no index":           {"00\n", []string{"prove", "-"}, "--index"},
		"index too large":    {"00\n", []string{"prove", "--index", "1", "-"}, "leaf 1 of 1; the last one is 0"},
		"index, no leaves":   {"", []string{"prove", "--index", "0", "-"}, "tree size is 0"},
		"negative index":     {"00\n", []string{"prove", "--index", "-1", "-"}, "index"},
	} {
		code, stdout, stderr := runMerkle(t, tc.text, tc.args...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit code %d, %q, %q; want %q", name, code, stdout, stderr, tc.want)
		}
	}
}

func TestMerkleInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cmd := newMerkleCmd()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetIn(strings.NewReader("00\n"))
	cmd.SetArgs([]string{"root", "-"})
	var ee *exitError
	if err := cmd.ExecuteContext(ctx); !errors.As(err, &ee) || ee.code != exitInconclusive {
		t.Errorf("got %v", err)
	}
}

func TestMerkleProveText(t *testing.T) {
	code, stdout, stderr := runMerkle(t, threeLeaves, "prove", "--index", "2", "-")
	want := "scheme  rfc6962\nroot    " + threeLeafRoot + "\nleaf    2 of 3: 10\n" +
		"path  0 fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125\n"
	if code != 0 || stdout != want || stderr != "" {
		t.Errorf("exit code %d, %q, %q; want %q", code, stdout, stderr, want)
	}
}

func TestMerkleBench(t *testing.T) {
	args := []string{"bench", "--leaves", "2,1100", "--workers", "1,2", "--time", "1us"}
	got := runMerkleJSON(t, 0, "", args...)
	rows, ok := got["rows"].([]any)
	if !ok || len(rows) != 12 {
		t.Fatalf("rows: %v", got["rows"])
	}
	for _, row := range rows {
		r := row.(map[string]any)
		for _, key := range []string{"leaves", "leaf_bytes", "workers", "ns_per_root", "nodes", "floor_ns", "floor_ratio"} {
			if v, ok := r[key].(float64); !ok || v <= 0 {
				t.Errorf("key %s: %v in %v", key, r[key], r)
			}
		}
		if r["verified"] != true || r["scheme"] != "rfc6962" && r["scheme"] != "bitcoin" {
			t.Errorf("row %v", r)
		}
	}
	code, stdout, stderr := runMerkle(t, "", append(args, "--scheme", "bitcoin")...)
	if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 1+4 || strings.Contains(stdout, "rfc6962") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	for _, bad := range [][]string{{"--leaves", "1"}, {"--workers", "0"}, {"--time", "0s"}, {"--leaf-bytes", "0"}, {"--scheme", "x"}, {"file"}} {
		if code, stdout, _ := runMerkle(t, "", append([]string{"bench"}, bad...)...); code != 2 || stdout != "" {
			t.Errorf("%v: exit code %d, %q", bad, code, stdout)
		}
	}
}
