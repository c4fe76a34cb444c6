package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/fips180"
	"github.com/chainweir/weir/asm/_gen/internal/sched"
)

// A group is sixteen pairs, one in each lane. Memory has them row by row, the
// rounds want word by word. Both ways the work is a transposition in two
// halves: unpacking gathers equal words of four rows in a 128-bit chunk, then
// chunks change places between registers.
//
// Lane 4q+j holds row 4j+q. That order costs nothing on the way in, and on the
// way out it puts rows 4j to 4j+3 into the four chunks of one register, so
// that digests leave in whole 64-byte stores.

// row returns the row in lane 4q+j.
func row(q, j int) int { return 4*j + q }

// gather transposes the rows at src into the ring, words big-endian, by way of
// 16 cells of temporary memory: 64 vector slots, and few registers.
func (b builder) gather(src sched.Mem, tmp, ring func(int) sched.Mem) {
	at := func(r int) sched.Mem { return sched.Mem{Base: src.Base, Disp: src.Disp + pairBytes*r} }
	for q := range 4 {
		lower, upper := b.LoadUnaligned(at(row(q, 0))), b.LoadUnaligned(at(row(q, 2)))
		for half := range 2 {
			x := b.UnpackDwordsMem(half == 1, lower, at(row(q, 1)))
			y := b.UnpackDwordsMem(half == 1, upper, at(row(q, 3)))
			b.Store(b.UnpackQwords(false, x, y), tmp(4*q+2*half))
			b.Store(b.UnpackQwords(true, x, y), tmp(4*q+2*half+1))
		}
	}
	// Cell 4q+m of tmp has words m, 4+m, 8+m and 12+m of the rows in lanes 4q
	// to 4q+3, a word in each chunk.
	for m := range 4 {
		x, y := b.Load(tmp(m)), b.Load(tmp(8+m))
		for odd := range 2 {
			lower := b.BytesMem(b.LoadUnaligned(b.pool.index(evenChunks+odd)), x, tmp(4+m))
			upper := b.BytesMem(b.LoadUnaligned(b.pool.index(evenChunks+odd)), y, tmp(12+m))
			b.Store(b.Chunks(0x88, lower, upper), ring(4*odd+m))
			b.Store(b.Chunks(0xdd, lower, upper), ring(4*odd+m+8))
		}
	}
}

// shiftIn turns the ring into the message 0x01‖row: every byte moves on by
// one. What falls out at the end begins the second block, with the 0x80 of the
// padding behind it, and goes to last: 17 slots.
func (b builder) shiftIn(ring func(int) sched.Mem, last sched.Mem) {
	after := b.Load(b.pool.word(fips180.EndBit))
	for t := 15; t >= 0; t-- {
		v := b.Load(ring(t))
		// Word t+1 of the message: the last byte of v, then three of the next.
		w := b.Concat(v, after, 8)
		if t == 15 {
			b.Store(w, last)
		} else {
			b.Store(w, ring(t+1))
		}
		after = v
	}
	b.Store(b.Concat(b.Load(b.pool.word(0x01)), after, 8), ring(0))
}

// scatter writes the digests, eight words per lane, to dst row by row: 24
// slots.
func (b builder) scatter(dst sched.Mem, h state) {
	var chunks [2][4]sched.Value // words 0-3 and 4-7 of the digests 4j to 4j+3
	for half := range 2 {
		w := h[4*half:]
		for high := range 2 {
			x := b.UnpackDwords(high == 1, w[0].v, w[1].v)
			y := b.UnpackDwords(high == 1, w[2].v, w[3].v)
			chunks[half][2*high] = b.UnpackQwords(false, x, y)
			chunks[half][2*high+1] = b.UnpackQwords(true, x, y)
		}
	}
	for j := range 4 {
		for pair := range 2 {
			index := b.LoadUnaligned(b.pool.index(lowPairs + pair))
			v := b.Bytes(index, chunks[0][j], chunks[1][j])
			b.StoreUnaligned(v, sched.Mem{Base: dst.Base, Disp: dst.Disp + digestBytes*(4*j+2*pair)})
		}
	}
}
