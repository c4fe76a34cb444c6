package blake3x

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

// The shapes of the functions that hash batches.
type (
	chunksFunc  func(dst, src []byte, key *[8]uint32, counter uint64, flags uint32)
	parentsFunc func(dst, src []byte, key *[8]uint32, flags uint32)
)

var testKey = [8]uint32{1, 0x80000000, 3, 4, 5, 6, 0xffffffff, 8}

// counters include carries from the low into the high word inside a batch.
var counters = []uint64{0, 1, 1<<32 - 5, 1<<32 - 1, 1 << 32, 1<<40 + 7, 1<<64 - 3}

// batchCounts covers several times the widest kernel's lanes.
func batchCounts() []int {
	var list []int
	for n := range 4*32 + 3 {
		list = append(list, n)
	}
	return append(list, 255, 256, 257, 1000)
}

// checkChunks compares f with the specification.
func checkChunks(t *testing.T, f chunksFunc) {
	t.Helper()
	for _, n := range batchCounts() {
		src := randomBytes(uint64(n), n*ChunkSize)
		compareBatch(t, fmt.Sprintf("%d chunks", n), src, n, 0,
			func(dst, src []byte) { f(dst, src, &IV, uint64(n), 0) },
			func(dst, src []byte) { ChunksGeneric(dst, src, &IV, uint64(n), 0) })
	}
	for _, counter := range counters {
		compareBatch(t, fmt.Sprintf("counter %#x", counter), randomBytes(counter, 37*ChunkSize), 37, 3,
			func(dst, src []byte) { f(dst, src, &testKey, counter, KeyedHash) },
			func(dst, src []byte) { ChunksGeneric(dst, src, &testKey, counter, KeyedHash) })
	}
	for shift := range 65 {
		src := randomBytes(uint64(shift), shift+33*ChunkSize)[shift:]
		compareBatch(t, fmt.Sprintf("shift %d", shift), src, 33, shift,
			func(dst, src []byte) { f(dst, src, &IV, 0, 0) },
			func(dst, src []byte) { ChunksGeneric(dst, src, &IV, 0, 0) })
	}
	for n := 1; n <= 40; n++ {
		for _, low := range []bool{false, true} {
			src, dst := guard.Bytes(t, n*ChunkSize, low), guard.Bytes(t, n*Size, low)
			copy(src, randomBytes(uint64(n), len(src)))
			f(dst, src, &IV, 0, 0)
			want := make([]byte, n*Size)
			ChunksGeneric(want, src, &IV, 0, 0)
			sameValues(t, fmt.Sprintf("%d chunks at a guard page, low %v", n, low), dst, want)
		}
	}
}

// checkParents compares f with the specification, in place too.
func checkParents(t *testing.T, f parentsFunc) {
	t.Helper()
	for _, n := range append(batchCounts(), 4095, 4096, 4097, 20001) {
		src := randomBytes(uint64(n), n*ParentSize)
		ours := func(dst, src []byte) { f(dst, src, &testKey, KeyedHash) }
		spec := func(dst, src []byte) { ParentsGeneric(dst, src, &testKey, KeyedHash) }
		compareBatch(t, fmt.Sprintf("%d parents", n), src, n, 0, ours, spec)
		want := make([]byte, n*Size)
		spec(want, src)
		ours(src[:n*Size], src)
		sameValues(t, fmt.Sprintf("%d parents in place", n), src[:n*Size], want)
	}
	for shift := range 65 {
		src := randomBytes(uint64(shift), shift+35*ParentSize)[shift:]
		compareBatch(t, fmt.Sprintf("shift %d", shift), src, 35, shift,
			func(dst, src []byte) { f(dst, src, &IV, 0) },
			func(dst, src []byte) { ParentsGeneric(dst, src, &IV, 0) })
	}
	for n := 1; n <= 70; n++ {
		for _, low := range []bool{false, true} {
			src, dst := guard.Bytes(t, n*ParentSize, low), guard.Bytes(t, n*Size, low)
			copy(src, randomBytes(uint64(n), len(src)))
			f(dst, src, &IV, 0)
			want := make([]byte, n*Size)
			ParentsGeneric(want, src, &IV, 0)
			sameValues(t, fmt.Sprintf("%d parents at a guard page, low %v", n, low), dst, want)
		}
	}
}

// compareBatch runs both functions and looks at everything around dst and at
// src.
func compareBatch(t *testing.T, at string, src []byte, n, dstShift int, ours, spec func(dst, src []byte)) {
	t.Helper()
	const fence = 64
	all := bytes.Repeat([]byte{0xa5}, fence+dstShift+n*Size+fence)
	dst := all[fence+dstShift:][:n*Size]
	before := bytes.Clone(src)
	ours(dst, src)
	want := make([]byte, n*Size)
	spec(want, before)
	sameValues(t, at, dst, want)
	if !bytes.Equal(src, before) {
		t.Fatalf("%s: src was changed", at)
	}
	for i, b := range all {
		if (i < fence+dstShift || i >= fence+dstShift+n*Size) && b != 0xa5 {
			t.Fatalf("%s: byte %d relative to dst was written", at, i-fence-dstShift)
		}
	}
}

func sameValues(t *testing.T, at string, got, want []byte) {
	t.Helper()
	for i := 0; i < len(want); i += Size {
		if !bytes.Equal(got[i:i+Size], want[i:i+Size]) {
			t.Fatalf("%s: value %d is %x, want %x", at, i/Size, got[i:i+Size], want[i:i+Size])
		}
	}
}

func randomBytes(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1], key[2], key[3] = byte(seed), byte(seed>>8), byte(seed>>32), byte(n)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}
