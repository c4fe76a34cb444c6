//go:build amd64 && gc && !purego

package sha256x

import (
	"fmt"
	"testing"
)

// BenchmarkAVX512 reports nanoseconds per pair. The floor is in the listing of
// go run . -estimate in asm/_gen/sha256avx512: vector slots over the slots that
// the processor has per cycle, for sixteen pairs.
func BenchmarkAVX512(b *testing.B) {
	needAVX512(b)
	for _, f := range avx512Functions {
		for _, n := range []int{1, 8, 16, 32, 64, 128, 256, 1024, 4096, 65536} {
			b.Run(fmt.Sprintf("%s/%d", f.name, n), func(b *testing.B) {
				dst, src := make([]byte, n*Size), randomBytes(1, n*PairSize)
				b.SetBytes(int64(len(src)))
				for b.Loop() {
					f.f(dst, src)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/pair")
			})
		}
	}
}

// BenchmarkAVX512Kernels is where avx512PipePairs comes from: the kernels at
// the sizes between which it lies.
func BenchmarkAVX512Kernels(b *testing.B) {
	needAVX512(b)
	for _, k := range avx512Kernels {
		for _, n := range []int{48, 64, 96, 128, 160, 192, 224, 256} {
			b.Run(fmt.Sprintf("%s/%d", k.name, n), func(b *testing.B) {
				dst, src := make([]byte, n*Size), randomBytes(1, n*PairSize)
				for b.Loop() {
					k.f(&dst[0], &src[0], n)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/pair")
			})
		}
	}
}
