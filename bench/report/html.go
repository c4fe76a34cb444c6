package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chainweir/weir/results"
)

// HTML is a report as one file, with the figures that are in it.
type HTML struct {
	Page     []byte
	Figures  []Figure
	Valid    bool     // the run may be quoted
	Warnings []string // of the run and of the report
}

// Options of a report.
type Options struct {
	// Raw is the record as a link from where the report will stand; empty: no link.
	Raw string
}

// Of makes the report of a record. It depends on the record and the options only:
// the same record gives the same bytes. ErrEmpty means that there is nothing to
// show.
func Of(rec results.Record, opt Options) (HTML, error) {
	v, err := newView(rec)
	if err != nil {
		return HTML{}, err
	}
	load := gather(v.curve, v.cdf, v.columns, v.course)
	use := gather(v.wire, v.utilisation, v.demands, v.parts)
	model := gather(v.models, v.inFlight, v.validation)
	p := page{
		Title: v.title(), Heading: v.title(), Sub: v.sub(), Banners: v.banners(), Tiles: v.tiles(),
		Foot: "Made by weir from the record alone. Unknown values are called unknown and are never 0.",
	}
	p.Warnings = v.notes
	if len(p.Banners) == 0 || p.Banners[0].List == nil { // else they stand there
		p.Warnings = append(slices.Clone(v.sum.Warnings), v.notes...)
	}
	var held []Figure
	if v.sum.Soak != nil {
		var s section
		s, held = v.soakSection()
		p.Sections = append(p.Sections, s)
	}
	p.Sections = append(p.Sections, section{Title: "Throughput and latency", Figures: drawAll(load)})
	if len(use) > 0 {
		p.Sections = append(p.Sections, section{Title: "Wire and resources", Figures: drawAll(use)})
	}
	if len(model) > 0 || len(v.sum.OnANetwork) > 0 {
		p.Sections = append(p.Sections, section{Title: "Models and predictions", Figures: drawAll(model), Tables: v.networks()})
	}
	p.Sections = append(p.Sections, v.environment(), section{Title: "Method", Steps: v.method()}, v.raw(opt))
	data, err := p.render()
	if err != nil {
		return HTML{}, err
	}
	return HTML{
		Page: data, Figures: slices.Concat(held, load, use, model), Valid: v.sum.Valid && !v.partial,
		Warnings: slices.Concat(v.sum.Warnings, v.notes),
	}, nil
}

// gather makes the figures for which the record holds something.
func gather(makers ...func() (Figure, bool)) []Figure {
	var out []Figure
	for _, m := range makers {
		if f, ok := m(); ok {
			out = append(out, f)
		}
	}
	return out
}

func (v *view) title() string {
	what := "own node"
	if v.sum.Target != "" {
		what = string(v.sum.Target)
	}
	if v.partial {
		what = "interrupted run"
	}
	if v.sum.Workload != "" {
		what += ", " + v.sum.Workload + " workload"
	}
	return "weir run: " + what
}

func (v *view) sub() string {
	var parts []string
	s := &v.sum
	if !s.StartedAt.IsZero() {
		parts = append(parts, s.StartedAt.UTC().Format("2006-01-02 15:04 UTC"))
	} else if len(v.rec.Trials) > 0 {
		parts = append(parts, v.rec.Trials[0].StartedAt.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if s.DurationSec != nil {
		parts = append(parts, time.Duration(*s.DurationSec*1e9).Round(time.Second).String())
	}
	if s.Engine != "" {
		parts = append(parts, plural(s.Nodes, s.Engine+" node"))
	}
	if s.Link.Kind != "" {
		parts = append(parts, "link: "+string(s.Link.Kind))
	}
	if v.env.Class.LogicalCores > 0 {
		parts = append(parts, fmt.Sprintf("%s, %d cores", orUnknown(v.env.Class.CPUBrand), v.env.Class.LogicalCores))
	}
	if !v.partial {
		parts = append(parts, fmt.Sprintf("seed %d", s.Seed))
	}
	if s.SLO != "" {
		parts = append(parts, "goal "+s.SLO)
	}
	return strings.Join(parts, " · ")
}

// banners say what a reader must know before any figure.
func (v *view) banners() []banner {
	var out []banner
	switch {
	case v.partial:
		out = append(out, banner{
			Class: "partial", Head: "PARTIAL: the run did not come to its end",
			Text: fmt.Sprintf("The record has no summary. What follows was made from its %s; no knee was confirmed and no wall named.", plural(len(v.rec.Trials), "trial")),
		})
	case !v.sum.Valid:
		out = append(out, banner{Head: "INVALID: do not quote this run", Text: "The run decided nothing, for these reasons:", List: v.sum.Warnings})
	}
	if b, ok := v.soakBanner(); ok {
		out = append(out, b)
	}
	if v.sum.Interrupted {
		out = append(out, banner{Class: "partial", Head: "INTERRUPTED", Text: "The run was stopped before its search ended."})
	}
	return out
}

func (v *view) tiles() []tile {
	if v.partial {
		return nil
	}
	s, k := &v.sum, &v.sum.Knee
	sustainable := tile{Name: "Sustainable throughput (tx/s)", Value: v.kneeText(), First: s.Valid}
	switch {
	case k.LowerTxPerSec == nil:
		sustainable.Value = "no rate held the goal"
	case k.Confirmed:
		sustainable.More = append(sustainable.More, fmt.Sprintf("confirmed %d of %d times; committed and valid transactions only", k.Confirmations, k.ConfirmationsWanted))
	default:
		sustainable.More = append(sustainable.More, fmt.Sprintf("NOT confirmed (%d of %d)", k.Confirmations, k.ConfirmationsWanted))
	}
	latency := tile{Name: "Commit latency p99 at the lower bound", Value: unknown}
	if p := s.LatencyMS.Commit.P99; p != nil {
		latency.Value = ms(p)
	}
	latency.More = append(latency.More, fmt.Sprintf("p50 %s · p99.9 %s, from the intended send", ms(s.LatencyMS.Commit.P50), ms(s.LatencyMS.Commit.P999)))
	for _, l := range k.LatencyAt {
		latency.More = append(latency.More, fmt.Sprintf("at %.0f %% of the rate: p50 %s · p99 %s", 100*l.Fraction, ms(l.P50), ms(l.P99)))
	}
	tiles := []tile{sustainable, latency, v.wallTile(), v.wireTile()}
	switch {
	case s.Soak != nil && k.LowerTxPerSec == nil:
		return []tile{v.soakTile()} // no knee was searched
	case s.Soak != nil:
		return append([]tile{v.soakTile()}, tiles...)
	}
	return tiles
}

func (v *view) wallTile() tile {
	s := &v.sum
	t := tile{Name: "First wall", Value: orUnknown(s.Bottleneck)}
	for _, r := range resources {
		if r.key != v.bottleneckKey() {
			continue
		}
		if u := r.used(&s.Utilisation); u != nil {
			t.Value += fmt.Sprintf(", %.0f %% in use", 100**u)
		}
		t.More = append(t.More, r.name+": "+perTx(r.demand(&s.Demand))+" of it per transaction")
	}
	if s.Bottleneck == results.WallGenerator {
		t.More = append(t.More, "the generator needs more of the shared cores than the node")
	}
	if w := s.NextWall; w != nil {
		t.More = append(t.More, fmt.Sprintf("next wall: %s at %s tx/s", w.Name, rate(w.TxPerSec)))
	}
	if x := s.NodeAloneBoundTxPerSec; x != nil {
		t.More = append(t.More, "node alone: at most "+rate(*x)+" tx/s (computed)")
	}
	return t
}

func (v *view) wireTile() tile {
	w := &v.sum.Wire
	t := tile{Name: "Wire bytes per transaction", Value: unknown}
	if w.BytesPerTx.In != nil || w.BytesPerTx.Out != nil {
		t.Value = "in " + bytesOr(w.BytesPerTx.In) + " · out " + bytesOr(w.BytesPerTx.Out)
	}
	if w.Source != "" {
		how := "estimated"
		if w.Exact {
			how = "exact"
		}
		t.More = append(t.More, fmt.Sprintf("%s, %s", w.Source, how))
	}
	if w.Amplification != nil {
		t.More = append(t.More, fmt.Sprintf("%.2f × the transaction", *w.Amplification))
	}
	if v.sum.Link.Kind == results.LinkLoopback {
		t.More = append(t.More, fmt.Sprintf("at MTU 1500: in %s · out %s", bytesOr(w.BytesPerTxMTU1500.In), bytesOr(w.BytesPerTxMTU1500.Out)))
	}
	return t
}

// networks is the table of what other links would do.
func (v *view) networks() []captioned {
	var out []captioned
	if len(v.sum.OnANetwork) > 0 {
		t := captioned{Caption: "Computed bounds on other links: MTU 1500, the node alone on its cores", Table: Table{Head: []string{"link", "at most (tx/s)", "wall there"}}}
		for _, p := range v.sum.OnANetwork {
			t.Rows = append(t.Rows, []string{bits(p.LinkBitsPerSec), rateOr(p.TxPerSec), orUnknown(p.Wall)})
		}
		out = append(out, t)
	}
	return out
}
