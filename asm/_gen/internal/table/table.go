// Package table writes tables of constants into the read-only data of the
// assembly that avo is generating.
package table

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// Constants writes constants one behind the other, each with the size of its
// type, and returns the address of the first.
func Constants(name string, constants ...operand.Constant) operand.Mem {
	m := build.GLOBL(name, attr.RODATA|attr.NOPTR)
	at := 0
	for _, c := range constants {
		build.DATA(at, c)
		at += c.Bytes()
	}
	return m
}

// Bytes writes a table of bytes.
func Bytes(name string, values []uint8) operand.Mem {
	return Constants(name, each(values, func(v uint8) operand.Constant { return operand.U8(v) })...)
}

// Dwords writes a table of 32-bit words.
func Dwords(name string, values []uint32) operand.Mem {
	return Constants(name, each(values, func(v uint32) operand.Constant { return operand.U32(v) })...)
}

// Qwords writes a table of 64-bit words.
func Qwords(name string, values []uint64) operand.Mem {
	return Constants(name, each(values, func(v uint64) operand.Constant { return operand.U64(v) })...)
}

// Address returns the address offset bytes into a table of this file, which
// may be written later: kernels use it while they still add to the table.
func Address(name string, offset int) operand.Mem {
	return operand.NewDataAddr(operand.NewStaticSymbol(name), offset)
}

func each[V any](values []V, constant func(V) operand.Constant) []operand.Constant {
	list := make([]operand.Constant, len(values))
	for i, v := range values {
		list[i] = constant(v)
	}
	return list
}
