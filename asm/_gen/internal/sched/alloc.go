package sched

import (
	"fmt"
	"slices"
	"sort"
)

// Registers is the number of zmm registers.
const Registers = 32

// Code is a block in its final order with registers.
type Code struct {
	insts []inst
	slots int
}

// inst is an operation with registers, or a move that the allocation added.
type inst struct {
	op
	from []int // registers of op.in
	to   int   // register of op.out, or none
}

const none = -1

// allocator assigns registers in one walk over straight-line code: a value
// gets a register when it is computed and gives it back after its last use.
// As long as no more values live at a time than there are registers, that
// cannot fail.
type allocator struct {
	block *Block
	holds [Registers]Value // value in each register, 0 if free
	at    map[Value]int    // register of each live value
	last  map[Value]int    // place of the last use in the order
	wants map[Value]int    // register that the value should end in
	code  *Code
}

// Allocate assigns registers in the given order.
func (o Order) Allocate() (*Code, error) {
	b := o.block
	a := &allocator{
		block: b,
		at:    map[Value]int{},
		last:  map[Value]int{},
		wants: map[Value]int{},
		code:  &Code{slots: b.Slots()},
	}
	for place, i := range o.seq {
		for _, v := range b.ops[i].in {
			a.last[v] = place
		}
	}
	for r := range Registers {
		if v, ok := b.exit[r]; ok {
			a.last[v] = len(o.seq)
			a.wants[v] = r
		}
	}
	for v, r := range b.entry {
		if _, used := a.last[v]; used {
			a.holds[r], a.at[v] = v, r
		}
	}
	for place, i := range o.seq {
		if err := a.place(b.ops[i], place); err != nil {
			return nil, fmt.Errorf("%w, at operation %d of %d", err, place, len(o.seq))
		}
	}
	if err := a.settle(); err != nil {
		return nil, err
	}
	return a.code, o.verify(a.code)
}

// place assigns the registers of one operation.
func (a *allocator) place(o op, place int) error {
	if o.tied {
		o = a.chooseTied(o, place)
	}
	in := inst{op: o, to: none}
	for _, v := range o.in {
		r, ok := a.at[v]
		if !ok {
			return fmt.Errorf("sched: %s uses value %d, which is in no register", o.code, v)
		}
		in.from = append(in.from, r)
	}
	kept := o.tied && a.last[o.in[0]] != place // the tied operand is needed later
	for _, v := range o.in {
		if r, ok := a.at[v]; ok && a.last[v] == place {
			a.holds[r] = 0
			delete(a.at, v)
		}
	}
	switch {
	case o.out == 0:
	case o.tied && !kept:
		in.to = in.from[0]
	case kept: // not over another operand, as the move comes before the operation
		in.to = a.freeBeside(o.out, in.from)
	default:
		in.to = a.free(o.out, in.from)
	}
	if o.out != 0 && in.to == none {
		return fmt.Errorf("sched: no register left for %s", o.code)
	}
	if kept {
		a.code.insts = append(a.code.insts, move(o.in[0], in.from[0], in.to))
		in.from[0] = in.to
	}
	if _, used := a.last[o.out]; used {
		a.holds[in.to], a.at[o.out] = o.out, in.to
	}
	a.code.insts = append(a.code.insts, in)
	return nil
}

func move(v Value, from, to int) inst {
	return inst{
		op:   op{code: "VMOVDQA64", imm: noImm, class: Move, in: []Value{v}, out: v},
		from: []int{from}, to: to,
	}
}

// chooseTied puts an operand first that is not needed any more, if the
// operation allows and there is one: that saves a move.
func (a *allocator) chooseTied(o op, place int) op {
	if o.code != "VPTERNLOGD" || a.last[o.in[0]] == place {
		return o
	}
	for k := 1; k < len(o.in); k++ {
		if a.last[o.in[k]] == place {
			o.in = slices.Clone(o.in)
			o.in[0], o.in[k] = o.in[k], o.in[0]
			o.imm = SwapOperands(o.imm, k)
			return o
		}
	}
	return o
}

// SwapOperands returns the truth table of the ternary function imm with
// operands 0 and k swapped.
func SwapOperands(imm, k int) int {
	swapped := 0
	for i := range 8 {
		bits := [3]int{i >> 2 & 1, i >> 1 & 1, i & 1}
		bits[0], bits[k] = bits[k], bits[0]
		swapped |= imm >> (bits[0]<<2 | bits[1]<<1 | bits[2]) & 1 << i
	}
	return swapped
}

// free returns a register for v: the one it should end in, if possible, or one
// that an operand just left, or any.
func (a *allocator) free(v Value, left []int) int {
	if r, ok := a.wants[v]; ok && a.holds[r] == 0 {
		return r
	}
	for _, r := range left {
		if a.holds[r] == 0 {
			return r
		}
	}
	return a.freeBeside(v, nil)
}

// freeBeside returns a free register that is not in avoid.
func (a *allocator) freeBeside(v Value, avoid []int) int {
	if r, ok := a.wants[v]; ok && a.holds[r] == 0 && !slices.Contains(avoid, r) {
		return r
	}
	for r := Registers - 1; r >= 0; r-- { // results want the lower ones
		if a.holds[r] == 0 && !slices.Contains(avoid, r) {
			return r
		}
	}
	return none
}

// settle moves the values of the block's end to their registers. A move whose
// target still holds another such value waits; a ring of them is opened with a
// free register.
func (a *allocator) settle() error {
	type step struct {
		v        Value
		from, to int
	}
	var steps []step
	for to, v := range a.block.exit {
		if from := a.at[v]; from != to {
			steps = append(steps, step{v, from, to})
		}
	}
	sort.Slice(steps, func(i, j int) bool { return steps[i].to < steps[j].to })
	for len(steps) > 0 {
		blocked := func(s step) bool {
			return slices.ContainsFunc(steps, func(o step) bool { return o.from == s.to && o.to != s.to })
		}
		k := slices.IndexFunc(steps, func(s step) bool { return !blocked(s) })
		if k >= 0 {
			s := steps[k]
			a.code.insts = append(a.code.insts, move(s.v, s.from, s.to))
			a.holds[s.to] = s.v
			steps = slices.Delete(steps, k, k+1)
			continue
		}
		spare := slices.Index(a.holds[:], 0)
		if spare < 0 {
			return fmt.Errorf("sched: no register to exchange %d values at the end", len(steps))
		}
		a.code.insts = append(a.code.insts, move(steps[0].v, steps[0].from, spare))
		a.holds[spare] = steps[0].v
		steps[0].from = spare
	}
	return nil
}
