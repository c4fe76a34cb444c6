package ci

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseGates(t *testing.T) {
	got, err := ParseGates(" tps>=-3%, p99<=+5% ,wire_bytes_per_tx<=1%,Sum/n=1 ns/op <= 2.5 %,allocs/op<=0%")
	if err != nil {
		t.Fatal(err)
	}
	want := []Gate{
		{"tps>=-3%", "tps", Higher, 0.03},
		{"p99<=+5%", "p99", Lower, 0.05},
		{"wire_bytes_per_tx<=1%", "wire_bytes_per_tx", Lower, 0.01},
		{"Sum/n=1 ns/op <= 2.5 %", "Sum/n=1 sec/op", Lower, 0.025},
		{"allocs/op<=0%", "allocs/op", Lower, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("%d gates: %+v", len(got), got)
	}
	for i, g := range got {
		w := want[i]
		if g.Text != w.Text || g.Metric != w.Metric || g.Better != w.Better || math.Abs(g.Limit-w.Limit) > 1e-12 || math.Signbit(g.Limit) {
			t.Errorf("gate %d: %+v, want %+v", i, g, w)
		}
	}
	if none, err := ParseGates("  "); err != nil || none != nil {
		t.Errorf("no text has %v gates, %v", none, err)
	}
}

func TestParseGatesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"tps":                  "no >= or <=",
		"tps=-3%":              "no >= or <=",
		">=-3%":                "names no metric",
		"tps>=-3":              "no percentage",
		"tps>=x%":              `"x" is no number`,
		"tps>=NaN%":            "no number",
		"tps>=+3%":             "better than base",
		"p99<=-3%":             "better than base",
		"tps>=-100%":           "allows everything",
		"p99<=5000%":           "allows everything",
		"tps>=-3%,,p99<=+1%":   "no >= or <=",
		"tps>=-3%,tps>=-2%":    "has a gate already",
		"ns/op<=1%,sec/op<=1%": "has a gate already",
		"a<b<=3%":              "names no metric",
	} {
		_, err := ParseGates(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), GateExample) && !strings.Contains(err.Error(), "already") {
			t.Errorf("%q: %v, want %q and the example", text, err, want)
		}
	}
}

// A limit means the ratio, in both directions: 50 % fewer and 100 % more.
func TestLogLimit(t *testing.T) {
	if got := (Gate{Better: Higher, Limit: 0.5}).logLimit(); math.Abs(got-math.Ln2) > 1e-15 {
		t.Errorf("-50%% is a logarithm of %v", got)
	}
	if got := (Gate{Better: Lower, Limit: 1}).logLimit(); math.Abs(got-math.Ln2) > 1e-15 {
		t.Errorf("+100%% is a logarithm of %v", got)
	}
}

func TestBindGates(t *testing.T) {
	metrics := []Metric{
		{Name: "A sec/op", Unit: "sec/op", Better: Lower}, {Name: "B sec/op", Unit: "sec/op", Better: Lower},
		{Name: "tps", Unit: "tx/s", Better: Higher}, {Name: "odd", Unit: "?"},
	}
	bind := func(text string) (map[string]Gate, error) {
		g, err := ParseGates(text)
		if err != nil {
			t.Fatal(err)
		}
		return bindGates(g, metrics)
	}
	for _, text := range []string{"ns/op<=5%,B ns/op<=1%,odd<=2%", "BenchmarkB ns/op<=1%,ns/op<=5%,odd<=2%"} {
		got, err := bind(text)
		if err != nil || len(got) != 3 || got["A sec/op"].Limit != 0.05 || got["B sec/op"].Limit != 0.01 {
			t.Errorf("%s: %+v, %v: a metric's own gate goes before its unit's", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"p99<=5%": "tell A sec/op, B sec/op, tps, odd",
		"tps<=5%": "write tps>=-5%",
	} {
		if _, err := bind(text); !errors.Is(err, ErrSetup) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseGates(f *testing.F) {
	f.Add("tps>=-3%,p99<=+5%,wire_bytes_per_tx<=+1%")
	f.Add("Sum/n=1 ns/op<=2%")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseGates(text)
		if err != nil {
			return
		}
		for _, g := range list {
			if g.Metric == "" || !(g.Limit >= 0 && g.Limit <= limitMax) || math.IsInf(g.logLimit(), 0) || math.IsNaN(g.logLimit()) {
				t.Errorf("%q gives the gate %+v", text, g)
			}
			again, err := ParseGates(g.Text)
			if err != nil || len(again) != 1 || again[0] != g {
				t.Errorf("gate %q reads as %+v, %v the second time", g.Text, again, err)
			}
		}
	})
}
