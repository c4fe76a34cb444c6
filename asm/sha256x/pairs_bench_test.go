package sha256x

import (
	"fmt"
	"testing"
)

// benchmarkPairs times a function on batches of pairs.
func benchmarkPairs(b *testing.B, f pairFunc, unavailable string) {
	if unavailable != "" {
		b.Skip(unavailable)
	}
	for _, n := range []int{1, 2, 3, 4, 8, 16, 32, 64, 256, 1024, 4096} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			dst, src := make([]byte, n*Size), randomBytes(1, n*PairSize)
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				f(dst, src)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/pair")
		})
	}
}
