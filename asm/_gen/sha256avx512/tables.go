package main

import (
	"fmt"

	"github.com/chainweir/weir/asm/_gen/internal/fips180"
	"github.com/chainweir/weir/asm/_gen/internal/sched"
	"github.com/chainweir/weir/asm/_gen/internal/table"
	"github.com/mmcloughlin/avo/operand"
)

// paddingK are the round constants of the block behind a pair, with its words,
// which never change, added.
var paddingK = fips180.PairPadding()

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
	for _, c := range fips180.K {
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

// emit writes the table, after the last kernel has asked for its constants.
func (p *pool) emit() {
	var all []uint32
	for _, chunks := range chunkIndices {
		for _, chunk := range chunks {
			for word := range 4 {
				bytes := uint32(0)
				for b := range 4 {
					bytes |= uint32(16*chunk+4*word+3-b) << (8 * b)
				}
				all = append(all, bytes)
			}
		}
	}
	table.Dwords(tableName, append(all, p.words...))
}

const tableName = "sha256avx512"

func tableAddress() operand.Mem { return table.Address(tableName, poolBase) }

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("sha256avx512: %v", err))
	}
}
