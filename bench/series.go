package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/chainweir/weir/results"
)

// SchemaSeries is that of the lines of a series file.
const SchemaSeries = "weir.series/1"

// Kinds of series: the names of their files without the ending.
const (
	KindRun      = "run"
	KindSweep    = "sweep"
	KindValidate = "validate"
)

// ErrBudget says that the time was over before all points were measured.
var ErrBudget = errors.New("the budget was over")

// pointOverhead is what a run takes beside its search, until one was timed: the
// look at the machine, the link test, the signing, the start of the node.
// minPointBudget is the shortest search worth having: below it trials are so
// short that what the sockets and the link's queue hold looks like throughput.
const (
	pointOverhead  = 6 * time.Second
	minPointBudget = 9 * time.Second
)

// series is a folder of runs that belong together. Its file has one line for
// the settings and one for each finished point, each synced before the next is
// measured, so that an interrupted series can be continued and nobody can say
// later that it was for something else.
type series struct {
	dir, kind string
	file      *os.File
	done      map[string]pointLine
	extra     map[string]json.RawMessage // other lines by their type
	hash      string                     // of the settings
	overhead  time.Duration              // of the last point
	budget    time.Duration
	started   time.Time
}

type settingsLine struct {
	Schema   string          `json:"schema"`
	Type     string          `json:"type"`
	Kind     string          `json:"kind"`
	Settings json.RawMessage `json:"settings"` // canonical
	SHA256   string          `json:"sha256"`   // of settings
}

type pointLine struct {
	Schema       string `json:"schema"`
	Type         string `json:"type"`
	Name         string `json:"name"`
	Settings     string `json:"settings_sha256"`
	Record       string `json:"record"` // below the series' folder
	RecordSHA256 string `json:"record_sha256"`
}

// CanonicalJSON is the one text of a value that is hashed: keys sorted, no
// space, nothing escaped that need not be.
func CanonicalJSON(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var plain any
	if err := dec.Decode(&plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(plain); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// ReadSettings finds what kind of run a folder holds and with which settings it
// was started. Errors wrap ErrConfig.
func ReadSettings(dir string) (kind string, settings map[string]string, err error) {
	for _, kind := range []string{KindSweep, KindValidate, KindRun} {
		b, err := os.ReadFile(seriesFile(dir, kind))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		first, _, _ := bytes.Cut(b, []byte("\n"))
		var l settingsLine
		if err := json.Unmarshal(first, &l); err != nil || l.Schema != SchemaSeries || l.Type != "settings" || l.Kind != kind {
			return "", nil, fmt.Errorf("%w: %s does not begin with the settings of a %s (%s): start anew in another folder", ErrConfig, seriesFile(dir, kind), kind, SchemaSeries)
		}
		if got := hashOf(l.Settings); got != l.SHA256 {
			return "", nil, fmt.Errorf("%w: %s: the settings have the hash %.12s…, the line says %.12s…: the file was changed; start anew in another folder", ErrConfig, seriesFile(dir, kind), got, l.SHA256)
		}
		if err := json.Unmarshal(l.Settings, &settings); err != nil {
			return "", nil, fmt.Errorf("%w: %s: %w", ErrConfig, seriesFile(dir, kind), err)
		}
		return kind, settings, nil
	}
	return "", nil, fmt.Errorf("%w: %s holds no run that can be continued (no sweep.jsonl, validate.jsonl or settings.json)", ErrConfig, dir)
}

func seriesFile(dir, kind string) string {
	if kind == KindRun {
		return filepath.Join(dir, "settings.json")
	}
	return filepath.Join(dir, kind+".jsonl")
}

// openSeries makes the folder and its file, or opens those of a series that is
// to be continued: its settings must be these.
func openSeries(cfg Config, kind string) (*series, error) {
	canon, err := CanonicalJSON(cfg.Settings)
	if err != nil {
		return nil, fmt.Errorf("%w: settings: %w", ErrConfig, err)
	}
	s := &series{
		dir: cfg.OutDir, kind: kind, done: map[string]pointLine{}, extra: map[string]json.RawMessage{},
		hash: hashOf(canon), overhead: pointOverhead, budget: cfg.Budget, started: time.Now(),
	}
	if cfg.Resume {
		return s, s.reopen()
	}
	if err := os.MkdirAll(filepath.Dir(s.dir), 0o755); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("%w: the series' folder: %w; choose another --out, or --resume %s", ErrConfig, err, s.dir)
	}
	if s.file, err = os.OpenFile(seriesFile(s.dir, kind), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return s, s.append(settingsLine{SchemaSeries, "settings", kind, canon, s.hash})
}

// reopen reads what is finished. A last line that is cut off is taken away: its
// point is measured again.
func (s *series) reopen() error {
	kind, _, err := ReadSettings(s.dir)
	if err != nil {
		return err
	}
	if kind != s.kind {
		return fmt.Errorf("%w: %s holds a %s, not a %s", ErrConfig, s.dir, kind, s.kind)
	}
	path := seriesFile(s.dir, s.kind)
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	whole := b[:bytes.LastIndexByte(b, '\n')+1]
	for i, line := range bytes.Split(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n")) {
		if err := s.take(line); err != nil {
			return fmt.Errorf("%w: %s:%d: %w", ErrConfig, path, i+1, err)
		}
	}
	if s.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if len(whole) < len(b) {
		return s.file.Truncate(int64(len(whole)))
	}
	return nil
}

func (s *series) take(line []byte) error {
	var p pointLine
	if err := json.Unmarshal(line, &p); err != nil {
		return err
	}
	switch {
	case p.Schema != SchemaSeries:
		return fmt.Errorf("schema %q, this program reads %q", p.Schema, SchemaSeries)
	case p.Type == "settings":
		var l settingsLine
		if err := json.Unmarshal(line, &l); err != nil {
			return err
		}
		if l.SHA256 != s.hash {
			return fmt.Errorf("it was started with other settings (hash %.12s…, these have %.12s…): give the same flags, or start anew in another folder", l.SHA256, s.hash)
		}
	case p.Type == "point" && p.Settings != s.hash:
		return fmt.Errorf("point %s belongs to other settings", p.Name)
	case p.Type == "point":
		b, err := os.ReadFile(filepath.Join(s.dir, p.Record))
		if err != nil {
			return err
		}
		if got := hashOf(b); got != p.RecordSHA256 {
			return fmt.Errorf("the record of point %s was changed since: its hash is %.12s…, not %.12s…; start anew in another folder", p.Name, got, p.RecordSHA256)
		}
		s.done[p.Name] = p
	default:
		s.extra[p.Type] = bytes.Clone(line)
	}
	return nil
}

// append writes one line and waits until it is on the disk.
func (s *series) append(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := s.file.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("cannot write %s: %w", s.file.Name(), err)
	}
	return s.file.Sync()
}

func (s *series) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// nextBudget shares the time that is left among the points that are left, the
// first with the given weight.
func (s *series) nextBudget(left int, weight float64) (time.Duration, error) {
	rest := s.budget - time.Since(s.started) - time.Duration(left)*s.overhead
	b := time.Duration(float64(rest) * weight / (weight + float64(left-1)))
	if b < minPointBudget {
		return 0, fmt.Errorf("%w with %d points to go: continue with --resume %s and a --budget of %v or more",
			ErrBudget, left, s.dir, (time.Duration(left) * (minPointBudget + s.overhead)).Round(time.Second))
	}
	return b, nil
}

// checkBudget refuses a budget that cannot hold the points before any is run.
func checkSeriesBudget(budget time.Duration, points int) error {
	if need := time.Duration(points) * (minPointBudget + pointOverhead); budget < need {
		return fmt.Errorf("%w: --budget %v is for all %d points together, each needs %v: give %v or more",
			ErrConfig, budget, points, minPointBudget+pointOverhead, need)
	}
	return nil
}

// point measures one point, or reads it when it was measured before. A run that
// could not tell is a point too, and says so in its summary; an error is for
// what kept it from its end.
func (s *series) point(ctx context.Context, cfg Config, name string, left int, weight float64) (results.Record, error) {
	record := filepath.Join(name, "record.jsonl")
	if p, ok := s.done[name]; ok {
		return results.ReadFile(filepath.Join(s.dir, p.Record), false)
	}
	budget, err := s.nextBudget(left, weight)
	if err != nil {
		return results.Record{}, err
	}
	cfg.Budget, cfg.OutDir, cfg.Resume, cfg.Settings = budget, filepath.Join(s.dir, name), false, nil
	if err := setAside(cfg.OutDir); err != nil {
		return results.Record{}, err
	}
	progress := cfg.Progress
	cfg.Progress = func(p Progress) {
		p.Point = name
		progress(p)
	}
	began := time.Now()
	if _, err := Run(ctx, cfg); err != nil {
		return results.Record{}, fmt.Errorf("point %s: %w", name, err)
	}
	s.overhead = max(time.Second, time.Since(began)-budget)
	rec, err := results.ReadFile(filepath.Join(s.dir, record), false)
	if err != nil {
		return rec, err
	}
	b, err := os.ReadFile(filepath.Join(s.dir, record))
	if err != nil {
		return rec, err
	}
	p := pointLine{SchemaSeries, "point", name, s.hash, record, hashOf(b)}
	s.done[name] = p
	return rec, s.append(p)
}

// setAside renames what an interrupted run left where another one is to go: it
// was measured, so it is kept.
func setAside(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for i := 1; i < 1000; i++ {
		to := path + ".interrupted-" + strconv.Itoa(i)
		if _, err := os.Lstat(to); errors.Is(err, os.ErrNotExist) {
			return os.Rename(path, to)
		}
	}
	return fmt.Errorf("%w: %s was interrupted a thousand times: start anew in another folder", ErrConfig, path)
}
