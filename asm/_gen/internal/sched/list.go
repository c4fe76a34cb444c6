package sched

import (
	"fmt"
	"math"
)

// Order is a sequence of the block's operations that respects what they need.
type Order struct {
	block *Block
	seq   []int
}

// ProgramOrder keeps the operations as they were added.
func (b *Block) ProgramOrder() Order {
	o := Order{block: b}
	for i := range b.ops {
		o.seq = append(o.seq, i)
	}
	return o
}

// Limits bound what the list scheduler may do.
type Limits struct {
	// Ahead is by how many cycles an operation may overtake the one that is
	// due first: what runs ahead holds registers.
	Ahead float64
	// Registers are those that there are, Reserve those of them that only one
	// stream at a time may take. Without a reserve all streams can end up with
	// half-finished work, and none with the registers to finish it.
	Registers, Reserve int
}

// Schedule orders the block by list scheduling. Every stream is spread evenly
// over the time that the whole block needs at best, which gives each operation
// the cycle in which it is due. Then, cycle by cycle, those whose operands are
// ready are issued, the one due first before others, as far as the model has
// units and the limits allow.
//
// The processor reorders too. What the static order must do is to keep all
// streams going within the processor's window, and never to ask for more
// values at a time than there are registers.
func (b *Block) Schedule(m Model, l Limits) (Order, error) {
	s := newLister(b, m, l)
	for s.left > 0 {
		if err := s.cycle(); err != nil {
			return Order{}, err
		}
	}
	return Order{b, s.seq}, nil
}

// BestOrder schedules the block with as much freedom as the registers allow:
// up to ahead cycles, and few registers in reserve.
func (b *Block) BestOrder(m Model, ahead float64) (Order, error) {
	err := error(nil)
	for a := ahead; a >= 1; a = math.Floor(a * 0.8) {
		for reserve := range 8 {
			var o Order
			if o, err = b.Schedule(m, Limits{a, Registers, reserve}); err == nil {
				return o, nil
			}
		}
	}
	return Order{}, err
}

// lister is the state of one run of the list scheduler.
type lister struct {
	*Block
	model  Model
	limits Limits

	units  [][]int   // operations that are issued together, without loads
	needs  [][]int   // operations that must come before, by operation
	uses   []int     // uses left of each value; the block's end is one
	fed    []bool    // loads that some operation takes in
	due    []float64 // the cycle in which the unit should be issued
	byDue  []int     // units in that order
	issued []int     // the cycle in which each operation was issued, or -1
	done   []bool    // units

	seq           []int
	left          int // operations
	live          int // values in registers
	now           int
	oldest        int // all units in byDue before this one are done
	vector, shift int // what is left of this cycle, less than 0 if overdrawn
	owner         int // stream that may take the reserve
}

func newLister(b *Block, m Model, l Limits) *lister {
	s := &lister{
		Block: b, model: m, limits: l,
		needs:  b.needs(),
		uses:   b.uses(),
		fed:    make([]bool, len(b.ops)),
		issued: make([]int, len(b.ops)),
		left:   len(b.ops),
	}
	for i := range b.ops {
		s.issued[i] = -1
		for _, v := range b.ops[i].in {
			if d := b.def[v]; d != entry && b.ops[d].class == Load {
				s.fed[d] = true
			}
		}
	}
	span := float64(b.Slots()) / float64(m.Vector)
	last := 0
	for i := range b.ops {
		o := &b.ops[i]
		switch {
		case s.fed[i]: // goes with the first unit that takes it in, not before
		case o.unit != 0 && o.unit == last:
			s.units[len(s.units)-1] = append(s.units[len(s.units)-1], i)
		default:
			last = o.unit
			s.units = append(s.units, []int{i})
			s.due = append(s.due, span*float64(o.pos)/float64(max(1, b.streams[o.stream])))
			s.byDue = append(s.byDue, len(s.byDue))
		}
	}
	s.done = make([]bool, len(s.units))
	sortBy(s.byDue, s.due)
	for v := range b.entry {
		if s.uses[v] > 0 {
			s.live++
		}
	}
	return s
}

// cycle issues what fits into one cycle.
func (s *lister) cycle() error {
	s.vector = min(0, s.vector) + s.model.Vector
	s.shift = min(0, s.shift) + s.model.Shifts
	for s.oldest < len(s.byDue) && s.done[s.byDue[s.oldest]] {
		s.oldest++
	}
	oldest := s.byDue[s.oldest]
	behind := s.ops[s.units[oldest][0]].stream
	if s.live <= s.limits.Registers-s.limits.Reserve {
		s.owner = behind
	}
	progress, waiting := false, s.vector <= 0
	for _, u := range s.byDue[s.oldest:] {
		if s.vector <= 0 || s.due[u] > s.due[oldest]+s.limits.Ahead {
			break
		}
		if s.done[u] {
			continue
		}
		ready, pending := s.ready(u)
		waiting = waiting || pending
		if ready && (s.shift > 0 || !s.shifts(u)) && s.fits(u) {
			s.issueUnit(u)
			progress = true
		}
		waiting = waiting || s.shift <= 0
	}
	s.now++
	if progress || waiting {
		return nil
	}
	if s.owner != behind {
		s.owner = behind
		return nil
	}
	return s.relieve()
}

// relieve issues the unit that frees most registers, no matter how far ahead
// it is.
func (s *lister) relieve() error {
	best, growth := none, 0
	for _, u := range s.byDue[s.oldest:] {
		if s.done[u] {
			continue
		}
		ready, pending := s.ready(u)
		if pending {
			return nil // only time is missing
		}
		if !ready {
			continue
		}
		peak, net := s.demand(u)
		if s.live+peak <= s.limits.Registers && (best == none || net < growth) {
			best, growth = u, net
		}
	}
	if best == none {
		return fmt.Errorf("sched: %d registers do not suffice, operation %d of %d", s.limits.Registers, len(s.seq), len(s.ops))
	}
	s.issueUnit(best)
	return nil
}

// shifts reports whether the unit begins with an operation for the shifters.
func (s *lister) shifts(u int) bool {
	c := s.ops[s.units[u][0]].class
	return c == Shift || c == Shuffle
}

// fits reports whether the unit finds registers.
func (s *lister) fits(u int) bool {
	peak, net := s.demand(u)
	if s.ops[s.units[u][0]].stream == s.owner || net < 0 {
		return s.live+peak <= s.limits.Registers
	}
	return s.live+peak <= s.limits.Registers-s.limits.Reserve
}
