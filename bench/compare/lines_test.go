package compare

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

var lineTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func lineOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// trialLine is a line of a record that ends before its summary.
func trialLine(t *testing.T) string { return lineOf(t, cutTrial()) }

func cutTrial() results.Trial {
	return results.Trial{
		ID: 1, Phase: results.PhaseExplore, Schedule: "constant", StartedAt: lineTime,
		InvalidReason: "interrupted", Verdict: results.VerdictInvalid,
	}
}

func loadLine(t *testing.T) string {
	t.Helper()
	l, rate := cutTrial().Load(nil, false), 5.
	l.Valid, l.InvalidReason, l.CommittedTxPerSec = true, "", &rate
	return lineOf(t, l)
}

func summaryLine(t *testing.T, valid bool) string {
	t.Helper()
	return lineOf(t, results.Summary{Valid: valid, Workload: "transfer", StartedAt: lineTime, Warnings: []string{"why"}})
}

// What a record or a load lacks is not taken for a zero, and what is of the wrong
// kind is refused with its line, by a comparison and by a history.
func TestBrokenRecords(t *testing.T) {
	whole := trialLine(t) + summaryLine(t, true)
	good := write(t, "good.txt", benchText("ns/op", 1, 2, 3, 4))
	for name, c := range map[string]struct{ text, want string }{
		"a cut line":     {whole[:len(whole)-9], "f:2: record is cut off"},
		"a missing key":  {strings.Replace(whole, `"workload":"transfer",`, "", 1), "f:2: bad record line: missing property 'workload'"},
		"a wrong type":   {strings.Replace(whole, `"schedule":"constant"`, `"schedule":7`, 1), "f:1: bad record line: schedule"},
		"another schema": {trialLine(t) + loadLine(t), "f:2: unknown schema"},
		"foreign":        {trialLine(t) + `{"metric":"http_reqs"}` + "\n", "f:2: unknown schema"},
		"an empty name":  {strings.Replace(whole, `"explore"`, `"warm"`, 1), "f:1: bad record line: /phase"},
	} {
		path := write(t, "f", c.text)
		_, compared := Files(path, path, opt3)
		_, _, drawn := ReadHistory([]string{path})
		_, added := PointOf(path, AddOptions{})
		_, one := Files(path, good, opt3)
		for _, err := range []error{compared, drawn, added, one} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"a missing key": {strings.Replace(loadLine(t), `"sent":0,`, "", 1), "f:1: bad record line: missing property 'sent'"},
		"a wrong type":  {"\n" + strings.Replace(loadLine(t), `"sent":0`, `"sent":"0"`, 1), "sent is a JSON string"},
		"cut":           {loadLine(t)[:50], "f:1:"},
		"two":           {loadLine(t) + loadLine(t), "f:1: bad record line"},
	} {
		path := write(t, "f", c.text)
		if _, err := Files(path, path, opt3); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("load, %s: %v, want %q", name, err, c.want)
		}
	}
}
