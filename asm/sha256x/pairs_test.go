package sha256x

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
)

// pairFunc is the shape of every function that hashes pairs.
type pairFunc func(dst, src []byte)

// The digests of one pair, by the standard library.
func stdPair(pair []byte) [Size]byte { return sha256.Sum256(pair) }
func stdNode(pair []byte) [Size]byte {
	return sha256.Sum256(append([]byte{NodePrefix}, pair...))
}
func stdDPair(pair []byte) [Size]byte {
	inner := sha256.Sum256(pair)
	return sha256.Sum256(inner[:])
}

func TestGenericPairs(t *testing.T) {
	checkPairs(t, PairsGeneric, stdPair)
	checkPairs(t, NodesGeneric, stdNode)
	checkPairs(t, DPairsGeneric, stdDPair)
}

// checkPairs compares f with the reference: every count over several times the
// widest kernel's lanes, counts around its pipeline's and slices' ends, all
// alignments, dst over src, and memory that cannot be read or written right
// before and behind both buffers.
func checkPairs(t *testing.T, f pairFunc, ref func([]byte) [Size]byte) {
	t.Helper()
	for n := range 4*32 + 3 {
		comparePairs(t, f, ref, n, 0, 0)
	}
	for _, n := range []int{255, 256, 257, 511, 512, 513, 1000, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193, 10007} {
		comparePairs(t, f, ref, n, 0, 0)
	}
	for shift := range 65 {
		for _, n := range []int{1, 3, 16, 17, 33, 70} {
			comparePairs(t, f, ref, n, shift, (shift*7)%65)
		}
	}
	for _, n := range []int{1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 97, 130, 1000, 5000} {
		buf := randomBytes(uint64(n), n*PairSize)
		want := referencePairs(ref, buf)
		f(buf[:n*Size], buf)
		sameDigests(t, fmt.Sprintf("%d pairs in place", n), buf[:n*Size], want)
	}
	guardedPairs(t, f, ref)
}

func comparePairs(t *testing.T, f pairFunc, ref func([]byte) [Size]byte, n, srcShift, dstShift int) {
	t.Helper()
	const fence = 64
	src := randomBytes(uint64(n), fence+srcShift+n*PairSize+fence)[fence+srcShift:][:n*PairSize]
	all := bytes.Repeat([]byte{0xa5}, fence+dstShift+n*Size+fence)
	dst := all[fence+dstShift:][:n*Size]
	before := bytes.Clone(src)
	f(dst, src)
	at := fmt.Sprintf("%d pairs, src shifted by %d, dst by %d", n, srcShift, dstShift)
	sameDigests(t, at, dst, referencePairs(ref, src))
	if !bytes.Equal(src, before) {
		t.Fatalf("%s: src was changed", at)
	}
	for i, b := range all {
		if (i < fence+dstShift || i >= fence+dstShift+n*Size) && b != 0xa5 {
			t.Fatalf("%s: byte %d relative to dst was written", at, i-fence-dstShift)
		}
	}
}

func referencePairs(ref func([]byte) [Size]byte, src []byte) []byte {
	want := make([]byte, 0, len(src)/2)
	for i := 0; i < len(src); i += PairSize {
		d := ref(src[i : i+PairSize])
		want = append(want, d[:]...)
	}
	return want
}

func sameDigests(t *testing.T, at string, got, want []byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d bytes, want %d", at, len(got), len(want))
	}
	for i := 0; i < len(got); i += Size {
		if !bytes.Equal(got[i:i+Size], want[i:i+Size]) {
			t.Fatalf("%s: digest %d is %x, want %x", at, i/Size, got[i:i+Size], want[i:i+Size])
		}
	}
}

func randomBytes(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1], key[2] = byte(seed), byte(seed>>8), byte(n)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

func TestImplString(t *testing.T) {
	for impl, want := range map[Impl]string{Generic: "generic", SHA2: "sha2", AVX512: "avx512", 6: "sha256x.Impl(6)", 255: "sha256x.Impl(255)"} {
		if got := impl.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
