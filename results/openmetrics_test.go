package results

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// The text is held against the parser and the linter that promtool is made of.
func TestOpenMetrics(t *testing.T) {
	rec := sampleRecord(t)
	rec.Summary.Host = "secret"
	rec.Summary.Workload = "a\"b\\c\nd"
	var buf bytes.Buffer
	if err := WriteOpenMetrics(&buf, rec); err != nil {
		t.Fatal(err)
	}
	text := buf.String()
	if !strings.HasSuffix(text, "\n# EOF\n") || strings.Count(text, "# EOF") != 1 {
		t.Errorf("the end is %q", text[max(0, len(text)-40):])
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	value := func(name string, labels ...string) float64 {
		t.Helper()
		for _, m := range families[name].GetMetric() {
			have := make(map[string]string)
			for _, l := range m.GetLabel() {
				have[l.GetName()] = l.GetValue()
			}
			ok := true
			for i := 0; i+1 < len(labels); i += 2 {
				ok = ok && have[labels[i]] == labels[i+1]
			}
			if ok {
				return m.GetGauge().GetValue()
			}
		}
		t.Errorf("%s%v is missing in\n%s", name, labels, text)
		return math.NaN()
	}
	for _, want := range []struct {
		v      float64
		name   string
		labels []string
	}{
		{1, "weir_run_valid", nil},
		{1, "weir_run_info", []string{"workload", rec.Summary.Workload, "cpu", "AMD EPYC 9555"}},
		{92400, "weir_knee_tx_per_second", []string{"bound", "lower"}},
		{0.041, "weir_latency_seconds", []string{"stage", "commit", "percentile", "99"}},
		{231, "weir_wire_bytes_per_tx", []string{"direction", "in", "frames", "seen"}},
		{10.6e-6, "weir_demand_seconds_per_tx", []string{"resource", "cpu"}},
		{48000, "weir_predicted_tx_per_second", []string{"link_bits_per_second", "100000000", "wall", "wire"}},
		{9, "weir_trial_transactions", []string{"trial", "1", "stage", "rejected", "reason", "exec:insufficient_funds"}},
		{20000, "weir_trial_tx_per_second", []string{"trial", "1", "stage", "offered"}},
		{0.011, "weir_trial_commit_latency_seconds", []string{"percentile", "99"}},
	} {
		if got := value(want.name, want.labels...); math.Abs(got-want.v) > 1e-12*want.v {
			t.Errorf("%s%v is %v, want %v", want.name, want.labels, got, want.v)
		}
	}
	for _, m := range families["weir_demand_seconds_per_tx"].GetMetric() {
		if m.GetLabel()[0].GetValue() == "disk" {
			t.Error("an unknown demand has a sample")
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the host's name is in the metrics")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

func TestOpenMetricsOfNothing(t *testing.T) {
	var buf bytes.Buffer
	if err := WriteOpenMetrics(&buf, Record{}); err != nil || buf.String() != "# EOF\n" {
		t.Errorf("%v %q", err, buf.String())
	}
	rec := sampleRecord(t)
	rec.Trials[0].DurationSec = math.NaN()
	if err := WriteOpenMetrics(&buf, rec); err == nil || !strings.Contains(err.Error(), "duration_sec") {
		t.Errorf("%v", err)
	}
}
