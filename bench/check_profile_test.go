package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// TestCheckReadsTheProfile: the parts of a demand are computed again from the
// profile beside the record. Without it they are taken as given, and the serial
// stage, whose time is by samples here, is still computed.
func TestCheckReadsTheProfile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, profileFile)
	if err := os.WriteFile(path, aProfile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	times, err := readProfile(path)
	if err != nil {
		t.Fatal(err)
	}
	times.threads["execute"] = &threadTimes{user: 1e-6}
	trial := fullTrial(1)
	*trial.Node.CPUUserNS = 1_240_000_000 // the one core is full
	u := sumUsage([]results.Trial{trial}, map[int]bool{1: true})
	u.profile = &times
	m := machine{nodeCores: 1, hostCores: 2}
	s := results.Summary{Wire: results.SummaryWire{TxBytes: new(200.0)}, Machine: &results.Machine{NodeCores: 1, HostCores: 2}}
	u.fill(&s, m, nil)
	if s.Demand.SerialSource != results.SourceProfile {
		t.Fatalf("serial stage by %q", s.Demand.SerialSource)
	}
	check := func() (*checker, results.Summary) {
		c := &checker{rec: results.Record{Trials: []results.Trial{trial}, Summary: &s}, rep: CheckReport{Record: filepath.Join(dir, "record.jsonl")}}
		again := s
		c.usage(&again, map[int]bool{1: true})
		c.compare(1, "summary", append(slices.Clone(givenSummary), c.given...), s, again)
		return c, again
	}

	c, _ := check() // the stored profile has no samples of execute: its time is 0, not 1 µs
	if len(c.given) != 0 || !slices.ContainsFunc(c.rep.Differences, func(d Difference) bool { return d.What == "demand.serial_sec_per_tx" }) {
		t.Errorf("given %v, differences %v", c.given, c.rep.Differences)
	}
	for _, d := range c.rep.Differences {
		if strings.HasPrefix(d.What, "demand.parts") || strings.HasPrefix(d.What, "demand.profile") {
			t.Errorf("a part of the same profile differs: %+v", d)
		}
	}
	s.Demand.Parts[0].SecPerTx *= 1.001
	if c, _ = check(); !slices.ContainsFunc(c.rep.Differences, func(d Difference) bool { return d.What == "demand.parts[0].sec_per_tx" }) {
		t.Errorf("a changed part was not found: %v", c.rep.Differences)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c, again := check()
	if len(c.rep.Differences) != 0 || len(c.given) != 3 || len(c.rep.Notes) != 1 || !strings.Contains(c.rep.Notes[0], "taken as given") {
		t.Errorf("differences %v, given %v, notes %v", c.rep.Differences, c.given, c.rep.Notes)
	}
	near(t, "serial", again.Demand.Serial, *s.Demand.Serial)
	if err := os.WriteFile(path, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, _ = check(); len(c.given) != 3 {
		t.Errorf("a file that is no profile: %v", c.given)
	}
}
