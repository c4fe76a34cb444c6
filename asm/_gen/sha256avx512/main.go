// Program sha256avx512 writes the AVX-512 kernels of package sha256x: hashes
// of pairs of digests, sixteen pairs at a time, one in each 32-bit lane of the
// registers.
package main

import (
	"fmt"
	"os"

	"github.com/chainweir/weir/asm/_gen/sched"
	"github.com/mmcloughlin/avo/build"
)

//go:generate go run . -out ../../sha256x/avx512_asm_amd64.s -stubs ../../sha256x/avx512_asm_amd64.go -pkg sha256x

func main() {
	build.ConstraintExpr("amd64,gc,!purego")
	p := newPool()
	for _, f := range []struct {
		name string
		what hashing
	}{
		{"pairs", pairs},
		{"nodes", nodes},
		{"dpairs", dpairs},
	} {
		one := inStep{name: f.name + "AVX512One", what: f.what, groups: 1, pool: p, model: sched.Zen5, ahead: 0}
		one.write(f.name + "AVX512One hashes any number of pairs, sixteen at a time.")
		two := inStep{name: f.name + "AVX512Two", what: f.what, groups: 2, pool: p, model: sched.Zen5, ahead: 12}
		two.write(f.name + "AVX512Two hashes any number of pairs, twice sixteen at a time.")
	}
	for _, f := range []struct {
		name  string
		what  hashing
		ahead float64
	}{
		{"pairs", pairs, 12},
		{"nodes", nodes, 12},
	} {
		k := pipeline{inStep: inStep{name: f.name + "AVX512Pipe", what: f.what, pool: p, model: sched.Zen5, ahead: f.ahead}}
		k.write(f.name + "AVX512Pipe hashes more than 32 pairs in three groups of sixteen, each in another stage.")
		fmt.Fprintf(os.Stderr, "%s: %d slots, %d instructions\n", k.name, k.body.Slots(), k.body.Instructions())
	}
	p.emit()
	build.Generate()
}
