package hash_test

import (
	"fmt"
	"testing"

	"github.com/chainweir/weir/hash"
)

// over runs a benchmark for every implementation of a kernel that runs here.
func over(b *testing.B, kernel string, run func(b *testing.B, im hash.Implementation)) {
	for _, im := range hash.Implementations() {
		if im.Kernel == kernel && im.Unavailable == "" {
			b.Run("impl="+im.Name, func(b *testing.B) { run(b, im) })
		}
	}
}

func benchmarkOne(b *testing.B, kernel string, sizes ...int) {
	over(b, kernel, func(b *testing.B, im hash.Implementation) {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
				msg := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					im.One(msg)
				}
			})
		}
	})
}

// reportPerItem adds nanoseconds per item, the figure that batches are
// compared by.
func reportPerItem(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/"+unit)
}

func benchmarkPairs(b *testing.B, kernel string) {
	over(b, kernel, func(b *testing.B, im hash.Implementation) {
		for _, n := range []int{1, 16, 64, 1024, 4096} {
			b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
				dst, src := make([]byte, n*32), make([]byte, n*64)
				b.SetBytes(int64(len(src)))
				b.ReportAllocs()
				for b.Loop() {
					if err := im.Pairs(dst, src); err != nil {
						b.Fatal(err)
					}
				}
				reportPerItem(b, n, "pair")
			})
		}
	})
}

func benchmarkMany(b *testing.B, kernel string) {
	over(b, kernel, func(b *testing.B, im hash.Implementation) {
		for _, c := range []struct{ n, size int }{{16, 200}, {1024, 200}, {64, 4096}} {
			b.Run(fmt.Sprintf("n=%d/size=%d", c.n, c.size), func(b *testing.B) {
				dst, msgs := make([]byte, c.n*32), make([][]byte, c.n)
				for i := range msgs {
					msgs[i] = make([]byte, c.size)
				}
				b.SetBytes(int64(c.n * c.size))
				b.ReportAllocs()
				for b.Loop() {
					if err := im.Many(dst, msgs); err != nil {
						b.Fatal(err)
					}
				}
				reportPerItem(b, c.n, "msg")
			})
		}
	})
}

func BenchmarkSHA256(b *testing.B)       { benchmarkOne(b, "sha256", 64, 200, 1024, 65536) }
func BenchmarkSHA256Pairs(b *testing.B)  { benchmarkPairs(b, "sha256_pairs") }
func BenchmarkSHA256Nodes(b *testing.B)  { benchmarkPairs(b, "sha256_nodes") }
func BenchmarkSHA256DPairs(b *testing.B) { benchmarkPairs(b, "sha256d_pairs") }
func BenchmarkSHA256Many(b *testing.B)   { benchmarkMany(b, "sha256_many") }
func BenchmarkBLAKE3(b *testing.B)       { benchmarkOne(b, "blake3", 64, 1024, 65536, 1<<20) }
func BenchmarkBLAKE3Many(b *testing.B)   { benchmarkMany(b, "blake3_many") }

// BenchmarkDispatch is what the choice itself costs: an exported function on
// the smallest job, beside the same implementation called without a choice.
func BenchmarkDispatch(b *testing.B) {
	var msg [1]byte
	b.Run("chosen", func(b *testing.B) {
		for b.Loop() {
			hash.SHA256(msg[:])
		}
	})
	over(b, "sha256", func(b *testing.B, im hash.Implementation) {
		for b.Loop() {
			im.One(msg[:])
		}
	})
}
