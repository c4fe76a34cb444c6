package contest

import (
	"context"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
)

// Measured is what the rounds of a row gave.
type Measured struct {
	Results []Result  // in the order of the row's contestants
	Probes  []float64 // one per round; nil without a probe
}

// Run measures a row. It returns an error and no figures when an answer was
// wrong, when a contestant failed, or when ctx ended.
func Run(ctx context.Context, row Row, plan Plan, probe Probe) (Measured, error) {
	if err := row.check(plan); err != nil {
		return Measured{}, err
	}
	if row.Procs > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(row.Procs))
	}
	// A collection that one contestant's garbage brings on would be charged to
	// whoever runs when it starts.
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))

	runners := make([]*runner, len(row.Contestants))
	for i, c := range row.Contestants {
		runners[i] = newRunner(c, row.Want)
		if c.LeftOut != "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return Measured{}, err
		}
		if err := runners[i].excuse(runners[i].warm()); err != nil {
			return Measured{}, fmt.Errorf("%s: %w", row.Name, err)
		}
	}
	m := Measured{Results: make([]Result, len(runners))}
	if err := m.rounds(ctx, row, plan, probe, runners); err != nil {
		return Measured{}, err
	}
	for i, r := range runners {
		m.Results[i].Contestant, m.Results[i].Calls = r.c, r.total
		if r.c.LeftOut != "" {
			m.Results[i].NSPerWork = nil // rounds that lack one of the two cannot be compared
		}
	}
	return m, nil
}

// rounds takes plan.Rounds rounds after one that is thrown away.
func (m *Measured) rounds(ctx context.Context, row Row, plan Plan, probe Probe, runners []*runner) error {
	taking := func(r *runner) bool { return r.c.LeftOut == "" }
	for round := range plan.Rounds + 1 {
		counts := round > 0
		if counts && probe != nil {
			m.Probes = append(m.Probes, probe())
		}
		for _, i := range Order(len(runners), round) {
			r := runners[i]
			if !taking(r) {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			ns, err := r.sample(plan.Sample)
			if err := r.excuse(err); err != nil {
				return fmt.Errorf("%s: %w", row.Name, err)
			}
			if counts && taking(r) {
				m.Results[i].NSPerWork = append(m.Results[i].NSPerWork, ns/float64(r.c.work()))
			}
		}
	}
	return nil
}

// Order is the order of n contestants in a round. Rounds come in pairs: one in
// an order drawn for the pair, so that everybody comes after everybody else at
// times, and one in its reverse, so that a steady drift favours nobody. Which of
// them is first follows the Thue–Morse sequence (ABBA BAAB …). The same rounds
// have the same orders in every run.
func Order(n, round int) []int {
	order := rand.New(rand.NewPCG(uint64(n), uint64(round/2))).Perm(n)
	if bits.OnesCount(uint(round))%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

func (row Row) check(plan Plan) error {
	if plan.Rounds < 1 || plan.Sample <= 0 {
		return fmt.Errorf("%w: %d rounds of samples of %v; take at least one, of more than no time", ErrRow, plan.Rounds, plan.Sample)
	}
	if len(row.Want) == 0 {
		return fmt.Errorf("%w: %s has no answer to compare with", ErrRow, row.Name)
	}
	ours := 0
	for _, c := range row.Contestants {
		if c.Role == Ours {
			ours++
		}
		if c.LeftOut == "" && (c.Run == nil) == (c.Timed == nil) {
			return fmt.Errorf("%w: %s: %s must have Run or Timed", ErrRow, row.Name, c.Name)
		}
	}
	if ours != 1 {
		return fmt.Errorf("%w: %s has %d contestants of the role %q; it must have one", ErrRow, row.Name, ours, Ours)
	}
	return nil
}
