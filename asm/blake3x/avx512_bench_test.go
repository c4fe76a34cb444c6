//go:build amd64 && gc && !purego

package blake3x

import (
	"fmt"
	"testing"
)

func BenchmarkChunksAVX512(b *testing.B) {
	needAVX512(b)
	for _, n := range []int{1, 2, 3, 4, 8, 15, 16, 32, 48, 64, 1024} {
		b.Run(fmt.Sprintf("%dKiB", n), func(b *testing.B) {
			src, dst := randomBytes(1, n*ChunkSize), make([]byte, n*Size)
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				ChunksAVX512(dst, src, &IV, 0, 0)
			}
		})
	}
}

func BenchmarkParentsAVX512(b *testing.B) {
	needAVX512(b)
	for _, n := range []int{1, 2, 3, 8, 16, 32, 64, 1024} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src, dst := randomBytes(1, n*ParentSize), make([]byte, n*Size)
			for b.Loop() {
				ParentsAVX512(dst, src, &IV, 0)
			}
			perItem(b, n, "ns/parent")
		})
	}
}

func BenchmarkChunkAVX512(b *testing.B) {
	needAVX512(b)
	benchChunk(b, ChunkAVX512)
}

func BenchmarkCompressAVX512(b *testing.B) {
	needAVX512(b)
	var block [16]uint32
	for b.Loop() {
		block = CompressAVX512(&IV, &block, 0, 64, ChunkStart|ChunkEnd|Root)
	}
}

func BenchmarkManyAVX512(b *testing.B) {
	needAVX512(b)
	const n = 1024
	random := randomBytes(1, n*ChunkSize)
	for name, length := range map[string]func(i int) int{
		"64B":    func(int) int { return 64 },
		"200B":   func(int) int { return 200 },
		"1KiB":   func(int) int { return 1024 },
		"random": func(i int) int { return int(uint32(i)*2654435761>>8) % (ChunkSize + 1) },
	} {
		b.Run(name, func(b *testing.B) {
			msgs, dst := make([][]byte, n), make([]byte, n*Size)
			total := 0
			for i := range msgs {
				msgs[i] = random[total:][:length(i)]
				total += len(msgs[i])
			}
			b.SetBytes(int64(total))
			for b.Loop() {
				ManyAVX512(dst, msgs, &IV, 0)
			}
			perItem(b, n, "ns/msg")
		})
	}
}

func BenchmarkXOFAVX512(b *testing.B) {
	needAVX512(b)
	var block [16]uint32
	for _, n := range []int{64, 128, 1024, 1 << 16} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			dst := make([]byte, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				XOFAVX512(dst, &IV, &block, 0, 64, 0)
			}
		})
	}
}

func perItem(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), unit)
}
