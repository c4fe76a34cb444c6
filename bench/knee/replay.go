package knee

// Replayed is one trial of a search that has ended.
type Replayed struct {
	Spec     TrialSpec
	Observed Observation
	SetAside bool // it failed, and the same rate was good when repeated
}

// Replay judges the trials of a search once more and draws the interval from
// them, as the search itself did. It reads no clock, so it cannot know when a
// search ran out of time: bound and inconclusive are what the search said of
// its own end. The trials are in the order in which they ran.
func Replay(cfg Config, trials []Replayed, bound, inconclusive string) (Result, error) {
	cfg.Progress = nil
	if len(cfg.SLO.Terms) == 0 {
		slo, err := ParseSLO("")
		if err != nil {
			return Result{}, err
		}
		cfg.SLO = slo
	}
	s := &search{cfg: cfg, plan: newPlanner(cfg)}
	s.result.SLO, s.result.Wanted = cfg.SLO, cfg.Confirmations
	for i, t := range trials {
		j := Judge(cfg.SLO, t.Spec, t.Observed, cfg.WidthGoal)
		s.result.Trials = append(s.result.Trials, Trial{Spec: t.Spec, Observed: t.Observed, Judgement: j})
		if j.Cause == CauseEnvironment || t.Spec.Phase == LatencyOnly {
			continue // no evidence
		}
		if s.stalled(&s.result.Trials[i]) {
			continue // set aside
		}
		e := s.plan.table.at(t.Spec.RateTxPerSec)
		s.plan.count(e, t.Spec, t.Observed, j)
		if j.Verdict == Good && forgiven(trials[:i], s.result.Trials, t.Spec.RateTxPerSec) {
			e.shortBad, e.fullBad, e.hint = 0, 0, 0
		}
		s.checkPooled(&s.result.Trials[len(s.result.Trials)-1])
	}
	s.conclude(move{done: true, bound: bound, stop: inconclusive})
	return s.result, nil
}

// forgiven tells whether the trial before this one at a rate was set aside: then
// a good one makes up for it. Spoiled trials do not count.
func forgiven(earlier []Replayed, judged []Trial, rate float64) bool {
	for i := len(earlier) - 1; i >= 0; i-- {
		if earlier[i].Spec.RateTxPerSec == rate && judged[i].Judgement.Cause != CauseEnvironment {
			return earlier[i].SetAside
		}
	}
	return false
}

// TrialSeed is the seed of the arrivals of a search's trial.
func TrialSeed(seed uint64, index int) uint64 { return trialSeed(seed, index) }
