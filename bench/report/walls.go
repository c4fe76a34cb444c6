package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chainweir/weir/results"
)

// smallPart is the share below which parts are put together.
const smallPart = 0.02

// parts divides the demand of the processor: of the whole machine where that is
// the wall and known, else of the node.
func (s *screen) parts(sum *results.Summary, cores float64) {
	resource, whole, total := "cpu", "in the node", sum.Demand.CPU
	if (sum.Bottleneck == results.WallCPU || sum.Bottleneck == results.WallGenerator) && sum.Demand.HostCPU != nil &&
		slices.ContainsFunc(sum.Demand.Parts, func(p results.DemandPart) bool { return p.Resource == "host_cpu" }) {
		resource, whole, total = "host_cpu", "in all", sum.Demand.HostCPU
	}
	var (
		words []string
		rest  float64
	)
	for _, p := range sum.Demand.Parts {
		switch {
		case p.Resource != resource:
		case p.Share < smallPart:
			rest += p.Share
		default:
			words = append(words, fmt.Sprintf("%s %.0f%%", p.Name, 100*p.Share))
		}
	}
	if len(words) == 0 {
		if sum.Demand.CPU != nil {
			s.row("core time", "%s per tx in the node", perTx(times(sum.Demand.CPU, cores)))
		}
		return
	}
	if rest >= 0.005 {
		words = append(words, fmt.Sprintf("others %.0f%%", 100*rest))
	}
	text := strings.Join(words, " · ")
	if p := sum.Demand.Profile; p != nil {
		text += fmt.Sprintf(" (%d samples)", p.Samples)
	}
	s.row("core time", "%s per tx %s: %s", perTx(times(total, cores)), whole, text)
}

// nextWall prints the wall behind the first one, how far it is, and how much of
// that is a guess.
func (s *screen) nextWall(sum *results.Summary) {
	w := sum.NextWall
	if w == nil {
		return
	}
	text := fmt.Sprintf("%s at %s tx/s", w.Name, rate(w.TxPerSec))
	if l := sum.Knee.LowerTxPerSec; l != nil && *l > 0 {
		text += fmt.Sprintf(", %.1f× the knee", w.TxPerSec / *l)
	}
	for _, m := range sum.Demand.Models {
		if math.Abs(m.WallTxPerSec-w.TxPerSec) > 1e-9*w.TxPerSec {
			continue
		}
		text += fmt.Sprintf(" (%s – %s, fitted over %d trials", rate(m.WallLowTxPerSec), rate(m.WallHighTxPerSec), m.Trials)
		if m.Extrapolation > 2 {
			text += fmt.Sprintf(", extrapolated to %.1f× the highest", m.Extrapolation)
		}
		text += ")"
	}
	s.row("next wall", "%s", text)
}
