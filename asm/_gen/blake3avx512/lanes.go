package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// laneRegs says what the registers of lanes16 hold besides the state.
var laneRegs = struct {
	cv                   [8]reg.VecPhysical // chaining values between blocks
	left, block, end     reg.VecPhysical    // bytes left, 64, flags of a last block
	zero                 reg.VecPhysical
	last, active, notAll reg.OpmaskPhysical
	bytes                reg.OpmaskPhysical
}{
	cv:   [8]reg.VecPhysical(zmm[16:24]),
	left: reg.Z24, block: reg.Z25, end: reg.Z26, zero: reg.Z27,
	last: reg.K1, active: reg.K2, notAll: reg.K3, bytes: reg.K4,
}

// lanes16 is the kernel for rows that do not lie at regular distances or are
// not equally long: one pointer and one length per lane. Lanes whose message
// has ended keep their chaining value under a mask. As long as all lanes have
// whole blocks, rows are read where they are; other blocks are first copied
// into scratch memory by masked loads, which fill up with zeros.
func lanes16(c constants) {
	TEXT("lanes16", 0, "func(dst, src *[16]*byte, lengths *[16]uint32, rows, blocks int, "+
		"key *[8]uint32, counter uint64, counterMask, flags, start, end uint32)")
	Pragma("noescape")
	Doc("lanes16 hashes sixteen chunks src[i] of lengths[i] ≤ 1024 bytes, the longest of which has",
		"so many blocks (at least 1), and writes the values of the first rows of them to dst[i].",
		"Chunk i has the number counter + i if counterMask is all ones, else 0 and counter must be 0.",
		"start and end are added to the flags of the first and last block of each chunk.")
	src, lengths := Load(Param("src"), GP64()), Load(Param("lengths"), GP64())
	blocks, key := Load(Param("blocks"), GP64()), Load(Param("key"), GP64())
	scratch := alignedScratch(2*1024 + 3*64)
	staged, counters, bytes := scratch.Offset(1024), scratch.Offset(2048), scratch.Offset(2048+128)
	a := setAt(0, scratch)
	r := laneRegs

	counter := Load(Param("counter"), GP64())
	mask := Load(Param("counterMask"), GP32())
	storeMaskedCounters(c, counters, counter, mask)
	for i, cv := range r.cv {
		VPBROADCASTD(operand.Mem{Base: key}.Offset(4*i), cv)
	}
	VMOVDQU64(c.laneRow, r.left)
	VPERMD(operand.Mem{Base: lengths}, r.left, r.left)
	broadcast(blockBytes, r.block)
	VPXORD(r.zero, r.zero, r.zero)
	end := Load(Param("end"), GP32())
	VPBROADCASTD(end, r.end)
	KXNORW(r.active, r.active, r.active)
	flags := Load(Param("flags"), GP32())
	start := Load(Param("start"), GP32())
	ORL(flags, start)
	offset := GP64()
	XORL(offset.As32(), offset.As32())
	tmp := [9]reg.VecPhysical(zmm[0:9])

	Label("block")
	VPCMPD(operand.U8(1), r.block, r.left, r.notAll) // left < 64
	VPCMPD(operand.U8(2), r.block, r.left, r.last)   // left ≤ 64
	KORTESTW(r.notAll, r.notAll)
	JNZ(operand.LabelRef("partial"))
	emit(transposeIn(tmp, rowsByPointer(src, offset), storeWords(scratch)))
	JMP(operand.LabelRef("compress"))

	Label("partial")
	stagePartial(src, lengths, offset, bytes, staged)
	emit(transposeIn(tmp, rowsApart(staged, blockBytes), storeWords(scratch)))

	Label("compress")
	for i, cv := range r.cv {
		VMOVDQA64(cv, a.v[i])
	}
	a.loadIV(c)
	VMOVDQU64(counters, a.v[12])
	VMOVDQU64(counters.Offset(64), a.v[13])
	VPMINSD(r.block, r.left, a.v[14])
	VPMAXSD(r.zero, a.v[14], a.v[14])
	VPBROADCASTD(start, a.v[15])
	VPORD(r.end, a.v[15], r.last, a.v[15])
	MOVL(flags, start)
	emit(a.compress())
	for i, cv := range r.cv {
		VPXORD(a.v[8+i], a.v[i], r.active, cv)
	}
	ADDQ(operand.U8(blockBytes), offset)
	VPSUBD(r.block, r.left, r.left)
	VPCMPD(operand.U8(6), r.zero, r.left, r.active) // left > 0
	DECQ(blocks)
	JNZ(operand.LabelRef("block"))

	dst, rows := Load(Param("dst"), GP64()), Load(Param("rows"), GP64())
	out := set{v: [16]reg.VecPhysical(append(zmm[16:24:24], zmm[0:8]...))}
	transposeOut(out, c, func(pair int, v reg.VecPhysical) {
		at := GP64()
		for i := range 2 {
			row := 2*pair + i
			CMPQ(rows, operand.U8(row))
			JLE(operand.LabelRef("done"))
			MOVQ(operand.Mem{Base: dst, Disp: 8 * row}, at)
			if i == 0 {
				VMOVDQU64(v.AsY(), operand.Mem{Base: at})
			} else {
				VEXTRACTI64X4(operand.U8(1), v, operand.Mem{Base: at})
			}
		}
	})
	Label("done")
	VZEROUPPER()
	RET()
}

// storeMaskedCounters is storeCounters with rows that count or do not.
func storeMaskedCounters(c constants, to operand.Mem, counter, mask reg.Register) {
	low, sum, high := reg.Z8, reg.Z9, reg.Z10
	VPBROADCASTD(mask, sum)
	VPANDD(c.laneRow, sum, sum)
	VPBROADCASTD(counter.(reg.GPVirtual).As32(), low)
	SHRQ(operand.U8(32), counter)
	VPBROADCASTD(counter.(reg.GPVirtual).As32(), high)
	VPADDD(low, sum, sum)
	VPCMPUD(operand.U8(1), low, sum, reg.K1) // sum < low: it wrapped around
	VPTERNLOGD(operand.U8(0xff), low, low, low)
	VPSUBD(low, high, reg.K1, high)
	VMOVDQU64(sum, to)
	VMOVDQU64(high, to.Offset(64))
}

// rowsByPointer are rows at the given offset from the pointers of a table.
func rowsByPointer(table, offset reg.Register) rowHalf {
	return func(row, half int) operand.Mem {
		p := GP64()
		MOVQ(operand.Mem{Base: table, Disp: 8 * row}, p)
		return operand.Mem{Base: p, Index: offset, Scale: 1, Disp: 32 * half}
	}
}

// stagePartial copies what the rows have of this block, at most 64 bytes each.
// Rows that have nothing left are read from scratch memory, under an empty
// mask: an address outside their message could be an invalid one, which masked
// loads allow, but slowly.
func stagePartial(src, lengths, offset reg.Register, bytes, staged operand.Mem) {
	left, zero := reg.Z0, laneRegs.zero
	VPBROADCASTD(offset.(reg.GPVirtual).As32(), left)
	VMOVDQU64(operand.Mem{Base: lengths}, reg.Z1)
	VPSUBD(left, reg.Z1, left)
	VPMAXSD(zero, left, left)
	VPMINSD(laneRegs.block, left, left)
	VMOVDQU64(left, bytes)
	ones, scratch := GP64(), GP64()
	MOVQ(operand.I32(-1), ones)
	LEAQ(staged, scratch)
	for row := range lanes {
		n, p, keep := GP64(), GP64(), GP64()
		MOVL(bytes.Offset(4*row), n.As32())
		MOVQ(operand.Mem{Base: src, Disp: 8 * row}, p)
		ADDQ(offset, p)
		TESTL(n.As32(), n.As32())
		CMOVQEQ(scratch, p)
		BZHIQ(n, ones, keep)
		KMOVQ(keep, laneRegs.bytes)
		VMOVDQU8_Z(operand.Mem{Base: p}, laneRegs.bytes, reg.Z2)
		VMOVDQU64(reg.Z2, staged.Offset(blockBytes*row))
	}
}

// broadcast fills a register with a small constant.
func broadcast(value uint32, v reg.VecPhysical) {
	word := GP32()
	MOVL(operand.U32(value), word)
	VPBROADCASTD(word, v)
}
