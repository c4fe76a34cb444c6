package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// set is the state of sixteen compressions: register v[i] holds word i of each.
// add adds message word w of each to a register.
type set struct {
	v   [16]reg.VecPhysical
	add func(w int, dst reg.VecPhysical)
}

// zmm are the registers: set A is the first sixteen, set B the others.
var zmm = [32]reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

// setAt is the set of the sixteen registers from first on, with its transposed
// message words one after the other at words.
func setAt(first int, words operand.Mem) set {
	return set{
		v:   [16]reg.VecPhysical(zmm[first : first+16]),
		add: func(w int, dst reg.VecPhysical) { build.VPADDD(words.Offset(64*w), dst, dst) },
	}
}

// compress is the seven rounds, §2.2. All of it happens in place, which is what
// lets two sets fit: no step needs a register besides the state.
func (s set) compress() steps.List {
	var out steps.List
	for r := range blake3.Rounds {
		m := blake3.Schedule(r)
		out = append(out, s.half(0, [8]int(m[:8]))...)
		out = append(out, s.half(1, [8]int(m[8:]))...)
	}
	return out
}

// half is four quarter rounds, of the columns (shift 0) or the diagonals (shift
// 1), in lockstep: each step of all four before the next step, so that an
// instruction never waits for the one before it.
func (s set) half(shift int, m [8]int) steps.List {
	var out steps.List
	each := func(step func(a, b, c, d reg.VecPhysical, column int)) {
		for i := range 4 {
			a, b := s.v[i], s.v[4+(i+shift)%4]
			c, d := s.v[8+(i+2*shift)%4], s.v[12+(i+3*shift)%4]
			out = append(out, func() { step(a, b, c, d, i) })
		}
	}
	for k, rotate := range [2][2]uint64{{16, 12}, {8, 7}} {
		each(func(a, _, _, _ reg.VecPhysical, i int) { s.add(m[2*i+k], a) })
		each(func(a, b, _, _ reg.VecPhysical, _ int) { build.VPADDD(b, a, a) })
		each(func(a, _, _, d reg.VecPhysical, _ int) { build.VPXORD(a, d, d) })
		each(func(_, _, _, d reg.VecPhysical, _ int) { build.VPRORD(operand.U8(rotate[0]), d, d) })
		each(func(_, _, c, d reg.VecPhysical, _ int) { build.VPADDD(d, c, c) })
		each(func(_, b, c, _ reg.VecPhysical, _ int) { build.VPXORD(c, b, b) })
		each(func(_, b, _, _ reg.VecPhysical, _ int) { build.VPRORD(operand.U8(rotate[1]), b, b) })
	}
	return out
}

// feedForward leaves the chaining values in the first eight registers.
func (s set) feedForward() steps.List {
	var out steps.List
	for i := range 8 {
		out = append(out, func() { build.VPXORD(s.v[i+8], s.v[i], s.v[i]) })
	}
	return out
}

// loadKey puts the same chaining value into all compressions.
func (s set) loadKey(key operand.Mem) {
	for i := range 8 {
		build.VPBROADCASTD(key.Offset(4*i), s.v[i])
	}
}

// loadIV fills words 8 to 11.
func (s set) loadIV(c constants) {
	for i := range 4 {
		build.VPBROADCASTD(c.iv.Offset(4*i), s.v[8+i])
	}
}
