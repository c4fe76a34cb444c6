package main

import (
	"fmt"

	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// General registers of the lanes kernels; RAX, RBX, RCX and R9 serve for the
// moment. R14 and R15 stay untouched.
var (
	scratch = reg.RDI // the local frame, aligned to 64 bytes
	ring    = reg.RSI // schedule words of this block
	spare   = reg.RDX // schedule words of the next block
	kTable  = reg.R8
	moved   = reg.R10 // bytes the lanes have advanced in this call
	blocks  = reg.R11 // blocks to go in this group
	masks   = reg.R12 // table of masks for the next block
	rows    = reg.R13 // table of empty rows

	kNow   = reg.R9 // round constants of this pass
	passes = reg.RBX
)

// Mask registers that live long; K1 and K2 are the loader's.
var (
	lastK   = []reg.Register{reg.K3, reg.K4} // per set: lanes whose row ends with the length
	activeK = []reg.Register{reg.K5, reg.K6} // per set: lanes that have not ended
)

var zmm = []reg.Register{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

// zmm registers: 0-7 and 8-15 the working variables of the sets, 16-18 and
// 19-21 the temporaries of their rounds. 22-31 belong to the schedules in the
// first 48 rounds and to the loader in the last 16.
func workingRegs(set int) []reg.Register  { return zmm[8*set:][:8] }
func roundTemps(set int) []reg.Register   { return zmm[16+3*set:][:3] }
func newestWords(set int) []reg.Register  { return zmm[22+2*set:][:2] }
func scheduleTemp(set int) []reg.Register { return zmm[26+3*set:][:3] }
func loaderRegs() []reg.Register          { return zmm[22:32] }

// kernel is a lanes kernel that is being written.
type kernel struct {
	t    tables
	sets int
}

// The scratch memory, in bytes from the aligned start of the frame. The two
// rings come first; the registers ring and spare point to one each.
func (k kernel) ringBytes() int        { return 1024 * k.sets }
func (k kernel) quarters() int         { return 2 * k.ringBytes() }                 // of the transposition
func (k kernel) hashAt(set int) int    { return k.quarters() + 1024 + 512*set }     // before the block
func (k kernel) vectors() int          { return k.hashAt(k.sets) }                  // per lane, of the block that is loaded:
func (k kernel) leftAt(set int) int    { return k.vectors() + 64*set }              // dword: bytes of message left at the start of the row
func (k kernel) indexAt(set int) int   { return k.vectors() + 64*(k.sets+set) }     // dword: index in tables.masks and rows
func (k kernel) lengthHi(set int) int  { return k.vectors() + 64*(2*k.sets+set) }   // dword: length in bits, high half
func (k kernel) lengthLo(set int) int  { return k.vectors() + 64*(3*k.sets+set) }   // dword: low half
func (k kernel) addressAt(set int) int { return k.vectors() + 64*(4*k.sets+2*set) } // qword: address of the first row
func (k kernel) totalAt(set int) int   { return k.vectors() + 64*(6*k.sets+2*set) } // qword: bytes of message
func (k kernel) scalars() int          { return k.vectors() + 64*(8*k.sets) }
func (k kernel) frameBytes() int       { return k.scalars() + 64 + 64 - 8 } // and what aligning costs

// Scalars in memory.
func (k kernel) numbersNow() operand.Mem  { return at(scratch, k.scalars()) }    // message numbers of this group, nil before the first
func (k kernel) numbersNext() operand.Mem { return at(scratch, k.scalars()+8) }  // those of the next
func (k kernel) blocksNext() operand.Mem  { return at(scratch, k.scalars()+16) } // address of its count of blocks
func (k kernel) groupsLeft() operand.Mem  { return at(scratch, k.scalars()+24) } // groups that are not set up yet
func (k kernel) pending() operand.Mem     { return at(scratch, k.scalars()+32) } // whether one is set up and waits
func (k kernel) firstWord() operand.Mem   { return at(scratch, k.scalars()+40) } // dword: goes into word 0 of the block that is loaded

func at(base reg.Register, bytes int) operand.Mem { return operand.Mem{Base: base, Disp: bytes} }

func (k kernel) small(offset int) operand.Mem { return k.t.small.Offset(offset) }

// lanes writes the kernel for 16 lanes in each of so many sets.
func lanes(t tables, sets int) {
	k := kernel{t, sets}
	n := 16 * sets
	build.TEXT(fmt.Sprintf("manyLanes%d", n), 0, "func(dst *byte, number *uint32, blocks *uint32, groups int, state *[256]uint32, msgs *[]byte, records *byte, size, offset, prefix int)")
	build.Doc(
		fmt.Sprintf("manyLanes%d hashes groups of %d messages, one in each lane, and pads them where", n, n),
		fmt.Sprintf("they end. Group g advances by blocks[g] blocks. Its lane i has message number[%dg+i]:", n),
		"of those that begin at msgs, or if that is nil of the records of size bytes",
		"that begin at records. prefix comes before each, unless it is negative.",
		"Lanes that end do nothing further. Digest number[...] of dst, if that is not",
		"nil, receives the lane's.",
		"",
		"A group may take several calls. For the first, offset is 0, for the others",
		"the bytes hashed before, a multiple of 64 that counts the prefix. With offset",
		"0 lanes start from the initial hash value, otherwise from state. Unless that",
		"is nil, it receives the hash values: word by word, 16 lanes in a row, set",
		"after set.",
	)
	build.Pragma("noescape")
	frame := build.AllocLocal(k.frameBytes())
	build.LEAQ(frame.Offset(63), scratch)
	build.ANDQ(operand.I8(-64), scratch)
	k.start()
	build.JMP(operand.LabelRef("next"))

	build.Label("block")
	for set := range sets {
		for i, r := range newestWords(set) {
			build.VMOVDQA64(k.word(ring, set, 14+i), r)
		}
	}
	build.MOVQ(kTable, kNow)
	build.MOVQ(operand.U32(3), passes)
	build.Label("rounds")
	var bodies []steps.List
	for set := range sets {
		bodies = append(bodies, k.rounds(set, kNow, 0, true))
	}
	steps.Emit(steps.Mix(bodies...))
	build.ADDQ(operand.U8(64), kNow)
	build.DECQ(passes)
	build.JNZ(operand.LabelRef("rounds"))

	for set := range sets {
		build.VMOVDQA64(at(scratch, k.leftAt(set)), loaderRegs()[0])
		build.VPCMPD_BCST(operand.U8(5), k.small(constActive), loaderRegs()[0], activeK[set])
	}
	build.DECQ(blocks)
	build.JNZ(operand.LabelRef("last"))
	build.Label("next")
	k.setUp()
	build.MOVQ(k.numbersNow(), reg.RAX)
	build.TESTQ(reg.RAX, reg.RAX)
	build.JZ(operand.LabelRef("first"))
	build.Label("last")
	build.ADDQ(operand.U8(64), moved)
	bodies = nil
	for set := range sets {
		bodies = append(bodies, k.rounds(set, kTable, 4*48, false))
	}
	var load steps.List
	for set := range sets {
		load = append(load, k.load(set)...)
	}
	steps.Emit(steps.Mix(append(bodies, load)...))
	k.feedForward()
	build.XCHGQ(ring, spare)
	build.TESTQ(blocks, blocks)
	build.JNZ(operand.LabelRef("block"))
	k.handOut()
	build.Label("begin")
	k.begin()
	build.JMP(operand.LabelRef("block"))
	build.Label("first")
	build.ADDQ(operand.U8(64), moved)
	steps.Emit(load)
	build.XCHGQ(ring, spare)
	build.JMP(operand.LabelRef("begin"))
	build.Label("done")
	build.VZEROUPPER()
	build.RET()
}

// word is schedule word i, modulo 16, of a set in one of the two rings.
func (k kernel) word(ring reg.Register, set, i int) operand.Mem {
	return at(ring, 1024*set+64*(i%16))
}

// start sets up what stays the same for all groups.
func (k kernel) start() {
	build.XORL(reg.EAX, reg.EAX)
	build.MOVQ(reg.RAX, k.numbersNow())
	build.MOVQ(reg.RAX, k.pending())
	for _, arg := range []struct {
		name string
		to   operand.Mem
	}{{"number", k.numbersNext()}, {"blocks", k.blocksNext()}, {"groups", k.groupsLeft()}} {
		build.Load(build.Param(arg.name), reg.RAX)
		build.MOVQ(reg.RAX, arg.to)
	}
	build.MOVQ(scratch, ring)
	build.LEAQ(at(scratch, k.ringBytes()), spare)
	build.LEAQ(k.t.k, kTable)
	build.LEAQ(k.t.rows, rows)
}

// setUp prepares for the first block of the next group, if there is one.
// Either way no blocks are to go in this one.
func (k kernel) setUp() {
	build.XORL(reg.R11L, reg.R11L)
	build.MOVQ(k.groupsLeft(), reg.RAX)
	build.TESTQ(reg.RAX, reg.RAX)
	build.JZ(operand.LabelRef("last"))
	build.DECQ(reg.RAX)
	build.MOVQ(reg.RAX, k.groupsLeft())
	build.MOVQ(operand.U32(1), reg.RAX)
	build.MOVQ(reg.RAX, k.pending())

	build.Comment("A prefix moves the message by one byte. In the first block it comes first.")
	build.Load(build.Param("offset"), reg.RAX)
	build.Load(build.Param("prefix"), reg.RCX)
	build.MOVQ(reg.RAX, moved)
	build.LEAQ(k.t.masks, masks)
	build.XORL(reg.EBX, reg.EBX)
	build.TESTQ(reg.RCX, reg.RCX)
	build.JS(operand.LabelRef("unprefixed"))
	build.DECQ(moved)
	build.TESTQ(reg.RAX, reg.RAX)
	build.JNZ(operand.LabelRef("unprefixed"))
	build.LEAQ(k.t.firstMasks, masks)
	build.MOVL(reg.ECX, reg.EBX)
	build.SHLL(operand.U8(24), reg.EBX)
	build.Label("unprefixed")
	build.MOVL(reg.EBX, k.firstWord())

	k.locate()
	build.Comment("The load advances the lanes before it reads.")
	build.MOVQ(operand.I32(-64), moved)
	build.Load(build.Param("offset"), reg.RAX)
	build.SUBQ(operand.U8(64), reg.RAX)
	build.VPBROADCASTQ(reg.RAX, loaderRegs()[0])
	for set := range k.sets {
		k.lengths(set)
	}
	build.XORL(reg.R11L, reg.R11L)
}

// locate finds the address of each lane's first row and the length of its
// message. RAX has the offset, moved what to add to the messages' addresses.
func (k kernel) locate() {
	number, base, index, address, before := reg.RCX, reg.RBX, reg.R9, reg.R11, reg.RAX
	build.SUBQ(moved, before)
	build.MOVQ(k.numbersNext(), number)
	build.Load(build.Param("msgs"), base)
	build.TESTQ(base, base)
	build.JZ(operand.LabelRef("records"))
	build.Comment("A slice is three words; number times 3 times 8 bytes leads to it.")
	for lane := range 16 * k.sets {
		build.MOVL(at(number, 4*lane), index.As32())
		build.LEAQ(operand.Mem{Base: index, Index: index, Scale: 2}, index)
		build.MOVQ(operand.Mem{Base: base, Index: index, Scale: 8}, address)
		build.MOVQ(operand.Mem{Base: base, Index: index, Scale: 8, Disp: 8}, index)
		// Looking at nil, even through an empty mask, is slow.
		build.TESTQ(index, index)
		build.CMOVQEQ(scratch, address)
		build.ADDQ(moved, address)
		build.ADDQ(before, index)
		build.MOVQ(address, at(scratch, k.addressAt(0)+8*lane))
		build.MOVQ(index, at(scratch, k.totalAt(0)+8*lane))
	}
	build.JMP(operand.LabelRef("located"))
	build.Label("records")
	size := address
	build.Load(build.Param("records"), base)
	build.Load(build.Param("size"), size)
	build.ADDQ(moved, base)
	build.ADDQ(size, before)
	build.VPBROADCASTQ(before, loaderRegs()[0])
	for i := range 2 * k.sets {
		build.VMOVDQA64(loaderRegs()[0], at(scratch, k.totalAt(0)+64*i))
	}
	for lane := range 16 * k.sets {
		build.MOVL(at(number, 4*lane), index.As32())
		build.IMULQ(size, index)
		build.ADDQ(base, index)
		build.MOVQ(index, at(scratch, k.addressAt(0)+8*lane))
	}
	build.Label("located")
}

// begin starts the group that has been set up, the first block of which has
// been loaded, or ends the call if there is none.
func (k kernel) begin() {
	build.MOVQ(k.pending(), reg.RAX)
	build.TESTQ(reg.RAX, reg.RAX)
	build.JZ(operand.LabelRef("done"))
	build.XORL(reg.EAX, reg.EAX)
	build.MOVQ(reg.RAX, k.pending())
	build.MOVL(reg.EAX, k.firstWord())
	build.LEAQ(k.t.masks, masks)
	build.MOVQ(k.numbersNext(), reg.RAX)
	build.MOVQ(reg.RAX, k.numbersNow())
	build.ADDQ(operand.U32(64*k.sets), reg.RAX)
	build.MOVQ(reg.RAX, k.numbersNext())
	build.MOVQ(k.blocksNext(), reg.RAX)
	build.MOVL(at(reg.RAX, 0), blocks.As32())
	build.ADDQ(operand.U8(4), reg.RAX)
	build.MOVQ(reg.RAX, k.blocksNext())

	build.Load(build.Param("offset"), reg.RAX)
	build.TESTQ(reg.RAX, reg.RAX)
	build.JNZ(operand.LabelRef("resume"))
	for row := range 8 {
		build.VPBROADCASTD(k.t.iv.Offset(4*row), zmm[row])
		for set := 1; set < k.sets; set++ {
			build.VMOVDQA64(zmm[row], workingRegs(set)[row])
		}
	}
	build.JMP(operand.LabelRef("hashed"))
	build.Label("resume")
	build.Load(build.Param("state"), reg.RBX)
	for i := range 8 * k.sets {
		build.VMOVDQU64(at(reg.RBX, 64*i), zmm[i])
	}
	build.Label("hashed")
	for i := range 8 * k.sets {
		build.VMOVDQA64(zmm[i], at(scratch, k.hashAt(0)+64*i))
	}
}

// lengths computes the vectors of a set's lengths. Bytes left are saturated, as
// a call never gets that far, and then clamped to a block behind the end: a
// message that ended 2 GiB ago must not come back as one with as much left when
// the load subtracts from them. The first of loaderRegs has what to subtract
// from the messages' lengths for them.
func (k kernel) lengths(set int) {
	half := func(z reg.Register) reg.Register { return z.(reg.VecPhysical).AsY() }
	z := loaderRegs()
	left, hi, lo := z[2:4], z[4:6], z[6:8]
	for i := range 2 {
		total := z[1]
		build.VMOVDQA64(at(scratch, k.totalAt(set)+64*i), total)
		build.VPSUBQ(z[0], total, left[i])
		build.VPSRLQ(operand.U8(29), total, hi[i])
		build.VPSLLQ(operand.U8(3), total, lo[i])
		build.VPMOVSQD(left[i], half(left[i]))
		build.VPMOVQD(hi[i], half(hi[i]))
		build.VPMOVQD(lo[i], half(lo[i]))
	}
	for _, v := range []struct {
		halves []reg.Register
		to     int
	}{{left, k.leftAt(set)}, {hi, k.lengthHi(set)}, {lo, k.lengthLo(set)}} {
		build.VINSERTI64X4(operand.U8(1), half(v.halves[1]), v.halves[0], v.halves[0])
		if v.to == k.leftAt(set) {
			build.VPMAXSD_BCST(k.small(constMinus64), v.halves[0], v.halves[0])
		}
		build.VMOVDQA64(v.halves[0], at(scratch, v.to))
	}
}

// feedForward adds the hash values before the block to the working variables.
// Lanes that have ended keep theirs in memory; what their lanes of the
// registers hold no longer matters.
func (k kernel) feedForward() {
	for set := range k.sets {
		for row, r := range workingRegs(set) {
			hash := at(scratch, k.hashAt(set)+64*row)
			build.VPADDD(hash, r, r)
			build.VMOVDQA32(r, activeK[set], hash)
		}
	}
}
