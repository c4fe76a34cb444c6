package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Immediates of VPTERNLOGD: the truth table of three operands, of which the
// destination is the first.
const (
	choose   = 0xca
	majority = 0xe8
	xor3     = 0x96
)

// rounds returns 16 rounds of a set; their constants begin constants bytes from
// the base register. With schedule set they also replace each schedule word,
// when its round has used it, by the one 16 rounds later. After 16 rounds the working variables are in the registers they started in.
func (k kernel) rounds(set int, base reg.Register, constants int, schedule bool) steps.List {
	var l steps.List
	v := append([]reg.Register{}, workingRegs(set)...)
	for i := range 16 {
		l = append(l, k.round(set, i, at(base, constants+4*i), v)...)
		if schedule {
			l = append(l, k.nextWord(set, i)...)
		}
		v = append([]reg.Register{v[7]}, v[:7]...)
	}
	return l
}

// round is one round, FIPS 180-4 §6.2.2 step 3, with word i of the ring. v are
// the registers of a..h; the new a is left in that of h, the new e in that of
// d, so that the caller only has to rename.
func (k kernel) round(set, i int, constant operand.Mem, v []reg.Register) steps.List {
	a, b, c, d, e, f, g, h := v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
	t := roundTemps(set)
	l := steps.List{
		func() { build.VPADDD(k.word(ring, set, i), h, h) },
		func() { build.VPADDD_BCST(constant, h, h) },
	}
	l = append(l, bigSigma(e, 6, 11, 25, t)...)
	l = append(l,
		func() { build.VMOVDQA64(e, t[1]) },
		func() { build.VPTERNLOGD(operand.U8(choose), g, f, t[1]) },
		func() { build.VPADDD(t[0], h, h) },
		func() { build.VPADDD(t[1], h, h) },
		func() { build.VPADDD(h, d, d) },
	)
	l = append(l, bigSigma(a, 2, 13, 22, t)...)
	return append(l,
		func() { build.VMOVDQA64(a, t[1]) },
		func() { build.VPTERNLOGD(operand.U8(majority), c, b, t[1]) },
		func() { build.VPADDD(t[0], h, h) },
		func() { build.VPADDD(t[1], h, h) },
	)
}

// bigSigma puts x rotated by three distances, xored, into t[0].
func bigSigma(x reg.Register, n0, n1, n2 uint8, t []reg.Register) steps.List {
	return steps.List{
		func() { build.VPRORD(operand.U8(n0), x, t[0]) },
		func() { build.VPRORD(operand.U8(n1), x, t[1]) },
		func() { build.VPRORD(operand.U8(n2), x, t[2]) },
		func() { build.VPTERNLOGD(operand.U8(xor3), t[2], t[1], t[0]) },
	}
}

// nextWord replaces word i of the ring: w[i+16] = sigma1(w[i+14]) + w[i+9] +
// sigma0(w[i+1]) + w[i]. The two newest words are also in registers, by turns,
// because sigma1 needs them so soon after they were made.
func (k kernel) nextWord(set, i int) steps.List {
	t, w := scheduleTemp(set), newestWords(set)[i%2]
	return steps.List{
		func() { build.VMOVDQA64(k.word(ring, set, i+1), t[0]) },
		func() { build.VPRORD(operand.U8(7), t[0], t[1]) },
		func() { build.VPRORD(operand.U8(18), t[0], t[2]) },
		func() { build.VPSRLD(operand.U8(3), t[0], t[0]) },
		func() { build.VPTERNLOGD(operand.U8(xor3), t[2], t[1], t[0]) },
		func() { build.VPADDD(k.word(ring, set, i), t[0], t[0]) },
		func() { build.VPADDD(k.word(ring, set, i+9), t[0], t[0]) },
		func() { build.VPRORD(operand.U8(17), w, t[1]) },
		func() { build.VPRORD(operand.U8(19), w, t[2]) },
		func() { build.VPSRLD(operand.U8(10), w, w) },
		func() { build.VPTERNLOGD(operand.U8(xor3), t[2], t[1], w) },
		func() { build.VPADDD(t[0], w, w) },
		func() { build.VMOVDQA64(w, k.word(ring, set, i)) },
	}
}
