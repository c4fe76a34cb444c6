package results

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func sampleRecord(t testing.TB) Record {
	t.Helper()
	env, trial, sum := sampleEnv(), sampleTrial(), sampleSummary()
	return Record{Env: &env, Trials: []Trial{trial}, Windows: []Window{sampleWindow(t)}, Summary: &sum}
}

func TestCSVRoundTrip(t *testing.T) {
	var buf bytes.Buffer
	if err := WriteCSV(&buf, sampleRecord(t)); err != nil {
		t.Fatal(err)
	}
	text := buf.String()
	rows, err := ReadCSV(&buf, "record.csv")
	if err != nil {
		t.Fatal(err)
	}
	find := func(typ, metric string) *CSVRow {
		t.Helper()
		var found *CSVRow
		for i := range rows {
			if rows[i].Type == typ && rows[i].Metric == metric {
				if found != nil {
					t.Errorf("%s %s comes twice", typ, metric)
				}
				found = &rows[i]
			}
		}
		if found == nil {
			t.Fatalf("%s %s is missing in\n%s", typ, metric, text)
		}
		return found
	}
	for _, want := range []struct{ typ, metric, unit, value string }{
		{TypeSummary, "knee.lower_tx_per_sec", "tx/s", "92400"},
		{TypeSummary, "latency_ms.commit.p99", "ms", "41"},
		{TypeSummary, "knee.latency_at.0.p99", "ms", "9"},
		{TypeSummary, "knee.latency_at.0.fraction", "1", "0.5"},
		{TypeSummary, "wire.bytes_per_tx.in", "B/tx", "231"},
		{TypeSummary, "link.capacity_bits_per_sec.in", "bit/s", "5.12e+10"},
		{TypeSummary, "demand.cpu_sec_per_tx", "s/tx", "1.06e-05"},
		{TypeSummary, "demand.disk_sec_per_tx", "s/tx", ""}, // not known, and not 0
		{TypeSummary, "valid", "bool", "true"},
		{TypeSummary, "next_wall.tx_per_sec", "tx/s", "610000"},
		{TypeTrial, "seed", "1", "9223372036854775850"}, // all 64 bits
		{TypeTrial, "counts.rejected.busy", "1", "3"},
		{TypeTrial, "latency_ms.commit.negative", "1", "2"},
		{TypeTrial, "node.stages.verify.busy_ns", "ns", "20000000"},
		{TypeTrial, "backlog_slope_tx_per_sec2", "tx/s2", "-1.5"},
		{TypeTrial, "generator.lag_p99_ns", "ns", "-20"},
		{TypeTrial, "wire.out.payload_bytes", "B", ""},
		{TypeWindow, "duration_ns", "ns", "50000000"},
		{TypeEnv, "class.disk.rotational", "bool", "false"},
		{TypeEnv, "class.nic.speed_bits_per_sec", "bit/s", ""},
	} {
		if got := find(want.typ, want.metric); got.Unit != want.unit || string(got.Value) != want.value {
			t.Errorf("%s %s: %q %q, want %q %q", want.typ, want.metric, got.Value, got.Unit, want.value, want.unit)
		}
	}
	if row := find(TypeTrial, "counts.sent"); row.TrialID == nil || *row.TrialID != 1 || row.Phase != PhaseExplore || row.Verdict != VerdictGood || row.Index != nil {
		t.Errorf("%+v", row)
	}
	if row := find(TypeWindow, "counts.sent"); row.Index == nil || *row.Index != 0 {
		t.Errorf("%+v", row)
	}
	if strings.Contains(text, "hdr") || strings.Contains(text, "trials.0") {
		t.Error("histograms or the copy of the trials are in the CSV")
	}
}

// Every row that can be written is read back as it was.
func TestCSVRowsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trial := sampleTrial()
		trial.ID = rapid.IntRange(1, 1e6).Draw(t, "id")
		trial.OfferedTxPerSec = rapid.Float64Range(-1e300, 1e300).Draw(t, "offered")
		trial.Seed = rapid.Uint64().Draw(t, "seed")
		trial.Counts.Rejected = Rejections{rapid.StringN(1, 20, 60).Draw(t, "reason"): rapid.Int64().Draw(t, "n")}
		trial.Fidelity = nil
		want := flatten(nil, CSVRow{Type: TypeTrial, TrialID: &trial.ID, Phase: trial.Phase, Verdict: trial.Verdict}, reflectValue(trial), "")
		var buf bytes.Buffer
		if err := WriteCSV(&buf, Record{Trials: []Trial{trial}}); err != nil {
			t.Fatal(err)
		}
		got, err := ReadCSV(&buf, "x")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCSVBadInput(t *testing.T) {
	head := strings.Join(csvHeader, ",") + "\n"
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", "x:1: bad CSV: the file is empty"},
		{"foreign", "n,x\n1,2\n", `x:1: bad CSV: column "type" is missing`},
		{"type", head + "trail,,,,,a,1,2\n", `x:2: bad CSV: type "trail"`},
		{"NaN", head + "trial,1,,,,a,1,3\ntrial,1,,,,a,1,NaN\n", `x:3: bad CSV: value "NaN" of a is not a finite number`},
		{"bool", head + "trial,1,,,,a,bool,1\n", `x:2: bad CSV: value "1" of a is neither true nor false`},
		{"id", head + "trial,one,,,,a,1,3\n", `x:2: bad CSV: trial_id "one"`},
		{"no unit", head + "trial,1,,,,a,,3\n", "neither may be empty"},
		{"fields", head + "trial,1\n", "line 2"},
		{"quote", head + "\"trial,1,,,,a,1,3\n", "line 2"},
	} {
		if _, err := ReadCSV(strings.NewReader(tt.in), "x"); !errors.Is(err, ErrBadCSV) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	bad := sampleTrial()
	bad.OfferedTxPerSec = math.Inf(1)
	if err := WriteCSV(&bytes.Buffer{}, Record{Trials: []Trial{bad}}); !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "offered_tx_per_sec") {
		t.Errorf("%v", err)
	}
}

func FuzzReadCSV(f *testing.F) {
	var buf bytes.Buffer
	if err := WriteCSV(&buf, sampleRecord(f)); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes()[:2000])
	f.Add([]byte("type,trial_id,phase,verdict,index,metric,unit,value\ntrial,1,explore,good,,a,1,\"x\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := ReadCSV(bytes.NewReader(data), "x")
		if err != nil && !errors.Is(err, ErrBadCSV) {
			t.Errorf("%v", err)
		}
		for _, r := range rows {
			if r.Metric == "" || r.Unit == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}
