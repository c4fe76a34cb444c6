//go:build !unix

package blake3x

import "testing"

// guarded: this system has no mmap, so the memory around the buffer cannot be
// taken away, and over-reads are not noticed here. The other checks stand.
func guarded(_ *testing.T, n int, _ bool) []byte { return make([]byte, n) }
