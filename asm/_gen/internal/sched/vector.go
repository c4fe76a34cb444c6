package sched

// The operations, on sixteen 32-bit lanes. A name ending in Mem takes its last
// operand from memory.

func (b *Block) binary(code string, class Class, x, y Value) Value {
	return b.add(op{code: code, imm: noImm, class: class, in: []Value{x, y}})
}

func (b *Block) binaryMem(code string, class Class, x Value, m Mem) Value {
	return b.add(op{code: code, imm: noImm, class: class, in: []Value{x}, mem: &m})
}

// Add returns x + y.
func (b *Block) Add(x, y Value) Value { return b.binary("VPADDD", ALU, x, y) }

// AddMem returns x + m.
func (b *Block) AddMem(x Value, m Mem) Value { return b.binaryMem("VPADDD", ALU, x, m) }

// Sub returns x - y.
func (b *Block) Sub(x, y Value) Value { return b.binary("VPSUBD", ALU, x, y) }

// Xor returns x ^ y.
func (b *Block) Xor(x, y Value) Value { return b.binary("VPXORD", ALU, x, y) }

// Ror returns x rotated right by n bits.
func (b *Block) Ror(x Value, n int) Value {
	return b.add(op{code: "VPRORD", imm: n, class: Shift, in: []Value{x}})
}

// Shr returns x shifted right by n bits.
func (b *Block) Shr(x Value, n int) Value {
	return b.add(op{code: "VPSRLD", imm: n, class: Shift, in: []Value{x}})
}

// Concat returns the lower word of (high‖low) shifted right by n bits.
func (b *Block) Concat(high, low Value, n int) Value {
	return b.add(op{code: "VPSHRDD", imm: n, class: Shift, in: []Value{low, high}})
}

// ConcatMem is Concat with high from memory.
func (b *Block) ConcatMem(high Mem, low Value, n int) Value {
	return b.add(op{code: "VPSHRDD", imm: n, class: Shift, in: []Value{low}, mem: &high})
}

// Ternary returns the bitwise function of three operands whose truth table is
// imm: bit 4x+2y+z of imm is the result for bits x, y, z.
func (b *Block) Ternary(imm int, x, y, z Value) Value {
	return b.add(op{code: "VPTERNLOGD", imm: imm, tied: true, in: []Value{x, y, z}})
}

// TernaryMem is Ternary with z from memory.
func (b *Block) TernaryMem(imm int, x, y Value, z Mem) Value {
	return b.add(op{code: "VPTERNLOGD", imm: imm, tied: true, in: []Value{x, y}, mem: &z})
}

// UnpackDwords interleaves the lower (high false) or higher two words of each
// 128-bit chunk: x0 y0 x1 y1.
func (b *Block) UnpackDwords(high bool, x, y Value) Value {
	return b.binary(pick(high, "VPUNPCKHDQ", "VPUNPCKLDQ"), ALU, x, y)
}

// UnpackDwordsMem is UnpackDwords with y from memory.
func (b *Block) UnpackDwordsMem(high bool, x Value, y Mem) Value {
	return b.binaryMem(pick(high, "VPUNPCKHDQ", "VPUNPCKLDQ"), ALU, x, y)
}

// UnpackQwords is UnpackDwords for pairs of words: x01 y01 or x23 y23.
func (b *Block) UnpackQwords(high bool, x, y Value) Value {
	return b.binary(pick(high, "VPUNPCKHQDQ", "VPUNPCKLQDQ"), ALU, x, y)
}

func pick(second bool, high, low string) string {
	if second {
		return high
	}
	return low
}

// Chunks returns four 128-bit chunks: two of x, chosen by the lower four bits
// of imm, then two of y, chosen by the higher.
func (b *Block) Chunks(imm int, x, y Value) Value {
	return b.add(op{code: "VSHUFI32X4", imm: imm, class: Shuffle, in: []Value{x, y}})
}

// Bytes returns 64 bytes chosen by index from the 128 of x‖y. The index is
// used up: load it for each use.
func (b *Block) Bytes(index, x, y Value) Value {
	return b.add(op{code: "VPERMI2B", imm: noImm, class: Shuffle, tied: true, in: []Value{index, x, y}})
}

// BytesMem is Bytes with y from memory.
func (b *Block) BytesMem(index, x Value, y Mem) Value {
	return b.add(op{code: "VPERMI2B", imm: noImm, class: Shuffle, tied: true, in: []Value{index, x}, mem: &y})
}

// Load returns m: aligned 64 bytes or, if m.Bcst, one word in every lane.
func (b *Block) Load(m Mem) Value {
	code := "VMOVDQA64"
	if m.Bcst {
		code, m.Bcst = "VPBROADCASTD", false
	}
	return b.add(op{code: code, imm: noImm, class: Load, mem: &m})
}

// LoadUnaligned returns 64 bytes of any alignment.
func (b *Block) LoadUnaligned(m Mem) Value {
	return b.add(op{code: "VMOVDQU64", imm: noImm, class: Load, mem: &m})
}

// Store writes v to aligned memory.
func (b *Block) Store(v Value, m Mem) {
	b.add(op{code: "VMOVDQA64", imm: noImm, class: Store, in: []Value{v}, mem: &m})
}

// StoreUnaligned writes v to memory of any alignment.
func (b *Block) StoreUnaligned(v Value, m Mem) {
	b.add(op{code: "VMOVDQU64", imm: noImm, class: Store, in: []Value{v}, mem: &m})
}
