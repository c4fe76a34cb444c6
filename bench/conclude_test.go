package bench

import (
	"testing"

	"github.com/chainweir/weir/bench/knee"
)

func TestWideButConfirmed(t *testing.T) {
	v := func(x float64) *float64 { return &x }
	good := knee.Result{
		LowerTxPerSec: v(100), UpperTxPerSec: v(108), RelativeWidth: v(0.08),
		Confirmations: 3, Wanted: 3, Bound: knee.BoundEnvironment,
	}
	for name, c := range map[string]struct {
		change func(*knee.Result)
		want   bool
	}{
		"noise":            {func(*knee.Result) {}, true},
		"out of time":      {func(r *knee.Result) { r.Bound = knee.BoundBudget }, true},
		"too wide":         {func(r *knee.Result) { r.RelativeWidth = v(0.21) }, false},
		"width unknown":    {func(r *knee.Result) { r.RelativeWidth = nil }, false},
		"no upper bound":   {func(r *knee.Result) { r.UpperTxPerSec = nil }, false},
		"twice confirmed":  {func(r *knee.Result) { r.Confirmations = 2 }, false},
		"generator":        {func(r *knee.Result) { r.Bound = knee.BoundGenerator }, false},
		"no rate was good": {func(r *knee.Result) { r.Bound, r.LowerTxPerSec = knee.BoundSLO, nil }, false},
	} {
		r := good
		if c.change(&r); wideButConfirmed(r) != c.want {
			t.Errorf("%s: %v, want %v", name, !c.want, c.want)
		}
	}
}
