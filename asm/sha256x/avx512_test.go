//go:build amd64 && gc && !purego

package sha256x

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
)

// avx512Functions are all functions of avx512_amd64.go with their references.
var avx512Functions = []struct {
	name string
	f    pairFunc
	ref  func([]byte) [Size]byte
}{
	{"Pairs", PairsAVX512, stdPair},
	{"PairsDouble", PairsAVX512Double, stdPair},
	{"PairsSingle", PairsAVX512Single, stdPair},
	{"Nodes", NodesAVX512, stdNode},
	{"NodesDouble", NodesAVX512Double, stdNode},
	{"NodesSingle", NodesAVX512Single, stdNode},
	{"DPairs", DPairsAVX512, stdDPair},
	{"DPairsSingle", DPairsAVX512Single, stdDPair},
}

// avx512Kernels are the assembly functions themselves, with the fewest pairs
// that they take.
var avx512Kernels = []struct {
	name  string
	f     func(dst, src *byte, pairs int)
	ref   func([]byte) [Size]byte
	least int
}{
	{"pairsOne", pairsAVX512One, stdPair, 1},
	{"pairsTwo", pairsAVX512Two, stdPair, 1},
	{"pairsPipe", pairsAVX512Pipe, stdPair, 33},
	{"nodesOne", nodesAVX512One, stdNode, 1},
	{"nodesTwo", nodesAVX512Two, stdNode, 1},
	{"nodesPipe", nodesAVX512Pipe, stdNode, 33},
	{"dpairsOne", dpairsAVX512One, stdDPair, 1},
	{"dpairsTwo", dpairsAVX512Two, stdDPair, 1},
}

func needAVX512(tb testing.TB) {
	tb.Helper()
	if why := AVX512Unavailable(); why != "" {
		tb.Skip(why)
	}
}

func TestAVX512(t *testing.T) {
	needAVX512(t)
	for _, f := range avx512Functions {
		t.Run(f.name, func(t *testing.T) { checkPairs(t, f.f, f.ref) })
	}
}

// TestAVX512Kernels runs each kernel with counts that its callers may give to
// another one: they decide by speed, and that may change.
func TestAVX512Kernels(t *testing.T) {
	needAVX512(t)
	for _, k := range avx512Kernels {
		t.Run(k.name, func(t *testing.T) {
			f := func(dst, src []byte) {
				if n := len(src) / PairSize; n >= k.least {
					k.f(&dst[0], &src[0], n)
				} else {
					copy(dst, referencePairs(k.ref, src))
				}
			}
			checkPairs(t, f, k.ref)
		})
	}
}

// TestAVX512Slices: counts around the ends of one call into assembly, and of
// what the pipeline is used for.
func TestAVX512Slices(t *testing.T) {
	needAVX512(t)
	for _, f := range avx512Functions {
		for _, n := range []int{avx512PipePairs, avx512SliceDPairs, avx512SlicePairs, 2 * avx512SlicePairs} {
			for off := -18; off <= 34; off++ {
				comparePairs(t, f.f, f.ref, n+off, 1, 3)
			}
		}
	}
}

// TestAVX512EqualLanes: equal pairs give equal digests in every lane, with
// words of all ones and all zeros among them.
func TestAVX512EqualLanes(t *testing.T) {
	needAVX512(t)
	for _, f := range avx512Functions {
		for _, fill := range []byte{0x00, 0xff, 0x80, 0x01} {
			src := bytes.Repeat([]byte{fill}, 200*PairSize)
			dst := make([]byte, 200*Size)
			f.f(dst, src)
			sameDigests(t, fmt.Sprintf("%s of bytes %#x", f.name, fill), dst, referencePairs(f.ref, src))
		}
	}
}

func TestAVX512DoesNotAllocate(t *testing.T) {
	needAVX512(t)
	dst, src := make([]byte, 200*Size), make([]byte, 200*PairSize)
	for _, f := range avx512Functions {
		if n := testing.AllocsPerRun(20, func() { f.f(dst, src) }); n != 0 {
			t.Errorf("%s: %v allocations per call", f.name, n)
		}
	}
}

// TestAVX512Concurrent: the kernels keep their scratch memory on the stack of
// the goroutine, which must grow for it first.
func TestAVX512Concurrent(t *testing.T) {
	needAVX512(t)
	const n = 200
	src := randomBytes(1, n*PairSize)
	for _, f := range avx512Functions {
		want := referencePairs(f.ref, src)
		got := make([][]byte, 16)
		var wg sync.WaitGroup
		for i := range got {
			got[i] = make([]byte, n*Size)
			wg.Go(func() { f.f(got[i], src) })
		}
		wg.Wait()
		for i := range got {
			sameDigests(t, fmt.Sprintf("%s, goroutine %d", f.name, i), got[i], want)
		}
	}
}
