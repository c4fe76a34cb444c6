package main

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// tables are the constants of the kernels, each word repeated for every lane,
// so that instructions take them straight from memory.
type tables struct {
	values map[uint32]int // constants beside the round constants, by value
	order  []uint32
}

func newTables() *tables { return &tables{values: map[uint32]int{}} }

func global(name string) Mem { return NewDataAddr(NewStaticSymbol(name), 0) }

// k are the constants of the rounds, and padding those of the block after a
// message of 64 bytes with its words added: 32 bytes for each round.
func (*tables) k() Mem       { return global("avx2_k") }
func (*tables) padding() Mem { return global("avx2_padding") }

func (*tables) swapBytes() Mem        { return global("avx2_swap") }
func (*tables) swapShiftedBytes() Mem { return global("avx2_swap").Offset(32) }

func (t *tables) iv(v int) Mem    { return t.broadcast(initial[v]) }
func (t *tables) nodePrefix() Mem { return t.broadcast(0x01 << 24) }

// broadcast is a constant, in a table that grows with what is asked for.
func (t *tables) broadcast(v uint32) Mem {
	i, ok := t.values[v]
	if !ok {
		i = len(t.order)
		t.values[v] = i
		t.order = append(t.order, v)
	}
	return global("avx2_constants").Offset(32 * i)
}

// emit writes the tables, after the last kernel has asked for its constants.
func (t *tables) emit() {
	padding := paddingConstants()
	for _, table := range []struct {
		name  string
		words []uint32
	}{{"avx2_k", roundConstants[:]}, {"avx2_padding", padding[:]}, {"avx2_constants", t.order}} {
		GLOBL(table.name, attr.RODATA|attr.NOPTR)
		for i, v := range table.words {
			for lane := 0; lane < lanes; lane += 2 {
				DATA(32*i+4*lane, U64(uint64(v)<<32|uint64(v)))
			}
		}
	}
	// Byte i of a 128-bit half comes from byte i^3, or from the one before it;
	// there is none before the first, and an index of 0x80 gives zero.
	GLOBL("avx2_swap", attr.RODATA|attr.NOPTR)
	for shift := range 2 {
		for i := range 32 {
			DATA(32*shift+i, U8(uint8(i%16^3-shift)&0x8f))
		}
	}
}

// paddingConstants are K+W of the block after a message of 64 bytes, whose
// words are 0x80000000, zeros, and the length in bits.
func paddingConstants() [64]uint32 {
	w := [64]uint32{0: 0x80000000, 15: 64 * 8}
	for t := 16; t < 64; t++ {
		w[t] = sigmaOf(w[t-2], 17, 19, 10) + w[t-7] + sigmaOf(w[t-15], 7, 18, 3) + w[t-16]
	}
	for t := range w {
		w[t] += roundConstants[t]
	}
	return w
}

// sigmaOf is σ on a constant.
func sigmaOf(n uint32, r1, r2, s3 int) uint32 {
	return bits.RotateLeft32(n, -r1) ^ bits.RotateLeft32(n, -r2) ^ n>>s3
}

// The constants of FIPS 180-4, §4.2.2 and §5.3.3: the first 32 bits of the
// fractional parts of the cube roots of the first 64 primes, and of the square
// roots of the first 8.
var roundConstants, initial = func() (k [64]uint32, iv [8]uint32) {
	fraction := func(x float64) uint32 { return uint32((x - math.Floor(x)) * (1 << 32)) }
	found := 0
	for n := 2; found < len(k); n++ {
		if !big.NewInt(int64(n)).ProbablyPrime(0) { // exact below 2^64
			continue
		}
		k[found] = fraction(math.Cbrt(float64(n)))
		if found < len(iv) {
			iv[found] = fraction(math.Sqrt(float64(n)))
		}
		found++
	}
	return k, iv
}()
