package hash_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/hash"
)

// overModes runs a benchmark with each implementation of kernel "blake3" in
// force.
func overModes(b *testing.B, run func(b *testing.B)) {
	over(b, "blake3", func(b *testing.B, im hash.Implementation) {
		force(b, "blake3", im.Name)
		run(b)
	})
}

// BenchmarkBLAKE3Stream writes 1 MiB in parts of several sizes: network
// packets, those of io.Copy, and all at once.
func BenchmarkBLAKE3Stream(b *testing.B) {
	msg := blake3Random(10, 1<<20)
	var digest [hash.Size]byte
	overModes(b, func(b *testing.B) {
		for _, size := range []int{1400, 32 << 10, len(msg)} {
			b.Run(fmt.Sprintf("write=%d", size), func(b *testing.B) {
				h := hash.NewBLAKE3()
				b.SetBytes(int64(len(msg)))
				b.ReportAllocs()
				for b.Loop() {
					h.Reset()
					for part := range slices.Chunk(msg, size) {
						h.Write(part)
					}
					h.Sum(digest[:0])
				}
			})
		}
	})
}

// BenchmarkBLAKE3StreamShort is a hasher reused for one block.
func BenchmarkBLAKE3StreamShort(b *testing.B) {
	var msg [64]byte
	var digest [hash.Size]byte
	overModes(b, func(b *testing.B) {
		h := hash.NewBLAKE3()
		for b.Loop() {
			h.Reset()
			h.Write(msg[:])
			h.Sum(digest[:0])
		}
	})
}

func BenchmarkBLAKE3Keyed(b *testing.B) {
	overModes(b, func(b *testing.B) {
		for _, size := range []int{64, 1024, 65536} {
			b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
				msg := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					hash.BLAKE3Keyed(&blake3TestKey, msg)
				}
			})
		}
	})
}

func BenchmarkBLAKE3DeriveKey(b *testing.B) {
	overModes(b, func(b *testing.B) {
		var dst, material [32]byte
		b.ReportAllocs()
		for b.Loop() {
			hash.BLAKE3DeriveKey(dst[:], blake3TestContext, material[:])
		}
	})
}

func BenchmarkBLAKE3XOF(b *testing.B) {
	overModes(b, func(b *testing.B) {
		for _, size := range []int{64, 1024, 65536} {
			b.Run(fmt.Sprintf("output=%d", size), func(b *testing.B) {
				dst := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					hash.BLAKE3XOF(dst, nil)
				}
			})
		}
	})
}

// BenchmarkBLAKE3Parallel is 16 MiB over one goroutine and over several.
func BenchmarkBLAKE3Parallel(b *testing.B) {
	msg := blake3Random(11, 16<<20)
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.SetBytes(int64(len(msg)))
			for b.Loop() {
				hash.BLAKE3Parallel(msg, workers)
			}
		})
	}
}

// BenchmarkBLAKE3Sizes has the implementations side by side with the peer
// called directly, which shows what the choice costs.
func BenchmarkBLAKE3Sizes(b *testing.B) {
	sizes := func(b *testing.B, sum func([]byte) [hash.Size]byte) {
		for _, size := range []int{64, 1024, 2048, 4096, 16384, 1 << 20} {
			b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
				msg := make([]byte, size)
				b.SetBytes(int64(size))
				for b.Loop() {
					sum(msg)
				}
			})
		}
	}
	b.Run("peer=zeebo", func(b *testing.B) { sizes(b, blake3.Sum256) })
	overModes(b, func(b *testing.B) { sizes(b, hash.BLAKE3) })
}
