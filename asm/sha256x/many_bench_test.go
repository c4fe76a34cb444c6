package sha256x

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
)

// stdMany is the loop the kernels are compared with.
func stdMany(dst []byte, msgs [][]byte) {
	for i, msg := range msgs {
		digest := sha256.Sum256(msg)
		copy(dst[i*Size:], digest[:])
	}
}

func BenchmarkManyStd(b *testing.B) { benchmarkMany(b, stdMany) }

// benchmarkMany reports the time per message and bytes per second for messages
// of one length and of lengths up to 2 KiB, drawn once.
func benchmarkMany(b *testing.B, f func(dst []byte, msgs [][]byte)) {
	for _, size := range []int{64, 200, 256, 1024, 4096} {
		for _, n := range []int{16, 64, 1024} {
			b.Run(fmt.Sprintf("%dx%dB", n, size), func(b *testing.B) {
				timeMany(b, f, equalMessages(n, size))
			})
		}
	}
	for _, n := range []int{16, 64, 1024} {
		b.Run(fmt.Sprintf("%dx0-2KiB", n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(7, 7))
			msgs := equalMessages(n, 2048)
			for i := range msgs {
				msgs[i] = msgs[i][:rng.IntN(2049)]
			}
			timeMany(b, f, msgs)
		})
	}
}

func timeMany(b *testing.B, f func(dst []byte, msgs [][]byte), msgs [][]byte) {
	dst := make([]byte, len(msgs)*Size)
	total, blocks := 0, 0
	for _, msg := range msgs {
		total += len(msg)
		blocks += (len(msg) + 72) / BlockSize
	}
	b.SetBytes(int64(total))
	for b.Loop() {
		f(dst, msgs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(msgs)), "ns/msg")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*blocks), "ns/block")
}
