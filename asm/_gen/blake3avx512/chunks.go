package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// prefetchBytes is how far ahead of the block being read the rows of chunks are
// fetched. The rows are 1 KiB apart, too many streams for most prefetchers.
const prefetchBytes = 128

// grain is the number of steps of one set between steps of the other. Eight is
// two dependent steps of all four quarter rounds.
const grain = 8

// chunks32 is the kernel for long messages: two sets take all 32 registers, and
// one set's instructions run while the other's wait for their operands (which
// matters on processors where vector instructions take two cycles and four
// start in each). Message words wait in scratch memory.
//
//	per 32 chunks:  counters, key
//	per block:      transpose 16 rows for A, 16 rows for B, in the registers
//	                that words 8 to 15 will need
//	                words 8 to 15, 7 rounds of A and B interleaved, feed forward
//	at the end:     transpose the chaining values, 1 KiB of output
func chunks32(c constants) {
	build.TEXT("chunks32", 0, "func(dst, src *byte, groups int, key *[8]uint32, counter uint64, flags uint32)")
	build.Pragma("noescape")
	build.Doc("chunks32 does what ChunksGeneric does for 32·groups chunks. groups is not 0.")
	dst, src := build.Load(build.Param("dst"), build.GP64()), build.Load(build.Param("src"), build.GP64())
	groups, key := build.Load(build.Param("groups"), build.GP64()), build.Load(build.Param("key"), build.GP64())
	counter, base := build.Load(build.Param("counter"), build.GP64()), build.Load(build.Param("flags"), build.GP32())
	scratch := alignedScratch(2*1024 + 4*64)
	a, b := setAt(0, scratch), setAt(16, scratch.Offset(1024))
	counters := scratch.Offset(2048)

	build.Label("group")
	storeCounters(c, counters, counter, 0)
	storeCounters(c, counters.Offset(128), counter, lanes)
	a.loadKey(operand.Mem{Base: key})
	b.loadKey(operand.Mem{Base: key})
	flags := startFlags(base)
	blocks := build.GP64()
	build.MOVQ(operand.U32(blocksPerChunk), blocks)

	build.Label("block")
	row := operand.Mem{Base: src}
	tmp := [9]reg.VecPhysical(append(a.v[8:16:16], b.v[8]))
	for i := range 2 {
		first := row.Offset(i * lanes * blake3.ChunkBytes)
		steps.Emit(transposeIn(tmp, rowsApart(first, blake3.ChunkBytes), storeWords(scratch.Offset(1024*i))))
	}
	for i := range 2 * lanes {
		build.PREFETCHT0(row.Offset(i*blake3.ChunkBytes + prefetchBytes))
	}
	addEndFlag(flags, blocks)
	for i, s := range []set{a, b} {
		s.loadIV(c)
		s.loadBlockWords(counters.Offset(128*i), flags)
	}
	steps.Emit(steps.Alternate(grain, a.compress(), b.compress()))
	steps.Emit(steps.Alternate(grain, a.feedForward(), b.feedForward()))
	build.ADDQ(operand.U8(blake3.BlockBytes), src)
	build.MOVL(base, flags)
	build.DECQ(blocks)
	build.JNZ(operand.LabelRef("block"))

	transposeOut(a, c, storePairs(operand.Mem{Base: dst}))
	transposeOut(b, c, storePairs(operand.Mem{Base: dst, Disp: lanes * blake3.ValueBytes}))
	build.ADDQ(operand.U32(2*lanes*blake3.ValueBytes), dst)
	build.ADDQ(operand.U32((2*lanes-1)*blake3.ChunkBytes), src) // it has gone through one chunk
	build.ADDQ(operand.U8(2*lanes), counter)
	build.DECQ(groups)
	build.JNZ(operand.LabelRef("group"))
	build.VZEROUPPER()
	build.RET()
}

// chunks16 keeps one set. Its sixteen other registers let it transpose the next
// block between the rounds of this one, so that the rounds' waiting times are
// used; the last block is transposed once more, for nothing, rather than have
// a second copy of the rounds.
func chunks16(c constants) {
	build.TEXT("chunks16", 0, "func(dst, src *byte, key *[8]uint32, counter uint64, flags uint32)")
	build.Pragma("noescape")
	build.Doc("chunks16 does what ChunksGeneric does for 16 chunks.")
	dst, src := build.Load(build.Param("dst"), build.GP64()), build.Load(build.Param("src"), build.GP64())
	key, counter := build.Load(build.Param("key"), build.GP64()), build.Load(build.Param("counter"), build.GP64())
	base := build.Load(build.Param("flags"), build.GP32())
	scratch := alignedScratch(2*1024 + 2*64)
	now, next := build.GP64(), build.GP64()
	build.LEAQ(scratch, now)
	build.LEAQ(scratch.Offset(1024), next)
	counters := scratch.Offset(2048)
	a := setAt(0, operand.Mem{Base: now})
	tmp := [9]reg.VecPhysical(zmm[16:25])
	rows := rowsApart(operand.Mem{Base: src}, blake3.ChunkBytes)

	storeCounters(c, counters, counter, 0)
	a.loadKey(operand.Mem{Base: key})
	flags := startFlags(base)
	blocks, step := build.GP64(), build.GP64()
	build.MOVQ(operand.U32(blocksPerChunk), blocks)
	build.MOVQ(operand.U32(blake3.BlockBytes), step)
	steps.Emit(transposeIn(tmp, rows, storeWords(operand.Mem{Base: now})))

	build.Label("block")
	none := build.GP64()
	build.XORL(none.As32(), none.As32())
	build.CMPQ(blocks, operand.U8(1))
	build.CMOVQEQ(none, step)
	build.ADDQ(step, src)
	addEndFlag(flags, blocks)
	a.loadIV(c)
	a.loadBlockWords(counters, flags)
	steps.Emit(steps.Mix(a.compress(), transposeIn(tmp, rows, storeWords(operand.Mem{Base: next}))))
	steps.Emit(a.feedForward())
	build.XCHGQ(now, next)
	build.MOVL(base, flags)
	build.DECQ(blocks)
	build.JNZ(operand.LabelRef("block"))

	transposeOut(a, c, storePairs(operand.Mem{Base: dst}))
	build.VZEROUPPER()
	build.RET()
}

// alignedScratch reserves memory in the frame, at an address that is a multiple
// of a register's 64 bytes, so that no access touches two cache lines.
func alignedScratch(bytes int) operand.Mem {
	frame := build.AllocLocal(bytes + 64)
	scratch := build.GP64()
	build.LEAQ(frame.Offset(63), scratch)
	build.ANDQ(operand.I8(-64), scratch)
	return operand.Mem{Base: scratch}
}

// storeCounters writes the two words of the chunk number of each lane: counter
// plus first plus the lane's row, with the carry from the low into the high word.
func storeCounters(c constants, to operand.Mem, counter reg.Register, first int) {
	low, sum, high, start := reg.Z8, reg.Z9, reg.Z10, build.GP64()
	build.LEAQ(operand.Mem{Base: counter, Disp: first}, start)
	build.VPBROADCASTD(start.As32(), low)
	build.SHRQ(operand.U8(32), start)
	build.VPBROADCASTD(start.As32(), high)
	build.VMOVDQU64(c.laneRow, sum)
	addCounters(to, low, sum, high)
}

// addCounters stores sum + low, and high plus the carry of that.
func addCounters(to operand.Mem, low, sum, high reg.VecPhysical) {
	build.VPADDD(low, sum, sum)
	build.VPCMPUD(operand.U8(1), low, sum, reg.K1) // sum < low: it wrapped around
	build.VPTERNLOGD(operand.U8(0xff), low, low, low)
	build.VPSUBD(low, high, reg.K1, high)
	build.VMOVDQU64(sum, to)
	build.VMOVDQU64(high, to.Offset(64))
}

// startFlags returns the flags of a chunk's first block.
func startFlags(base reg.Register) reg.GPVirtual {
	flags := build.GP32()
	build.MOVL(base, flags)
	build.ORL(operand.U8(blake3.FlagChunkStart), flags)
	return flags
}

// addEndFlag sets the flag of a chunk's last block if one block is left.
func addEndFlag(flags, blocks reg.GPVirtual) {
	end := build.GP32()
	build.MOVL(flags, end)
	build.ORL(operand.U8(blake3.FlagChunkEnd), end)
	build.CMPQ(blocks, operand.U8(1))
	build.CMOVLEQ(end, flags)
}

// loadBlockWords fills words 12 to 15 for whole blocks.
func (s set) loadBlockWords(counters operand.Mem, flags reg.Register) {
	build.VMOVDQU64(counters, s.v[12])
	build.VMOVDQU64(counters.Offset(64), s.v[13])
	length := build.GP32()
	build.MOVL(operand.U32(blake3.BlockBytes), length)
	build.VPBROADCASTD(length, s.v[14])
	build.VPBROADCASTD(flags, s.v[15])
}

// rowsApart are rows in memory, one every stride bytes.
func rowsApart(first operand.Mem, stride int) rowHalf {
	return func(row, half int) operand.Mem { return first.Offset(stride*row + 32*half) }
}

// storeWords writes the words one after the other, as setAt expects them.
func storeWords(to operand.Mem) storeWord {
	return func(w int, v reg.VecPhysical) { build.VMOVDQU64(v, to.Offset(64*w)) }
}

// storePairs writes rows without gaps between them.
func storePairs(to operand.Mem) func(pair int, v reg.VecPhysical) {
	return func(pair int, v reg.VecPhysical) { build.VMOVDQU64(v, to.Offset(2*blake3.ValueBytes*pair)) }
}
