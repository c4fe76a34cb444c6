package link

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// steady is a transfer of full frames at 1000 segments per 10 ms, for a second.
func steady() transferred {
	t := transferred{segments: segmentCount{bytesSent: 100_000 * 1448, dataSegments: 100_000, timestamps: true}}
	for i := range uint64(101) {
		t.marks = append(t.marks, mark{tNS: i * 10e6, bytes: i * 1000 * 1448, segments: i * 1000})
	}
	t.total = 100_000 * 1448
	return t
}

func TestJudge(t *testing.T) {
	cfg := Config{Duration: time.Second, MaxBytes: DefaultMaxBytes}
	for _, c := range []struct {
		name    string
		edit    func(*transferred, *Config)
		method  string
		warning string // "" for none
	}{
		{"steady", func(*transferred, *Config) {}, MethodSegments, ""},
		{"receiver counts no segments", func(t *transferred, _ *Config) {
			for i := range t.marks {
				t.marks[i].segments = 0
			}
		}, MethodPayload, ""},
		{"sender counts no segments", func(t *transferred, _ *Config) { t.segments = segmentCount{} }, MethodAssumed, "assumed"},
		{"lossy", func(t *transferred, _ *Config) {
			t.segments.bytesRetrans = t.segments.bytesSent / 20
		}, MethodSegments, "5.0 % of the bytes were sent again"},
		{"limited", func(t *transferred, c *Config) { c.MaxBytes = t.total + 5 }, MethodSegments, "stopped at the limit"},
	} {
		tr, cfg := steady(), cfg
		c.edit(&tr, &cfg)
		j, err := judge(tr, false, cfg)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		// 100 segments/ms of 1514 bytes are 1211.2 Mbit/s.
		if want := 1211.2e6; math.Abs(j.L2BitsPerSec-want) > want*1e-9 {
			t.Errorf("%s: layer 2 %g, want %g", c.name, j.L2BitsPerSec, want)
		}
		if j.Method != c.method || j.HeaderBytes != 66 || j.BytesPerSegment != 1448 {
			t.Errorf("%s: %+v, want method %s", c.name, j.Direction, c.method)
		}
		if (j.RetransmittedBytes == nil) != (c.method == MethodAssumed) {
			t.Errorf("%s: retransmitted bytes %v", c.name, j.RetransmittedBytes)
		}
		if c.warning == "" && len(j.warnings) > 0 ||
			c.warning != "" && !slices.ContainsFunc(j.warnings, func(w string) bool { return strings.Contains(w, c.warning) }) {
			t.Errorf("%s: warnings %q, want %q", c.name, j.warnings, c.warning)
		}
		if j.unsteady() {
			t.Errorf("%s: counts as unsteady: drift %g, pause %g", c.name, j.drift, j.pause)
		}
	}
}

// A pause of 65 ms in a window of 650 ms costs a tenth, in both halves or in
// one; the attempt without it is preferred.
func TestJudgePause(t *testing.T) {
	cfg := Config{Duration: time.Second, MaxBytes: DefaultMaxBytes}
	tr := steady()
	kept := tr.marks[:0]
	for _, m := range tr.marks {
		if m.tNS > 62*10e6 {
			m.tNS += 65e6
		}
		kept = append(kept, m)
	}
	tr.marks = kept
	j, err := judge(tr, false, cfg)
	if err != nil || !j.unsteady() || j.pause < 0.08 || j.pause > 0.12 {
		t.Errorf("a pause of a tenth: %g, drift %g, %v", j.pause, j.drift, err)
	}
	if !slices.ContainsFunc(j.warnings, func(w string) bool { return strings.Contains(w, "stood still") }) {
		t.Errorf("warnings %q do not tell of the pause", j.warnings)
	}
	calm, err := judge(steady(), false, cfg)
	if err != nil || !calm.steadier(j) || j.steadier(calm) {
		t.Errorf("the attempt with the pause is preferred (%v)", err)
	}
}

func TestJudgeUnsteady(t *testing.T) {
	tr := steady()
	for i := range tr.marks[63:] { // the window is 30..95, its middle 62
		tr.marks[63+i].segments += uint64(i+1) * 100
	}
	j, err := judge(tr, false, Config{Duration: time.Second, MaxBytes: DefaultMaxBytes})
	if err != nil || !j.unsteady() || math.Abs(j.drift-0.1) > 0.01 || !strings.Contains(strings.Join(j.warnings, "\n"), "changed by +10 %") {
		t.Errorf("a rate that rises by a tenth: drift %g, warnings %q, %v", j.drift, j.warnings, err)
	}
}
