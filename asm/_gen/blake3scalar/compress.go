package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// iv and permutation: BLAKE3 paper §2.2 tables 1 and 2.
var (
	iv          = [4]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a}
	permutation = [16]int{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8}
)

const rounds = 7

// frame is the state of one compression: word i is in register v[i], or, if
// that is nil, in word i-8 of spill.
type frame struct {
	v                  [16]reg.Register
	message, cv, spill operand.Mem
}

func newFrame() *frame {
	local := AllocLocal(64 + 32 + 16)
	return &frame{
		v: [16]reg.Register{
			reg.EAX, reg.EBX, reg.ECX, reg.EDX, reg.ESI, reg.EDI, reg.EBP, reg.R8L,
			reg.R9L, reg.R10L, reg.R11L, nil, reg.R12L, reg.R13L, reg.R14L, reg.R15L,
		},
		message: local, cv: local.Offset(64), spill: local.Offset(96),
	}
}

func (f *frame) copyCV(from operand.Mem) {
	MOVQ(from, reg.RAX)
	for i := range 2 {
		MOVOU(operand.Mem{Base: reg.RAX, Disp: 16 * i}, reg.X0)
		MOVOU(reg.X0, f.cv.Offset(16*i))
	}
}

func (f *frame) copyMessage(from reg.Register) {
	xmm := [4]reg.VecPhysical{reg.X0, reg.X1, reg.X2, reg.X3}
	for i, x := range xmm {
		MOVOU(operand.Mem{Base: from, Disp: 16 * i}, x)
	}
	for i, x := range xmm {
		MOVOU(x, f.message.Offset(16*i))
	}
}

// load fills the state, §2.2.
func (f *frame) load(counter, length, flags operand.Mem) {
	for i := range 8 {
		MOVL(f.cv.Offset(4*i), f.v[i])
	}
	for i := range 3 {
		MOVL(operand.U32(iv[i]), f.v[8+i])
	}
	MOVL(operand.U32(iv[3]), f.spill.Offset(12))
	MOVQ(counter, reg.R12) // word 12, whose first use drops the upper half
	MOVQ(reg.R12, reg.R13)
	SHRQ(operand.U8(32), reg.R13)
	MOVL(length, f.v[14])
	MOVL(flags, f.v[15])
}

// foldUpper xors word i+8 into word i.
func (f *frame) foldUpper(i int) {
	if r := f.v[i+8]; r != nil {
		XORL(r, f.v[i])
	} else {
		XORL(f.spill.Offset(4*i), f.v[i])
	}
}

// swap puts word out into the frame and word in from there into its register.
func (f *frame) swap(out, in int) {
	r := f.v[out]
	MOVL(r, f.spill.Offset(4*(out-8)))
	MOVL(f.spill.Offset(4*(in-8)), r)
	f.v[out], f.v[in] = nil, r
}

// compress is the seven rounds. Afterwards word 11 is the spilled one, as it
// was before.
func (f *frame) compress() {
	var m [16]int
	for i := range m {
		m[i] = i
	}
	for range rounds {
		f.quarters([2][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}}, [4]int(m[0:]))
		f.swap(8, 11)
		f.quarters([2][4]int{{2, 6, 10, 14}, {3, 7, 11, 15}}, [4]int(m[4:]))
		f.quarters([2][4]int{{0, 5, 10, 15}, {1, 6, 11, 12}}, [4]int(m[8:]))
		f.swap(11, 8)
		f.quarters([2][4]int{{2, 7, 8, 13}, {3, 4, 9, 14}}, [4]int(m[12:]))
		var next [16]int
		for i, from := range permutation {
			next[i] = m[from]
		}
		m = next
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
		each(func(a, _, _, _ reg.Register, i int) { ADDL(f.message.Offset(4*m[2*i+k]), a) })
		each(func(a, b, _, _ reg.Register, _ int) { ADDL(b, a) })
		each(func(a, _, _, d reg.Register, _ int) { XORL(a, d) })
		each(func(_, _, _, d reg.Register, _ int) { RORL(operand.U8(rotate[0]), d) })
		each(func(_, _, c, d reg.Register, _ int) { ADDL(d, c) })
		each(func(_, b, c, _ reg.Register, _ int) { XORL(c, b) })
		each(func(_, b, _, _ reg.Register, _ int) { RORL(operand.U8(rotate[1]), b) })
	}
}
