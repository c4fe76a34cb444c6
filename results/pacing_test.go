package results

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func samplePacing() *Pacing {
	return &Pacing{
		BatchWindowNS: 250_000, Frames: 40, FrameTxsP50: new(int64(24)), FrameTxsP99: new(int64(60)), FrameTxsMax: new(int64(61)),
		Lag:        &Histogram{Stage: "send_lag", UnitNS: 1000, HDR: "HISTFAAAAA"},
		IntervalNS: 1_000_000, IntervalCounts: [][2]int64{{18, 20}, {21, 30}},
		IntendedDispersion: new(1.01), SentDispersion: new(0.99),
		ChiSquare: &FitTest{Statistic: 12.5, P: 0.4, N: 13}, GapsKS: &FitTest{Statistic: 0.01, P: 0.3, N: 990},
	}
}

func TestPacingSchema(t *testing.T) {
	run, load := compileSchema(t, SchemaRun), compileSchema(t, SchemaLoad)
	for name, p := range map[string]*Pacing{"full": samplePacing(), "empty": {IntervalNS: 1, IntervalCounts: [][2]int64{}}} {
		tr := sampleTrial()
		tr.Generator.Pacing = p
		if err := run.Validate(toDoc(t, mustStamp(t, tr))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := load.Validate(toDoc(t, tr.Load(nil, false))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := sampleTrial()
	bad.Generator.Pacing = samplePacing()
	bad.Generator.Pacing.ChiSquare.P = 1.5
	if run.Validate(toDoc(t, mustStamp(t, bad))) == nil {
		t.Error("a probability of 1.5 passes")
	}
}

// mustStamp encodes a line with its schema and type and decodes it again.
func mustStamp(t *testing.T, tr Trial) Trial {
	t.Helper()
	b, err := json.Marshal(tr)
	if err != nil {
		t.Fatal(err)
	}
	line, err := decodeLine(b)
	if err != nil {
		t.Fatal(err)
	}
	out := line.(Trial)
	if d := cmp.Diff(tr.Generator, out.Generator); d != "" {
		t.Fatal(d)
	}
	return out
}
