//go:build arm64 && gc && !purego

package sha256x

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// needSHA2 skips on processors without the instructions.
func needSHA2(tb testing.TB) {
	tb.Helper()
	if why := SHA2Unavailable(); why != "" {
		tb.Skipf("the SHA-2 kernels cannot run: %s", why)
	}
}

func TestSHA2Pairs(t *testing.T) {
	needSHA2(t)
	t.Run("pairs", func(t *testing.T) { checkPairs(t, PairsSHA2, stdPair) })
	t.Run("nodes", func(t *testing.T) { checkPairs(t, NodesSHA2, stdNode) })
	t.Run("dpairs", func(t *testing.T) { checkPairs(t, DPairsSHA2, stdDPair) })
}

// TestSHA2PairsEveryLastByte: the last byte of a pair is all that varies in a
// node's second block, and it gets there by another way than the others.
func TestSHA2PairsEveryLastByte(t *testing.T) {
	needSHA2(t)
	const n = 256
	src, dst := randomBytes(1, n*PairSize), make([]byte, n*Size)
	for i := range n {
		src[i*PairSize+PairSize-1] = byte(i)
	}
	NodesSHA2(dst, src)
	sameDigests(t, "nodes with every last byte", dst, referencePairs(stdNode, src))
}

func TestSHA2SumKnown(t *testing.T) {
	needSHA2(t)
	// The examples that NIST publishes with FIPS 180-4.
	for msg, want := range map[string]string{
		"":    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
		strings.Repeat("a", 1_000_000):                             "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
	} {
		if got := SumSHA2([]byte(msg)); hex.EncodeToString(got[:]) != want {
			t.Errorf("message of %d bytes: %x, want %s", len(msg), got, want)
		}
	}
}

func TestSHA2Sum(t *testing.T) {
	needSHA2(t)
	compare := func(msg []byte, at string) {
		if got, want := SumSHA2(msg), sha256.Sum256(msg); got != want {
			t.Errorf("%s: %x, want %x", at, got, want)
		}
	}
	for n := range 5*BlockSize + 1 {
		compare(randomBytes(uint64(n), n), fmt.Sprintf("%d bytes", n))
	}
	for shift := range 65 {
		for _, n := range []int{55, 64, 200} {
			compare(randomBytes(uint64(n), shift+n)[shift:], fmt.Sprintf("%d bytes shifted by %d", n, shift))
		}
	}
	for _, n := range []int{-65, -64, -1, 0, 1, 64, sha2SliceBytes, 2*sha2SliceBytes + 77} {
		n += sha2SliceBytes
		compare(randomBytes(uint64(n), n), fmt.Sprintf("%d bytes around a slice", n))
	}
}

// TestSHA2Blocks starts from states other than the initial one and cuts the
// blocks into calls.
func TestSHA2Blocks(t *testing.T) {
	needSHA2(t)
	start := [8]uint32{0, 1, 0x80000000, 0xffffffff, 0x01234567, 0x89abcdef, 5, 0xfffffff0}
	for _, blocks := range []int{0, 1, 2, 3, 17, 1023, 1024, 1025, 2049} {
		p := randomBytes(uint64(blocks), blocks*BlockSize)
		want, got := start, start
		BlocksGeneric(&want, p)
		before := bytes.Clone(p)
		cut := blocks / 3 * BlockSize
		BlocksSHA2(&got, p[:cut])
		BlocksSHA2(&got, p[cut:])
		if got != want {
			t.Errorf("%d blocks: state %x, want %x", blocks, got, want)
		}
		if !bytes.Equal(p, before) {
			t.Errorf("%d blocks: p was changed", blocks)
		}
	}
}

func TestSHA2AllocatesNothing(t *testing.T) {
	needSHA2(t)
	n := testing.AllocsPerRun(100, func() {
		var buf [7 * PairSize]byte
		var state [8]uint32
		PairsSHA2(buf[:7*Size], buf[:])
		NodesSHA2(buf[:7*Size], buf[:])
		DPairsSHA2(buf[:7*Size], buf[:])
		BlocksSHA2(&state, buf[:])
		digest := SumSHA2(buf[:100])
		buf[0] ^= digest[0] ^ byte(state[0])
	})
	if n != 0 {
		t.Errorf("%v allocations, want none: a buffer escaped", n)
	}
}

func BenchmarkSHA2(b *testing.B) {
	needSHA2(b)
	for _, k := range []struct {
		name string
		run  pairFunc
	}{{"pairs", PairsSHA2}, {"nodes", NodesSHA2}, {"dpairs", DPairsSHA2}} {
		for _, n := range []int{1, 2, 3, 4, 16, 64, 256, 1024, 4096} {
			b.Run(fmt.Sprintf("%s/n=%d", k.name, n), func(b *testing.B) {
				dst, src := make([]byte, n*Size), make([]byte, n*PairSize)
				b.SetBytes(int64(len(src)))
				for b.Loop() {
					k.run(dst, src)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/pair")
			})
		}
	}
	for _, size := range []int{64, 200, 1024, 65536, 1 << 20} {
		b.Run(fmt.Sprintf("sum/size=%d", size), func(b *testing.B) {
			msg := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				SumSHA2(msg)
			}
		})
	}
}
