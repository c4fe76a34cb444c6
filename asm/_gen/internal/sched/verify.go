package sched

import (
	"fmt"
	"slices"
)

// verify replays the code on register contents: every operation of the block
// occurs once and after those it needs, every register that an instruction
// reads holds the value meant, and the results end where they should.
func (o Order) verify(c *Code) error {
	b := o.block
	var regs [Registers]Value
	for v, r := range b.entry {
		regs[r] = v
	}
	seen := make([]bool, len(b.ops))
	needs := b.needs()
	next := 0
	for place, in := range c.insts {
		for k, r := range in.from {
			if regs[r] != in.in[k] {
				return fmt.Errorf("sched: instruction %d, %s, finds value %d in Z%d instead of %d", place, in.code, regs[r], r, in.in[k])
			}
		}
		if in.tied && in.to != in.from[0] {
			return fmt.Errorf("sched: instruction %d, %s, does not overwrite its first operand", place, in.code)
		}
		if in.to != none {
			regs[in.to] = in.out
		}
		if in.class == Move {
			continue
		}
		i := o.seq[next]
		next++
		for _, n := range needs[i] {
			if !seen[n] {
				return fmt.Errorf("sched: instruction %d, %s, comes before operation %d, which it needs", place, in.code, n)
			}
		}
		if seen[i] || b.ops[i].out != in.out || !sameValues(b.ops[i].in, in.in) {
			return fmt.Errorf("sched: instruction %d, %s, is not operation %d", place, in.code, i)
		}
		seen[i] = true
	}
	if slices.Contains(seen, false) {
		return fmt.Errorf("sched: operation %d is missing", slices.Index(seen, false))
	}
	for r, v := range b.exit {
		if regs[r] != v {
			return fmt.Errorf("sched: Z%d ends with value %d instead of %d", r, regs[r], v)
		}
	}
	return nil
}

func sameValues(x, y []Value) bool {
	x, y = slices.Clone(x), slices.Clone(y)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
