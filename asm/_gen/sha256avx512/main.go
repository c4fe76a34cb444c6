// Command sha256avx512 writes the AVX-512 kernels of package sha256x: hashes
// of pairs of digests, sixteen pairs at a time, one in each 32-bit lane of the
// registers.
//
// rounds.go has the rounds and the message schedule, on words of which some
// are known beforehand; message.go brings rows of memory into lanes and back;
// tables.go has the constants. Two kinds of kernels are made of these:
// instep.go, with the parts in loops.go, takes one or two groups of sixteen
// pairs through the same rounds; pipeline.go, with its beginning and end in
// ends.go, takes three groups through different ones. frame.go has the
// registers and the memory that they share. Package internal/sched orders the
// operations and assigns vector registers. With -estimate, estimate.go lists
// what the parts cost.
package main

import (
	"flag"
	"os"

	"github.com/chainweir/weir/asm/_gen/internal/sched"
	"github.com/mmcloughlin/avo/build"
)

//go:generate go run . -out ../../sha256x/avx512_asm_amd64.s -stubs ../../sha256x/avx512_asm_amd64.go -pkg sha256x

var estimate = flag.Bool("estimate", false, "list the kernels' parts with estimated cycles, on standard error")

// ahead is how far, in cycles, the scheduler may run ahead. Between 3 and 48
// Zen 4 showed no difference beyond 1 %.
const ahead = 12

func main() {
	build.ConstraintExpr("amd64,gc,!purego")
	p := newPool()
	var kernels []*inStep
	for _, f := range []struct {
		name string
		what hashing
		doc  string
	}{
		{"pairs", pairs, "the SHA-256 of every pair"},
		{"nodes", nodes, "the SHA-256 of 0x01 and every pair"},
		{"dpairs", dpairs, "the SHA-256 of the SHA-256 of every pair"},
	} {
		one := &inStep{name: f.name + "AVX512One", what: f.what, groups: 1, pool: p, model: sched.Zen5}
		one.write(one.name + " sets dst to " + f.doc + ", for any number of pairs.")
		// The processor finds what is independent within one group itself; of
		// two, it would see only one without the scheduler.
		two := &inStep{name: f.name + "AVX512Two", what: f.what, groups: 2, pool: p, model: sched.Zen5, ahead: ahead}
		two.write(two.name + " is " + one.name + " with two groups of sixteen at a time.")
		kernels = append(kernels, one, two)
		if f.what == dpairs {
			continue // three blocks: a body would not fit the cache of decoded instructions
		}
		pipe := &pipeline{inStep: inStep{name: f.name + "AVX512Pipe", what: f.what, pool: p, model: sched.Zen5, ahead: ahead}}
		pipe.write(pipe.name + " is " + one.name + " for more than 32 pairs, with three groups in different stages.")
		kernels = append(kernels, &pipe.inStep)
	}
	p.emit()
	build.Generate()
	if *estimate {
		for _, k := range kernels {
			k.report(os.Stderr)
		}
	}
}
