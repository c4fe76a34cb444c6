//go:build amd64 && gc && !purego

package blake3x

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

func needAVX512(t testing.TB) {
	if why := AVX512Unavailable(); why != "" {
		t.Skip(why)
	}
}

func TestChunksAVX512(t *testing.T) {
	needAVX512(t)
	checkChunks(t, ChunksAVX512)
}

// TestChunksAVX512Slices looks at batches longer than one call into assembly,
// with a counter that carries in a later call.
func TestChunksAVX512Slices(t *testing.T) {
	needAVX512(t)
	const n = 2*32*avx512ChunkGroups + 32 + 16 + 5
	src := randomBytes(1, n*ChunkSize)
	counter := uint64(1<<32 - 32*avx512ChunkGroups - 7)
	compareBatch(t, "slices", src, n, 1,
		func(dst, src []byte) { ChunksAVX512(dst, src, &testKey, counter, KeyedHash) },
		func(dst, src []byte) { ChunksGeneric(dst, src, &testKey, counter, KeyedHash) })
}

func TestParentsAVX512(t *testing.T) {
	needAVX512(t)
	checkParents(t, ParentsAVX512)
}

func TestChunkAVX512(t *testing.T) {
	needAVX512(t)
	checkChunk(t, ChunkAVX512)
}

func TestCompressAVX512(t *testing.T) {
	needAVX512(t)
	checkCompress(t, CompressAVX512)
}

// messageLengths are mixes of lengths: all of one, and those that make lanes
// end at different blocks.
func messageLengths() map[string]func(i int) int {
	mixes := map[string]func(i int) int{
		"ascending":  func(i int) int { return i % (ChunkSize + 1) },
		"descending": func(i int) int { return ChunkSize - i%(ChunkSize+1) },
		"scattered":  func(i int) int { return i * 2654435761 >> 7 % (ChunkSize + 1) },
		"two kinds":  func(i int) int { return 1000 * (i & 1) },
	}
	for _, n := range []int{0, 1, 31, 32, 63, 64, 65, 127, 128, 129, 200, 1023, 1024} {
		mixes[fmt.Sprint(n)] = func(int) int { return n }
	}
	return mixes
}

func TestManyAVX512(t *testing.T) {
	needAVX512(t)
	random := randomBytes(3, 1<<20)
	counts := []int{255, 256, 257, 1100, 2*avx512Window + 17}
	for n := range 70 {
		counts = append(counts, n)
	}
	for name, length := range messageLengths() {
		for _, n := range counts {
			msgs := make([][]byte, n)
			for i := range msgs {
				at := i * 7919 % (len(random) - ChunkSize)
				msgs[i] = random[at:][:length(i)]
				if length(i) == 0 && i%2 == 0 {
					msgs[i] = nil
				}
			}
			got, want := bytes.Repeat([]byte{0xa5}, n*Size+64), make([]byte, n*Size)
			ManyAVX512(got[32:][:n*Size], msgs, &testKey, KeyedHash)
			ManyGeneric(want, msgs, &testKey, KeyedHash)
			at := fmt.Sprintf("%d messages, lengths %s", n, name)
			sameValues(t, at, got[32:], want)
			fence := bytes.Repeat([]byte{0xa5}, 32)
			if !bytes.Equal(got[:32], fence) || !bytes.Equal(got[32+n*Size:], fence) {
				t.Fatalf("%s: a byte beside dst was written", at)
			}
		}
	}
}

// TestManyAVX512Guarded puts every message at the edge of a mapping.
func TestManyAVX512Guarded(t *testing.T) {
	needAVX512(t)
	for _, low := range []bool{false, true} {
		edge := guard.Bytes(t, ChunkSize, low)
		copy(edge, randomBytes(5, len(edge)))
		piece := func(n int) []byte {
			if low {
				return edge[:n]
			}
			return edge[len(edge)-n:]
		}
		for n := range ChunkSize + 1 {
			var msgs [19][]byte
			for i := range msgs {
				msgs[i] = piece(n * (i%3 + 1) / 3)
			}
			got, want := guard.Bytes(t, len(msgs)*Size, low), make([]byte, len(msgs)*Size)
			ManyAVX512(got, msgs[:], &IV, 0)
			ManyGeneric(want, msgs[:], &IV, 0)
			sameValues(t, fmt.Sprintf("%d bytes at a guard page, low %v", n, low), got, want)
		}
	}
}

func TestXOFAVX512(t *testing.T) {
	needAVX512(t)
	block := Words((*[BlockSize]byte)(randomBytes(9, BlockSize)))
	lengths := []int{2 * avx512XOFBytes, 2*avx512XOFBytes + 1, avx512XOFBytes - 1}
	for n := range 2*16*BlockSize + 2 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for _, low := range []bool{false, true} {
			got, want := guard.Bytes(t, n, low), make([]byte, n)
			counter := counters[n%len(counters)]
			XOFAVX512(got, &testKey, &block, counter, uint32(n%65), KeyedHash)
			XOFGeneric(want, &testKey, &block, counter, uint32(n%65), KeyedHash)
			if !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, counter %#x, low %v: differs from the specification", n, counter, low)
			}
		}
	}
}

// TestAVX512Allocations: none of the functions may make the collector work.
func TestAVX512Allocations(t *testing.T) {
	needAVX512(t)
	src := randomBytes(4, 53*ChunkSize)
	dst := make([]byte, len(src)/2)
	msgs := make([][]byte, 53)
	for i := range msgs {
		msgs[i] = src[i*ChunkSize:][:17*i]
	}
	var block [16]uint32
	for name, f := range map[string]func(){
		"Chunks":   func() { ChunksAVX512(dst, src, &testKey, 0, 0) },
		"Parents":  func() { ParentsAVX512(dst, src, &testKey, 0) },
		"Chunk":    func() { ChunkAVX512(src[:777], &testKey, 0, 0) },
		"Compress": func() { CompressAVX512(&testKey, &block, 0, 64, 0) },
		"Many":     func() { ManyAVX512(dst, msgs, &testKey, 0) },
		"XOF":      func() { XOFAVX512(dst, &testKey, &block, 0, 64, 0) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
