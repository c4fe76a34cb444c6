package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

// checkSearch refuses what the search or the generator would refuse, before
// anything is started.
func (c *Config) checkSearch() error {
	if c.Conns < 0 || c.Conns > loadgen.MaxConns {
		return fmt.Errorf("--conns is %d, give 1 to %d, or 0 for the default", c.Conns, loadgen.MaxConns)
	}
	if n := c.NodeCores; n < 0 || n > runtime.NumCPU() {
		return fmt.Errorf("the node is to have %d cores, and %d may be used", n, runtime.NumCPU())
	}
	if c.NodeCores > 0 && c.Target != "" {
		return errors.New("only a node of our own can be kept to some cores, not --target")
	}
	if c.LinkBits != 0 && c.Budget < minShapedBudget {
		return fmt.Errorf("--budget %v with --link: in so little time trials are shorter than a shaped link takes to settle (its queue and the sockets take in what it cannot carry), so no answer would hold; give at least %v", c.Budget, minShapedBudget)
	}
	return c.searchConfig(1).Validate()
}

// minShapedBudget is the least for a search over a shaped link.
const minShapedBudget = 9 * time.Second

// searchConfig is the search that the settings ask for. Its trials are as for a
// smaller budget: the rest is for repeating the doubtful ones.
func (c *Config) searchConfig(startTxPerSec float64) knee.Config {
	k := knee.ForBudget(c.Budget*7/10, trialOverhead, startTxPerSec)
	k.Budget = c.Budget
	k.SLO, k.Seed, k.MaxTxPerSec = c.SLO, c.Seed, c.MaxRate
	return k
}

// openFolder makes the record's folder with the settings in it. A run that is
// continued has them already: the record of what was interrupted is set aside,
// and the search begins where that one was.
func (c *Config) openFolder() error {
	if c.Resume {
		if err := c.reopenFolder(); err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(c.OutDir), 0o755); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := os.Mkdir(c.OutDir, 0o755); err != nil {
		return fmt.Errorf("%w: the record's folder: %w; choose another --out", ErrConfig, err)
	}
	if c.Settings == nil {
		return nil
	}
	canon, err := CanonicalJSON(c.Settings)
	if err != nil {
		return fmt.Errorf("%w: settings: %w", ErrConfig, err)
	}
	line, err := CanonicalJSON(settingsLine{SchemaSeries, "settings", KindRun, canon, hashOf(canon)})
	if err != nil {
		return fmt.Errorf("%w: settings: %w", ErrConfig, err)
	}
	if err := results.WriteFileAtomic(seriesFile(c.OutDir, KindRun), append(line, '\n'), 0o644); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// Finished tells whether a folder holds a run that came to its end, with its
// summary.
func Finished(dir string) (results.Record, bool) {
	rec, err := results.ReadFile(filepath.Join(dir, "record.jsonl"), true)
	return rec, err == nil && rec.Summary != nil && !cutShort(rec.Summary)
}

func (c *Config) reopenFolder() error {
	kind, settings, err := ReadSettings(c.OutDir)
	if err != nil {
		return err
	}
	had, err := CanonicalJSON(settings)
	if err != nil {
		return err
	}
	want, err := CanonicalJSON(c.Settings)
	if err != nil {
		return err
	}
	if kind != KindRun || string(had) != string(want) {
		return fmt.Errorf("%s was started with other settings: give the same flags, or start anew in another folder", c.OutDir)
	}
	record := filepath.Join(c.OutDir, "record.jsonl")
	rec, err := results.ReadFile(record, true)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it was ended before its first line
	}
	if err != nil {
		return err
	}
	for _, t := range rec.Trials {
		if t.Verdict == results.VerdictGood {
			c.startTxPerSec = max(c.startTxPerSec, t.OfferedTxPerSec)
		}
	}
	if err := setAside(record); err != nil {
		return err
	}
	// A program that was killed leaves its node's data and the genesis behind.
	left, err := filepath.Glob(filepath.Join(c.OutDir, "node-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// setDefaults fills in what was left out.
func (c *Config) setDefaults() {
	if c.Workload != nil {
		c.Accounts = c.Workload.Accounts.Count
	}
	if c.Accounts == 0 {
		c.Accounts = 4096
	}
	if c.Budget == 0 {
		c.Budget = 45 * time.Second
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
}
