package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/loadgen/workload"
	"github.com/chainweir/weir/results"
)

// Names of axes.
const (
	AxisCores = "cores" // that the node may use
	AxisSize  = "size"  // bytes of each transaction's value, a key-value workload
	AxisLink  = "link"  // shaped rate of the path, bit/s
	AxisConns = "conns" // connections of the generator
)

// maxPoints bounds a sweep, and maxValueBytes the axis "size": no transaction
// carries more.
const (
	maxPoints     = 256
	maxValueBytes = 4096
)

// Axis is one setting that a sweep varies, with its values in their unit and as
// they were written.
type Axis struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"`
	Texts  []string  `json:"texts"`
}

// SweepPoint is one point of a sweep. X is the lower bound of the knee in tx/s,
// nil when the run could not tell.
type SweepPoint struct {
	Name          string             `json:"name"`
	Values        map[string]float64 `json:"values"`
	Valid         bool               `json:"valid"`
	LowerTxPerSec *float64           `json:"lower_tx_per_sec"`
	UpperTxPerSec *float64           `json:"upper_tx_per_sec"`
	CommitP99MS   *float64           `json:"commit_p99_ms"`
	BytesPerTx    results.InOut      `json:"bytes_per_tx"`
	Bottleneck    results.NullString `json:"bottleneck"`
	Utilisation   *float64           `json:"utilisation"`
	Record        string             `json:"record"`
	RecordSHA256  string             `json:"record_sha256"`
}

// SweepResult is all points of a sweep, in order.
type SweepResult struct {
	Schema   string       `json:"schema"` // weir.sweep/1
	Valid    bool         `json:"valid"`  // every point was measured and could tell
	Warnings []string     `json:"warnings"`
	Record   string       `json:"record"` // the folder
	Axes     []Axis       `json:"axes"`
	Points   []SweepPoint `json:"points"`
}

// ParseAxis reads "cores=1,2", "size=100,1000", "link=20mbit,1gbit" or
// "conns=1,8". parseRate reads a bit rate.
func ParseAxis(text string, parseRate func(string) (uint64, error)) (Axis, error) {
	name, list, ok := strings.Cut(text, "=")
	a := Axis{Name: strings.TrimSpace(name)}
	limits := map[string][2]uint64{
		AxisCores: {1, 1024}, AxisSize: {1, maxValueBytes}, AxisConns: {1, 64},
		AxisLink: {netlab.MinRateBitsPerSec, netlab.MaxRateBitsPerSec},
	}
	limit, known := limits[a.Name]
	if !ok || !known {
		return a, fmt.Errorf("%q is no axis: write cores=1,2, size=100,1000, link=20mbit,100mbit or conns=1,8", text)
	}
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		var v uint64
		var err error
		if a.Name == AxisLink {
			v, err = parseRate(part)
		} else if v, err = strconv.ParseUint(part, 10, 32); err != nil || v < limit[0] || v > limit[1] {
			err = fmt.Errorf("%q is not a whole number from %d to %d", part, limit[0], limit[1])
		}
		if err != nil {
			return a, fmt.Errorf("%s: %w", a.Name, err)
		}
		if slices.Contains(a.Values, float64(v)) {
			return a, fmt.Errorf("%s: the value %s is given twice", a.Name, part)
		}
		a.Values, a.Texts = append(a.Values, float64(v)), append(a.Texts, part)
	}
	return a, nil
}

// Sweep runs a search at every combination of the axes' values.
func Sweep(ctx context.Context, cfg Config, axes []Axis) (res SweepResult, err error) {
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	combos, err := combinations(axes)
	if err != nil {
		return res, err
	}
	points := make([]Config, len(combos))
	for i, c := range combos {
		if points[i], err = cfg.at(axes, c); err != nil {
			return res, err
		}
		if err := points[i].check(ctx); err != nil {
			return res, fmt.Errorf("%w: point %s: %w", ErrConfig, pointName(axes, c, i), err)
		}
	}
	if err := checkSeriesBudget(cfg.Budget, 1); err != nil || !cfg.Resume && checkSeriesBudget(cfg.Budget, len(combos)) != nil {
		return res, errors.Join(err, checkSeriesBudget(cfg.Budget, len(combos)))
	}
	s, err := openSeries(cfg, KindSweep)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	res = SweepResult{Schema: "weir.sweep/1", Valid: true, Record: cfg.OutDir, Axes: axes, Warnings: []string{}, Points: []SweepPoint{}}
	left := 0
	for i, c := range combos {
		if _, ok := s.done[pointName(axes, c, i)]; !ok {
			left++
		}
	}
	for i, c := range combos {
		name := pointName(axes, c, i)
		_, was := s.done[name]
		rec, err := s.point(ctx, points[i], name, left, 1)
		if err != nil {
			res.Valid = false
			res.Warnings = append(res.Warnings, err.Error())
			return res, errors.Join(err, res.write(cfg.OutDir))
		}
		if !was {
			left--
		}
		res.add(name, axes, c, rec.Summary, s.done[name].RecordSHA256)
	}
	return res, res.write(cfg.OutDir)
}

// combinations are all of the values' indices, the last axis fastest.
func combinations(axes []Axis) ([][]int, error) {
	all := [][]int{{}}
	seen := map[string]bool{}
	for _, a := range axes {
		if seen[a.Name] {
			return nil, fmt.Errorf("%w: axis %s is given twice: put its values into one list", ErrConfig, a.Name)
		}
		seen[a.Name] = true
		if len(all)*len(a.Values) > maxPoints {
			return nil, fmt.Errorf("%w: the axes have more than %d combinations: give fewer values", ErrConfig, maxPoints)
		}
		var next [][]int
		for _, c := range all {
			for i := range a.Values {
				next = append(next, append(slices.Clone(c), i))
			}
		}
		all = next
	}
	if len(axes) == 0 {
		return nil, fmt.Errorf("%w: a sweep without an axis", ErrConfig)
	}
	return all, nil
}

func pointName(axes []Axis, combo []int, i int) string {
	parts := []string{fmt.Sprintf("%02d", i+1)}
	for k, a := range axes {
		parts = append(parts, a.Name+"-"+a.Texts[combo[k]])
	}
	return strings.Join(parts, "-")
}

// at is the configuration of one combination.
func (c Config) at(axes []Axis, combo []int) (Config, error) {
	for k, a := range axes {
		v := a.Values[combo[k]]
		switch a.Name {
		case AxisCores:
			c.NodeCores = int(v)
		case AxisConns:
			c.Conns = int(v)
		case AxisLink:
			c.LinkBits = uint64(v)
		case AxisSize:
			if c.Workload != nil {
				return c, fmt.Errorf("%w: the axis size is a key-value workload of its own: leave out --workload", ErrConfig)
			}
			w, err := ValueWorkload(uint64(v), c.Accounts)
			if err != nil {
				return c, err
			}
			c.Workload = w
		}
	}
	if c.Target != "" && (c.NodeCores != 0 || c.LinkBits != 0) {
		return c, fmt.Errorf("%w: cores and link belong to a node of our own: they cannot be swept with --target", ErrConfig)
	}
	return c, nil
}

// ValueWorkload stores values of one length under keys drawn at random.
func ValueWorkload(valueBytes uint64, accounts uint32) (*workload.Workload, error) {
	text := fmt.Sprintf("schema: %s\nname: kv-%d\nmix:\n  - kv:\n      keys: 1000\n      key: {dist: uniform}\n      value_bytes: %d\n", workload.Schema, valueBytes, valueBytes)
	w, err := workload.Parse("value size", []byte(text))
	if err != nil {
		return nil, fmt.Errorf("%w: values of %d bytes: %w", ErrConfig, valueBytes, err)
	}
	if accounts != 0 {
		w.Accounts.Count = accounts
	}
	return w, nil
}

func (r *SweepResult) add(name string, axes []Axis, combo []int, s *results.Summary, sha string) {
	p := SweepPoint{Name: name, Values: map[string]float64{}, Record: filepath.Join(r.Record, name), RecordSHA256: sha}
	for k, a := range axes {
		p.Values[a.Name] = a.Values[combo[k]]
	}
	if s == nil {
		s = &results.Summary{}
	}
	p.Valid, p.LowerTxPerSec, p.UpperTxPerSec = s.Valid, s.Knee.LowerTxPerSec, s.Knee.UpperTxPerSec
	p.CommitP99MS, p.BytesPerTx, p.Bottleneck = s.LatencyMS.Commit.P99, s.Wire.BytesPerTx, s.Bottleneck
	p.Utilisation = utilisationOf(s)
	if !p.Valid {
		r.Valid = false
		r.Warnings = append(r.Warnings, "point "+name+" is inconclusive: see its record")
	}
	r.Points = append(r.Points, p)
}

// CSV is what models are fitted to: n,x with one axis, one column per axis
// otherwise. Points that could not tell are left out.
func (r *SweepResult) CSV() []byte {
	var b bytes.Buffer
	if len(r.Axes) == 1 {
		b.WriteString("n")
	} else {
		for i, a := range r.Axes {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(a.Name)
		}
	}
	b.WriteString(",x\n")
	for _, p := range r.Points {
		if !p.Valid || p.LowerTxPerSec == nil {
			continue
		}
		for _, a := range r.Axes {
			b.WriteString(strconv.FormatFloat(p.Values[a.Name], 'f', -1, 64) + ",")
		}
		b.WriteString(strconv.FormatFloat(*p.LowerTxPerSec, 'f', -1, 64) + "\n")
	}
	return b.Bytes()
}

// write puts the points so far beside the records.
func (r *SweepResult) write(dir string) error {
	return results.WriteFileAtomic(filepath.Join(dir, "points.csv"), r.CSV(), 0o644)
}
