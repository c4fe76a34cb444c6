package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ciDoc is what the tests read of weir.ci/1.
type ciDoc struct {
	Schema, Verdict, Outcome, Record string
	Noisy                            bool
	ExitCode                         int `json:"exit_code"`
	Rounds                           int
	Rows                             []struct {
		Metric, Verdict, Outcome string
		Ratio                    *float64
		Confirmed                bool
	}
}

// counts writes a program that prints metrics which do not depend on time.
func counts(t *testing.T, dir, name string, bytes string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	script := "#!/bin/sh\necho '{\"metrics\":{\"wire_bytes_per_tx\":" + bytes + ",\"tps\":1000},\"answer\":\"ab\"}'\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCIGates: exit code, JSON, JUnit and Markdown of a comparison that needs no
// quiet machine, by a user without any right where the test may become one.
func TestCIGates(t *testing.T) {
	dir := e2eTemp(t)
	base, head := counts(t, dir, "base", "300"), counts(t, dir, "head", "306")
	for gate, want := range map[string]struct {
		code            int
		outcome, figure string
	}{
		"wire_bytes_per_tx<=+1%":          {exitFailed, "fail", `failures="1"`},
		"wire_bytes_per_tx<=+3%,tps>=-1%": {exitOK, "pass", `tests="2" failures="0" errors="0"`},
	} {
		sub := filepath.Join(dir, want.outcome)
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := weirCommand(t, sub, "ci", base, head, "--gate", gate, "--rounds", "6", "--json", "--out", "out", "--junit", "j.xml", "--markdown", "m.md")
		if os.Geteuid() == 0 {
			asNobody(t, cmd)
		}
		out := finish(t, cmd)
		var doc ciDoc
		oneObject(t, out.stdout, &doc)
		holdSchema(t, "weir.ci/1", out.stdout)
		if out.code != want.code || doc.Schema != "weir.ci/1" || doc.Outcome != want.outcome || doc.ExitCode != want.code || doc.Noisy || doc.Rounds != 6 || doc.Record != "out" {
			t.Errorf("%s: %+v, %s", gate, doc, out)
		}
		junit, err := os.ReadFile(filepath.Join(sub, "j.xml"))
		if err != nil || !strings.Contains(string(junit), want.figure) {
			t.Errorf("%s: %v, %s", gate, err, junit)
		}
		if md, err := os.ReadFile(filepath.Join(sub, "m.md")); err != nil || !strings.Contains(string(md), "`"+strings.Split(gate, ",")[0]+"`") {
			t.Errorf("%s: %v, %s", gate, err, md)
		}
		checkCIRecord(t, filepath.Join(sub, "out"), want.outcome)
		// A second try must not replace what is there.
		if again := weir(t, sub, "ci", base, head, "--out", "out"); again.code != exitUsage || !strings.Contains(again.stderr, "--force") {
			t.Errorf("a second try into the same folder: %s", again)
		}
	}
}

// checkCIRecord looks at the raw record: a line for every run, the summary last.
func checkCIRecord(t *testing.T, dir, outcome string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "ci.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	runs, order := 0, ""
	for i, line := range lines {
		var l struct {
			Schema, Type, Arm, Phase, Outcome string
			Round                             int
			Values                            map[string]float64
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Schema != "weir.ci/1" {
			t.Fatalf("line %d: %v, %.200s", i+1, err, line)
		}
		switch {
		case l.Type == "run":
			runs++
			if l.Phase == "measure" && l.Round > 0 && l.Arm != "control" {
				order += l.Arm[:1]
			}
			if l.Values["tps"] != 1000 {
				t.Errorf("line %d: values %v", i+1, l.Values)
			}
		case (l.Type == "env") != (i == 0), (l.Type == "summary") != (i == len(lines)-1), l.Type == "summary" && l.Outcome != outcome:
			t.Errorf("line %d of %d: %.200s", i+1, len(lines), line)
		}
	}
	// 6 rounds and one that is thrown away, and as many to confirm that 2 % more
	// bytes are a change: only where the resolution is below that.
	want := 21
	if outcome == "fail" {
		want = 42
	}
	if runs != want || order != "bhhbhbbhhbbh" {
		t.Errorf("%d runs, want %d; order of the first measurement %s", runs, want, order)
	}
	for _, name := range []string{"base.txt", "head.txt", "report.md", "report.txt", "junit.xml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestCIWrongHead(t *testing.T) {
	dir := e2eTemp(t)
	for head, want := range map[string]struct {
		code int
		text string
	}{
		"echo 2":           {exitFailed, `it answers "2", base answers "1"`},
		"sh -c 'exit 7'":   {exitFailed, "exit code 7"},
		"no-such-program":  {exitUsage, "can be started"},
		"echo 1 'unclosed": {exitUsage, "not closed"},
	} {
		out := weir(t, dir, "ci", "echo 1", head, "--out", "o-"+strings.Fields(head)[0]+strings.Fields(head)[len(strings.Fields(head))-1], "--json")
		if out.code != want.code || !strings.Contains(out.stderr, want.text) || out.stdout != "" {
			t.Errorf("%s: %s", head, out)
		}
	}
	// A pipeline that reads the files finds that head is wrong, not what was there.
	for _, name := range []string{"j.xml", "m.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("all passed"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for head, want := range map[string]string{"echo 2": `failures="1" errors="0"`, "true": `failures="1" errors="0"`} {
		out := weir(t, dir, "ci", "echo 1", head, "--out", "w-"+strings.Fields(head)[0], "--junit", "j.xml", "--markdown", "m.md", "--force")
		junit, err := os.ReadFile(filepath.Join(dir, "j.xml"))
		if out.code != exitFailed || err != nil || !strings.Contains(string(junit), want) || !strings.Contains(string(junit), "head is wrong") {
			t.Errorf("%s: %s, %v, %s", head, out, err, junit)
		}
		if md, err := os.ReadFile(filepath.Join(dir, "m.md")); err != nil || !strings.Contains(string(md), "❌ head is wrong") {
			t.Errorf("%s: %v, %s", head, err, md)
		}
	}
	out := weir(t, dir, "ci", "false", "true", "--out", "kept")
	if _, err := os.Stat(filepath.Join(dir, "kept")); out.code != exitUsage || !os.IsNotExist(err) {
		t.Errorf("base fails: %s; its folder is left: %v", out, err)
	}
}

func TestCIRefuses(t *testing.T) {
	dir := e2eTemp(t)
	if err := os.WriteFile(filepath.Join(dir, "there.xml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"ci":                                     "BASE and HEAD",
		"ci true":                                "BASE and HEAD",
		"ci true true true":                      "one command too many",
		"ci true true --rounds 1":                "--rounds is 1",
		"ci true true --max-rounds 7":            "--max-rounds is 7",
		"ci true true --delta x":                 `"x"`,
		"ci true true --delta 0%":                "above 0%",
		"ci true true --delta NaN":               "above 0%",
		"ci true true --gate tps":                "tps>=-3%,p99<=+5%",
		"ci true true --gate tps>=-3%":           "the commands tell no tps",
		"ci true true --gate time>=-3%":          "write time<=+3%",
		"ci true true --answer (":                "--answer",
		"ci true true --timeout 0s":              "--timeout is 0s",
		"ci true true --junit there.xml":         "--force",
		"ci true true --junit nosuch/junit.xml":  "no folder nosuch",
		"ci true true --markdown .":              "is a folder",
		"ci --base true --head true extra":       "one command too many",
		"ci true true --out there.xml --force -": "not a directory",
	} {
		list := strings.Fields(args)
		if list[len(list)-1] == "-" {
			list = list[:len(list)-1]
		} else {
			list = append(list, "--out", "new")
		}
		out := weir(t, dir, list...)
		if out.code != exitUsage || !strings.Contains(out.stderr, want) || out.stdout != "" {
			t.Errorf("%s: %s, want %q", args, out, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "new")); !os.IsNotExist(err) {
			t.Errorf("%s leaves a folder behind: %v", args, err)
		}
	}
	// A folder that holds somebody's file of a name that the report takes.
	for _, name := range []string{"base.txt", "head.txt", "report.md", "report.txt", "junit.xml"} {
		own := filepath.Join(dir, "own-"+name)
		if err := errors.Join(os.Mkdir(own, 0o700), os.WriteFile(filepath.Join(own, name), []byte("mine"), 0o600)); err != nil {
			t.Fatal(err)
		}
		out := weir(t, dir, "ci", "echo 1", "echo 1", "--rounds", "6", "--max-rounds", "6", "--out", own)
		if b, err := os.ReadFile(filepath.Join(own, name)); out.code != exitUsage || !strings.Contains(out.stderr, "--force") || string(b) != "mine" {
			t.Errorf("%s is there: %s, it holds %q, %v", name, out, b, err)
		}
	}
}
