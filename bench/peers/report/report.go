package report

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/bench/peers/require"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// Schema names the JSON object of the hash rows.
const Schema = "weir.hashpeers/1"

// Subject is what a report is about, beside its rows.
type Subject struct {
	Schema    string
	Libraries []string // modules whose versions are named
	// Required returns the figures that apply to a run: on a Zen 5 server or
	// not, with or without those features of the processor.
	Required func(zen5Server, avx512, sha bool) require.Table
	Notes    func() []string // what a reader must know of the peers
}

// hashes are the rows of package field.
var hashes = Subject{
	Schema: Schema,
	Libraries: []string{
		"github.com/OffchainLabs/hashtree", "github.com/prysmaticlabs/gohashtree", "github.com/minio/sha256-simd",
		"github.com/zeebo/blake3", "lukechampine.com/blake3",
	},
	Required: require.For,
	Notes:    notes,
}

// Report is everything that a run found. Unknown values are null.
type Report struct {
	Schema     string            `json:"schema"`
	Env        results.Env       `json:"env"`
	CPU        string            `json:"cpu_key"` // cpu.Identity.Key: after hiding
	GOMAXPROCS int               `json:"gomaxprocs"`
	Without    []string          `json:"without"` // features of the processor that were hidden
	Versions   map[string]string `json:"versions"`
	Rounds     int               `json:"rounds"`
	SampleNS   int64             `json:"sample_ns"`
	Rows       []Row             `json:"rows"`
	Model      *Model            `json:"model"` // null: there is none of this processor

	RequiredFor string     `json:"required_for,omitempty"` // machines of which Required is demanded
	Required    []Required `json:"required"`

	Warnings []string `json:"warnings"`
	Notes    []string `json:"notes"`

	subject Subject
	model   floor.Model
	host    cpu.Identity
	has     func(feature string) bool
}

// Model names the source of the floors.
type Model struct {
	Name   string `json:"name"`
	Source string `json:"source"`
}

// Row is one row of the table.
type Row struct {
	Row       string   `json:"row"`
	Benchmark string   `json:"benchmark"`
	Kernel    string   `json:"kernel,omitempty"`
	Chosen    string   `json:"chosen,omitempty"` // what the kernel dispatched to
	Items     int      `json:"items"`
	Item      string   `json:"item"`
	Bytes     int      `json:"bytes"`
	Procs     int      `json:"procs"`
	ClockHz   *float64 `json:"clock_hz"`
	Noisy     bool     `json:"noisy"` // the control left 1 ± contest.NoiseLimit
	LeftOut   string   `json:"left_out,omitempty"`
	Entries   []Entry  `json:"entries"`
	Floors    []Floor  `json:"floors"`
}

// Entry is one contestant of a row.
type Entry struct {
	Name          string       `json:"name"`
	Role          contest.Role `json:"role"`
	Note          string       `json:"note,omitempty"`
	LeftOut       string       `json:"left_out,omitempty"`
	Calls         int          `json:"calls"`
	NSPerItem     *float64     `json:"ns_per_item"` // median of the rounds
	BytesPerSec   *float64     `json:"bytes_per_sec"`
	CyclesPerItem *float64     `json:"cycles_per_item"`
	Ratio         *Ratio       `json:"ratio"` // its time ÷ that of ours; null for ours
	SamplesNS     []float64    `json:"samples_ns"`
}

// Ratio is the median of the per-round ratios with its interval.
type Ratio struct {
	Median   float64 `json:"median"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Coverage float64 `json:"coverage"`
}

// Floor is the least that the row can take in one way to do it.
type Floor struct {
	Path          string   `json:"path"`
	CyclesPerItem float64  `json:"cycles_per_item"`
	Reached       *float64 `json:"reached"` // floor ÷ measured, of ours
}

// Required is one figure that has to be reached.
type Required struct {
	Row     string          `json:"row"`
	Peer    string          `json:"peer"`
	AtLeast float64         `json:"at_least"`
	Aim     *float64        `json:"aim"`
	Ratio   *Ratio          `json:"ratio"`
	Control *Ratio          `json:"control"`
	Noisy   bool            `json:"noisy"`
	Verdict require.Verdict `json:"verdict"`
}

// New starts a report about hashes.
func New(env results.Env, without []string, plan contest.Plan) *Report {
	return NewOf(hashes, env, without, plan)
}

// NewOf starts a report about a subject.
func NewOf(s Subject, env results.Env, without []string, plan contest.Plan) *Report {
	r := &Report{
		Schema: s.Schema, Env: env, GOMAXPROCS: runtime.GOMAXPROCS(0),
		Without: append([]string{}, without...), Versions: versions(s.Libraries),
		Rounds: plan.Rounds, SampleNS: plan.Sample.Nanoseconds(),
		Rows: []Row{}, Required: []Required{}, Warnings: []string{}, Notes: []string{},
		subject: s, host: cpu.Host(),
		has: func(feature string) bool { return len(cpu.Missing(feature)) == 0 },
	}
	r.CPU = r.host.Key()
	if m, ok := floor.ModelOf(r.host); ok {
		r.model, r.Model = m, &Model{m.Name, m.Source}
	}
	return r
}

// versions are those of the libraries in this program.
func versions(libraries []string) map[string]string {
	out := map[string]string{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(libraries, m.Path) {
				out[m.Path] = m.Version
			}
		}
	}
	return out
}

// Add puts a measured row into the report.
func (r *Report) Add(in field.Row, m contest.Measured) error {
	row := Row{
		Row: in.Name, Benchmark: in.Benchmark, Kernel: in.Kernel, Chosen: in.Chosen(),
		Items: in.Items, Item: in.Item, Bytes: in.Bytes, Procs: in.Procs,
		ClockHz: clock(m.Probes), LeftOut: in.LeftOut, Entries: []Entry{}, Floors: []Floor{},
	}
	for _, res := range m.Results {
		e, err := newEntry(in, m, res)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", in.Name, res.Contestant.Name, err)
		}
		if e.Role == contest.Control && e.Ratio != nil {
			row.Noisy = contest.Noisy(e.Ratio.interval())
		}
		row.Entries = append(row.Entries, e)
	}
	row.addFloors(in, r)
	r.Rows = append(r.Rows, row)
	return nil
}

func newEntry(in field.Row, m contest.Measured, res contest.Result) (Entry, error) {
	c := res.Contestant
	e := Entry{Name: c.Name, Role: c.Role, Note: c.Note, LeftOut: c.LeftOut, Calls: res.Calls, SamplesNS: append([]float64{}, res.NSPerWork...)}
	if len(res.NSPerWork) == 0 {
		return e, nil
	}
	median := stat.Median(res.NSPerWork)
	perItem, rate := median/float64(in.Items), float64(in.Bytes)/median*1e9
	e.NSPerItem, e.BytesPerSec = &perItem, &rate
	if in.Procs == 1 && c.Timed == nil { // elsewhere whose cycles is not clear
		e.CyclesPerItem = cycles(res.NSPerWork, m.Probes, in.Items)
	}
	if c.Role == contest.Ours {
		return e, nil
	}
	iv, err := m.Ratio(res)
	if err != nil {
		return e, err
	}
	e.Ratio = &Ratio{iv.Median, iv.Low, iv.High, iv.Coverage}
	return e, nil
}

func (r Ratio) interval() stat.Interval {
	return stat.Interval{Median: r.Median, Low: r.Low, High: r.High, Coverage: r.Coverage}
}

// clock is the median frequency of a row's rounds; nil when it was unknown in
// most of them.
func clock(probes []float64) *float64 {
	var known []float64
	for _, hz := range probes {
		if hz > 0 {
			known = append(known, hz)
		}
	}
	if 2*len(known) <= len(probes) {
		return nil
	}
	hz := stat.Median(known)
	return &hz
}

// cycles multiplies every round's time with the round's own clock.
func cycles(ns, probes []float64, items int) *float64 {
	if clock(probes) == nil || len(ns) != len(probes) {
		return nil
	}
	var list []float64
	for i, hz := range probes {
		if hz > 0 {
			list = append(list, ns[i]*hz/1e9/float64(items))
		}
	}
	c := stat.Median(list)
	return &c
}

func (row *Row) addFloors(in field.Row, r *Report) {
	if r.Model == nil || in.Procs != 1 || in.LeftOut != "" {
		return
	}
	for _, f := range r.model.Floors(in.Work, r.has) {
		out := Floor{Path: f.Path, CyclesPerItem: f.Cycles / float64(in.Items)}
		if ours := row.entry(field.Weir); ours != nil && ours.CyclesPerItem != nil {
			reached := out.CyclesPerItem / *ours.CyclesPerItem
			out.Reached = &reached
		}
		row.Floors = append(row.Floors, out)
	}
}

func (row *Row) entry(name string) *Entry {
	for i := range row.Entries {
		if row.Entries[i].Name == name {
			return &row.Entries[i]
		}
	}
	return nil
}
