package ci

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chainweir/weir/results"
)

// Schema of the report and of every line of a record.
const Schema = "weir.ci/1"

// Report is what `weir ci --json` prints, and the last line of a record.
type Report struct {
	Schema string `json:"schema"`
	Type   string `json:"type"`
	Result

	Base        string    `json:"base"` // the commands, as one can type them
	Head        string    `json:"head"`
	Gates       []string  `json:"gates"`
	ExitCode    int       `json:"exit_code"`
	StartedAt   time.Time `json:"started_at"`
	DurationSec float64   `json:"duration_sec"`
	MaxRounds   int       `json:"max_rounds"`
	Delta       float64   `json:"delta_ratio"`
	Confidence  float64   `json:"confidence"`
	Machine     string    `json:"machine"`
	Record      string    `json:"record"` // folder
}

// Exit codes of a comparison.
const (
	exitPass      = 0
	exitFail      = 1
	exitUndecided = 3
)

// NewReport completes a result with what was compared.
func NewReport(res Result, base, head Command, cfg Config, env results.Env, started time.Time, record string) Report {
	r := Report{
		Schema: Schema, Type: results.TypeSummary, Result: res,
		Base: base.String(), Head: head.String(), Gates: []string{}, StartedAt: started,
		DurationSec: time.Since(started).Seconds(), MaxRounds: cfg.MaxRounds, Delta: cfg.Delta, Confidence: Confidence,
		Machine: machine(env), Record: record,
	}
	for _, g := range cfg.Gates {
		r.Gates = append(r.Gates, g.Text)
	}
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	switch res.Outcome {
	case Pass:
		r.ExitCode = exitPass
	case Fail:
		r.ExitCode = exitFail
	default:
		r.ExitCode = exitUndecided
	}
	return r
}

func machine(env results.Env) string {
	c := env.Class
	name := string(c.CPUBrand)
	if name == "" {
		name = "unknown processor"
	}
	return fmt.Sprintf("%s, %g cores usable, %s/%s", name, c.UsableCores, c.OS, c.Arch)
}

// Headline is the answer in one line.
func (r *Report) Headline() string {
	switch r.Outcome {
	case Pass:
		if r.Verdict == Faster {
			return "pass: head is faster"
		}
		return "pass"
	case Fail:
		return "FAIL: " + r.about(Fail) + ", found twice"
	case Noisy:
		text := "NOISY, gating refused: base differs from itself in " + r.about(Noisy)
		if seen := r.about(Fail); seen != "" {
			text += "; seen all the same, twice, and not gated on: slower by " + seen
		}
		return text
	}
	text := "inconclusive: " + r.about(Undecided)
	if n := r.more(); n > 0 {
		text += fmt.Sprintf("; about %d more rounds would tell", n)
	}
	return text
}

// about names the deciding rows of an outcome, with their change.
func (r *Report) about(o Outcome) string {
	var list []string
	for _, row := range r.Rows {
		if !row.Decides || row.Outcome != o {
			continue
		}
		ratio := row.Ratio
		if o == Noisy {
			ratio = row.Control.Ratio
		}
		list = append(list, row.Name+" "+percent(ratio))
	}
	return strings.Join(list, ", ")
}

// more is the largest number of further rounds foreseen, 0 for none.
func (r *Report) more() int {
	n := 0
	for _, row := range r.Rows {
		if row.Decides && row.Outcome == Undecided && row.MoreRounds != nil {
			n = max(n, *row.MoreRounds)
		}
	}
	return n
}

// percent shows a ratio as a change.
func percent(ratio *float64) string {
	if ratio == nil {
		return "n/a"
	}
	return signed(*ratio - 1)
}

func signed(x float64) string { return fmt.Sprintf("%+.2f%%", 100*x) }

// Recorder writes a record line by line, so that an interrupted comparison
// leaves whole lines.
type Recorder struct {
	file *os.File
	err  error
}

// NewRecorder makes the file path, which must not exist, and writes the
// fingerprint of the machine as its first line.
func NewRecorder(path string, env results.Env) (*Recorder, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s exists already: a record is never overwritten; name another --out", path)
	}
	if err != nil {
		return nil, err
	}
	r := &Recorder{file: f}
	return r, r.write(struct {
		Schema   string               `json:"schema"`
		Type     string               `json:"type"`
		Class    results.EnvClass     `json:"class"`
		Detail   results.EnvDetail    `json:"detail"`
		Warnings []results.EnvWarning `json:"warnings"`
	}{Schema, results.TypeEnv, env.Class, env.Detail, env.Warnings})
}

// Run writes one run.
func (r *Recorder) Run(info RunInfo) error {
	return r.write(struct {
		Schema string `json:"schema"`
		Type   string `json:"type"`
		RunInfo
	}{Schema, "run", info})
}

// Summary writes the last line.
func (r *Recorder) Summary(rep Report) error { return r.write(rep) }

func (r *Recorder) write(v any) error {
	if r.err != nil {
		return r.err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot write record %s: %w", r.file.Name(), err)
	}
	if _, err = r.file.Write(append(b, '\n')); err != nil {
		r.err = fmt.Errorf("cannot write record %s: %w", r.file.Name(), err)
	}
	return r.err
}

// Close makes the record durable.
func (r *Recorder) Close() error { return errors.Join(r.file.Sync(), r.file.Close()) }
