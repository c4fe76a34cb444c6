package bench

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict says how a measured figure stands to the one asked for.
type Verdict string

// Verdicts.
const (
	AimMet      Verdict = "aim met"
	Met         Verdict = "met"          // the median is good enough
	InDoubt     Verdict = "in doubt"     // the median is not, its interval reaches what is
	NotMet      Verdict = "not met"      // nor does its interval
	NotMeasured Verdict = "not measured" // in this run
)

// Requirement is one figure that the node has to reach, and what was measured.
type Requirement struct {
	Row     string      `json:"row"`
	Unit    string      `json:"unit"`
	Asked   float64     `json:"asked"`
	Aim     float64     `json:"aim"`
	AtMost  bool        `json:"at_most"`  // smaller is better; false: larger is
	Median  *float64    `json:"measured"` // nil: not measured
	CI95    *[2]float64 `json:"ci95"`     // of the median; nil: too few samples
	Samples []float64   `json:"samples"`
	Verdict Verdict     `json:"verdict"`
	Note    string      `json:"note"` // how, or where else it is measured

	name  string  // in benchmark text
	scale float64 // to the unit of the benchmark text
	base  string  // that unit
	other bool    // measured, and not of what the row says
	fails bool    // whatever the samples say
}

// The figures are those of a Zen 5 server with two cores. They are not scaled to
// other machines: the report names the machine, and a slower one may miss them.
var requirements = []Requirement{
	{Row: "pipeline ÷ bare verify, keys cached", Unit: "ratio", Asked: 0.85, Aim: 0.93, name: "PipelineToVerify/mode=signed_cached"},
	{Row: "pipeline ÷ bare verify, 1 Mi accounts", Unit: "ratio", Asked: 0.85, Aim: 0.93, name: "PipelineToVerify/mode=signed"},
	{Row: "pipeline, 4 096 accounts, keys cached", Unit: "tx/s", Asked: 165_000, Aim: 190_000, name: "Pipeline/mode=signed_cached"},
	{Row: "pipeline, 1 Mi accounts uniform", Unit: "tx/s", Asked: 135_000, Aim: 150_000, name: "Pipeline/mode=signed"},
	{Row: "pipeline, signatures off", Unit: "tx/s", Asked: 1e6, Aim: 1.5e6, name: "Pipeline/mode=unsigned"},
	{Row: "over TCP, generator beside it", Unit: "tx/s", Asked: 90_000, Aim: 130_000, name: "OverTCP"},
	{Row: "÷ CometBFT kvstore, both at the knee", Unit: "ratio", Asked: 3.5, Aim: 5, Note: "make bench-cometbft", name: elsewhere},
	{Row: "commit p99 at half of the knee", Unit: "ms", Asked: 50, Aim: 20, AtMost: true, name: "CommitP99/load=half", base: "sec", scale: 1e-3},
	{Row: "state root, 20 000 updates of 1 Mi", Unit: "ms", Asked: 2.5, Aim: 1.5, AtMost: true, name: "StateRoot", base: "sec", scale: 1e-3},
	{Row: "durable 2 MB ÷ raw write and sync", Unit: "ratio", Asked: 1.2, Aim: 1.05, AtMost: true, name: "DurableToRaw"},
	{Row: "allocations per transaction", Unit: "allocs/tx", AtMost: true, name: "Allocs"},
	{Row: "memory of 1 Mi accounts, keys cached", Unit: "MB", Asked: 400, Aim: 250, AtMost: true, name: "Memory", base: "B", scale: 1e6},
	{Row: "restart, 10 M transactions in the log", Unit: "s", Asked: 15, Aim: 8, AtMost: true, name: "Restart", base: "sec", scale: 1},
}

// allocsOfBlocks is what may be allocated per transaction without counting as
// one: blocks, windows and the runtime itself allocate, a few times for some ten
// thousand transactions. A transaction that allocated would count for 1.
const allocsOfBlocks = 0.05

// Conclude compares what was measured with what is asked and fills in Required.
// good tells that no row misses its figure, complete that every row which is
// measured here was. It is called once, at the end.
func (r *NodeBench) Conclude() (good, complete bool) {
	good, complete = true, true
	for _, q := range requirements {
		r.measured(&q)
		q.judge()
		good = good && q.Verdict != NotMet
		complete = complete && (q.Verdict != NotMeasured || q.name == elsewhere)
		r.Required = append(r.Required, q)
	}
	return good, complete
}

// elsewhere is the row of another program.
const elsewhere = "ToCometBFT"

func (r *NodeBench) row(mode string) *NodeBenchRow {
	i := slices.IndexFunc(r.Rows, func(row NodeBenchRow) bool { return row.Mode == mode })
	if i < 0 {
		return &NodeBenchRow{}
	}
	return &r.Rows[i]
}

// measured fills in the samples, and where there is more to say, the note.
func (r *NodeBench) measured(q *Requirement) {
	switch q.name {
	case "PipelineToVerify/mode=signed_cached":
		q.Samples = r.row(ModeSignedCached).RatioSamples
	case "PipelineToVerify/mode=signed":
		q.Samples = r.row(ModeSigned).RatioSamples
	case "Pipeline/mode=signed_cached":
		q.Samples = r.row(ModeSignedCached).TxPerSecSamples
	case "Pipeline/mode=signed":
		q.Samples = r.row(ModeSigned).TxPerSecSamples
	case "Pipeline/mode=unsigned":
		q.Samples = r.row(ModeUnsigned).TxPerSecSamples
	case "StateRoot":
		if r.StateRoot != nil {
			q.Samples = r.StateRoot.Samples
		}
	case "DurableToRaw":
		if r.Durable != nil {
			q.Samples, q.Note = r.Durable.Samples, r.Durable.RawHow
		}
	case "Allocs":
		for _, row := range r.Rows { // of the worst mode
			q.Samples = []float64{max(row.AllocsPerTx, slices.Max(append(q.Samples, 0)))}
		}
		q.Note = fmt.Sprintf("below %v: blocks and the runtime allocate, transactions do not", allocsOfBlocks)
	case "Memory":
		if m := r.Memory; m != nil {
			held := m.HeapBytes
			if m.ResidentBytes != nil {
				held, q.Note = max(held, *m.ResidentBytes), "resident"
			}
			q.Samples = []float64{float64(held) / 1e6}
		}
	case "OverTCP", "CommitP99/load=half", "Restart":
		r.measuredApart(q)
	}
	q.Median, q.CI95 = median(q.Samples)
	r.sizes(q)
	if q.name == "OverTCP" && r.Wire != nil && q.Median != nil && r.Wire.UpperTxPerSec != nil {
		q.CI95 = &[2]float64{*q.Median, *r.Wire.UpperTxPerSec}
	}
}

// sizes finds rows that were measured with fewer accounts or transactions than
// asked. What such a run shows is printed and not judged.
func (r *NodeBench) sizes(q *Requirement) {
	accounts, asked := 0, 0
	switch {
	case q.Median == nil:
		return
	case strings.HasSuffix(q.name, "mode=signed_cached"):
		accounts, asked = r.row(ModeSignedCached).Accounts, cachedAccounts
	case strings.HasSuffix(q.name, "mode=signed"):
		accounts, asked = r.row(ModeSigned).Accounts, askedAccounts
	case q.name == "Pipeline/mode=unsigned":
		accounts, asked = r.row(ModeUnsigned).Accounts, askedAccounts
	case q.name == "StateRoot":
		accounts, asked = r.StateRoot.Accounts, askedAccounts
	case q.name == "Memory":
		accounts, asked = r.Memory.Accounts, askedAccounts
	case q.name == "Restart":
		q.other = r.Restart.LogTxs < askedLogTxs || r.Restart.Behind < askedBehindTxs
	}
	if accounts < asked {
		q.other, q.Note = true, fmt.Sprintf("%d accounts instead of %d", accounts, asked)
	}
}

// Sizes that the rows are asked for.
const (
	askedAccounts  = 1 << 20
	askedLogTxs    = 10_000_000
	askedBehindTxs = 1_000_000
)

// measuredApart are the rows that need a process or a log of their own.
func (r *NodeBench) measuredApart(q *Requirement) {
	w := r.Wire
	switch {
	case q.name == "Restart" && r.Restart != nil:
		q.Samples = r.Restart.Samples
		q.Note = fmt.Sprintf("%d in the log, snapshot %d behind", r.Restart.LogTxs, r.Restart.Behind)
		if !r.Restart.FromDisk {
			q.Note += ", log in memory"
		}
	case q.name == "OverTCP" && w != nil && w.LowerTxPerSec == nil && w.UpperTxPerSec != nil:
		// The search found no rate that the node carries: no sample, and no
		// excuse where it tried less than what is asked.
		q.Note = fmt.Sprintf("no rate held %s, %.0f tx/s did not", w.SLO, *w.UpperTxPerSec)
		q.fails = *w.UpperTxPerSec <= q.Asked
	case q.name == "OverTCP" && w != nil:
		q.Samples, q.Note = w.CommittedSamples, "knee of "+w.SLO
		if !w.Confirmed {
			q.Note += ", not confirmed"
		}
	case q.name == "CommitP99/load=half" && w != nil:
		q.Samples, q.Note = w.P99MSSamples, "no knee was found"
		if w.HalfTxPerSec > 0 {
			q.Note = fmt.Sprintf("at %.0f tx/s", w.HalfTxPerSec)
		}
		if q.fails = w.HalfLoss >= p99Loss; q.fails {
			q.Note += fmt.Sprintf("; of %.1f %% there is no latency, they never committed", 100*w.HalfLoss)
		}
	}
}

// judge compares the median with the figure, and where it misses, the better end
// of its interval.
func (q *Requirement) judge() {
	reaches := func(x, figure float64) bool {
		if q.AtMost {
			return x <= figure
		}
		return x >= figure
	}
	asked, aim := q.Asked, q.Aim
	if q.name == "Allocs" {
		asked, aim = allocsOfBlocks, allocsOfBlocks
	}
	switch {
	case q.fails:
		q.Verdict = NotMet
	case q.Median == nil || q.other:
		q.Verdict = NotMeasured
	case reaches(*q.Median, aim):
		q.Verdict = AimMet
	case reaches(*q.Median, asked):
		q.Verdict = Met
	case q.CI95 != nil && (reaches(q.CI95[0], asked) || reaches(q.CI95[1], asked)):
		q.Verdict = InDoubt
	default:
		q.Verdict = NotMet
	}
}
