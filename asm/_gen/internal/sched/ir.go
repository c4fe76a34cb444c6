// Package sched turns straight-line vector code, written as if there were any
// number of registers, into an order and a register assignment for 32 zmm
// registers. The kernels that need it interleave several independent streams
// of work (phases of different groups of messages): no register allocator that
// keeps the given order, and no order that ignores registers, does well there.
//
// A generator builds a [Block] of operations on [Value]s, each assigned once
// (vector.go). [Block.Schedule] chooses the order for a [Model] of a processor
// (list.go). [Block.Allocate] gives every value a register, and adds the moves
// that overwriting instructions need (alloc.go), and proves the result right
// by following every value through the registers (verify.go). [Code.Emit]
// hands the instructions to avo (emit.go). [Simulate] estimates the cycles of
// such code on an out-of-order processor that is not at hand (simulate.go).
package sched

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"
)

// Value is the result of one operation, or a register's content at the entry
// of the block. Zero is no value.
type Value int

// Class says which units of the processor an operation occupies.
type Class uint8

// The classes of operations.
const (
	ALU     Class = iota // any vector unit: add, and, xor, ternary logic, unpack
	Shift                // shifts and rotates, which only some units do
	Shuffle              // permutations, on the same units as shifts
	Load                 // a load that is not part of another operation
	Store
	Move // register to register, done by renaming
)

// Mem is a memory operand: 64 bytes at a base register plus Disp or, if Bcst,
// 4 bytes there for every lane.
type Mem struct {
	Base reg.Register
	Disp int
	Bcst bool
	// Cell names memory that the block writes, so that loads and stores of
	// equal cells keep their order; 0 is memory that the block only reads or
	// only writes.
	Cell int
}

// op is one operation. Operands are in the order of the processor's manuals:
// the destination, then in, then mem.
type op struct {
	code string
	imm  int // or noImm
	in   []Value
	mem  *Mem
	out  Value // 0 for stores
	// tied: the destination is also the first operand in. For VPTERNLOGD any
	// operand can become the first, with another immediate.
	tied   bool
	class  Class
	stream int
	pos    int // counts the vector slots of the stream before this operation
	unit   int // operations of the same unit, if not 0, stay together
}

const noImm = -1

// Block is straight-line code over values.
type Block struct {
	ops     []op
	def     []int         // value -> index of its operation, or entry
	entry   map[Value]int // values in registers at the start
	exit    map[int]Value // register -> value that it holds at the end
	streams []int         // vector slots per stream
	stream  int
	unit    int // of operations being added, or 0
	units   int
}

const entry = -1

// NewBlock returns an empty block with one stream.
func NewBlock() *Block {
	return &Block{
		def:     []int{entry},
		entry:   map[Value]int{},
		exit:    map[int]Value{},
		streams: []int{0},
	}
}

// Stream starts a stream: the operations added from now on are independent of
// those of other streams, or nearly so, and are spread evenly over the whole
// block beside them.
func (b *Block) Stream() {
	if b.streams[b.stream] == 0 {
		return // nothing in the current one
	}
	b.streams = append(b.streams, 0)
	b.stream = len(b.streams) - 1
}

// Unit makes one unit of the operations that f adds: they are issued together.
// That is for what is only worth its registers when it is complete, such as
// the rotations whose exclusive or is wanted. No operation but the last may be
// needed from outside, and their streams must be the same.
func (b *Block) Unit(f func()) {
	b.units++
	b.unit = b.units
	f()
	b.unit = 0
}

// In returns the value that the register holds at the start of the block.
func (b *Block) In(register int) Value {
	v := b.value(entry)
	b.entry[v] = register
	return v
}

// Out makes the register hold v at the end of the block.
func (b *Block) Out(v Value, register int) { b.exit[register] = v }

func (b *Block) value(def int) Value {
	b.def = append(b.def, def)
	return Value(len(b.def) - 1)
}

// add appends an operation and returns its result.
func (b *Block) add(o op) Value {
	for _, v := range o.in {
		if v <= 0 || int(v) >= len(b.def) {
			panic(fmt.Sprintf("sched: %s uses value %d, which is not of this block", o.code, v))
		}
	}
	o.stream, o.unit = b.stream, b.unit
	o.pos = b.streams[b.stream]
	if o.slots() {
		b.streams[b.stream]++
	}
	if o.class != Store {
		o.out = b.value(len(b.ops))
	}
	b.ops = append(b.ops, o)
	return o.out
}

// slots reports whether the operation needs a vector unit.
func (o *op) slots() bool { return o.class == ALU || o.class == Shift || o.class == Shuffle }

// Slots returns the operations of the block that need a vector unit: what it
// costs at least, divided by the units.
func (b *Block) Slots() int {
	n := 0
	for _, s := range b.streams {
		n += s
	}
	return n
}
