//go:build amd64 && gc && !purego

package blake3x

import (
	"fmt"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

func needAVX2(tb testing.TB) {
	tb.Helper()
	if reason := AVX2Unavailable(); reason != "" {
		tb.Skip(reason)
	}
}

func TestAVX2Batches(t *testing.T) {
	needAVX2(t)
	checkChunks(t, ChunksAVX2)
	checkParents(t, ParentsAVX2)
}

// TestAVX2Slices hashes counts around one call's share, which leave the last
// call a lone chunk or parent, a part of a group or whole groups.
func TestAVX2Slices(t *testing.T) {
	needAVX2(t)
	for extra := -1; extra <= 10; extra++ {
		n := avx2SliceChunks + extra
		compareBatch(t, fmt.Sprintf("%d chunks", n), randomBytes(5, n*ChunkSize), n, 1,
			func(dst, src []byte) { ChunksAVX2(dst, src, &testKey, 1<<32-200, KeyedHash) },
			func(dst, src []byte) { ChunksGeneric(dst, src, &testKey, 1<<32-200, KeyedHash) })
		n = avx2SliceParents + extra
		compareBatch(t, fmt.Sprintf("%d parents", n), randomBytes(6, n*ParentSize), n, 1,
			func(dst, src []byte) { ParentsAVX2(dst, src, &testKey, DeriveKeyMaterial) },
			func(dst, src []byte) { ParentsGeneric(dst, src, &testKey, DeriveKeyMaterial) })
	}
}

// TestAVX2Chunk hashes chunks of every length, at both ends of guarded memory.
func TestAVX2Chunk(t *testing.T) {
	needAVX2(t)
	for n := range ChunkSize + 1 {
		for _, low := range []bool{false, true} {
			chunk := guard.Bytes(t, n, low)
			copy(chunk, randomBytes(uint64(n), n))
			for i, flags := range []uint32{0, Root, KeyedHash | Root, DeriveKeyContext} {
				counter := counters[(n+i)%len(counters)]
				got := ChunkAVX2(chunk, &testKey, counter, flags)
				want := ChunkGeneric(chunk, &testKey, counter, flags)
				if got != want {
					t.Fatalf("%d bytes, guard page below %v, counter %#x, flags %#x: %x, want %x", n, low, counter, flags, got, want)
				}
			}
		}
	}
	if got, want := ChunkAVX2(nil, &IV, 0, Root), ChunkGeneric(nil, &IV, 0, Root); got != want {
		t.Fatalf("no chunk: %x, want %x", got, want)
	}
}

// TestAVX2Compress compares whole outputs, with every bit of the small
// parameters set once.
func TestAVX2Compress(t *testing.T) {
	needAVX2(t)
	for i := range 64 {
		random := randomBytes(uint64(i), BlockSize+Size)
		block := Words((*[BlockSize]byte)(random))
		cv := ChunkGeneric(random[BlockSize:], &testKey, 0, 0)
		counter, blockLen, flags := uint64(1)<<i, uint32(1)<<(i%32), uint32(1)<<(31-i%32)
		got := CompressAVX2(&cv, &block, counter, blockLen, flags)
		want := CompressGeneric(&cv, &block, counter, blockLen, flags)
		if got != want {
			t.Fatalf("counter %#x, length %#x, flags %#x: %x, want %x", counter, blockLen, flags, got, want)
		}
	}
}

// benchmarkItems times f, which does n items of so many bytes each.
func benchmarkItems(b *testing.B, name string, n, itemBytes int, f func(dst, src []byte)) {
	b.Run(name, func(b *testing.B) {
		src, dst := randomBytes(1, n*itemBytes), make([]byte, max(n, 1)*Size)
		b.SetBytes(int64(n * itemBytes))
		for b.Loop() {
			f(dst, src)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/item")
	})
}

func BenchmarkAVX2(b *testing.B) {
	needAVX2(b)
	for _, n := range []int{1, 2, 8, 16, 64, 256, 1024} {
		benchmarkItems(b, fmt.Sprintf("chunks/n=%d", n), n, ChunkSize, func(dst, src []byte) { ChunksAVX2(dst, src, &IV, 0, 0) })
		benchmarkItems(b, fmt.Sprintf("parents/n=%d", n), n, ParentSize, func(dst, src []byte) { ParentsAVX2(dst, src, &IV, 0) })
	}
	for _, length := range []int{3, 64, 1024} {
		benchmarkItems(b, fmt.Sprintf("chunk/len=%d", length), 1, length, func(dst, src []byte) {
			cv := ChunkAVX2(src, &IV, 0, Root)
			PutWords(dst, &cv)
		})
	}
	var block, out [16]uint32
	benchmarkItems(b, "compress", 1, BlockSize, func(_, _ []byte) { out = CompressAVX2(&IV, &block, 0, BlockSize, 0) })
	_ = out
}
