package ci

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/chainweir/weir/results"
)

// noisyReport is of a machine on which base differs from itself in p99, while
// head's tps changes by the given factor.
func noisyReport(t *testing.T, gates string, head float64) Report {
	t.Helper()
	run := script(func(arm Arm, run int) Sample {
		tps, p99 := 5e4*jitter(run), 11*jitter(run)
		switch arm {
		case Head:
			tps *= head
		case Control:
			p99 *= 1.2
		case Base:
		}
		return Sample{Values: []Value{{mTPS, tps}, {mP99, p99}, {mWire, 300}}}
	})
	cfg := config(run, t, gates)
	res, err := Measure(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return NewReport(res, Command{Args: []string{"a"}}, Command{Args: []string{"b"}}, cfg, results.Env{}, time.Now(), "x")
}

// One control that fires refuses every gate: a regression of another metric is
// named, and fails nothing. The same regression beside a quiet control fails.
func TestNoisyRefusesAllGates(t *testing.T) {
	r := noisyReport(t, sampleGates, .9)
	if !r.Noisy || r.Outcome != Noisy || r.ExitCode != exitUndecided {
		t.Fatalf("noisy %v, outcome %s, exit code %d", r.Noisy, r.Outcome, r.ExitCode)
	}
	if tps := r.Rows[0]; tps.Name != "tps" || tps.Outcome != Fail || !tps.Confirmed || !tps.Refused || tps.Verdict != Slower {
		t.Errorf("%+v", tps)
	}
	if p99 := r.Rows[1]; p99.Outcome != Noisy || !p99.Refused {
		t.Errorf("%+v", p99)
	}
	var text bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for name, shown := range map[string]string{"text": strings.Join(strings.Fields(text.String()), " "), "markdown": r.Markdown(), "headline": r.Headline()} {
		for _, want := range []string{"NOISY, gating refused", "p99 +20", "slower by tps -10"} {
			if !strings.Contains(shown, want) {
				t.Errorf("%s: no %q in\n%s", name, want, shown)
			}
		}
		if strings.Contains(shown, "FAIL") || strings.Contains(shown, "❌") || strings.Contains(shown, "✅") {
			t.Errorf("%s shows an outcome that does not count:\n%s", name, shown)
		}
	}
	if !strings.Contains(text.String(), "gate tps>=-3%: fail, refused") {
		t.Errorf("%s", text.String())
	}
	junit, err := r.JUnit()
	var doc struct {
		Suites []struct {
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
		} `xml:"testsuite"`
	}
	if err == nil {
		err = xml.Unmarshal(junit, &doc)
	}
	if err != nil || len(doc.Suites) != 1 || doc.Suites[0].Failures != 0 || doc.Suites[0].Errors != 2 {
		t.Errorf("%v: %s", err, junit)
	}
	// p99 decides no more: its control is not looked at.
	if r = noisyReport(t, "tps>=-3%", .9); r.Noisy || r.Outcome != Fail || r.ExitCode != exitFail || r.Rows[0].Refused {
		t.Errorf("without the noisy gate: noisy %v, outcome %s, exit code %d", r.Noisy, r.Outcome, r.ExitCode)
	}
	if r = noisyReport(t, sampleGates, 1); r.Outcome != Noisy || strings.Contains(r.Headline(), "seen") {
		t.Errorf("nothing was slower: %s", r.Headline())
	}
}

// What weir ci --json prints is what its JSON Schema says, and nothing else.
func TestReportSchema(t *testing.T) {
	for name, r := range map[string]Report{
		"failed": sampleReport(t, sampleGates, 1.1), "without gates": sampleReport(t, "", 1), "noisy": noisyReport(t, sampleGates, .9),
	} {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if bad, err := results.ValidateObject(Schema, b); err != nil || len(bad) > 0 {
			t.Errorf("%s: %v %v", name, err, bad)
		}
		for _, old := range []string{`"noisy":`, `"control":{`, `"aside":`} {
			with := strings.Replace(string(b), old, `"other":1,`+old, 1)
			if strings.HasSuffix(old, "{") {
				with = strings.Replace(string(b), old, old+`"other":1,`, 1)
			}
			if bad, err := results.ValidateObject(Schema, []byte(with)); err != nil || len(bad) == 0 {
				t.Errorf("%s: %v, an unknown key at %s is accepted", name, err, old)
			}
		}
	}
}
