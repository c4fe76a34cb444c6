//go:build amd64 && gc && !purego

package sha256x

import (
	"fmt"
	"testing"
)

func needAVX2(tb testing.TB) {
	tb.Helper()
	if reason := AVX2Unavailable(); reason != "" {
		tb.Skip(reason)
	}
}

func TestAVX2(t *testing.T) {
	needAVX2(t)
	checkPairs(t, PairsAVX2, stdPair)
	checkPairs(t, NodesAVX2, stdNode)
	checkPairs(t, DPairsAVX2, stdDPair)
}

// TestAVX2Slices hashes counts around one call's share, which leave the last
// call a part of a group, a whole one or nothing.
func TestAVX2Slices(t *testing.T) {
	needAVX2(t)
	for _, n := range []int{avx2SlicePairs - 1, avx2SlicePairs, avx2SlicePairs + 1, avx2SlicePairs + 8, 2*avx2SlicePairs + 3} {
		comparePairs(t, PairsAVX2, stdPair, n, 1, 3)
		comparePairs(t, NodesAVX2, stdNode, n, 1, 3)
		comparePairs(t, DPairsAVX2, stdDPair, n, 1, 3)
	}
}

func BenchmarkAVX2(b *testing.B) {
	needAVX2(b)
	for _, f := range []struct {
		name string
		hash pairFunc
	}{{"pairs", PairsAVX2}, {"nodes", NodesAVX2}, {"dpairs", DPairsAVX2}} {
		for _, n := range []int{1, 8, 16, 64, 256, 1024, 4096} {
			b.Run(fmt.Sprintf("%s/n=%d", f.name, n), func(b *testing.B) {
				src := randomBytes(1, n*PairSize)
				dst := make([]byte, n*Size)
				for b.Loop() {
					f.hash(dst, src)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/pair")
			})
		}
	}
}
