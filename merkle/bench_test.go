package merkle

import (
	"context"
	"fmt"
	"testing"
)

// Throughput is in leaves: what a block of transactions costs.

func BenchmarkRoot(b *testing.B) {
	for _, s := range Schemes() {
		for _, n := range []int{100, 1000, 10000, 131072} {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/leaves=%d/workers=%d", s.Name(), n, workers), func(b *testing.B) {
					size := 200
					if s.LeavesAreNodes() {
						size = HashSize
					}
					benchRoot(b, NewBuilder(s, workers), Leaves(benchLeaves(n, size)), n)
				})
			}
		}
	}
}

// Interior nodes alone, to hold against the kernel.
func BenchmarkRootNodes(b *testing.B) {
	for _, n := range []int{1000, 10000, 131072, 1 << 20} {
		b.Run(fmt.Sprintf("leaves=%d", n), func(b *testing.B) {
			nodes := make([]byte, n*HashSize)
			for i, leaf := range benchLeaves(n, HashSize) {
				copy(nodes[i*HashSize:], leaf)
			}
			benchRoot(b, NewBuilder(RFC6962, 1), Nodes(nodes), n)
		})
	}
	b.Run("kernel", func(b *testing.B) {
		buf := make([]byte, 4096*2*HashSize)
		for b.Loop() {
			if err := RFC6962.HashNodes(buf[:len(buf)/2], buf); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/leaf")
	})
}

// What defaultSizes was chosen from.
func BenchmarkPieces(b *testing.B) {
	for _, n := range []int{10000, 131072} {
		leaves := Leaves(benchLeaves(n, 200))
		for _, z := range []pieceSizes{
			defaultSizes,
			{max: 2048, min: 256, perWorker: 4, keep: 64, parallel: 1024},
			{max: 32768, min: 256, perWorker: 4, keep: 64, parallel: 1024},
			{max: 8192, min: 256, perWorker: 4, keep: 16, parallel: 1024},
			{max: 8192, min: 256, perWorker: 4, keep: 128, parallel: 1024},
			{max: 8192, min: 256, perWorker: 2, keep: 64, parallel: 1024},
		} {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("leaves=%d/%+v/workers=%d", n, z, workers), func(b *testing.B) {
					builder := NewBuilder(RFC6962, workers)
					builder.sizes = z
					benchRoot(b, builder, leaves, n)
				})
			}
		}
	}
}

func BenchmarkTree(b *testing.B) {
	const n = 10000
	leaves := Leaves(benchLeaves(n, 200))
	for b.Loop() {
		if _, err := Build(context.Background(), RFC6962, leaves, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/leaf")
}

func BenchmarkVerifyInclusion(b *testing.B) {
	for _, s := range Schemes() {
		b.Run(s.Name(), func(b *testing.B) {
			p := someProof(b, s, 10000, 7777)
			for b.Loop() {
				if err := p.Verify(p.Root); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchLeaves(n, size int) [][]byte {
	leaves := make([][]byte, n)
	flat := make([]byte, n*size)
	for i := range leaves {
		leaves[i] = flat[i*size : (i+1)*size]
		copy(leaves[i], fmt.Sprintf("leaf %d", i))
	}
	return leaves
}

// benchRoot times roots and holds every one against the first, which it holds
// against the specification.
func benchRoot(b *testing.B, builder *Builder, in Input, n int) {
	want, err := builder.RootOf(context.Background(), in)
	if err != nil {
		b.Fatal(err)
	}
	if in.kind == inputLeaves && want != specRoot(builder.scheme, in.leaves) {
		b.Fatalf("root %x is wrong", want)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := builder.RootOf(context.Background(), in); err != nil || got != want {
			b.Fatalf("root %x, %v; want %x", got, err, want)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/leaf")
}
