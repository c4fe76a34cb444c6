// Command sha256avx2 writes the AVX2 kernels of package sha256x: eight
// independent pairs of digests at a time, one in each 32-bit lane of the ymm
// registers.
//
// # What a kernel does with a group of eight pairs
//
//	lane pointers   one address for each lane. In the last group the lanes
//	                without a pair of their own point at the last pair: they
//	                compute its digest again and store nothing.
//	transposition   rows (pairs) become columns: word t of all eight messages
//	                in one register, then in slot t of the ring.
//	message block   64 rounds. The first 48 also make the message word that
//	                is due 16 rounds later, in the slot that falls free.
//	padding block   64 rounds. Its words are the same for all messages: K+W
//	                comes from a table, and there is no schedule.
//	transposition   columns become digests, which are stored.
//
// A double pair goes on with its digests as messages of one block, a node with
// the last byte of its pair and the padding. Both run the code of the message
// block again. (Writing their rounds out with the known words folded into
// constants saves one operation in twenty. On a Zen 4 it measured no faster for
// nodes and up to 10 % slower for double pairs, with twice the code.)
//
// # Registers
//
//	Y0–Y7    the working variables a–h. No value moves at the end of a round:
//	         the names move over the registers, and are back after 8 rounds.
//	Y8, Y9   b^c of Maj, which is the a^b of the round before
//	Y10–Y12  temporaries of the round
//	Y13–Y15  temporaries of the message schedule
//	R8–R15   lane pointers; after the transposition R8 is the blocks left
//	DI, SI   next digests and next pairs, CX the pairs left
//	AX       scratch, BX round constants at this iteration, DX iterations
//
// The loops are rolled: 16 rounds a turn, which keep slot numbers constant.
// AVX2 machines decode slowly what does not fit their cache of decoded
// instructions, which holds 1500 to 4000.
package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

//go:generate go run . -out ../../sha256x/avx2_asm_amd64.s -stubs ../../sha256x/avx2_asm_amd64.go -pkg sha256x

func main() {
	build.ConstraintExpr("amd64,gc,!purego")
	t := newTables()
	function("pairsAVX2", "pairsAVX2 sets n digests at dst to the SHA-256 of n ≥ 1 pairs at src.",
		t, func(k *kernel) {
			k.beginHash()
			k.loadPairs()
			k.messageBlock()
			k.paddingBlock()
		})
	function("nodesAVX2", "nodesAVX2 sets n digests at dst to the SHA-256 of 0x01 ‖ pair, for n ≥ 1 pairs at src.",
		t, func(k *kernel) {
			k.beginHash()
			k.loadNodes()
			k.twice(k.messageBlock, func() {
				saveState()
				k.nodeTail()
			})
		})
	function("dPairsAVX2", "dPairsAVX2 sets n digests at dst to the SHA-256 of the SHA-256 of n ≥ 1 pairs at src.",
		t, func(k *kernel) {
			k.beginHash()
			k.loadPairs()
			k.twice(k.messageBlock, func() {
				k.paddingBlock()
				k.digestMessage()
				k.beginHash()
			})
		})
	t.emit()
	build.Generate()
}

// function writes one kernel: the loop over groups of eight around body, which
// leaves the digests in Y0–Y7, a word of all lanes in each.
func function(name, doc string, t *tables, body func(k *kernel)) {
	build.TEXT(name, 0, "func(dst, src *byte, n int)")
	build.Doc(doc)
	build.Pragma("noescape")
	k := &kernel{name: name, tables: t}

	build.Load(build.Param("dst"), reg.RDI)
	build.Load(build.Param("src"), reg.RSI)
	build.Load(build.Param("n"), reg.RCX)
	frame := build.AllocLocal(scratchSize + 32)
	build.LEAQ(frame.Offset(31), scratch)
	build.ANDQ(operand.I32(-32), scratch)

	build.Label(k.label("group"))
	lanePointers()
	body(k)
	k.storeDigests()
	build.Label(k.label("stored"))
	build.ADDQ(operand.U32(lanes*64), reg.RSI)
	build.ADDQ(operand.U32(lanes*32), reg.RDI)
	build.SUBQ(operand.Imm(lanes), reg.RCX)
	build.JG(operand.LabelRef(k.label("group")))
	build.VZEROUPPER()
	build.RET()
}

// twice runs first, then between, then first again: the code of a block is
// large, so that kernels of several have it once.
func (k *kernel) twice(first, between func()) {
	start, end := k.label("block"), k.label("hashed")
	build.MOVL(operand.U32(2), blocks.As32())
	build.Label(start)
	first()
	build.DECL(blocks.As32())
	build.JZ(operand.LabelRef(end))
	between()
	build.JMP(operand.LabelRef(start))
	build.Label(end)
}

const lanes = 8

// The general registers of the kernels, beside RDI, RSI and RCX.
var (
	scratch    = reg.RAX
	constants  = reg.RBX
	iterations = reg.RDX
	blocks     = reg.R8
	lane       = [lanes]reg.GPPhysical{reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13, reg.R14, reg.R15}
)

// lanePointers points the lanes at their pairs, those past the end at the last.
func lanePointers() {
	build.MOVQ(reg.RSI, lane[0])
	for i := 1; i < lanes; i++ {
		build.LEAQ(operand.Mem{Base: lane[i-1], Disp: 64}, lane[i])
		build.CMPQ(reg.RCX, operand.Imm(uint64(i)))
		build.CMOVQLE(lane[i-1], lane[i])
	}
}
