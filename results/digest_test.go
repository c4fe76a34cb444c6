package results

import (
	"bytes"
	"strings"
	"testing"
)

func TestDigest(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf, "record")
	for _, l := range []Line{sampleEnv(), sampleWindow(t), sampleTrial()} {
		if err := w.Write(l); err != nil {
			t.Fatal(err)
		}
	}
	sum := sampleSummary()
	if err := w.WriteSummary(&sum); err != nil {
		t.Fatal(err)
	}
	record := buf.Bytes()
	stated, found, err := Digest(bytes.NewReader(record), "record")
	if err != nil || stated == "" || stated != found || stated != sum.SHA256 {
		t.Fatalf("%v: states %q, has %q, written %q", err, stated, found, sum.SHA256)
	}
	for i := range record {
		broken := bytes.Clone(record)
		broken[i] ^= 1
		if stated, found, err := Digest(bytes.NewReader(broken), "record"); err == nil && stated != "" && stated == found {
			t.Fatalf("byte %d changed, and the digest did not: %q", i, record[max(0, i-20):min(len(record), i+20)])
		}
	}
	if rec, err := Read(bytes.NewReader(record), "record", false); err != nil || rec.Summary.SHA256 != stated {
		t.Errorf("%v", err)
	}
	old := strings.NewReader(`{"schema":"weir.run/1","type":"summary"}`)
	if stated, _, err := Digest(old, "old"); err != nil || stated != "" {
		t.Errorf("a record without a digest: %q %v", stated, err)
	}
}

func TestSelfCheckLimits(t *testing.T) {
	fit := SelfCheck{
		LoadNS: 1e9, ElapsedNS: 1e9, Cores: 2, CPUShare: new(0.9), CPUShareLimit: 0.9, GCPauseShare: new(0.02), GCPauseLimitNS: 2e7,
		SchedLagP99NS: new(int64(1e8)), SchedLagLimitNS: 1e8, SendLagP99NS: new(int64(26e7)), AllBlockedNS: 1e7, SendLagLimitNS: 25e7,
	}
	if v := fit.Judge(); len(v) > 0 {
		t.Errorf("at its limits: %q", v)
	}
	for word, breakIt := range map[string]func(*SelfCheck){
		"of its 2 cores":    func(c *SelfCheck) { c.CPUShare = new(0.91) },
		"memory management": func(c *SelfCheck) { c.GCPauseShare = new(0.021) },
		"for a core":        func(c *SelfCheck) { c.SchedLagP99NS = new(int64(1e8 + 1)) },
		"late (p99)":        func(c *SelfCheck) { c.AllBlockedNS = 0 },
	} {
		c := fit
		breakIt(&c)
		if v := c.Judge(); len(v) != 1 || !strings.Contains(v[0], word) {
			t.Errorf("%s: %q", word, v)
		}
		c.LoadNS = 4e8
		if v := c.Judge(); len(v) > 0 {
			t.Errorf("a short load is judged: %q", v)
		}
	}
	unknown := SelfCheck{LoadNS: 1e9, ElapsedNS: 1e9, Cores: 2}
	if v := unknown.Judge(); len(v) > 0 {
		t.Errorf("the unknown breaks a limit: %q", v)
	}
}
