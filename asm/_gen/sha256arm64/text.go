package main

import (
	"bytes"
	"fmt"
	"strings"
)

// text collects assembly.
type text struct{ bytes.Buffer }

func (t *text) raw(s string) { t.WriteString(s) }

// op writes one instruction. Go's assembler puts the destination last.
func (t *text) op(mnemonic string, operands ...any) {
	words := make([]string, len(operands))
	for i, o := range operands {
		words[i] = fmt.Sprint(o)
	}
	fmt.Fprintf(t, "\t%s %s\n", mnemonic, strings.Join(words, ", "))
}

func (t *text) label(name string) { fmt.Fprintf(t, "\n%s:\n", name) }

func (t *text) comment(format string, args ...any) {
	fmt.Fprintf(t, "\n\t// "+format+"\n", args...)
}

// vec is one of the 32 vector registers. Which suffix the assembler wants
// depends on the instruction: .S4 is four words, .B16 sixteen bytes, and the
// state operands of SHA256H and SHA256H2 have none.
type vec int

func (v vec) q() string     { return fmt.Sprintf("V%d", int(v)) }
func (v vec) words() string { return v.q() + ".S4" }
func (v vec) bytes() string { return v.q() + ".B16" }

// list is the operand of a load or store of n registers from v on.
func (v vec) list(n int, arrangement string) string {
	regs := make([]string, n)
	for i := range regs {
		regs[i] = fmt.Sprintf("V%d.%s", int(v)+i, arrangement)
	}
	return "[" + strings.Join(regs, ", ") + "]"
}

func imm(n int) string                   { return fmt.Sprintf("$%d", n) }
func mem(base string) string             { return "(" + base + ")" }
func offset(n int, base string) string   { return fmt.Sprintf("%d(%s)", n, base) }
func tableAt(n int) string               { return fmt.Sprintf("$%s+%d(SB)", tableName, n) }
func argument(name string, n int) string { return fmt.Sprintf("%s+%d(FP)", name, n) }
func local(name string, n int) string    { return fmt.Sprintf("$%s-%d(SP)", name, n) }
