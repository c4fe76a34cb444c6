package merkle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
)

// The kernel's time per pair is in BenchmarkRootNodes.

func BenchmarkMulti(b *testing.B) {
	const n = 1 << 20
	nodes := make([]byte, n*HashSize)
	rng := rand.NewChaCha8([32]byte{})
	rng.Read(nodes)
	tree, err := Build(context.Background(), RFC6962, Nodes(nodes), 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, every := range []int{1, 16, 1024} {
		var indices []uint64
		var mine []byte
		for i := 0; i < n; i += every {
			indices = append(indices, uint64(i))
			mine = append(mine, nodes[i*HashSize:(i+1)*HashSize]...)
		}
		path, err := tree.MultiPath(indices)
		if err != nil {
			b.Fatal(err)
		}
		pairs := float64(len(indices) + len(path) - 1) // each pair makes one of two nodes
		b.Run(fmt.Sprintf("every=%d", every), func(b *testing.B) {
			v := NewVerifier(RFC6962)
			for b.Loop() {
				if err := v.Multi(context.Background(), tree.Root(), Nodes(mine), indices, n, path); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/pairs, "ns/pair")
		})
	}
	b.Run("range", func(b *testing.B) {
		v := NewVerifier(RFC6962)
		path, err := tree.RangePath(1, n-2)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := v.Range(context.Background(), tree.Root(), Nodes(nodes[HashSize:(n-1)*HashSize]), 1, n, path); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(n-1), "ns/pair")
	})
}
