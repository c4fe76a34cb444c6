//go:build !unix

package sha256x

import "testing"

// guardedMany: this system has no mmap, so the pages around the messages cannot
// be taken away. The other checks stand.
func guardedMany(t *testing.T, _ manyImpl) {
	t.Log("no guard pages on this system: over-reads are not looked for")
}
