package compare

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// maxHistoryLine bounds a line of a history file.
const maxHistoryLine = 4 << 20

// errNoPoint is a record that is what it should be and yet no point of a
// history: of a run that is INVALID or did not end.
var errNoPoint = fmt.Errorf("%w: no point of a history", ErrInput)

// ReadHistory returns the points of all paths: history files, records, and
// folders with *.jsonl files or run folders right below. The order is that of
// the files; NewHistory sorts by time. A run in a folder that is INVALID or did
// not end is left out, and leftOut says so; one that is named itself is an error.
func ReadHistory(paths []string) (points []Point, leftOut []string, err error) {
	read := 0
	for _, path := range paths {
		files, err := historyFiles(path)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				return nil, nil, fmt.Errorf("%w: %w", ErrInput, err)
			}
			more, err := parseHistory(raw, file)
			switch {
			case errors.Is(err, errNoPoint) && file != path:
				leftOut = append(leftOut, "left out: "+strings.TrimPrefix(err.Error(), errNoPoint.Error()+": "))
			case err != nil:
				return nil, nil, err
			}
			read++
			points = append(points, more...)
		}
	}
	if len(points) == 0 {
		return nil, nil, fmt.Errorf("%w: no point in %d files of %s: add one with weir history --add RECORD --to FILE", ErrInput, read, strings.Join(append(paths, leftOut...), ", "))
	}
	return points, leftOut, nil
}

func historyFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s does not exist: name a history file, a record, or a folder of them", ErrInput, path)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	case !info.IsDir():
		return []string{path}, nil
	}
	var files []string
	for _, pattern := range []string{"*.jsonl", filepath.Join("*", recordName)} {
		found, err := filepath.Glob(filepath.Join(globEscape(path), pattern))
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrInput, path, err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w: the folder %s has no *.jsonl, nor has a folder in it a %s", ErrInput, path, recordName)
	}
	return files, nil
}

// parseHistory reads a history file or a record.
func parseHistory(raw []byte, path string) ([]Point, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, fmt.Errorf("%w: %s is empty", ErrInput, path)
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&head); err != nil {
		return nil, fmt.Errorf("%w: %s:1: this is no JSON object: %w", ErrInput, path, err)
	}
	switch head.Schema {
	case HistorySchema:
		return parsePoints(raw, path)
	case results.SchemaRun:
		p, err := recordPoint(raw, path)
		if err != nil {
			return nil, err
		}
		return []Point{p}, nil
	}
	return nil, fmt.Errorf("%w: %s:1: schema %q: a history reads %q and %q", ErrInput, path, head.Schema, HistorySchema, results.SchemaRun)
}

func parsePoints(raw []byte, path string) ([]Point, error) {
	var out []Point
	sc := bufio.NewScanner(bytes.NewReader(raw))
	sc.Buffer(nil, maxHistoryLine)
	line := 0
	for sc.Scan() {
		line++
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var p Point
		if err := json.Unmarshal(sc.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %w", ErrInput, path, line, err)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %w", ErrInput, path, line, err)
		}
		out = append(out, p)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%w: %s:%d: %w", ErrInput, path, line+1, err)
	}
	return out, nil
}

// check says what is wrong with a line.
func (p *Point) check() error {
	switch {
	case p.Schema != HistorySchema || p.Type != TypePoint:
		return fmt.Errorf("schema %q and type %q: every line of a history is %q, %q", p.Schema, p.Type, HistorySchema, TypePoint)
	case p.At.IsZero():
		return errors.New("at is missing: the time of the measurement, such as 2026-11-21T12:00:00Z")
	case p.Name == "":
		return errors.New("name is missing: what was measured")
	case len(p.Values) == 0:
		return errors.New("values is empty: nothing was measured")
	}
	for i, v := range p.Values {
		switch {
		case v.Metric == "":
			return fmt.Errorf("values[%d] has no metric", i)
		case math.IsNaN(v.Value) || math.IsInf(v.Value, 0):
			return fmt.Errorf("values[%d] %s is %v", i, v.Metric, v.Value)
		case v.Better != "" && v.Better != Higher && v.Better != Lower:
			return fmt.Errorf("values[%d] %s: better is %q, write %q, %q or an empty text", i, v.Metric, v.Better, Higher, Lower)
		}
	}
	return nil
}

// recordPoint turns a valid run into a point.
func recordPoint(raw []byte, path string) (Point, error) {
	rec, err := results.ParseValid(raw, path, false)
	switch {
	case err != nil:
		return Point{}, fmt.Errorf("%w: %w", ErrInput, err)
	case rec.Summary == nil:
		return Point{}, fmt.Errorf("%w: %s has no summary, so the run did not end: leave it out, or continue it with weir run --resume", errNoPoint, path)
	case !rec.Summary.Valid:
		return Point{}, fmt.Errorf("%w: %s is an INVALID run (%s): it has no place in a history", errNoPoint, path, orSilent(rec.Summary.Warnings))
	}
	sum := rec.Summary
	p := Point{
		Schema: HistorySchema, Type: TypePoint, At: sum.StartedAt,
		Name:    fmt.Sprintf("run %s %s×%d %s", sum.Workload, sum.Engine, sum.Nodes, linkName(sum)),
		Machine: "unknown",
	}
	for _, m := range recordMetrics {
		if v := m.of(sum); v != nil {
			p.Values = append(p.Values, PointValue{m.name, m.unit, m.better, *v, 1})
		}
	}
	if rec.Env != nil {
		if r := string(rec.Env.Detail.VCSRevision); r != "" {
			p.Revision = &r
		}
		p.Machine, err = machineOf(rec.Env.Class)
		if err != nil {
			return Point{}, fmt.Errorf("%w: %s: %w", ErrInput, path, err)
		}
	}
	if len(p.Values) == 0 {
		return Point{}, fmt.Errorf("%w: %s has none of the figures that a history keeps: no rate held the goal, or it is a soak at a given rate", errNoPoint, path)
	}
	if err := p.check(); err != nil {
		return Point{}, fmt.Errorf("%w: %s: %w", ErrInput, path, err)
	}
	return p, nil
}

func linkName(sum *results.Summary) string {
	name := string(sum.Link.Kind)
	if sum.Link.Kind == results.LinkShaped && sum.Link.NominalBitsPerSec != nil {
		name += fmt.Sprintf(" %g bit/s", *sum.Link.NominalBitsPerSec)
	}
	return strings.TrimSpace(name)
}

// machineOf names a class: a few words, and a hash of all of it but the version
// of Go, whose effect a history is meant to show.
func machineOf(class results.EnvClass) (string, error) {
	class.GoVersion = ""
	raw, err := json.Marshal(class)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	brand := string(class.CPUBrand)
	if brand == "" {
		brand = class.Arch
	}
	return fmt.Sprintf("%s, %g cores, %s %s (%s)", brand, class.UsableCores, class.OS, class.Kernel, hex.EncodeToString(sum[:4])), nil
}

// AddOptions say what PointOf cannot read from a benchmark text.
type AddOptions struct {
	At       time.Time // zero: the record's own
	Revision string    // empty: the record's own
	Name     string    // empty: the record's own
	Filter   *regexp.Regexp
}

// PointOf turns a record, the folder of a run, or a benchmark text into a point:
// the medians over its runs.
func PointOf(path string, opt AddOptions) (Point, error) {
	files, err := expand(path)
	if err != nil {
		return Point{}, err
	}
	if len(files) != 1 {
		return Point{}, fmt.Errorf("%w: %s names %d files, a point is made of one", ErrInput, path, len(files))
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		return Point{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	kind, err := kindOf(raw, files[0])
	if err != nil {
		return Point{}, err
	}
	var p Point
	switch kind {
	case kindRecord:
		p, err = recordPoint(raw, files[0])
	case kindBench:
		p, err = benchPoint(raw, files[0], opt)
	default:
		err = fmt.Errorf("%w: %s is %s: a history keeps records and benchmark texts", ErrInput, files[0], kind)
	}
	if err != nil {
		return Point{}, err
	}
	if !opt.At.IsZero() {
		p.At = opt.At
	}
	if opt.Revision != "" {
		p.Revision = &opt.Revision
	}
	if opt.Name != "" {
		p.Name = opt.Name
	}
	p.At = p.At.UTC().Truncate(time.Second)
	if opt.Filter != nil {
		p.Values = slices.DeleteFunc(p.Values, func(v PointValue) bool { return !opt.Filter.MatchString(p.Name + " " + v.Metric + " " + v.Unit) })
	}
	if len(p.Values) == 0 {
		return Point{}, fmt.Errorf("%w: the filter %q leaves nothing of %s", ErrInput, opt.Filter, files[0])
	}
	return p, nil
}

func benchPoint(raw []byte, path string, opt AddOptions) (Point, error) {
	if opt.At.IsZero() {
		return Point{}, fmt.Errorf("%w: %s is Go benchmark text, which does not say when it was measured: give --at 2026-11-21T12:00:00Z", ErrInput, path)
	}
	a := newArm(path)
	if err := a.read(raw, path); err != nil {
		return Point{}, err
	}
	var words []string
	for _, key := range []string{"cpu", "goos", "goarch"} {
		if len(a.traits[key]) > 0 {
			words = append(words, a.traits.text(key))
		}
	}
	if len(a.traits["gomaxprocs"]) > 0 {
		words = append(words, "GOMAXPROCS "+a.traits.text("gomaxprocs"))
	}
	if len(words) == 0 {
		words = []string{"unknown"}
	}
	p := Point{
		Schema: HistorySchema, Type: TypePoint, Machine: strings.Join(words, ", "),
		Name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)),
	}
	for _, s := range a.order {
		p.Values = append(p.Values, PointValue{s.metric, s.unit, s.better, stat.Median(s.values), len(s.values)})
	}
	return p, nil
}

// AppendPoint adds a point to a history file, which is made when it is not
// there. The file is read and checked first, and replaced as a whole. A point
// with the same time, name and machine is refused.
func AppendPoint(path string, p Point) error {
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	if len(bytes.TrimSpace(raw)) > 0 {
		had, err := parsePoints(raw, path)
		if err != nil {
			return err
		}
		for i, q := range had {
			if q.At.Equal(p.At) && q.Name == p.Name && q.Machine == p.Machine {
				return fmt.Errorf("%w: %s has %q of %s already (point %d): take that line out first, or give another --at or --name",
					ErrInput, path, p.Name, p.At.Format(time.RFC3339), i+1)
			}
		}
		if raw[len(raw)-1] != '\n' {
			raw = append(raw, '\n')
		}
	} else {
		raw = nil
	}
	line, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	return results.WriteFileAtomic(path, slices.Concat(raw, line, []byte{'\n'}), 0o644)
}
