package sched

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// constructor makes an instruction, with operands in the order of Go's
// assembler.
type constructor func(...operand.Op) (*ir.Instruction, error)

// vpshrdd makes an instruction that avo does not know (AVX512_VBMI2).
func vpshrdd(ops ...operand.Op) (*ir.Instruction, error) {
	last := len(ops) - 1
	return &ir.Instruction{
		Opcode:   "VPSHRDD",
		Operands: ops,
		Inputs:   ops[1:last],
		Outputs:  ops[last:],
		ISA:      []string{"AVX512_VBMI2"},
	}, nil
}

// Constructors of the plain instructions, and of their forms that broadcast
// one word from memory to all lanes.
var (
	plain = map[string]constructor{
		"VPADDD": x86.VPADDD, "VPSUBD": x86.VPSUBD, "VPXORD": x86.VPXORD, "VPTERNLOGD": x86.VPTERNLOGD,
		"VPRORD": x86.VPRORD, "VPSRLD": x86.VPSRLD, "VPSHRDD": vpshrdd,
		"VPUNPCKLDQ": x86.VPUNPCKLDQ, "VPUNPCKHDQ": x86.VPUNPCKHDQ,
		"VPUNPCKLQDQ": x86.VPUNPCKLQDQ, "VPUNPCKHQDQ": x86.VPUNPCKHQDQ,
		"VSHUFI32X4": x86.VSHUFI32X4, "VPERMI2B": x86.VPERMI2B,
		"VMOVDQA64": x86.VMOVDQA64, "VMOVDQU64": x86.VMOVDQU64,
		"VPBROADCASTD": x86.VPBROADCASTD,
	}
	broadcast = map[string]constructor{
		"VPADDD": x86.VPADDD_BCST, "VPXORD": x86.VPXORD_BCST, "VPTERNLOGD": x86.VPTERNLOGD_BCST,
	}
)

// zmm are the registers by number.
var zmm = [Registers]reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

// Emit adds the code to avo's current function.
func (c *Code) Emit() error {
	for _, in := range c.insts {
		i, err := in.instruction()
		if err != nil {
			return fmt.Errorf("sched: %s: %w", in.code, err)
		}
		build.Instruction(i)
	}
	return nil
}

func (in *inst) instruction() (*ir.Instruction, error) {
	var ops []operand.Op
	if in.imm != noImm {
		ops = append(ops, operand.U8(in.imm))
	}
	form := plain[in.code]
	if in.mem != nil {
		m := operand.Mem{Base: in.mem.Base, Disp: in.mem.Disp}
		if in.class == Store {
			return form(zmm[in.from[0]], m)
		}
		ops = append(ops, m)
		if in.mem.Bcst {
			form = broadcast[in.code]
		}
	}
	first := 0
	if in.tied {
		first = 1
	}
	for k := len(in.from) - 1; k >= first; k-- {
		ops = append(ops, zmm[in.from[k]])
	}
	ops = append(ops, zmm[in.to])
	if form == nil {
		return nil, fmt.Errorf("no such form")
	}
	return form(ops...)
}

// Instructions returns the number of instructions, moves included.
func (c *Code) Instructions() int { return len(c.insts) }

// Slots returns the number of instructions that need a vector unit.
func (c *Code) Slots() int { return c.slots }
