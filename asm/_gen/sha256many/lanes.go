package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// General registers of the lanes kernels. R14 and R15 stay untouched.
var (
	scratch = reg.RDI // the local frame, aligned to 64 bytes
	ring    = reg.RSI // schedule words of this block
	spare   = reg.RDX // schedule words of the next block
	kTable  = reg.R8
	kNow    = reg.R9  // round constants of this pass
	moved   = reg.R10 // bytes all lanes have advanced in this call
	blocks  = reg.R11 // blocks to go in this call
	masks   = reg.R12
	rows    = reg.R13
	passes  = reg.RBX
)

// Mask registers that live long; K1 and K2 are the loader's.
var (
	lastK   = []reg.Register{reg.K3, reg.K4} // per set: lanes whose row ends with the length
	activeK = []reg.Register{reg.K5, reg.K6} // per set: lanes that have not ended
	firstK  = reg.K7                         // bytes of the first row that come from the message
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
func loaderRegs() []reg.Register          { return zmm[22:28] }

// kernel is a lanes kernel that is being written.
type kernel struct {
	t    tables
	sets int
}

// The scratch memory, in bytes from the aligned start of the frame. The two
// rings come first; the registers ring and spare point to one each.
func (k kernel) ringBytes() int        { return 1024 * k.sets }
func (k kernel) quarters() int         { return 2 * k.ringBytes() } // of the transposition
func (k kernel) totals() int           { return k.quarters() }      // qword: message lengths, before that
func (k kernel) hashAt(set int) int    { return k.quarters() + 1024 + 512*set }
func (k kernel) vectors() int          { return k.hashAt(k.sets) }
func (k kernel) leftAt(set int) int    { return k.vectors() + 64*set }                 // dword: bytes of message left at the start of the row
func (k kernel) indexAt(set int) int   { return k.vectors() + 64*(k.sets+set) }        // dword: index in tables.masks and rows
func (k kernel) lengthHi(set int) int  { return k.vectors() + 64*(2*k.sets+set) }      // dword: length in bits, high half
func (k kernel) lengthLo(set int) int  { return k.vectors() + 64*(3*k.sets+set) }      // dword: low half
func (k kernel) addressAt(set int) int { return k.vectors() + 64*(4*k.sets+2*set) }    // qword: address of the first row
func (k kernel) frameBytes() int       { return k.vectors() + 64*(6*k.sets) + 64 - 8 } // and what aligning costs

func at(base reg.Register, bytes int) operand.Mem { return operand.Mem{Base: base, Disp: bytes} }

func (k kernel) small(offset int) operand.Mem { return k.t.small.Offset(offset) }

// lanes writes the kernel for 16 lanes in each of so many sets.
func lanes(t tables, sets int) {
	k := kernel{t, sets}
	build.TEXT(fmt.Sprintf("manyLanes%d", 16*sets), 0, "func(dst *byte, number *[32]int, state *[256]uint32, msgs *[]byte, records *byte, size, offset, blocks, prefix int)")
	build.Doc(
		fmt.Sprintf("manyLanes%d compresses the next blocks of %d messages, one in each lane, and", 16*sets, 16*sets),
		"pads them where they end. Lane i has message number[i]: of those that begin",
		"at msgs, or if that is nil of the records of size bytes that begin at",
		"records. prefix comes before each message, unless it is negative.",
		"",
		"The lanes have advanced by offset bytes, a multiple of 64 that counts the",
		"prefix, before this call; if that is not 0, state holds their hash values:",
		"word by word, 16 lanes in a row, set after set. Lanes that end do nothing",
		"further. If state is not nil it receives the hash values; if dst is not nil,",
		"digest number[i] of dst receives that of lane i.",
	)
	build.Pragma("noescape")
	frame := build.AllocLocal(k.frameBytes())
	build.LEAQ(frame.Offset(63), scratch)
	build.ANDQ(operand.I8(-64), scratch)
	k.prologue()

	build.Label("block")
	for set := range sets {
		for i, r := range newestWords(set) {
			build.VMOVDQA64(k.word(ring, set, 14+i), r)
		}
	}
	build.MOVQ(kTable, kNow)
	build.MOVQ(operand.U32(3), passes)
	build.Label("rounds")
	var bodies []ops
	for set := range sets {
		bodies = append(bodies, k.rounds(set, true))
	}
	emit(bodies...)
	build.ADDQ(operand.U8(64), kNow)
	build.DECQ(passes)
	build.JNZ(operand.LabelRef("rounds"))

	for set := range sets {
		build.VMOVDQA64(at(scratch, k.leftAt(set)), loaderRegs()[0])
		build.VPCMPD_BCST(operand.U8(5), k.small(constActive), loaderRegs()[0], activeK[set])
	}
	build.ADDQ(operand.U8(64), moved)
	bodies = nil
	for set := range sets {
		bodies = append(bodies, k.rounds(set, false))
	}
	var load ops
	for set := range sets {
		load = append(load, k.load(set, false)...)
	}
	emit(append(bodies, load)...)
	k.feedForward()
	build.XCHGQ(ring, spare)
	build.DECQ(blocks)
	build.JNZ(operand.LabelRef("block"))

	k.epilogue()
	build.VZEROUPPER()
	build.RET()
}

// word is schedule word i, modulo 16, of a set in one of the two rings.
func (k kernel) word(ring reg.Register, set, i int) operand.Mem {
	return at(ring, 1024*set+64*(i%16))
}

// prologue sets up the registers and the scratch memory and loads the first
// block of the call, the only one that may have the prefix in it.
func (k kernel) prologue() {
	build.Comment("A prefix moves the message by one byte; in the first block it comes first.")
	build.Load(build.Param("offset"), reg.RAX)
	build.Load(build.Param("prefix"), reg.RCX)
	build.XORL(reg.EDX, reg.EDX) // first word of the block
	build.MOVQ(operand.I32(-1), reg.RBX)
	build.MOVQ(reg.RAX, moved)
	build.TESTQ(reg.RCX, reg.RCX)
	build.JS(operand.LabelRef("unprefixed"))
	build.DECQ(moved)
	build.TESTQ(reg.RAX, reg.RAX)
	build.JNZ(operand.LabelRef("unprefixed"))
	build.MOVL(reg.ECX, reg.EDX)
	build.SHLL(operand.U8(24), reg.EDX)
	build.DECQ(reg.RBX)
	build.Label("unprefixed")
	build.KMOVQ(reg.RBX, firstK)
	build.VPBROADCASTD(reg.EDX, zmm[31])

	k.laneVectors()
	k.initialHash()

	build.LEAQ(k.t.k, kTable)
	build.LEAQ(k.t.masks, masks)
	build.LEAQ(k.t.rows, rows)
	build.XORL(moved.(reg.GPPhysical).As32(), moved.(reg.GPPhysical).As32())
	build.Load(build.Param("blocks"), blocks)
	build.LEAQ(at(scratch, k.ringBytes()), ring)
	build.MOVQ(scratch, spare)
	for set := range k.sets {
		emit(k.load(set, true))
		build.VPORD(k.word(spare, set, 0), zmm[31], zmm[30])
		build.VMOVDQA64(zmm[30], k.word(spare, set, 0))
	}
	build.XCHGQ(ring, spare)
}

// laneVectors computes what each lane's loads need: where its rows are, how
// many bytes it has left (clamped: a call never gets that far) and its length
// in bits. RAX has the offset, moved what to add to the messages' addresses.
func (k kernel) laneVectors() {
	number, size, before := reg.RCX, reg.RSI, reg.R12
	build.MOVQ(reg.RAX, before)
	build.SUBQ(moved, before)
	build.Load(build.Param("number"), number)
	build.Load(build.Param("msgs"), reg.RBX)
	build.TESTQ(reg.RBX, reg.RBX)
	build.JZ(operand.LabelRef("records"))
	build.Comment("A slice is three words; number times 3 times 8 bytes leads to it.")
	for lane := range 16 * k.sets {
		index, address, total := reg.R8, reg.R9, reg.R11
		build.MOVQ(at(number, 8*lane), index)
		build.LEAQ(operand.Mem{Base: index, Index: index, Scale: 2}, index)
		build.MOVQ(operand.Mem{Base: reg.RBX, Index: index, Scale: 8}, address)
		build.MOVQ(operand.Mem{Base: reg.RBX, Index: index, Scale: 8, Disp: 8}, total)
		// Looking at nil, even through an empty mask, is slow.
		build.TESTQ(total, total)
		build.CMOVQEQ(scratch, address)
		build.ADDQ(moved, address)
		build.ADDQ(before, total)
		build.MOVQ(address, at(scratch, k.addressAt(0)+8*lane))
		build.MOVQ(total, at(scratch, k.totals()+8*lane))
	}
	build.JMP(operand.LabelRef("located"))
	build.Label("records")
	build.Load(build.Param("records"), reg.RBX)
	build.Load(build.Param("size"), size)
	build.ADDQ(moved, reg.RBX)
	build.ADDQ(size, before)
	build.VPBROADCASTQ(before, zmm[16])
	for i := range 2 * k.sets {
		build.VMOVDQA64(zmm[16], at(scratch, k.totals()+64*i))
	}
	for lane := range 16 * k.sets {
		address := reg.R9
		build.MOVQ(at(number, 8*lane), address)
		build.IMULQ(size, address)
		build.ADDQ(reg.RBX, address)
		build.MOVQ(address, at(scratch, k.addressAt(0)+8*lane))
	}
	build.Label("located")
	build.VPBROADCASTQ(reg.RAX, zmm[17])
	for set := range k.sets {
		k.lengths(set)
	}
}

// lengths computes the vectors of a set's lengths. Z17 has the offset.
func (k kernel) lengths(set int) {
	half := func(z reg.Register) reg.Register { return z.(reg.VecPhysical).AsY() }
	for i := range 2 {
		total, left, hi, lo := zmm[19], zmm[20+i], zmm[22+i], zmm[24+i]
		build.VMOVDQA64(at(scratch, k.totals()+128*set+64*i), total)
		build.VPSUBQ(zmm[17], total, left)
		build.VPMINSQ_BCST(k.small(constFarQword), left, left)
		build.VPSRLQ(operand.U8(29), total, hi)
		build.VPSLLQ(operand.U8(3), total, lo)
		for _, z := range []reg.Register{left, hi, lo} {
			build.VPMOVQD(z, half(z))
		}
	}
	for i, to := range []int{k.leftAt(set), k.lengthHi(set), k.lengthLo(set)} {
		z := zmm[20+2*i]
		build.VINSERTI64X4(operand.U8(1), half(zmm[21+2*i]), z, z)
		build.VMOVDQA64(z, at(scratch, to))
	}
}

// initialHash puts the hash values in which the lanes start into the working
// registers and into memory. RAX has the offset.
func (k kernel) initialHash() {
	build.TESTQ(reg.RAX, reg.RAX)
	build.JNZ(operand.LabelRef("resume"))
	for row := range 8 {
		build.VPBROADCASTD(k.t.iv.Offset(4*row), zmm[row])
		for set := 1; set < k.sets; set++ {
			build.VMOVDQA64(zmm[row], workingRegs(set)[row])
		}
	}
	build.JMP(operand.LabelRef("start"))
	build.Label("resume")
	build.Load(build.Param("state"), reg.RBX)
	for i := range 8 * k.sets {
		build.VMOVDQU64(at(reg.RBX, 64*i), zmm[i])
	}
	build.Label("start")
	for i := range 8 * k.sets {
		build.VMOVDQA64(zmm[i], at(scratch, k.hashAt(0)+64*i))
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
