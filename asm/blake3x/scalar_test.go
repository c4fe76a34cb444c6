//go:build amd64 && gc && !purego

package blake3x

import (
	"fmt"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

func TestChunkScalar(t *testing.T)    { checkChunk(t, ChunkScalar) }
func TestCompressScalar(t *testing.T) { checkCompress(t, CompressScalar) }

func TestScalarAllocations(t *testing.T) {
	chunk := randomBytes(4, 777)
	var block [16]uint32
	if n := testing.AllocsPerRun(100, func() {
		ChunkScalar(chunk, &testKey, 0, 0)
		CompressScalar(&testKey, &block, 0, 64, 0)
	}); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}

// checkChunk compares f with the specification at every length.
func checkChunk(t *testing.T, f func(chunk []byte, key *[8]uint32, counter uint64, flags uint32) [8]uint32) {
	t.Helper()
	for n := range ChunkSize + 1 {
		for _, low := range []bool{false, true} {
			chunk := guard.Bytes(t, n, low)
			copy(chunk, randomBytes(uint64(n), n))
			for i, flags := range []uint32{0, Root, KeyedHash | Root, DeriveKeyContext, DeriveKeyMaterial | Root} {
				counter := counters[(n+i)%len(counters)]
				got := f(chunk, &testKey, counter, flags)
				if want := ChunkGeneric(chunk, &testKey, counter, flags); got != want {
					t.Fatalf("%d bytes, counter %#x, flags %#x: got %x, want %x", n, counter, flags, got, want)
				}
			}
		}
	}
}

// checkCompress compares f with the specification, on random arguments.
func checkCompress(t *testing.T, f func(cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) [16]uint32) {
	t.Helper()
	for i := range 500 {
		random := randomBytes(uint64(i), 2*BlockSize)
		block, second := Words((*[BlockSize]byte)(random)), Words((*[BlockSize]byte)(random[BlockSize:]))
		cv := [8]uint32(second[:8])
		length, flags, counter := uint32(i%65), uint32(random[0]), counters[i%len(counters)]
		got := f(&cv, &block, counter, length, flags)
		if want := CompressGeneric(&cv, &block, counter, length, flags); got != want {
			t.Fatalf("round %d: got %x, want %x", i, got, want)
		}
	}
}

func BenchmarkChunkScalar(b *testing.B) { benchChunk(b, ChunkScalar) }

func BenchmarkCompressScalar(b *testing.B) {
	var block [16]uint32
	for b.Loop() {
		block = CompressScalar(&IV, &block, 0, 64, ChunkStart|ChunkEnd|Root)
	}
}

var sink [8]uint32

func benchChunk(b *testing.B, f func(chunk []byte, key *[8]uint32, counter uint64, flags uint32) [8]uint32) {
	for _, n := range []int{32, 64, 65, 128, 200, 1024} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			src := randomBytes(1, n)
			for b.Loop() {
				sink = f(src, &IV, 0, Root)
			}
		})
	}
}
