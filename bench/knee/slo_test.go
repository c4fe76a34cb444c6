package knee

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseSLO(t *testing.T) {
	for expr, want := range map[string]string{
		"":                    "p99<1s,loss<0.1%,backlog<=1%,fidelity>=99%",
		"  ":                  "p99<1s,loss<0.1%,backlog<=1%,fidelity>=99%",
		"p99<2s,loss<0.1%":    "p99<2s,loss<0.1%,backlog<=1%,fidelity>=99%",
		" p50 <= 5ms ":        "p50<=5ms,loss<0.1%,backlog<=1%,fidelity>=99%",
		"accept_p99<250us":    "accept_p99<250µs,loss<0.1%,backlog<=1%,fidelity>=99%",
		"max<1m,p999<1.5s":    "max<1m0s,p999<1.5s,loss<0.1%,backlog<=1%,fidelity>=99%",
		"loss<=0.01":          "loss<=1%,backlog<=1%,fidelity>=99%",
		"backlog<5%,loss<1%":  "backlog<5%,loss<1%,fidelity>=99%",
		"fidelity>95%,p90<1s": "fidelity>95%,p90<1s,loss<0.1%,backlog<=1%",
	} {
		got, err := ParseSLO(expr)
		if err != nil || got.String() != want {
			t.Errorf("%q: %q, %v, want %q", expr, got, err, want)
			continue
		}
		again, err := ParseSLO(got.String())
		if err != nil || again.String() != want {
			t.Errorf("%q does not read its own text: %q, %v", expr, again, err)
		}
	}
}

func TestParseSLOErrors(t *testing.T) {
	for expr, remedy := range map[string]string{
		"p99<1s,":                "comma too many",
		"p99":                    "p99<1s",
		"p98<1s":                 "use one of p50",
		"p99=1s":                 "use <, <=, > or >=",
		"p99<1":                  "500ms or 2s",
		"p99<fast":               "500ms or 2s",
		"p99<0s":                 "above zero",
		"p99<-1s":                "above zero",
		"p99>1s":                 "write p99<1s",
		"fidelity<99%":           "write fidelity>99%",
		"loss<much":              "0.1%",
		"loss<NaN":               "0.1%",
		"loss<101%":              "between 0% and 100%",
		"loss<-1%":               "between 0% and 100%",
		"p99<1s,p99<2s":          "each metric once",
		strings.Repeat("p", 999): "at most 512",
	} {
		_, err := ParseSLO(expr)
		if !errors.Is(err, ErrBadSLO) || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%q: %v, want ErrBadSLO with the remedy %q", expr, err, remedy)
			continue
		}
		// The bad term must be named, so that it can be found in a long line.
		last := expr[strings.LastIndex(expr, ",")+1:]
		if last != "" && len(expr) < 100 && !strings.Contains(err.Error(), last) {
			t.Errorf("%q: %v does not name the term", expr, err)
		}
	}
}

func FuzzParseSLO(f *testing.F) {
	for _, seed := range []string{"", DefaultSLO, "p99<1s,,loss<1", "fidelity>=0.99", "max<<1s", "loss<1e-300%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := ParseSLO(expr)
		if err != nil {
			if !errors.Is(err, ErrBadSLO) {
				t.Fatalf("%q: %v is not ErrBadSLO", expr, err)
			}
			return
		}
		for _, m := range []Metric{Loss, Backlog, Fidelity} {
			if _, ok := s.term(m); !ok {
				t.Fatalf("%q: no limit for %s", expr, m)
			}
		}
		if _, err := ParseSLO(s.String()); err != nil {
			t.Fatalf("%q reads as %q, which does not read: %v", expr, s, err)
		}
	})
}

// TestTermMonotone: making a value worse never turns a broken term into a
// kept one.
func TestTermMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expr := rapid.SampledFrom([]string{"p99<1s", "p99<=1s", "loss<1%", "loss<=1%", "fidelity>99%", "fidelity>=99%"}).Draw(t, "expr")
		s, err := ParseSLO(expr)
		if err != nil {
			t.Fatal(err)
		}
		term := s.Terms[0]
		a := term.Limit * rapid.Float64Range(0, 2).Draw(t, "a")
		b := term.Limit * rapid.Float64Range(0, 2).Draw(t, "b")
		better, worse := min(a, b), max(a, b)
		if term.Metric == Fidelity {
			better, worse = worse, better
		}
		if term.holds(worse) && !term.holds(better) {
			t.Fatalf("%s holds for %v but not for %v", term, worse, better)
		}
		if strict := len(term.Op) == 1; term.holds(term.Limit) == strict {
			t.Fatalf("%s at its own limit: %v", term, term.holds(term.Limit))
		}
	})
}
