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

// Schedule orders the block by list scheduling. Every stream is spread evenly
// over the time that the whole block needs at best, which gives each operation
// the cycle it should have; then, cycle by cycle, those whose operands are
// ready are issued, most urgent first, as far as the model has units and the
// registers suffice. An operation may run ahead of the most urgent one left by
// at most ahead cycles, because what runs ahead holds registers.
//
// The processor reorders too. What the static order must do is to keep all
// streams going within the processor's window, and never to ask for more
// values at a time than there are registers.
func (b *Block) Schedule(m Model, ahead float64, registers int) (Order, error) {
	s := newLister(b, m, registers)
	for s.left > 0 {
		if err := s.cycle(ahead); err != nil {
			return Order{}, err
		}
	}
	return Order{b, s.seq}, nil
}

// lister is the state of one run of the list scheduler.
type lister struct {
	*Block
	model     Model
	registers int

	needs  [][]int   // operations that must come before, by operation
	uses   []int     // uses left of each value; the block's end is one
	fed    []bool    // loads that some operation takes in
	due    []float64 // the cycle at which the operation should be issued
	issued []int     // the cycle at which it was, or -1
	seq    []int
	left   int
	live   int
	now    int
	oldest int // no operation before this one in byDue is left
	byDue  []int
}

func newLister(b *Block, m Model, registers int) *lister {
	s := &lister{
		Block: b, model: m, registers: registers,
		needs:  b.needs(),
		uses:   b.uses(),
		fed:    make([]bool, len(b.ops)),
		due:    make([]float64, len(b.ops)),
		issued: make([]int, len(b.ops)),
		left:   len(b.ops),
	}
	span := float64(b.Slots()) / float64(m.Vector)
	for i := range b.ops {
		o := &b.ops[i]
		s.due[i] = span * float64(o.pos) / float64(max(1, b.streams[o.stream]))
		s.issued[i] = -1
		for _, v := range o.in {
			if d := b.def[v]; d != entry && b.ops[d].class == Load {
				s.fed[d] = true
			}
		}
		s.byDue = append(s.byDue, i)
	}
	sortBy(s.byDue, s.due)
	for v := range b.entry {
		if s.uses[v] > 0 {
			s.live++
		}
	}
	return s
}

// needs lists, for every operation, those that must be issued before it: the
// ones whose values it uses and, among those on the same memory cell, a store
// after everything before it and a load after the last store.
func (b *Block) needs() [][]int {
	needs := make([][]int, len(b.ops))
	stored := map[int]int{}
	loaded := map[int][]int{}
	for i, o := range b.ops {
		for _, v := range o.in {
			if d := b.def[v]; d != entry {
				needs[i] = append(needs[i], d)
			}
		}
		if o.mem == nil || o.mem.Cell == 0 {
			continue
		}
		cell := o.mem.Cell
		if last, ok := stored[cell]; ok {
			needs[i] = append(needs[i], last)
		}
		if o.class == Store {
			needs[i] = append(needs[i], loaded[cell]...)
			stored[cell], loaded[cell] = i, nil
		} else {
			loaded[cell] = append(loaded[cell], i)
		}
	}
	return needs
}

// uses counts the uses of each value, the end of the block included.
func (b *Block) uses() []int {
	uses := make([]int, len(b.def))
	for _, o := range b.ops {
		for _, v := range o.in {
			uses[v]++
		}
	}
	for _, v := range b.exit {
		uses[v]++
	}
	return uses
}

// cycle issues what fits into one cycle.
func (s *lister) cycle(ahead float64) error {
	for s.oldest < len(s.byDue) && s.issued[s.byDue[s.oldest]] >= 0 {
		s.oldest++
	}
	if s.oldest == len(s.byDue) {
		return nil
	}
	latest := max(s.due[s.byDue[s.oldest]], 0) + ahead
	vector, shifts, progress, waiting := s.model.Vector, s.model.Shifts, false, false
	for _, i := range s.byDue[s.oldest:] {
		if s.due[i] > latest || vector == 0 {
			break
		}
		o := &s.ops[i]
		// A load goes with the first operation that needs it, not before.
		if s.issued[i] >= 0 || s.fed[i] {
			continue
		}
		onShifter := o.class == Shift || o.class == Shuffle
		ready, pending := s.ready(i)
		waiting = waiting || pending
		if !ready || onShifter && shifts == 0 || !s.fits(i) {
			continue
		}
		s.issueLoads(i)
		s.issue(i)
		progress = true
		if o.slots() {
			vector--
		}
		if onShifter {
			shifts--
		}
	}
	if !progress && !waiting {
		return fmt.Errorf("sched: %d registers do not suffice with %.0f cycles ahead, operation %d of %d",
			s.registers, ahead, len(s.seq), len(s.ops))
	}
	s.now++
	return nil
}

// ready reports whether everything that operation i needs is there in this
// cycle; pending, whether it will be by waiting alone.
func (s *lister) ready(i int) (ready, pending bool) {
	at := 0
	for _, n := range s.needs[i] {
		if s.ops[n].class == Load && s.issued[n] < 0 {
			ok, later := s.ready(n)
			if !ok {
				return false, later
			}
			continue
		}
		if s.issued[n] < 0 {
			return false, false
		}
		at = max(at, s.issued[n]+s.latency(n))
	}
	return at <= s.now, at > s.now
}

// latency of an operation for the purpose of ordering. Loads start early on
// their own, as nothing but their address holds them up.
func (s *lister) latency(i int) int {
	switch c := s.ops[i].class; c {
	case Load, Store:
		return 0
	default:
		return s.model.Latency[c]
	}
}

// fits reports whether operation i, with the loads that go with it, finds
// registers.
func (s *lister) fits(i int) bool {
	o := &s.ops[i]
	loads, deaths := 0, 0
	for k, v := range o.in {
		if contains(o.in[:k], v) {
			continue
		}
		if d := s.def[v]; d != entry && s.ops[d].class == Load && s.issued[d] < 0 {
			loads++
		}
		if s.uses[v] == count(o.in, v) {
			deaths++
		}
	}
	needed := loads
	if o.out != 0 {
		needed += max(0, 1-deaths)
	}
	return s.live+needed <= s.registers
}

func (s *lister) issueLoads(i int) {
	for _, n := range s.needs[i] {
		if s.ops[n].class == Load && s.issued[n] < 0 {
			s.issue(n)
		}
	}
}

func (s *lister) issue(i int) {
	o := &s.ops[i]
	s.issued[i] = s.now
	s.seq = append(s.seq, i)
	s.left--
	for _, v := range o.in {
		if s.uses[v]--; s.uses[v] == 0 {
			s.live--
		}
	}
	if o.out != 0 && s.uses[o.out] > 0 {
		s.live++
	}
}

// BestOrder schedules the block with as much freedom to run ahead as the
// registers allow, up to ahead cycles.
func (b *Block) BestOrder(m Model, ahead float64, registers int) (Order, error) {
	err := error(nil)
	for a := ahead; a >= 1; a = math.Floor(a * 0.8) {
		var o Order
		if o, err = b.Schedule(m, a, registers); err == nil {
			return o, nil
		}
	}
	return Order{}, err
}
