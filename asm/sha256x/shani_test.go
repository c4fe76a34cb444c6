//go:build amd64 && gc && !purego

package sha256x

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

func needSHANI(tb testing.TB) {
	tb.Helper()
	if why := SHANIUnavailable(); why != "" {
		tb.Skip(why)
	}
}

func TestPairsSHANI(t *testing.T) {
	needSHANI(t)
	checkPairs(t, PairsSHANI, stdPair)
}

func TestNodesSHANI(t *testing.T) {
	needSHANI(t)
	checkPairs(t, NodesSHANI, stdNode)
}

func TestDPairsSHANI(t *testing.T) {
	needSHANI(t)
	checkPairs(t, DPairsSHANI, stdDPair)
}

// TestSHANIRuns checks the kernels for long runs at all counts, also those that
// the functions above leave to others: fewer pairs than stages, for example.
func TestSHANIRuns(t *testing.T) {
	needSHANI(t)
	for _, k := range []struct {
		name string
		run  func(dst, src *byte, n int)
		ref  func([]byte) [Size]byte
	}{
		{"Pairs", shaniPairsRun, stdPair},
		{"Nodes", shaniNodesRun, stdNode},
		{"DPairs", shaniDPairsRun, stdDPair},
	} {
		t.Run(k.name, func(t *testing.T) {
			checkPairs(t, func(dst, src []byte) {
				if n := len(src) / PairSize; n > 0 {
					k.run(&dst[0], &src[0], n)
				}
			}, k.ref)
		})
	}
}

// TestSumSHANI hashes every length around the padding's edges, and lengths
// around the most that one call into assembly takes.
func TestSumSHANI(t *testing.T) {
	needSHANI(t)
	lengths := []int{1 << 20}
	for n := range 5*BlockSize + 1 {
		lengths = append(lengths, n)
	}
	for d := -1; d <= 1; d++ {
		lengths = append(lengths, shaniCallBlocks*BlockSize+d, 2*shaniCallBlocks*BlockSize+d)
	}
	for _, n := range lengths {
		msg := randomBytes(uint64(n), n+3)[3:]
		got, want := SumSHANI(msg), sha256.Sum256(msg)
		sameDigests(t, fmt.Sprintf("%d bytes", n), got[:], want[:])
	}
}

// TestBlocksSHANI chains blocks from states that are not the initial one.
func TestBlocksSHANI(t *testing.T) {
	needSHANI(t)
	got, want := [8]uint32{1, 2, 3, 0xffffffff, 5, 6, 7, 8}, [8]uint32{1, 2, 3, 0xffffffff, 5, 6, 7, 8}
	for n := range 20 {
		// The bytes behind the last whole block do not count.
		p := randomBytes(uint64(n), n*BlockSize+n)
		BlocksSHANI(&got, p)
		BlocksGeneric(&want, p)
		if got != want {
			t.Fatalf("after %d blocks: %x, want %x", n, got, want)
		}
	}
}
