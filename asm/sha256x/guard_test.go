package sha256x

import (
	"fmt"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

// guardedPairs hashes pairs that lie between pages that must not be touched.
func guardedPairs(t *testing.T, f pairFunc, ref func([]byte) [Size]byte) {
	t.Helper()
	for n := 1; n <= 70; n++ {
		for low := range guard.Edges {
			src, dst := guard.Bytes(t, n*PairSize, low), guard.Bytes(t, n*Size, low)
			copy(src, randomBytes(uint64(n), len(src)))
			f(dst, src)
			sameDigests(t, fmt.Sprintf("%d pairs at a guard page, low %v", n, low), dst, referencePairs(ref, src))
		}
	}
}
