package bench

import (
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/results"
)

// summary computes the summary again from the trials and compares.
func (c *checker) summary() {
	s := c.rec.Summary
	again := *s
	again.Trials = nil
	for i := range c.rec.Trials {
		again.Trials = append(again.Trials, c.rec.Trials[i].Short())
	}
	again.Soak = c.soak(s.Soak)
	given := givenSummary
	switch {
	case s.Search != nil:
		c.answer(&again)
	case len(c.rec.Trials) > 0:
		c.note("the record does not say by which rules its interval was drawn: the knee, and what follows from it, is taken as given")
		fallthrough
	default:
		given = slices.Clone(given)
		for _, k := range []string{"knee", "latency_ms", "wire", "link", "demand", "utilisation", "bottleneck", "next_wall", "node_alone_bound_tx_per_sec", "on_a_network", "stages", "valid"} {
			given = append(given, Given{k, "the record has no grounds of its search"})
		}
	}
	given = append(slices.Clone(given), c.given...)
	c.machine()
	c.compare(c.lines.summary, "summary", given, s, again)
	c.takenAsGiven("summary.", given)
}

// soak computes the drift again from the pieces, and these from the trials;
// memory and time are as recorded.
func (c *checker) soak(had *results.Soak) *results.Soak {
	if had == nil {
		return nil
	}
	again := *had
	again.Series = slices.Clone(had.Series)
	if len(again.Series) != len(c.rec.Trials) {
		c.differ(c.lines.summary, "summary", "soak.series", len(again.Series), len(c.rec.Trials))
		return had
	}
	var m machine
	if s := c.rec.Summary.Machine; s != nil {
		m.hostCores, m.sameHost, m.wholeHost = s.HostCores, s.SameHost, s.WholeHost
	}
	for i := range again.Series {
		p := pointOf(&c.rec.Trials[i], had.Series[i].TSec, m)
		p.MemoryBytes, p.MemorySource = had.Series[i].MemoryBytes, had.Series[i].MemorySource
		again.Series[i] = p
	}
	concludeSoak(&again)
	return &again
}

// machine holds what the summary says of the machine against the env line.
func (c *checker) machine() {
	s, env := c.rec.Summary, c.rec.Env
	if s.Machine != nil && env != nil {
		c.rep.Recomputed++
		if s.Machine.HostCores != env.Class.UsableCores {
			c.differ(c.lines.summary, "summary", "machine.host_cores", s.Machine.HostCores, env.Class.UsableCores)
		}
		if s.Machine.WholeHost && float64(env.Class.LogicalCores) > env.Class.UsableCores {
			c.differ(c.lines.summary, "summary", "machine.whole_host", true, false)
		}
	}
}

// answer draws the interval again and all that is measured at its lower bound.
func (c *checker) answer(again *results.Summary) {
	s := c.rec.Summary
	slo, err := knee.ParseSLO(s.SLO)
	if err != nil {
		return // said where the trials are judged
	}
	cfg := knee.Config{
		SLO: slo, WidthGoal: s.Search.WidthGoal, Confirmations: s.Knee.ConfirmationsWanted,
		FullTrial: time.Duration(s.Search.FullTrialSec*1e9 + 0.5),
	}
	res, err := knee.Replay(cfg, c.replayed(), string(s.Search.Bound), string(s.Search.Inconclusive))
	if err != nil {
		c.differ(c.lines.summary, "summary", "knee", "an interval", err.Error())
		return
	}
	search := *s.Search
	search.ConfirmTrials = res.ConfirmTrials
	again.Search = &search
	confirmed := res.Confirmed || wideButConfirmed(res)
	again.Knee = results.Knee{
		LowerTxPerSec: res.LowerTxPerSec, UpperTxPerSec: res.UpperTxPerSec, Confirmed: confirmed,
		Confirmations: res.Confirmations, ConfirmationsWanted: s.Knee.ConfirmationsWanted, LatencyAt: c.latencyAt(res),
	}
	ids := map[int]bool{}
	for _, id := range res.ConfirmTrials {
		ids[id] = true
	}
	again.LatencyMS = results.SummaryLatency{Accept: c.percentiles("accept", ids), Commit: c.percentiles("commit", ids)}
	c.usage(again, ids)
	again.Valid = confirmed && again.Bottleneck != "" && !cutShort(s)
}

// replayed are the trials as the search saw them.
func (c *checker) replayed() []knee.Replayed {
	s := c.rec.Summary
	var out []knee.Replayed
	for i := range c.rec.Trials {
		t := c.rec.Trials[i]
		selfCheck(&t)
		spec, obs := observed(&t, c.stages[t.ID], peerURL(string(s.Target)))
		if t.Phase == results.PhaseLatency {
			spec.Phase = knee.LatencyOnly
		}
		aside := slices.Contains(s.Search.SetAside, t.ID)
		if aside && !c.goodLater(i) {
			c.differ(c.lines.summary, "summary", "search.set_aside", t.ID, "no good trial at that rate follows")
		}
		out = append(out, knee.Replayed{Spec: spec, Observed: obs, SetAside: aside})
	}
	return out
}

func (c *checker) goodLater(i int) bool {
	rate := c.rec.Trials[i].OfferedTxPerSec
	return slices.ContainsFunc(c.rec.Trials[i+1:], func(t results.Trial) bool {
		return t.OfferedTxPerSec == rate && t.Verdict == results.VerdictGood
	})
}

// latencyAt are the latencies at fractions of the lower bound. The fraction is
// the recorded one where the trial's rate is that, rounded to five digits.
func (c *checker) latencyAt(res knee.Result) []results.LatencyAt {
	var out []results.LatencyAt
	recorded := c.rec.Summary.Knee.LatencyAt
	for i := range c.rec.Trials {
		t := &c.rec.Trials[i]
		if t.Phase != results.PhaseLatency || res.LowerTxPerSec == nil {
			continue
		}
		l := results.LatencyAt{Fraction: t.OfferedTxPerSec / *res.LowerTxPerSec}
		if t.Verdict != results.VerdictInvalid { // which measured something else
			l.P50, l.P99 = t.LatencyMS.Commit.P50, t.LatencyMS.Commit.P99
		}
		if n := len(out); n < len(recorded) && math.Abs(recorded[n].Fraction-l.Fraction) <= 1e-4*l.Fraction {
			l.Fraction = recorded[n].Fraction
		}
		out = append(out, l)
	}
	return out
}

// percentiles are those of one stage over all windows of the trials named.
func (c *checker) percentiles(stage string, ids map[int]bool) results.Percentiles {
	var sum merged
	for id := range ids {
		m := c.stages[id][stage]
		switch {
		case m == nil || m.hdr == nil:
		case sum.hdr == nil:
			sum.hdr, sum.unitNS, sum.negative = hdrhistogram.Import(m.hdr.Export()), m.unitNS, m.negative
		default:
			sum.hdr.Merge(m.hdr)
			sum.negative += m.negative
		}
	}
	return sum.quantiles().Short()
}

// usage computes wire, demands and walls again, by what the run itself used.
func (c *checker) usage(again *results.Summary, ids map[int]bool) {
	s := c.rec.Summary
	again.Demand, again.Utilisation = results.Demand{}, results.Utilisation{}
	again.Bottleneck, again.NextWall, again.NodeAloneBoundTxPerSec = "", nil, nil
	again.OnANetwork, again.Stages, again.Warnings = nil, nil, nil
	again.Link.Utilisation, again.Link.Direction = nil, ""
	again.Wire = results.SummaryWire{Source: s.Wire.Source, TxBytes: s.Wire.TxBytes}
	u := sumUsage(c.rec.Trials, ids)
	if u.committed == 0 || s.Machine == nil {
		return
	}
	m := machine{nodeCores: s.Machine.NodeCores, hostCores: s.Machine.HostCores, sameHost: s.Machine.SameHost, wholeHost: s.Machine.WholeHost}
	if in, out := s.Link.CapacityBitsPerSec.In, s.Link.CapacityBitsPerSec.Out; in != nil || out != nil {
		m.link = &link.Result{}
		if in != nil {
			m.link.In = &link.Direction{L2BitsPerSec: *in}
		}
		if out != nil {
			m.link.Out = &link.Direction{L2BitsPerSec: *out}
		}
	}
	c.profile(&u)
	u.fill(again, m, c.rec.Trials)
	if peerURL(string(s.Target)) && nothingFull(again, m.sameHost) {
		again.Bottleneck, again.NextWall = results.WallSerial, nil
	}
}

// takenAsGiven lists what was not computed, once for all lines of a kind.
func (c *checker) takenAsGiven(prefix string, given []Given) {
	for _, g := range given {
		g.What = prefix + g.What
		if !slices.ContainsFunc(c.rep.TakenAsGiven, func(o Given) bool { return o.What == g.What }) {
			c.rep.TakenAsGiven = append(c.rep.TakenAsGiven, g)
		}
	}
}
