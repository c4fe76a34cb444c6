package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanesKernel is the state of the generator inside lanes16, the kernel for rows
// that do not lie at regular distances or are not equally long: one pointer and one length per lane. It works like chunks16:
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

// lanes16 writes the kernel that lanesKernel describes.
func lanes16(c constants) {
	build.TEXT("lanes16", 0, "func(dst, src *[16]*byte, lengths *[16]uint32, rows, blocks int, "+
		"key *[8]uint32, counter uint64, counterMask, flags, start, end uint32)")
	build.Pragma("noescape")
	build.Doc("lanes16 hashes sixteen chunks src[i] of lengths[i] ≤ 1024 bytes, the longest of which has",
		"so many blocks (at least 1), and writes the values of the first rows of them to dst[i].",
		"Chunk i has the number counter + i&counterMask. start and end are added to the flags of the",
		"first and last block of each chunk.")
	scratch := alignedScratch(3*1024 + 512 + 128 + 64 + 128)
	l := lanesKernel{
		c: c, tmp: [9]reg.VecPhysical(zmm[16:25]),
		left: reg.Z25, block: reg.Z26, end: reg.Z27, zero: reg.Z28,
		now: build.GP64(), next: build.GP64(), table: build.GP64(), offset: build.GP64(), k: build.GP64(), ahead: build.GP64(),
		staged: scratch.Offset(2 * 1024), old: scratch.Offset(3 * 1024),
		counters: scratch.Offset(3*1024 + 512), bytes: scratch.Offset(3*1024 + 640),
		stagedRows: scratch.Offset(3*1024 + 704),
		last:       reg.K1, ended: reg.K2, part: reg.K3,
	}
	l.state = setAt(0, operand.Mem{Base: l.now})
	build.LEAQ(scratch, l.now)
	build.LEAQ(scratch.Offset(1024), l.next)
	l.begin()

	build.Label("block")
	build.CMPQ(l.k, paramAddr("blocks"))
	build.JEQ(operand.LabelRef("compress")) // the last block is transposed again, for nothing
	l.locate()
	build.TESTQ(l.k, l.k)
	build.JNZ(operand.LabelRef("compress"))
	steps.Emit(l.transpose())
	build.KXORW(l.ended, l.ended, l.ended)
	build.JMP(operand.LabelRef("advance"))

	build.Label("compress")
	l.compress()
	build.VPCMPD(operand.U8(2), l.block, l.left, l.ended) // block k: left-64 ≤ 0

	build.Label("advance")
	build.VPSUBD(l.block, l.left, l.left)
	build.XCHGQ(l.now, l.next)
	build.INCQ(l.k)
	build.CMPQ(l.k, paramAddr("blocks"))
	build.JLE(operand.LabelRef("block"))
	l.output()
	build.VZEROUPPER()
	build.RET()
}

// begin sets what stays the same in all blocks, and the first flags.
func (l *lanesKernel) begin() {
	storeMaskedCounters(l.c, l.counters)
	key, lengths := build.Load(build.Param("key"), build.GP64()), build.Load(build.Param("lengths"), build.GP64())
	l.state.loadKey(operand.Mem{Base: key})
	broadcast(blake3.BlockBytes, l.block)
	build.VMOVDQU64(l.c.laneRow, l.left)
	build.VPERMD(operand.Mem{Base: lengths}, l.left, l.left)
	build.VPADDD(l.block, l.left, l.left)
	build.VPXORD(l.zero, l.zero, l.zero)
	build.VPBROADCASTD(build.Load(build.Param("end"), build.GP32()), l.end)
	flags := build.Load(build.Param("flags"), build.GP32())
	build.ORL(flags, paramAddr("start")) // now the flags of the first block
	build.XORL(l.k.As32(), l.k.As32())
	build.XORL(l.ahead.As32(), l.ahead.As32())
}

// locate finds the rows of block k.
func (l *lanesKernel) locate() {
	build.Load(build.Param("src"), l.table)
	build.MOVQ(l.ahead, l.offset)
	build.VPSUBD(l.block, l.left, l.tmp[0])
	build.VPCMPD(operand.U8(1), l.block, l.tmp[0], l.part) // less than 64
	build.KORTESTW(l.part, l.part)
	build.JZ(operand.LabelRef("located"))
	l.stage()
	build.LEAQ(l.stagedRows, l.table)
	build.XORL(l.offset.As32(), l.offset.As32())
	build.Label("located")
	build.ADDQ(operand.U8(blake3.BlockBytes), l.ahead)
}

// stage copies what the rows have of block k. Rows that have nothing left are
// read from scratch memory, under an empty mask: an address outside their
// message could be an invalid one, which masked loads allow, but slowly.
func (l *lanesKernel) stage() {
	left, row := reg.Z30, reg.Z31
	lengths := build.Load(build.Param("lengths"), build.GP64())
	build.VPBROADCASTD(l.offset.As32(), left)
	build.VMOVDQU64(operand.Mem{Base: lengths}, row)
	build.VPSUBD(left, row, left)
	build.VPMAXSD(l.zero, left, left)
	build.VPMINSD(l.block, left, left)
	build.VMOVDQU64(left, l.bytes)
	ones, copied := build.GP64(), build.GP64()
	build.MOVQ(operand.I32(-1), ones)
	build.LEAQ(l.staged, copied)
	for i := range lanes {
		n, p := build.GP64(), build.GP64()
		build.MOVL(l.bytes.Offset(4*i), n.As32())
		build.MOVQ(operand.Mem{Base: l.table, Disp: 8 * i}, p)
		build.ADDQ(l.offset, p)
		build.TESTL(n.As32(), n.As32())
		build.CMOVQEQ(copied, p)
		build.BZHIQ(n, ones, n)
		build.KMOVQ(n, reg.K4)
		build.VMOVDQU8_Z(operand.Mem{Base: p}, reg.K4, row)
		build.VMOVDQU64(row, operand.Mem{Base: copied})
		build.MOVQ(copied, l.stagedRows.Offset(8*i))
		build.ADDQ(operand.U8(blake3.BlockBytes), copied)
	}
}

// transpose brings block k, which locate has found, into the words at next.
func (l *lanesKernel) transpose() steps.List {
	rows := func(row, half int) operand.Mem {
		p := build.GP64()
		build.MOVQ(operand.Mem{Base: l.table, Disp: 8 * row}, p)
		return operand.Mem{Base: p, Index: l.offset, Scale: 1, Disp: 32 * half}
	}
	return transposeIn(l.tmp, rows, storeWords(operand.Mem{Base: l.next}))
}

// compress does block k-1, and transposes block k.
func (l *lanesKernel) compress() {
	v := l.state.v
	for i := range 8 {
		build.VMOVDQU64(v[i], l.old.Offset(64*i))
	}
	l.state.loadIV(l.c)
	build.VMOVDQU64(l.counters, v[12])
	build.VMOVDQU64(l.counters.Offset(64), v[13])
	build.VPMINSD(l.block, l.left, v[14])
	build.VPMAXSD(l.zero, v[14], v[14])
	build.VPCMPD(operand.U8(2), l.block, l.left, l.last) // left ≤ 64
	build.VPBROADCASTD(build.Load(build.Param("start"), build.GP32()), v[15])
	build.VPORD(l.end, v[15], l.last, v[15])
	flags := build.Load(build.Param("flags"), build.GP32())
	build.MOVL(flags, paramAddr("start"))
	steps.Emit(steps.Mix(l.state.compress(), l.transpose()), l.state.feedForward())
	build.KORTESTW(l.ended, l.ended)
	build.JZ(operand.LabelRef("compressed"))
	for i := range 8 {
		build.VMOVDQU32(l.old.Offset(64*i), l.ended, v[i])
	}
	build.Label("compressed")
}

// output writes the chaining values of the first rows, each to an address of
// its own.
func (l *lanesKernel) output() {
	dst, rows := build.Load(build.Param("dst"), build.GP64()), build.Load(build.Param("rows"), build.GP64())
	transposeOut(l.state, l.c, storeRows(rows, func(row int) operand.Mem {
		at := build.GP64()
		build.MOVQ(operand.Mem{Base: dst, Disp: 8 * row}, at)
		return operand.Mem{Base: at}
	}))
	build.Label("done")
}

// storeMaskedCounters is storeCounters with rows that count or do not.
func storeMaskedCounters(c constants, to operand.Mem) {
	low, sum, high := reg.Z8, reg.Z9, reg.Z10
	counter := build.Load(build.Param("counter"), build.GP64()).(reg.GPVirtual)
	build.VPBROADCASTD(build.Load(build.Param("counterMask"), build.GP32()), sum)
	build.VPANDD(c.laneRow, sum, sum)
	build.VPBROADCASTD(counter.As32(), low)
	build.SHRQ(operand.U8(32), counter)
	build.VPBROADCASTD(counter.As32(), high)
	addCounters(to, low, sum, high)
}

// broadcast fills a register with a small constant.
func broadcast(value uint32, v reg.VecPhysical) {
	word := build.GP32()
	build.MOVL(operand.U32(value), word)
	build.VPBROADCASTD(word, v)
}
