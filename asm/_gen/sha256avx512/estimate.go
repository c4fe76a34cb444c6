package main

import (
	"fmt"
	"io"

	"github.com/chainweir/weir/asm/_gen/internal/sched"
)

// section is a piece of straight-line code in a function.
type section struct {
	name string
	code *sched.Code
}

// report lists the sections of a function: their vector slots per group, the
// cycles that the units need for those at least, and the cycles that the
// simulator thinks they take when run over and over.
func (k *inStep) report(w io.Writer) {
	const times = 16
	fmt.Fprintf(w, "%s, %d group(s) of %d lanes\n", k.name, k.groups, lanes)
	for _, s := range k.sections {
		fmt.Fprintf(w, "  %-34s %5d instructions %5d slots", s.name, s.code.Instructions(), s.code.Slots())
		for _, m := range []sched.Model{sched.Zen4, sched.Zen5} {
			floor := float64(s.code.Slots()) / 4 * float64(m.Busy)
			cycles := sched.Simulate(m, s.code, times)
			fmt.Fprintf(w, "  %s: %4.0f cycles, floor %4.0f", m.Name, float64(cycles)/times, floor)
		}
		fmt.Fprintln(w)
	}
}
