package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recordFile puts the example record of package results into a folder of its own.
func recordFile(t *testing.T, change func(string) string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "results", "testdata", "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if change != nil {
		text = change(text)
	}
	path := filepath.Join(t.TempDir(), "record.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func command(args ...string) outcome {
	var out, errOut bytes.Buffer
	code := execute(args, strings.NewReader(""), &out, &errOut)
	return outcome{out.String(), errOut.String(), code}
}

func TestReportOfARecord(t *testing.T) {
	record := recordFile(t, nil)
	dir := filepath.Dir(record)
	figures := filepath.Join(dir, "a", "figures")
	out := command("report", dir, "--json", "--figures", figures)
	var r reportResult
	oneObject(t, out.stdout, &r)
	if out.code != exitOK || r.Schema != "weir.report/1" || !r.Valid || r.Report != filepath.Join(dir, "report.html") || len(r.Figures) < 3 {
		t.Fatalf("%s\n%+v", out, r)
	}
	page, err := os.ReadFile(r.Report)
	if err != nil || len(page) != r.Bytes || !bytes.Contains(page, []byte(`href="./record.jsonl"`)) {
		t.Errorf("%v, %d bytes, stated %d", err, len(page), r.Bytes)
	}
	for _, f := range r.Figures {
		if f.Title == "" || f.XLabel == "" || f.YLabel == "" {
			t.Errorf("%+v", f)
		}
		svg, err := os.ReadFile(string(f.SVG))
		if err != nil || !bytes.HasPrefix(svg, []byte("<svg ")) {
			t.Errorf("%v: %.40s", err, svg)
		}
		dots, err := os.ReadFile(string(f.PNG))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(dots)); err != nil {
			t.Errorf("%s: %v", f.PNG, err)
		}
	}
	// Again: the same bytes, so nothing is overwritten and nothing is wrong.
	if again := command("report", record, "--figures", figures); again.code != exitOK || !strings.Contains(again.stdout, "report.html") {
		t.Errorf("%s", again)
	}
	if err := os.WriteFile(r.Report, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if kept := command("report", record); kept.code != exitUsage || !strings.Contains(kept.stderr, "--force") {
		t.Errorf("%s", kept)
	}
	if mine, err := os.ReadFile(r.Report); err != nil || string(mine) != "mine" {
		t.Errorf("%v: the file became %.40s", err, mine)
	}
	if forced := command("report", record, "--force"); forced.code != exitOK {
		t.Errorf("%s", forced)
	}
	if now, err := os.ReadFile(r.Report); err != nil || !bytes.Equal(now, page) {
		t.Errorf("%v: --force wrote something else", err)
	}
	if std := command("report", record, "--out", "-"); std.code != exitOK || !strings.HasPrefix(std.stdout, "<!DOCTYPE html>") {
		t.Errorf("exit code %d, %.60s", std.code, std.stdout)
	}
}

func TestReportOfWhatIsInvalidOrPartial(t *testing.T) {
	for name, c := range map[string]struct {
		change func(string) string
		banner string
	}{
		"invalid": {func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			for i, l := range lines {
				if strings.Contains(l, `"type":"summary"`) {
					lines[i] = strings.Replace(l, `"valid":true`, `"valid":false`, 1)
				}
			}
			return strings.Join(lines, "")
		}, "INVALID"},
		"no summary": {func(s string) string {
			return s[:strings.Index(s, "\n{\"schema\":\"weir.run/1\",\"type\":\"summary\"")+1]
		}, "PARTIAL"},
		"cut off": {func(s string) string { return s[:len(s)-100] }, "PARTIAL"},
	} {
		t.Run(name, func(t *testing.T) {
			record := recordFile(t, c.change)
			out := command("report", record)
			page, err := os.ReadFile(filepath.Join(filepath.Dir(record), "report.html"))
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if out.code != exitInconclusive || !bytes.Contains(page, []byte("<strong>"+c.banner)) {
				t.Errorf("no banner %s: %s", c.banner, out)
			}
		})
	}
}

func TestReportOfBadInput(t *testing.T) {
	record := recordFile(t, nil)
	dir := filepath.Dir(record)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(whole), "\n")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing there":  {[]string{filepath.Join(dir, "no.jsonl")}, "no.jsonl"},
		"empty":          {[]string{write("empty.jsonl", "")}, "empty.jsonl:1: "},
		"foreign":        {[]string{write("foreign.jsonl", first+"\n{\"schema\":\"k6/1\"}\n")}, "foreign.jsonl:2:"},
		"no JSON":        {[]string{write("text.jsonl", "BenchmarkX 1 2 ns/op\n")}, "text.jsonl:1:"},
		"NaN":            {[]string{write("nan.jsonl", strings.Replace(string(whole), `"valid":true`, `"valid":NaN`, 1))}, "nan.jsonl:"},
		"two records":    {[]string{write("two.jsonl", string(whole)+string(whole))}, "two.jsonl:"},
		"only a machine": {[]string{write("env.jsonl", first+"\n")}, "no trial"},
		"record as out":  {[]string{record, "--out", record, "--force"}, "the record itself"},
		"out and json":   {[]string{record, "--out", "-", "--json"}, "stdout"},
		"no such folder": {[]string{record, "--out", filepath.Join(dir, "no", "r.html")}, "r.html"},
	} {
		t.Run(name, func(t *testing.T) {
			out := command(append([]string{"report"}, c.args...)...)
			if out.code != exitUsage || !strings.Contains(out.stderr, c.want) || out.stdout != "" {
				t.Errorf("want %q: %s", c.want, out)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.html")); err != nil || len(left) > 0 {
		t.Errorf("%v: files were written: %v", err, left)
	}
	if now, err := os.ReadFile(record); err != nil || !bytes.Equal(now, whole) {
		t.Errorf("%v: the record was changed", err)
	}
}
