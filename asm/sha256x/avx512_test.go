//go:build amd64 && gc && !purego

package sha256x

import (
	"fmt"
	"testing"
)

// avx512Functions are all functions of avx512_amd64.go with their references.
var avx512Functions = []struct {
	name string
	f    pairFunc
	ref  func([]byte) [Size]byte
}{
	{"Pairs", PairsAVX512, stdPair},
	{"Nodes", NodesAVX512, stdNode},
	{"PairsSingle", PairsAVX512Single, stdPair},
	{"PairsDouble", PairsAVX512Double, stdPair},
	{"NodesSingle", NodesAVX512Single, stdNode},
	{"NodesDouble", NodesAVX512Double, stdNode},
	{"DPairsSingle", DPairsAVX512Single, stdDPair},
	{"DPairsDouble", DPairsAVX512Double, stdDPair},
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

// TestAVX512Slices: counts around the ends of one call into assembly.
func TestAVX512Slices(t *testing.T) {
	needAVX512(t)
	for _, f := range avx512Functions {
		for _, slices := range []int{1, 2, 3} {
			for off := -17; off <= 17; off++ {
				comparePairs(t, f.f, f.ref, slices*avx512SlicePairs+off, 1, 3)
			}
		}
	}
}

func TestAVX512DoesNotAllocate(t *testing.T) {
	needAVX512(t)
	dst, src := make([]byte, 100*Size), make([]byte, 100*PairSize)
	for _, f := range avx512Functions {
		if n := testing.AllocsPerRun(20, func() { f.f(dst, src) }); n != 0 {
			t.Errorf("%s: %v allocations per call", f.name, n)
		}
	}
}

func BenchmarkAVX512(b *testing.B) {
	needAVX512(b)
	for _, f := range avx512Functions {
		for _, n := range []int{16, 32, 64, 128, 256, 1024, 4096} {
			b.Run(fmt.Sprintf("%s/%d", f.name, n), func(b *testing.B) {
				dst, src := make([]byte, n*Size), randomBytes(1, n*PairSize)
				b.SetBytes(int64(n * PairSize))
				for b.Loop() {
					f.f(dst, src)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/pair")
			})
		}
	}
}
