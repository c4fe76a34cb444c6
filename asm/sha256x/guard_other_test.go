//go:build !unix

package sha256x

import "testing"

// guardedPairs: this system has no mmap, so the pages around the buffers
// cannot be taken away. The other checks stand.
func guardedPairs(t *testing.T, _ pairFunc, _ func([]byte) [Size]byte) {
	t.Log("no guard pages on this system: over-reads are not looked for")
}
