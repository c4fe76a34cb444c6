package bench

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/chainweir/weir/results"
)

// SchemaCheck names the object of `weir check --json`.
const SchemaCheck = "weir.check/1"

// CheckReport says what a record holds and what of it could be found again.
type CheckReport struct {
	Schema string `json:"schema"`
	Record string `json:"record"`

	OK bool `json:"ok"` // nothing differs
	// Partial: the record has no summary, because the run did not come to its
	// end. What is there may still be right.
	Partial bool `json:"partial"`
	// Valid is what the record says of its run; null without a summary.
	Valid *bool `json:"valid"`

	Trials  int `json:"trials"`
	Windows int `json:"windows"`
	// Recomputed counts the values that were computed anew, or held against
	// another line.
	Recomputed  int               `json:"recomputed"`
	Differences []Difference      `json:"differences"`
	Schemas     []SchemaViolation `json:"schema_violations"`
	// TakenAsGiven are the values that nothing in the record could confirm. With a
	// digest, a change of them is found too.
	TakenAsGiven []Given  `json:"taken_as_given"`
	Digest       string   `json:"digest"` // "right", "wrong", or "none"
	Notes        []string `json:"notes"`
}

// SchemaViolation is a place that breaks the record's JSON Schema.
type SchemaViolation = results.SchemaViolation

// Difference is a value that is not what the lines above it say.
type Difference struct {
	Line       int    `json:"line"`  // of the record, from 1; 0: no single one
	Where      string `json:"where"` // "summary", "trial 3", "trial 3, window 1"
	What       string `json:"what"`  // the key, or the rule in words
	Recorded   any    `json:"recorded"`
	Recomputed any    `json:"recomputed"`
}

// String returns the difference as one line.
func (d Difference) String() string {
	return fmt.Sprintf("line %d: %s: %s: recorded %v, recomputed %v", d.Line, d.Where, d.What, shown(d.Recorded), shown(d.Recomputed))
}

// shown makes a value readable beside another.
func shown(v any) any {
	if v == nil {
		return "null"
	}
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return v
}

// Given is a value that is taken as it stands, and why.
type Given struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// maxDifferences bounds what is reported of one record.
const maxDifferences = 200

// checker is one check under way.
type checker struct {
	rep   CheckReport
	rec   results.Record
	lines lineNumbers
	// stages are the latencies of each trial, by its id and the stage's name.
	stages map[int]map[string]*merged
	first  bool    // a record of the first release, without the grounds of its verdicts
	given  []Given // of the summary, beside givenSummary: what it comes from is gone
}

// lineNumbers tell where in the file a part of the record stands.
type lineNumbers struct {
	env, summary int
	trials       []int // as results.Record.Trials
	windows      []int
}

// Check reads the record at path and computes everything in it again that can be
// computed: windows against their histograms, trials from their windows, verdicts
// by the judge that gave them, the interval by the search's own rules, and the
// summary from the trials at the lower bound. The error is for a file that is no
// readable record; what was found before it is in the report.
func Check(path string) (CheckReport, error) {
	c := &checker{stages: map[int]map[string]*merged{}, rep: CheckReport{
		Schema: SchemaCheck, Record: path, Digest: "none",
		Differences: []Difference{}, Schemas: []SchemaViolation{}, TakenAsGiven: []Given{}, Notes: []string{},
	}}
	f, err := os.Open(path)
	if err != nil {
		return c.rep, fmt.Errorf("cannot read record: %w", err)
	}
	err = c.all(f, path)
	return c.rep, errors.Join(err, f.Close())
}

func (c *checker) all(f *os.File, path string) error {
	found, err := results.Validate(f, path)
	if err != nil {
		return err
	}
	c.rep.Schemas = append(c.rep.Schemas, found...)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := c.read(f, path); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	stated, has, err := results.Digest(f, path)
	if err != nil {
		return err
	}
	c.check(stated, has)
	return nil
}

// check does all that needs only what was read.
func (c *checker) check(stated, has results.NullString) {
	rec := &c.rec
	c.rep.Trials, c.rep.Windows = len(rec.Trials), len(rec.Windows)
	c.rep.Partial = rec.Summary == nil
	c.first = rec.Summary == nil || rec.Summary.Search == nil
	c.digest(stated, has)
	for _, v := range results.CheckRecord(*rec) {
		c.differ(0, orElse(v.Where, "record"), v.Rule, v.Left, v.Right)
	}
	for i := range rec.Trials {
		c.trial(i)
	}
	c.orphans()
	if rec.Summary != nil {
		c.summary()
		valid := rec.Summary.Valid
		c.rep.Valid = &valid
	} else {
		c.note("the record has no summary: the run was cut short, and only its trials could be checked")
	}
	c.rep.OK = len(c.rep.Differences) == 0 && len(c.rep.Schemas) == 0
}

// read takes the record in, with the number of every line.
func (c *checker) read(in io.Reader, path string) error {
	r := results.NewReader(in, path)
	for {
		line, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, results.ErrTruncated):
			c.note("%v", err)
			return nil
		case err != nil:
			return err
		case c.rec.Summary != nil:
			return fmt.Errorf("%s:%d: %w: a line follows the summary", path, r.Line(), results.ErrBadLine)
		}
		switch v := line.(type) {
		case results.Env:
			c.rec.Env, c.lines.env = &v, r.Line()
		case results.Trial:
			c.rec.Trials, c.lines.trials = append(c.rec.Trials, v), append(c.lines.trials, r.Line())
		case results.Window:
			c.rec.Windows, c.lines.windows = append(c.rec.Windows, v), append(c.lines.windows, r.Line())
		case results.Summary:
			c.rec.Summary, c.lines.summary = &v, r.Line()
		}
	}
}

func (c *checker) note(format string, args ...any) {
	c.rep.Notes = append(c.rep.Notes, fmt.Sprintf(format, args...))
}

func (c *checker) differ(line int, where, what string, recorded, recomputed any) {
	if len(c.rep.Differences) < maxDifferences {
		c.rep.Differences = append(c.rep.Differences, Difference{line, where, what, recorded, recomputed})
	}
}

// equal holds one value against another.
func (c *checker) equal(line int, where, what string, recorded, recomputed int64) {
	c.rep.Recomputed++
	if recorded != recomputed {
		c.differ(line, where, what, recorded, recomputed)
	}
}

func (c *checker) digest(stated, has results.NullString) {
	if stated == "" && c.rec.Summary != nil {
		stated = c.rec.Summary.SHA256 // not where the writer puts it
	}
	switch {
	case stated == "":
		c.note("the record has no digest: a change of a value that is taken as given cannot be seen")
	case stated == has:
		c.rep.Digest = "right"
	default:
		c.rep.Digest = "wrong"
		c.differ(c.lines.summary, "summary", "sha256 of the record", string(stated), string(has))
	}
}

// orphans are windows whose trial is not in the record: of the trial that was
// being written when the run ended.
func (c *checker) orphans() {
	known := map[int]bool{}
	for i := range c.rec.Trials {
		known[c.rec.Trials[i].ID] = true
	}
	for i, w := range c.rec.Windows {
		if known[w.TrialID] {
			continue
		}
		if c.rec.Summary != nil {
			c.differ(c.lines.windows[i], fmt.Sprintf("trial %d, window %d", w.TrialID, w.Index), "trial_id", w.TrialID, "no such trial")
			continue
		}
		c.note("the windows of trial %d are there and the trial itself is not: the run ended while it was written", w.TrialID)
		return
	}
}
