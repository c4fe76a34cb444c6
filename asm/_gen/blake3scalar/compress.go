package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// frame is the state of one compression: word i is in register v[i], or, if
// that is nil, in word i-8 of spill.
type frame struct {
	v                  [16]reg.Register
	message, cv, spill operand.Mem
}

// newFrame reserves the memory of a function, with word 11 in it.
func newFrame() *frame {
	local := build.AllocLocal(64 + 32 + 16)
	return &frame{
		v: [16]reg.Register{
			reg.EAX, reg.EBX, reg.ECX, reg.EDX, reg.ESI, reg.EDI, reg.EBP, reg.R8L,
			reg.R9L, reg.R10L, reg.R11L, nil, reg.R12L, reg.R13L, reg.R14L, reg.R15L,
		},
		message: local, cv: local.Offset(64), spill: local.Offset(96),
	}
}

// copyCV copies the chaining value that from points to into the frame.
func (f *frame) copyCV(from operand.Mem) {
	build.MOVQ(from, reg.RAX)
	for i := range 2 {
		build.MOVOU(operand.Mem{Base: reg.RAX, Disp: 16 * i}, reg.X0)
		build.MOVOU(reg.X0, f.cv.Offset(16*i))
	}
}

// copyMessage copies a block into the frame.
func (f *frame) copyMessage(from reg.Register) {
	xmm := [4]reg.VecPhysical{reg.X0, reg.X1, reg.X2, reg.X3}
	for i, x := range xmm {
		build.MOVOU(operand.Mem{Base: from, Disp: 16 * i}, x)
	}
	for i, x := range xmm {
		build.MOVOU(x, f.message.Offset(16*i))
	}
}

// load fills the state, §2.2.
func (f *frame) load(counter, length, flags operand.Mem) {
	for i := range 8 {
		build.MOVL(f.cv.Offset(4*i), f.v[i])
	}
	for i := range 3 {
		build.MOVL(operand.U32(blake3.IV[i]), f.v[8+i])
	}
	build.MOVL(operand.U32(blake3.IV[3]), f.spill.Offset(12))
	build.MOVQ(counter, reg.R12) // word 12, whose first use drops the upper half
	build.MOVQ(reg.R12, reg.R13)
	build.SHRQ(operand.U8(32), reg.R13)
	build.MOVL(length, f.v[14])
	build.MOVL(flags, f.v[15])
}

// foldUpper xors word i+8 into word i.
func (f *frame) foldUpper(i int) {
	if r := f.v[i+8]; r != nil {
		build.XORL(r, f.v[i])
	} else {
		build.XORL(f.spill.Offset(4*i), f.v[i])
	}
}

// swap puts word out into the frame and word in from there into its register.
func (f *frame) swap(out, in int) {
	r := f.v[out]
	build.MOVL(r, f.spill.Offset(4*(out-8)))
	build.MOVL(f.spill.Offset(4*(in-8)), r)
	f.v[out], f.v[in] = nil, r
}

// compress is the seven rounds. Afterwards word 11 is the spilled one, as it
// was before.
func (f *frame) compress() {
	for r := range blake3.Rounds {
		m := blake3.Schedule(r)
		f.quarters([2][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}}, [4]int(m[0:]))
		f.swap(8, 11)
		f.quarters([2][4]int{{2, 6, 10, 14}, {3, 7, 11, 15}}, [4]int(m[4:]))
		f.quarters([2][4]int{{0, 5, 10, 15}, {1, 6, 11, 12}}, [4]int(m[8:]))
		f.swap(11, 8)
		f.quarters([2][4]int{{2, 7, 8, 13}, {3, 4, 9, 14}}, [4]int(m[12:]))
	}
}

// quarters is two quarter rounds, on the given words of the state, step by step
// side by side. Message words are added before word b is needed, which is the
// last to be known.
func (f *frame) quarters(words [2][4]int, m [4]int) {
	each := func(step func(a, b, c, d reg.Register, i int)) {
		for i, w := range words {
			step(f.v[w[0]], f.v[w[1]], f.v[w[2]], f.v[w[3]], i)
		}
	}
	for k, rotate := range [2][2]uint64{{16, 12}, {8, 7}} {
		each(func(a, _, _, _ reg.Register, i int) { build.ADDL(f.message.Offset(4*m[2*i+k]), a) })
		each(func(a, b, _, _ reg.Register, _ int) { build.ADDL(b, a) })
		each(func(a, _, _, d reg.Register, _ int) { build.XORL(a, d) })
		each(func(_, _, _, d reg.Register, _ int) { build.RORL(operand.U8(rotate[0]), d) })
		each(func(_, _, c, d reg.Register, _ int) { build.ADDL(d, c) })
		each(func(_, b, c, _ reg.Register, _ int) { build.XORL(c, b) })
		each(func(_, b, _, _ reg.Register, _ int) { build.RORL(operand.U8(rotate[1]), b) })
	}
}
