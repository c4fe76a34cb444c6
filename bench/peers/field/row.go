package field

import (
	"fmt"
	"slices"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/hash"
)

// Row is a piece of hashing work and those who do it.
type Row struct {
	contest.Row
	Benchmark string // its name in Go benchmark text, without the library
	Kernel    string // the kernel of package hash whose choice decides; "" where none does
	Items     int    // pairs, messages: what ns/item divides by
	Item      string // what an item is
	Bytes     int    // of input
	Work      floor.Work
	// LeftOut says in words why the row cannot be measured here.
	LeftOut string
}

// Spec is a row that was not made yet: some hold many megabytes.
type Spec struct {
	Name string
	Make func() (Row, error)
}

// Chosen is the name of the implementation that package hash dispatches the
// row to, "" where nothing is dispatched.
func (r Row) Chosen() string {
	if r.Kernel == "" {
		return ""
	}
	return hash.Dispatched(r.Kernel, r.Items, r.Bytes/max(r.Items, 1))
}

// Specs lists all rows in the order of the report.
func Specs() []Spec {
	return slices.Concat(pairSpecs(), manySpecs(), oneSpecs(), blake3Specs(), coreSpecs())
}

// named turns a maker into a spec and gives its row the same name.
func named(name string, maker func() (Row, error)) Spec {
	return Spec{name, func() (Row, error) {
		row, err := maker()
		if err != nil {
			return Row{}, fmt.Errorf("%s: %w", name, err)
		}
		row.Name = name
		return row, nil
	}}
}

// size formats a number of bytes: 200 B, 4 KiB, 1 MiB.
func size(bytes int) string {
	switch {
	case bytes >= 1<<20 && bytes%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes >= 1<<10 && bytes%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d B", bytes)
}
