package bench

import (
	"path/filepath"
	"testing"

	"github.com/chainweir/weir/results"
)

// Only a run that came to its end has nothing to continue: neither one that was
// interrupted, nor one that an error ended.
func TestFinished(t *testing.T) {
	for name, c := range map[string]struct {
		summary *results.Summary
		want    bool
	}{
		"whole":        {&results.Summary{Valid: true}, true},
		"inconclusive": {&results.Summary{Warnings: []string{"inconclusive: the time was over"}}, true},
		"interrupted":  {&results.Summary{Interrupted: true}, false},
		"failed":       {&results.Summary{Warnings: []string{"another", failedWords + "trial 3 could not be run"}}, false},
		"no summary":   {nil, false},
	} {
		dir := t.TempDir()
		w, err := results.Create(filepath.Join(dir, "record.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(results.Env{}); err != nil {
			t.Fatal(err)
		}
		if c.summary != nil {
			if err := w.WriteSummary(c.summary); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, got := Finished(dir); got != c.want {
			t.Errorf("%s: finished %v, want %v", name, got, c.want)
		}
	}
}
