//go:build arm64 && gc && !purego

package sha256x

import (
	"crypto/sha256"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

// TestSHA2SumAtGuardPages hashes messages that begin or end at memory that
// must not be touched.
func TestSHA2SumAtGuardPages(t *testing.T) {
	needSHA2(t)
	for n := range 3*BlockSize + 1 {
		for _, low := range []bool{false, true} {
			msg := guard.Bytes(t, n, low)
			copy(msg, randomBytes(uint64(n), n))
			if got, want := SumSHA2(msg), sha256.Sum256(msg); got != want {
				t.Errorf("%d bytes, low %v: %x, want %x", n, low, got, want)
			}
		}
	}
}
