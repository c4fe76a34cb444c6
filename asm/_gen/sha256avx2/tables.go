package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/fips180"
	"github.com/chainweir/weir/asm/_gen/internal/table"
	"github.com/mmcloughlin/avo/operand"
)

// tables are the constants of the kernels, each word repeated for every lane,
// so that instructions take them straight from memory.
type tables struct {
	values map[uint32]int // constants beside the round constants, by value
	order  []uint32
}

func newTables() *tables { return &tables{values: map[uint32]int{}} }

// k are the constants of the rounds, and padding those of the block after a
// message of 64 bytes with its words added: 32 bytes for each round.
func (*tables) k() operand.Mem       { return table.Address("avx2_k", 0) }
func (*tables) padding() operand.Mem { return table.Address("avx2_padding", 0) }

func (*tables) swapBytes() operand.Mem        { return table.Address("avx2_swap", 0) }
func (*tables) swapShiftedBytes() operand.Mem { return table.Address("avx2_swap", 32) }

func (t *tables) iv(v int) operand.Mem    { return t.broadcast(fips180.IV[v]) }
func (t *tables) nodePrefix() operand.Mem { return t.broadcast(0x01 << 24) }

// broadcast is a constant, in a table that grows with what is asked for.
func (t *tables) broadcast(v uint32) operand.Mem {
	i, ok := t.values[v]
	if !ok {
		i = len(t.order)
		t.values[v] = i
		t.order = append(t.order, v)
	}
	return table.Address("avx2_constants", 32*i)
}

// emit writes the tables, after the last kernel has asked for its constants.
func (t *tables) emit() {
	padding := fips180.PairPadding()
	table.Qwords("avx2_k", inAllLanes(fips180.K[:]))
	table.Qwords("avx2_padding", inAllLanes(padding[:]))
	table.Qwords("avx2_constants", inAllLanes(t.order))
	// Byte i of a 128-bit half comes from byte i^3, or from the one before it;
	// there is none before the first, and an index of 0x80 gives zero.
	var swap []uint8
	for shift := range 2 {
		for i := range 32 {
			swap = append(swap, uint8(i%16^3-shift)&0x8f)
		}
	}
	table.Bytes("avx2_swap", swap)
}

// inAllLanes repeats every word for each lane, two lanes to a quadword.
func inAllLanes(words []uint32) []uint64 {
	var list []uint64
	for _, w := range words {
		for range lanes / 2 {
			list = append(list, uint64(w)<<32|uint64(w))
		}
	}
	return list
}
