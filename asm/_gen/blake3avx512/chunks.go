package main

import (
	. "github.com/mmcloughlin/avo/build"
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
	TEXT("chunks32", 0, "func(dst, src *byte, groups int, key *[8]uint32, counter uint64, flags uint32)")
	Pragma("noescape")
	Doc("chunks32 does what ChunksGeneric does for 32·groups chunks. groups is not 0.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	groups, key := Load(Param("groups"), GP64()), Load(Param("key"), GP64())
	counter, base := Load(Param("counter"), GP64()), Load(Param("flags"), GP32())
	scratch := alignedScratch(2*1024 + 4*64)
	a, b := setAt(0, scratch), setAt(16, scratch.Offset(1024))
	counters := scratch.Offset(2048)

	Label("group")
	storeCounters(c, counters, counter, 0)
	storeCounters(c, counters.Offset(128), counter, lanes)
	a.loadKey(operand.Mem{Base: key})
	b.loadKey(operand.Mem{Base: key})
	flags := startFlags(base)
	blocks := GP64()
	MOVQ(operand.U32(blocksPerChunk), blocks)

	Label("block")
	row := operand.Mem{Base: src}
	tmp := [9]reg.VecPhysical(append(a.v[8:16:16], b.v[8]))
	for i := range 2 {
		first := row.Offset(i * lanes * chunkBytes)
		emit(transposeIn(tmp, rowsApart(first, chunkBytes), storeWords(scratch.Offset(1024*i))))
	}
	for i := range 2 * lanes {
		PREFETCHT0(row.Offset(i*chunkBytes + prefetchBytes))
	}
	addEndFlag(flags, blocks)
	for i, s := range []set{a, b} {
		s.loadIV(c)
		s.loadBlockWords(counters.Offset(128*i), flags)
	}
	emit(interleave(grain, a.compress(), b.compress()))
	emit(interleave(grain, a.feedForward(), b.feedForward()))
	ADDQ(operand.U8(blockBytes), src)
	MOVL(base, flags)
	DECQ(blocks)
	JNZ(operand.LabelRef("block"))

	transposeOut(a, c, storePairs(operand.Mem{Base: dst}))
	transposeOut(b, c, storePairs(operand.Mem{Base: dst, Disp: lanes * valueBytes}))
	ADDQ(operand.U32(2*lanes*valueBytes), dst)
	ADDQ(operand.U32((2*lanes-1)*chunkBytes), src) // it has gone through one chunk
	ADDQ(operand.U8(2*lanes), counter)
	DECQ(groups)
	JNZ(operand.LabelRef("group"))
	VZEROUPPER()
	RET()
}

// chunks16 keeps one set. Its sixteen other registers let it transpose the next
// block between the rounds of this one, so that the rounds' waiting times are
// used; the last block is transposed once more, for nothing, rather than have
// a second copy of the rounds.
func chunks16(c constants) {
	TEXT("chunks16", 0, "func(dst, src *byte, key *[8]uint32, counter uint64, flags uint32)")
	Pragma("noescape")
	Doc("chunks16 does what ChunksGeneric does for 16 chunks.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	key, counter := Load(Param("key"), GP64()), Load(Param("counter"), GP64())
	base := Load(Param("flags"), GP32())
	scratch := alignedScratch(2*1024 + 2*64)
	now, next := GP64(), GP64()
	LEAQ(scratch, now)
	LEAQ(scratch.Offset(1024), next)
	counters := scratch.Offset(2048)
	a := setAt(0, operand.Mem{Base: now})
	tmp := [9]reg.VecPhysical(zmm[16:25])
	rows := rowsApart(operand.Mem{Base: src}, chunkBytes)

	storeCounters(c, counters, counter, 0)
	a.loadKey(operand.Mem{Base: key})
	flags := startFlags(base)
	blocks, step := GP64(), GP64()
	MOVQ(operand.U32(blocksPerChunk), blocks)
	MOVQ(operand.U32(blockBytes), step)
	emit(transposeIn(tmp, rows, storeWords(operand.Mem{Base: now})))

	Label("block")
	none := GP64()
	XORL(none.As32(), none.As32())
	CMPQ(blocks, operand.U8(1))
	CMOVQEQ(none, step)
	ADDQ(step, src)
	addEndFlag(flags, blocks)
	a.loadIV(c)
	a.loadBlockWords(counters, flags)
	emit(spread(a.compress(), transposeIn(tmp, rows, storeWords(operand.Mem{Base: next}))))
	emit(a.feedForward())
	XCHGQ(now, next)
	MOVL(base, flags)
	DECQ(blocks)
	JNZ(operand.LabelRef("block"))

	transposeOut(a, c, storePairs(operand.Mem{Base: dst}))
	VZEROUPPER()
	RET()
}

// alignedScratch reserves memory in the frame, at an address that is a multiple
// of a register's 64 bytes, so that no access touches two cache lines.
func alignedScratch(bytes int) operand.Mem {
	frame := AllocLocal(bytes + 64)
	scratch := GP64()
	LEAQ(frame.Offset(63), scratch)
	ANDQ(operand.I8(-64), scratch)
	return operand.Mem{Base: scratch}
}

// storeCounters writes the two words of the chunk number of each lane: counter
// plus first plus the lane's row, with the carry from the low into the high word.
func storeCounters(c constants, to operand.Mem, counter reg.Register, first int) {
	low, sum, high, start := reg.Z8, reg.Z9, reg.Z10, GP64()
	LEAQ(operand.Mem{Base: counter, Disp: first}, start)
	VPBROADCASTD(start.As32(), low)
	SHRQ(operand.U8(32), start)
	VPBROADCASTD(start.As32(), high)
	VMOVDQU64(c.laneRow, sum)
	addCounters(to, low, sum, high)
}

// addCounters stores sum + low, and high plus the carry of that.
func addCounters(to operand.Mem, low, sum, high reg.VecPhysical) {
	VPADDD(low, sum, sum)
	VPCMPUD(operand.U8(1), low, sum, reg.K1) // sum < low: it wrapped around
	VPTERNLOGD(operand.U8(0xff), low, low, low)
	VPSUBD(low, high, reg.K1, high)
	VMOVDQU64(sum, to)
	VMOVDQU64(high, to.Offset(64))
}

// startFlags returns the flags of a chunk's first block.
func startFlags(base reg.Register) reg.GPVirtual {
	flags := GP32()
	MOVL(base, flags)
	ORL(operand.U8(flagChunkStart), flags)
	return flags
}

// addEndFlag sets the flag of a chunk's last block if one block is left.
func addEndFlag(flags, blocks reg.GPVirtual) {
	end := GP32()
	MOVL(flags, end)
	ORL(operand.U8(flagChunkEnd), end)
	CMPQ(blocks, operand.U8(1))
	CMOVLEQ(end, flags)
}

// loadBlockWords fills words 12 to 15 for whole blocks.
func (s set) loadBlockWords(counters operand.Mem, flags reg.Register) {
	VMOVDQU64(counters, s.v[12])
	VMOVDQU64(counters.Offset(64), s.v[13])
	length := GP32()
	MOVL(operand.U32(blockBytes), length)
	VPBROADCASTD(length, s.v[14])
	VPBROADCASTD(flags, s.v[15])
}

// rowsApart are rows in memory, one every stride bytes.
func rowsApart(first operand.Mem, stride int) rowHalf {
	return func(row, half int) operand.Mem { return first.Offset(stride*row + 32*half) }
}

func storeWords(to operand.Mem) storeWord {
	return func(w int, v reg.VecPhysical) { VMOVDQU64(v, to.Offset(64*w)) }
}

// storePairs writes rows without gaps between them.
func storePairs(to operand.Mem) func(pair int, v reg.VecPhysical) {
	return func(pair int, v reg.VecPhysical) { VMOVDQU64(v, to.Offset(2*valueBytes*pair)) }
}
