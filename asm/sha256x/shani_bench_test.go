//go:build amd64 && gc && !purego

package sha256x

import (
	"fmt"
	"testing"
)

func BenchmarkPairsSHANI(b *testing.B)  { benchmarkPairs(b, PairsSHANI, SHANIUnavailable()) }
func BenchmarkNodesSHANI(b *testing.B)  { benchmarkPairs(b, NodesSHANI, SHANIUnavailable()) }
func BenchmarkDPairsSHANI(b *testing.B) { benchmarkPairs(b, DPairsSHANI, SHANIUnavailable()) }

func BenchmarkSumSHANI(b *testing.B) {
	needSHANI(b)
	for _, n := range []int{32, 64, 200, 1024, 65536} {
		b.Run(fmt.Sprintf("size=%d", n), func(b *testing.B) {
			msg := randomBytes(1, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				SumSHANI(msg)
			}
		})
	}
}
