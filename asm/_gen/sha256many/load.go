package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// load returns the instructions that read, pad and transpose one block of each
// lane of a set into the spare ring. A row is what one lane reads: 64 bytes.
func (k kernel) load(set int) steps.List {
	l := k.classify(set)
	for group := range 4 {
		l = append(l, k.loadRows(set, group)...)
	}
	for column := range 4 {
		l = append(l, k.gather(set, column)...)
	}
	return l
}

// classify finds out how each lane's row is to be read: the lanes in which the
// length goes into its last words, and the index into the tables of masks and
// of empty rows.
func (k kernel) classify(set int) steps.List {
	z := loaderRegs()
	left, index := at(scratch, k.leftAt(set)), at(scratch, k.indexAt(set))
	return steps.List{
		func() { build.VMOVDQA64(left, z[0]) },
		func() { build.VPADDD_BCST(k.small(constMinus64), z[0], z[0]) },
		func() { build.VMOVDQA64(z[0], left) },
		func() { build.VPCMPD_BCST(operand.U8(2), k.small(constLast), z[0], lastK[set]) },
		func() { build.VPMINSD_BCST(k.small(constBlock), z[0], z[0]) },
		func() { build.VPMAXSD_BCST(k.small(constBehind), z[0], z[0]) },
		func() { build.VPBROADCASTD(k.small(constBlock), z[1]) },
		func() { build.VPSUBD(z[0], z[1], z[1]) },
		func() { build.VMOVDQA64(z[1], index) },
	}
}

// loadRows reads the rows of four lanes and transposes the dwords within each
// 16-byte quarter: the result c, 0..3, has in quarter q word 4q+c of the four
// lanes.
//
// A row begins as one from the table, which is zero but for the byte 0x80
// behind the message's end, if that falls into it, and then takes the bytes of
// the message under a mask. The mask suppresses faults, so reading may begin or
// end at a page that is not there.
func (k kernel) loadRows(set, group int) steps.List {
	z := loaderRegs()
	var l steps.List
	for i := range 4 {
		lane, mask, index, address := 4*group+i, []reg.Register{reg.K1, reg.K2}[i%2], reg.RAX, reg.RCX
		l = append(l,
			func() { build.MOVL(at(scratch, k.indexAt(set)+4*lane), index.As32()) },
			func() { build.MOVQ(at(scratch, k.addressAt(set)+8*lane), address) },
			func() { build.KMOVQ(operand.Mem{Base: masks, Index: index, Scale: 8}, mask) },
			func() { build.VMOVDQU64(operand.Mem{Base: rows, Index: index, Scale: 1}, z[i]) },
			func() { build.VMOVDQU8(operand.Mem{Base: address, Index: moved, Scale: 1}, mask, z[i]) },
		)
	}
	l = append(l,
		func() { build.VPUNPCKLDQ(z[1], z[0], z[4]) },
		func() { build.VPUNPCKHDQ(z[1], z[0], z[0]) },
		func() { build.VPUNPCKLDQ(z[3], z[2], z[5]) },
		func() { build.VPUNPCKHDQ(z[3], z[2], z[2]) },
		func() { build.VPUNPCKLQDQ(z[5], z[4], z[1]) },
		func() { build.VPUNPCKHQDQ(z[5], z[4], z[4]) },
		func() { build.VPUNPCKLQDQ(z[2], z[0], z[3]) },
		func() { build.VPUNPCKHQDQ(z[2], z[0], z[0]) },
	)
	for c, r := range []reg.Register{z[1], z[4], z[3], z[0]} {
		l = append(l,
			func() { build.VPSHUFB(k.t.swap, r, r) },
			func() { build.VMOVDQA64(r, k.quarter(group, c)) },
		)
	}
	return l
}

// quarter is where loadRows leaves result c of a group of four lanes.
func (k kernel) quarter(group, c int) operand.Mem {
	return at(scratch, k.quarters()+64*(4*group+c))
}

// gather makes the words c, 4+c, 8+c and 12+c of all 16 lanes from results c
// of the four groups, by transposing their quarters.
func (k kernel) gather(set, c int) steps.List {
	z := loaderRegs()
	l := steps.List{
		func() { build.VMOVDQA64(k.quarter(0, c), z[0]) },
		func() { build.VMOVDQA64(k.quarter(2, c), z[1]) },
		func() { build.VSHUFI32X4(operand.U8(0x44), k.quarter(1, c), z[0], z[2]) },
		func() { build.VSHUFI32X4(operand.U8(0xee), k.quarter(1, c), z[0], z[3]) },
		func() { build.VSHUFI32X4(operand.U8(0x44), k.quarter(3, c), z[1], z[4]) },
		func() { build.VSHUFI32X4(operand.U8(0xee), k.quarter(3, c), z[1], z[5]) },
	}
	for q := range 4 {
		lo, hi, pick := z[2], z[4], operand.U8(0x88)
		if q >= 2 {
			lo, hi = z[3], z[5]
		}
		if q%2 == 1 {
			pick = 0xdd
		}
		out, word := z[q%2], 4*q+c
		l = append(l, func() { build.VSHUFI32X4(pick, hi, lo, out) })
		// The prefix is the first byte of the first block; the last two words
		// of the last block are the length.
		switch word {
		case 0:
			l = append(l, func() { build.VPORD_BCST(k.firstWord(), out, out) })
		case 14:
			l = append(l, func() { build.VPORD(at(scratch, k.lengthHi(set)), out, lastK[set], out) })
		case 15:
			l = append(l, func() { build.VPORD(at(scratch, k.lengthLo(set)), out, lastK[set], out) })
		}
		l = append(l, func() { build.VMOVDQA64(out, k.word(spare, set, word)) })
	}
	return l
}
