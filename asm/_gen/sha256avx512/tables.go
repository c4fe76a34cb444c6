package main

import (
	"fmt"

	"github.com/chainweir/weir/asm/_gen/sched"
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// iv is the initial hash value, FIPS 180-4 §5.3.3.
var iv = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// sha256K are the round constants, §4.2.2.
var sha256K = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

var paddingK = padding()

// padding is the message schedule of the second block of a 64-byte message,
// plus the round constants: the block is the same for every message.
func padding() [64]uint32 {
	var w [64]uint32
	w[0], w[15] = 0x80000000, 512
	b := builder{} // all words are known, so that nothing is built
	for t := 16; t < 64; t++ {
		w[t] = w[t-16] + b.sigma0(constant(w[t-15])).c + w[t-7] + b.sigma1(constant(w[t-2])).c
	}
	for t := range w {
		w[t] += sha256K[t]
	}
	return w
}

// Indices for Bytes: 128-bit chunks from two operands, with the bytes of every
// word turned around, as SHA-256 reads and writes big-endian words. Chunks 0 to
// 3 are the first operand's, 4 to 7 the second's.
var chunkIndices = [][4]int{
	evenChunks: {0, 2, 4, 6},
	oddChunks:  {1, 3, 5, 7},
	lowPairs:   {0, 4, 1, 5},
	highPairs:  {2, 6, 3, 7},
}

const (
	evenChunks = iota
	oddChunks
	lowPairs
	highPairs
)

// pool is the table of constants: the index vectors, then the round constants,
// then those with the padding's schedule, then all others as they come up.
// The base register points behind the round constants, so that one-byte
// displacements (in units of the operand) reach as many words as possible.
type pool struct {
	base  sched.Mem
	words []uint32
	at    map[uint32]int
}

const (
	indexBytes = 64
	poolBase   = 4*indexBytes + 64*4 // where tablesReg points
)

func newPool() *pool {
	p := &pool{at: map[uint32]int{}}
	p.base = sched.Mem{Base: tablesReg}
	for _, c := range sha256K {
		p.put(c)
	}
	for _, c := range paddingK {
		p.put(c)
	}
	return p
}

func (p *pool) put(c uint32) {
	if _, ok := p.at[c]; !ok {
		p.at[c] = len(p.words)
	}
	p.words = append(p.words, c)
}

// word returns the operand that has c in every lane.
func (p *pool) word(c uint32) sched.Mem {
	if _, ok := p.at[c]; !ok {
		p.put(c)
	}
	m := p.base
	m.Disp, m.Bcst = 4*p.at[c]-64*4, true
	return m
}

// index returns the operand for an index vector.
func (p *pool) index(i int) sched.Mem {
	m := p.base
	m.Disp = i*indexBytes - poolBase
	return m
}

// emit writes the table and returns its address.
func (p *pool) emit() {
	build.GLOBL(tableName, attr.RODATA|attr.NOPTR)
	for i, chunks := range chunkIndices {
		for c, chunk := range chunks {
			for word := range 4 {
				bytes := 0
				for b := range 4 {
					bytes |= (16*chunk + 4*word + 3 - b) << (8 * b)
				}
				build.DATA(i*indexBytes+16*c+4*word, operand.U32(bytes))
			}
		}
	}
	for i, c := range p.words {
		build.DATA(4*indexBytes+4*i, operand.U32(c))
	}
}

const tableName = "sha256avx512"

func tableAddress() operand.Mem {
	return operand.NewDataAddr(operand.NewStaticSymbol(tableName), poolBase)
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("sha256avx512: %v", err))
	}
}
