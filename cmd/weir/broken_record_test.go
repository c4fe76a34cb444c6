package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// brokenRecords are files that are no record, by what is wrong with them: the
// text, and what the error must say behind the file's name.
func brokenRecords(t *testing.T) map[string]struct{ text, want string } {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "results", "testdata", "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	whole := string(data)
	lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
	replaced := func(old, with string) string {
		text := strings.Replace(whole, old, with, 1)
		if text == whole {
			t.Fatalf("the record has no %s", old)
		}
		return text
	}
	return map[string]struct{ text, want string }{
		"foreign":       {lines[0] + `{"metric":"http_reqs","type":"Point","data":{}}` + "\n", ":2: "},
		"mixed schemas": {lines[0] + lines[1] + `{"schema":"weir.load/1","sent":1}` + "\n", ":3: "},
		"another one's": {lines[0] + strings.Replace(lines[1], "weir.run/1", "weir.run/9", 1), ":2: "},
		"a wrong type":  {replaced(`"fidelity":0.99`, `"fidelity":"0.99"`), ":3: "},
		"a missing key": {replaced(`"offered":1000,`, ``), ":2: "},
		"no such word":  {replaced(`"phase":"explore"`, `"phase":"warm"`), ":3: "},
		"cut in two":    {lines[0] + lines[1][:len(lines[1])-30] + "\n" + lines[2], ":2: "},
		"no JSON":       {lines[0] + "hello\n", ":2: "},
	}
}

// Every command that computes with a record refuses one that is not what it
// should be: exit code 2, file and line, nothing on stdout and nothing written.
func TestCommandsRefuseBrokenRecords(t *testing.T) {
	good := recordFile(t, nil)
	for name, c := range brokenRecords(t) {
		dir := t.TempDir()
		record := filepath.Join(dir, "record.jsonl")
		if err := os.WriteFile(record, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"plan", record},
			{"plan", dir, "--json"},
			{"report", record},
			{"compare", record, good},
			{"compare", good, dir, "--json"},
			{"history", record},
			{"history", "--add", record, "--to", filepath.Join(dir, "h.jsonl")},
		} {
			out := command(args...)
			if out.code != exitUsage || out.stdout != "" || !strings.Contains(out.stderr, record+c.want) {
				t.Errorf("%s, weir %s: %s\nwant exit code %d and %q", name, strings.Join(args, " "), out, exitUsage, record+c.want)
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 {
			t.Errorf("%s: %v, %v stand beside the record", name, err, left)
		}
		// check is asked what is wrong with it, and that something is, is its answer.
		if out := command("check", record); out.code != exitFailed || !strings.Contains(out.stderr+out.stdout, strings.Trim(c.want, ": ")) {
			t.Errorf("%s, weir check: %s\nwant exit code %d and line %s", name, out, exitFailed, c.want)
		}
	}
}

// The record of a run that was cut short is shown as such where it can be used,
// and refused where it cannot, as what it is.
func TestCommandsAndPartialRecords(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "results", "testdata", "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(data), "\n")
	for name, text := range map[string]string{
		"no summary": strings.Join(lines[:3], ""),
		"half a one": strings.Join(lines[:3], "") + lines[3][:40],
	} {
		dir := t.TempDir()
		record := filepath.Join(dir, "record.jsonl")
		if err := os.WriteFile(record, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := command("report", record); out.code != exitInconclusive || !strings.Contains(out.stderr, "invalid or partial") {
			t.Errorf("%s, report: %s", name, out)
		}
		want, why := exitInconclusive, "no summary"
		if name == "half a one" {
			want, why = exitUsage, record+":4: "
		}
		if out := command("plan", record); out.code != want || name == "half a one" && !strings.Contains(out.stderr, why) {
			t.Errorf("%s, plan: %s", name, out)
		}
		for _, args := range [][]string{{"compare", record, record}, {"history", record}} {
			if out := command(args...); out.code != exitUsage || !strings.Contains(out.stderr, why) {
				t.Errorf("%s, %s: %s", name, args[0], out)
			}
		}
	}
}

// fit reads points; a record in their place is called what it is.
func TestFitRefusesARecord(t *testing.T) {
	record := recordFile(t, nil)
	if out := command("fit", record); out.code != exitUsage || out.stdout != "" || !strings.Contains(out.stderr, record+":1: ") || !strings.Contains(out.stderr, "points.csv") {
		t.Errorf("%s", out)
	}
}
