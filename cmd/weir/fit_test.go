package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const specSDM91 = "n,x\n216,1702.2\n1,64.9\n18,995.9\n36,1652.4\n72,1853.2\n108,1828.9\n144,1775.0\n"

// fitText runs weir fit on a table from standard input.
func fitText(t *testing.T, table string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = execute(append(append([]string{"fit"}, args...), "-"), strings.NewReader(table), &out, &errOut)
	return out.String(), errOut.String(), code
}

func TestFitJSON(t *testing.T) {
	out, errOut, code := fitText(t, specSDM91, "--model", "usl", "--json", "--at", "100,500", "--inverse", "1500,9999")
	if code != exitOK || errOut != "" {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	var d struct {
		Schema             string
		Alpha, Beta, Gamma float64
		SE                 map[string]float64
		CI95               map[string][2]float64
		PeakN              float64 `json:"peak_n"`
		PeakX              float64 `json:"peak_x"`
		LimitX             float64 `json:"limit_x"`
		RSE                float64
		Method             string
		AtBound            []string `json:"at_bound"`
		Warnings           []string
		Predictions        []struct {
			CI95, PI95   [2]float64
			Extrapolated bool
		}
		Inverse []struct {
			Low  *float64 `json:"n_low"`
			High *float64 `json:"n_high"`
		}
	}
	oneObject(t, out, &d)
	for name, c := range map[string][3]float64{
		"alpha": {d.Alpha, .02772847562, 5e-12}, "beta": {d.Beta, 1.043654838e-4, 5e-14}, "gamma": {d.Gamma, 89.9952331, 5e-8},
		"peak n": {d.PeakN, 96.519561, 5e-7}, "peak x": {d.PeakX, 1883.898996, 5e-7}, "limit": {d.LimitX, 3245.589, 5e-4},
		"rse": {d.RSE, 82.8458, 5e-5}, "alpha low": {d.CI95["alpha"][0], .00240, 5e-6}, "gamma high": {d.CI95["gamma"][1], 129.46, 5e-3},
		"half of beta": {(d.CI95["beta"][1] - d.CI95["beta"][0]) / 2, 2.7764451 * d.SE["beta"], 1e-11},
	} {
		if math.Abs(c[0]-c[1]) > c[2] {
			t.Errorf("%s = %v, want %v", name, c[0], c[1])
		}
	}
	if d.Schema != "weir.fit/1" || d.AtBound == nil || !strings.Contains(d.Method, "least squares") || len(d.Warnings) != 1 {
		t.Errorf("%+v", d)
	}
	if len(d.Predictions) != 2 || d.Predictions[0].Extrapolated || !d.Predictions[1].Extrapolated {
		t.Errorf("predictions %+v", d.Predictions)
	}
	if len(d.Inverse) != 2 || *d.Inverse[0].Low > *d.Inverse[0].High || d.Inverse[1].Low != nil || d.Inverse[1].High != nil {
		t.Errorf("inverse %+v", d.Inverse)
	}
	// Keys of the contract are there, null where a model has none.
	out, _, code = fitText(t, "s,x\n100,372.5\n2048,329.2\n4096,294.7\n8192,242.0\n16384,177.6\n32768,114.3\n65536,61.2\n", "--json")
	var keys map[string]json.RawMessage
	oneObject(t, out, &keys)
	for _, k := range []string{"alpha", "beta", "gamma", "se", "ci95", "peak_n", "peak_x", "limit_x", "rse", "method", "at_bound", "warnings"} {
		if _, ok := keys[k]; !ok {
			t.Errorf("no key %q", k)
		}
	}
	if code != exitOK || string(keys["model"]) != `"payload"` || string(keys["alpha"]) != "null" {
		t.Errorf("chose %s, alpha %s", keys["model"], keys["alpha"])
	}
}

func TestFitText(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "points.csv"), []byte(specSDM91), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--model", "usl", "--at", "500", "--inverse", "1500"}, {}, {"--model", "amdahl"}, {"--model", "bounds"}, {"--model", "payload"}} {
		var out, errOut bytes.Buffer
		if code := execute(append([]string{"fit", dir}, args...), strings.NewReader(""), &out, &errOut); code != exitOK {
			t.Errorf("%v: exit code %d, %s", args, code, errOut.String())
		}
		for line := range strings.Lines(strings.ReplaceAll(out.String(), dir, "DIR")) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > helpColumns {
				t.Errorf("%v: %d columns: %s", args, n, line)
			}
		}
		if !strings.Contains(out.String(), "method: ") {
			t.Errorf("%v says no method: %s", args, out.String())
		}
	}
}

func TestFitBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		table string
		args  []string
		want  string
	}{
		"text":          {"n,x\n1,2\n2,NaN\n", nil, "standard input:3:"},
		"few points":    {"n,x\n1,2\n2,3\n3,4\n", []string{"--model", "usl"}, "needs at least 4"},
		"two for auto":  {"n,x\n1,2\n2,3\n", nil, "needs at least"},
		"model":         {specSDM91, []string{"--model", "magic"}, `"magic"`},
		"at":            {specSDM91, []string{"--at", "0"}, "--at 0"},
		"at NaN":        {specSDM91, []string{"--at", "NaN"}, "--at NaN"},
		"inverse":       {specSDM91, []string{"--inverse", "-1"}, "--inverse -1"},
		"inverse bound": {specSDM91, []string{"--model", "bounds", "--inverse", "5"}, "choose one with --model"},
		"think":         {specSDM91, []string{"--think", "-1"}, "--think"},
		"free alpha":    {specSDM91, []string{"--free-alpha"}, "--model usl"},
		"column":        {specSDM91, []string{"--n-column", "cores"}, `"cores"`},
		"empty":         {"", nil, "is empty"},
	} {
		out, errOut, code := fitText(t, c.table, append(c.args, "--json")...)
		if code != exitUsage || out != "" || !strings.Contains(errOut, c.want) {
			t.Errorf("%s: exit code %d, %q, %q, want %q", name, code, out, errOut, c.want)
		}
	}
	var out, errOut bytes.Buffer
	if code := execute([]string{"fit", filepath.Join(t.TempDir(), "none.csv")}, strings.NewReader(""), &out, &errOut); code != exitUsage || !strings.Contains(errOut.String(), "none.csv") {
		t.Errorf("no file: %d %s", code, errOut.String())
	}
}

// TestFitLittle: response times that break Little's law are named.
func TestFitLittle(t *testing.T) {
	table := "n,x,r\n1,10,.1\n2,19,.105\n4,35,.114\n8,60,.2\n16,80,.2\n"
	out, _, code := fitText(t, table, "--model", "usl")
	if code != exitOK || !strings.Contains(out, "n = 8") || strings.Contains(out, "n = 4:") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
