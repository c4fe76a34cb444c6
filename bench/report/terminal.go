package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/chainweir/weir/results"
)

const (
	width  = 80
	label  = 13 // columns of the words on the left
	indent = "               "
)

// screen collects lines; the first write error ends it.
type screen struct {
	w   io.Writer
	err error
}

func (s *screen) printf(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format, args...)
	}
}

// row prints a labelled line, wrapped to the width of a terminal.
func (s *screen) row(name, format string, args ...any) {
	text := wrap(fmt.Sprintf(format, args...), width-label-3, indent)
	s.printf("  %-*s%s\n", label, name, text)
}

// Terminal prints the screen that ends a run: the machine, the trials, the
// verdict. It fits 80 columns.
func Terminal(w io.Writer, env results.Env, sum results.Summary) error {
	s := &screen{w: w}
	target := "own node"
	if sum.Target != "" {
		target = string(sum.Target)
	}
	head := fmt.Sprintf("weir run · %s · %s · %s workload · seed %d", target, kindOf(sum.Link.Kind), sum.Workload, sum.Seed)
	s.printf("%s\n\n", wrap(head, width-2, "  "))
	s.machine(env, &sum)
	s.trials(&sum)
	s.verdict(&sum, env.Class.UsableCores)
	s.printf("\n")
	for _, warning := range sum.Warnings {
		s.row("warning", "%s", warning)
	}
	s.row("record", "%s", sum.Record)
	return s.err
}

// nodeKernels are the kernels that a node spends its time in; the record has all.
var nodeKernels = map[string]bool{"sha256_pairs": true, "sha256_nodes": true, "sha256_many": true}

func kindOf(k results.NullString) string {
	if k == "" {
		return "link unknown"
	}
	return string(k)
}

func (s *screen) machine(env results.Env, sum *results.Summary) {
	c := env.Class
	parts := []string{fmt.Sprintf("%s %d cores", orUnknown(c.CPUBrand), c.LogicalCores)}
	if simd := simdOf(c.CPUFeatures); simd != "" {
		parts = append(parts, simd)
	}
	parts = append(parts, c.OS+" "+orUnknown(c.Kernel))
	if f := env.Detail.FsyncMedianNS; f != nil {
		v := float64(*f) / 1e6
		parts = append(parts, "fsync "+ms(&v))
	}
	s.row("machine", "%s", strings.Join(parts, " · "))
	var kernels []string
	for _, k := range sum.Kernels {
		if !nodeKernels[k.Name] {
			continue
		}
		kernels = append(kernels, k.Name+" "+k.Impl)
	}
	if len(kernels) > 0 {
		s.row("kernels", "%s", strings.Join(kernels, " · "))
	}
	s.row("placement", "%s", sum.Placement)
	s.link(sum)
	s.row("goal", "%s", sum.SLO)
	for _, w := range env.Warnings {
		s.row("note", "%s", w.Text)
	}
	s.printf("\n")
}

func (s *screen) link(sum *results.Summary) {
	in, out := sum.Link.CapacityBitsPerSec.In, sum.Link.CapacityBitsPerSec.Out
	if in == nil && out == nil {
		s.row("link", "capacity unknown")
		return
	}
	what := "measured"
	switch sum.Link.Kind {
	case results.LinkLoopback:
		what = "a memory copy, not a network"
	case results.LinkShaped:
		what = "measured; shaped by weir"
		if sum.Link.NominalBitsPerSec != nil {
			what = "measured; shaped by weir to " + bits(*sum.Link.NominalBitsPerSec)
		}
	}
	s.row("link", "in %s · out %s (%s)", bitsOr(in), bitsOr(out), what)
}

func orUnknown(n results.NullString) string {
	if n == "" {
		return unknown
	}
	return string(n)
}

// simdOf names the instruction sets that hashing can use.
func simdOf(features []string) string {
	names := map[string]string{"AVX512F": "AVX-512", "AVX2": "AVX2", "SHA": "SHA-NI", "SHA2": "SHA2"}
	var out []string
	for _, f := range features {
		if n, ok := names[strings.ToUpper(f)]; ok {
			out = append(out, n)
		}
	}
	return strings.Join(out, " ")
}

// trials prints the search as a table, with the reason under trials that
// were not good.
func (s *screen) trials(sum *results.Summary) {
	s.printf("  trial    offered  committed      p50      p99  verdict\n")
	for i := range sum.Trials {
		t := &sum.Trials[i]
		s.printf("  %3d  %11s %10s %8s %8s  %-7s %s\n", t.ID, rate(t.OfferedTxPerSec), rateOr(t.CommittedTxPerSec),
			ms(t.CommitP50MS), ms(t.CommitP99MS), t.Verdict, t.Phase)
		if t.Verdict != results.VerdictGood && t.Reason != "" {
			s.printf("       %s\n", wrap(t.Reason, width-7, "       "))
		}
	}
	s.printf("\n")
}

func (s *screen) verdict(sum *results.Summary, cores float64) {
	k := &sum.Knee
	switch {
	case k.LowerTxPerSec == nil:
		s.row("sustainable", "no rate held the goal")
	case k.Confirmed:
		s.row("sustainable", "%s – %s tx/s · confirmed %d/%d · commit p99 %s", rate(*k.LowerTxPerSec), rateOr(k.UpperTxPerSec),
			k.Confirmations, k.ConfirmationsWanted, ms(sum.LatencyMS.Commit.P99))
	default:
		s.row("sustainable", "%s – %s tx/s · NOT confirmed (%d/%d)", rate(*k.LowerTxPerSec), rateOr(k.UpperTxPerSec),
			k.Confirmations, k.ConfirmationsWanted)
	}
	for _, l := range k.LatencyAt {
		s.row("", "at %.0f%% of it: commit p50 %s · p99 %s", 100*l.Fraction, ms(l.P50), ms(l.P99))
	}
	s.wire(sum)
	s.walls(sum, cores)
	if !sum.Valid {
		s.row("INVALID", "this run must not be quoted; the warnings say why")
	}
}

func (s *screen) wire(sum *results.Summary) {
	w := &sum.Wire
	if w.Source == "" {
		s.row("on the wire", "%s", unknown)
		return
	}
	exact := "estimated"
	if w.Exact {
		exact = "exact"
	}
	amp := ""
	if w.Amplification != nil {
		amp = fmt.Sprintf(" · %.2f× the transaction", *w.Amplification)
	}
	s.row("on the wire", "in %s/tx · out %s/tx%s (%s, %s)", bytesOr(w.BytesPerTx.In), bytesOr(w.BytesPerTx.Out), amp, w.Source, exact)
	if sum.Link.Kind == results.LinkLoopback && w.BytesPerTxMTU1500.In != nil {
		s.row("", "at MTU 1500: in %s/tx · out %s/tx", bytesOr(w.BytesPerTxMTU1500.In), bytesOr(w.BytesPerTxMTU1500.Out))
	}
}

func (s *screen) walls(sum *results.Summary, cores float64) {
	u := &sum.Utilisation
	switch sum.Bottleneck {
	case "":
		s.row("first wall", "%s", unknown)
	case results.WallWire:
		s.row("first wall", "wire (%s): %s of the measured capacity in use, %s of it per tx", orUnknown(sum.Link.Direction),
			percent(u.Wire), perTx(sum.Demand.Wire))
	case results.WallCPU, results.WallGenerator:
		who := "node " + percent(u.CPU) + " of its cores"
		if u.HostCPU != nil {
			who = fmt.Sprintf("%s of all cores busy: node %s, generator %s, the rest kernel and others",
				percent(u.HostCPU), percent(u.CPU), percent(u.Generator))
		}
		s.row("first wall", "%s: %s", sum.Bottleneck, who)
	case results.WallDisk:
		s.row("first wall", "disk: busy %s, %s per tx", percent(u.Disk), perTx(sum.Demand.Disk))
	default:
		stage := string(sum.Bottleneck)
		if sum.Demand.SerialStage != "" {
			stage += " stage " + string(sum.Demand.SerialStage)
		}
		s.row("first wall", "%s: busy %s, %s per tx", stage, percent(u.Serial), perTx(sum.Demand.Serial))
	}
	s.parts(sum, cores)
	s.nextWall(sum)
	if u.Generator != nil && sum.Bottleneck != results.WallGenerator {
		s.row("generator", "%s of the cores, %s per tx (shown, never subtracted)", percent(u.Generator), perTx(times(sum.Demand.Generator, cores)))
	}
	if x := sum.NodeAloneBoundTxPerSec; x != nil {
		s.row("node alone", "at most %s tx/s (computed: with the generator on another machine)", rate(*x))
	}
	var parts []string
	for _, p := range sum.OnANetwork {
		parts = append(parts, fmt.Sprintf("%s: %s (%s)", bits(p.LinkBitsPerSec), rateOr(p.TxPerSec), orUnknown(p.Wall)))
	}
	if len(parts) > 0 {
		s.row("on a network", "%s tx/s (computed bounds: MTU 1500, node alone on its cores)", strings.Join(parts, " · "))
	}
}
