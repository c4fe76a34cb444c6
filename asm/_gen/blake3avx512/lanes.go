package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes16 is the kernel for rows that do not lie at regular distances or are
// not equally long: one pointer and one length per lane. It works like chunks16:
// block k is transposed while block k-1 is compressed.
//
//	block k of all lanes whole:  transpose it where it is
//	any lane has less than that: copy it to scratch memory by masked loads, which
//	                             fill up with zeros, and transpose it there
//	k = 0:                       nothing to compress yet
//	else:                        compress block k-1, with a length and flags per
//	                             lane; lanes whose message had ended before get
//	                             their old chaining value back
type lanesKernel struct {
	c                 constants
	state             set
	tmp               [9]reg.VecPhysical // of the transposition
	left              reg.VecPhysical    // bytes left from block k-1 on; more than 64 at first
	block, end, zero  reg.VecPhysical    // 64, flags of a last block, 0
	now, next         reg.GPVirtual      // words of block k-1, and those of block k
	table, offset     reg.GPVirtual      // where the rows of block k are
	k, ahead          reg.GPVirtual      // ahead is 64·k
	counters, old     operand.Mem        // old chaining values
	bytes, staged     operand.Mem        // block k: how much of it each lane has; copy
	stagedRows        operand.Mem        // pointers to the rows of staged
	last, ended, part reg.OpmaskPhysical
}

func lanes16(c constants) {
	TEXT("lanes16", 0, "func(dst, src *[16]*byte, lengths *[16]uint32, rows, blocks int, "+
		"key *[8]uint32, counter uint64, counterMask, flags, start, end uint32)")
	Pragma("noescape")
	Doc("lanes16 hashes sixteen chunks src[i] of lengths[i] ≤ 1024 bytes, the longest of which has",
		"so many blocks (at least 1), and writes the values of the first rows of them to dst[i].",
		"Chunk i has the number counter + i&counterMask. start and end are added to the flags of the",
		"first and last block of each chunk.")
	scratch := alignedScratch(3*1024 + 512 + 128 + 64 + 128)
	l := lanesKernel{
		c: c, tmp: [9]reg.VecPhysical(zmm[16:25]),
		left: reg.Z25, block: reg.Z26, end: reg.Z27, zero: reg.Z28,
		now: GP64(), next: GP64(), table: GP64(), offset: GP64(), k: GP64(), ahead: GP64(),
		staged: scratch.Offset(2 * 1024), old: scratch.Offset(3 * 1024),
		counters: scratch.Offset(3*1024 + 512), bytes: scratch.Offset(3*1024 + 640),
		stagedRows: scratch.Offset(3*1024 + 704),
		last:       reg.K1, ended: reg.K2, part: reg.K3,
	}
	l.state = setAt(0, operand.Mem{Base: l.now})
	LEAQ(scratch, l.now)
	LEAQ(scratch.Offset(1024), l.next)
	l.begin()

	Label("block")
	CMPQ(l.k, paramAddr("blocks"))
	JEQ(operand.LabelRef("compress")) // the last block is transposed again, for nothing
	l.locate()
	TESTQ(l.k, l.k)
	JNZ(operand.LabelRef("compress"))
	emit(l.transpose())
	KXORW(l.ended, l.ended, l.ended)
	JMP(operand.LabelRef("advance"))

	Label("compress")
	l.compress()
	VPCMPD(operand.U8(2), l.block, l.left, l.ended) // block k: left-64 ≤ 0

	Label("advance")
	VPSUBD(l.block, l.left, l.left)
	XCHGQ(l.now, l.next)
	INCQ(l.k)
	CMPQ(l.k, paramAddr("blocks"))
	JLE(operand.LabelRef("block"))
	l.output()
	VZEROUPPER()
	RET()
}

func (l *lanesKernel) begin() {
	storeMaskedCounters(l.c, l.counters)
	key, lengths := Load(Param("key"), GP64()), Load(Param("lengths"), GP64())
	l.state.loadKey(operand.Mem{Base: key})
	broadcast(blockBytes, l.block)
	VMOVDQU64(l.c.laneRow, l.left)
	VPERMD(operand.Mem{Base: lengths}, l.left, l.left)
	VPADDD(l.block, l.left, l.left)
	VPXORD(l.zero, l.zero, l.zero)
	VPBROADCASTD(Load(Param("end"), GP32()), l.end)
	flags := Load(Param("flags"), GP32())
	ORL(flags, paramAddr("start")) // now the flags of the first block
	XORL(l.k.As32(), l.k.As32())
	XORL(l.ahead.As32(), l.ahead.As32())
}

// locate finds the rows of block k.
func (l *lanesKernel) locate() {
	Load(Param("src"), l.table)
	MOVQ(l.ahead, l.offset)
	VPSUBD(l.block, l.left, l.tmp[0])
	VPCMPD(operand.U8(1), l.block, l.tmp[0], l.part) // less than 64
	KORTESTW(l.part, l.part)
	JZ(operand.LabelRef("located"))
	l.stage()
	LEAQ(l.stagedRows, l.table)
	XORL(l.offset.As32(), l.offset.As32())
	Label("located")
	ADDQ(operand.U8(blockBytes), l.ahead)
}

// stage copies what the rows have of block k. Rows that have nothing left are
// read from scratch memory, under an empty mask: an address outside their
// message could be an invalid one, which masked loads allow, but slowly.
func (l *lanesKernel) stage() {
	left, row := reg.Z30, reg.Z31
	lengths := Load(Param("lengths"), GP64())
	VPBROADCASTD(l.offset.As32(), left)
	VMOVDQU64(operand.Mem{Base: lengths}, row)
	VPSUBD(left, row, left)
	VPMAXSD(l.zero, left, left)
	VPMINSD(l.block, left, left)
	VMOVDQU64(left, l.bytes)
	ones, copied := GP64(), GP64()
	MOVQ(operand.I32(-1), ones)
	LEAQ(l.staged, copied)
	for i := range lanes {
		n, p := GP64(), GP64()
		MOVL(l.bytes.Offset(4*i), n.As32())
		MOVQ(operand.Mem{Base: l.table, Disp: 8 * i}, p)
		ADDQ(l.offset, p)
		TESTL(n.As32(), n.As32())
		CMOVQEQ(copied, p)
		BZHIQ(n, ones, n)
		KMOVQ(n, reg.K4)
		VMOVDQU8_Z(operand.Mem{Base: p}, reg.K4, row)
		VMOVDQU64(row, operand.Mem{Base: copied})
		MOVQ(copied, l.stagedRows.Offset(8*i))
		ADDQ(operand.U8(blockBytes), copied)
	}
}

func (l *lanesKernel) transpose() []op {
	rows := func(row, half int) operand.Mem {
		p := GP64()
		MOVQ(operand.Mem{Base: l.table, Disp: 8 * row}, p)
		return operand.Mem{Base: p, Index: l.offset, Scale: 1, Disp: 32 * half}
	}
	return transposeIn(l.tmp, rows, storeWords(operand.Mem{Base: l.next}))
}

// compress does block k-1, and transposes block k.
func (l *lanesKernel) compress() {
	v := l.state.v
	for i := range 8 {
		VMOVDQU64(v[i], l.old.Offset(64*i))
	}
	l.state.loadIV(l.c)
	VMOVDQU64(l.counters, v[12])
	VMOVDQU64(l.counters.Offset(64), v[13])
	VPMINSD(l.block, l.left, v[14])
	VPMAXSD(l.zero, v[14], v[14])
	VPCMPD(operand.U8(2), l.block, l.left, l.last) // left ≤ 64
	VPBROADCASTD(Load(Param("start"), GP32()), v[15])
	VPORD(l.end, v[15], l.last, v[15])
	flags := Load(Param("flags"), GP32())
	MOVL(flags, paramAddr("start"))
	emit(spread(l.state.compress(), l.transpose()), l.state.feedForward())
	KORTESTW(l.ended, l.ended)
	JZ(operand.LabelRef("compressed"))
	for i := range 8 {
		VMOVDQU32(l.old.Offset(64*i), l.ended, v[i])
	}
	Label("compressed")
}

func (l *lanesKernel) output() {
	dst, rows := Load(Param("dst"), GP64()), Load(Param("rows"), GP64())
	transposeOut(l.state, l.c, storeRows(rows, func(row int) operand.Mem {
		at := GP64()
		MOVQ(operand.Mem{Base: dst, Disp: 8 * row}, at)
		return operand.Mem{Base: at}
	}))
	Label("done")
}

// storeMaskedCounters is storeCounters with rows that count or do not.
func storeMaskedCounters(c constants, to operand.Mem) {
	low, sum, high := reg.Z8, reg.Z9, reg.Z10
	counter := Load(Param("counter"), GP64()).(reg.GPVirtual)
	VPBROADCASTD(Load(Param("counterMask"), GP32()), sum)
	VPANDD(c.laneRow, sum, sum)
	VPBROADCASTD(counter.As32(), low)
	SHRQ(operand.U8(32), counter)
	VPBROADCASTD(counter.As32(), high)
	addCounters(to, low, sum, high)
}

// broadcast fills a register with a small constant.
func broadcast(value uint32, v reg.VecPhysical) {
	word := GP32()
	MOVL(operand.U32(value), word)
	VPBROADCASTD(word, v)
}
