package sched

import "slices"

// Simulate estimates the cycles that the code takes when it runs so many times
// in a row. It follows an out-of-order core in outline: instructions enter a
// window in order, each vector operation is given one of the units able to do
// it when it enters, and a unit starts the oldest of its operations whose
// operands are there. Scalar instructions, caches and decoders cost nothing.
// So it serves to compare kernels for a processor that is not at hand, not to
// predict it: on Zen 4, the SHA-256 kernels took 8 to 15 % longer.
func Simulate(m Model, c *Code, times int) int {
	s := simulator{model: m, cells: map[place]*flight{}}
	for range times {
		for i := range c.insts {
			s.enter(&c.insts[i])
		}
	}
	for len(s.window) > 0 {
		s.tick()
	}
	return s.now
}

// place is a memory operand without what tells roles apart.
type place struct {
	base any
	disp int
}

// flight is an instruction in the window.
type flight struct {
	unit    int // none if it needs no unit
	busy    int // cycles that it takes the unit
	latency int
	after   []*flight // whose results it needs
	loaded  int       // cycle in which its memory operand is there
	done    int       // cycle in which its result is there, or -1
}

type simulator struct {
	model   Model
	now     int
	window  []*flight
	waiting int
	entered int // in this cycle
	loads   int // likewise
	free    [8]int
	queued  [8]int
	regs    [Registers]*flight
	cells   map[place]*flight
}

// enter puts an instruction into the window, when there is room.
func (s *simulator) enter(in *inst) {
	vector := in.slots()
	for s.entered == s.model.Dispatch || len(s.window) >= s.model.Window || vector && s.waiting >= s.model.Waiting ||
		in.mem != nil && in.class != Store && s.loads == s.model.Loads {
		s.tick()
	}
	s.entered++
	if in.class == Move {
		s.regs[in.to] = s.regs[in.from[0]]
		return
	}
	f := &flight{unit: none, done: -1, loaded: s.now, latency: s.model.Latency[in.class]}
	for _, r := range in.from {
		if p := s.regs[r]; p != nil {
			f.after = append(f.after, p)
		}
	}
	if in.mem != nil {
		at := place{in.mem.Base, in.mem.Disp}
		switch {
		case in.class == Store:
			s.cells[at] = f
		default:
			s.loads++
			f.loaded += s.model.Latency[Load]
			if st := s.cells[at]; st != nil && in.mem.Cell != 0 {
				f.after = append(f.after, st)
			}
		}
	}
	if in.class == Load {
		f.latency = 0
	}
	if vector {
		f.unit, f.busy = s.choose(in.class), s.model.Busy
		s.queued[f.unit]++
		s.waiting++
	}
	if in.to != none {
		s.regs[in.to] = f
	}
	s.window = append(s.window, f)
}

// choose returns the unit with the shortest queue among those for the class.
// The units in the middle do the shifts, too.
func (s *simulator) choose(c Class) int {
	units := []int{0, 3, 1, 2}
	if c != ALU {
		units = []int{1, 2}
	}
	return slices.MinFunc(units, func(a, b int) int { return s.queued[a] - s.queued[b] })
}

// tick starts what can be started in this cycle, and lets finished
// instructions leave in order.
func (s *simulator) tick() {
	for _, f := range s.window {
		if f.done >= 0 || f.unit != none && s.free[f.unit] > s.now {
			continue
		}
		at := f.loaded
		for _, p := range f.after {
			if p.done < 0 {
				at = s.now + 1
				break
			}
			at = max(at, p.done)
		}
		if at > s.now {
			continue
		}
		f.done = s.now + f.latency
		f.after = nil
		if f.unit != none {
			s.free[f.unit] = s.now + f.busy
			s.queued[f.unit]--
			s.waiting--
		}
	}
	s.now++
	s.entered, s.loads = 0, 0
	n := 0
	for n < len(s.window) && n < 2*s.model.Dispatch && s.window[n].done >= 0 && s.window[n].done <= s.now {
		n++
	}
	s.window = s.window[n:]
}
