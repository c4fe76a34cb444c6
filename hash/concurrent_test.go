package hash_test

import (
	"bytes"
	"crypto/sha256"
	"sync"
	"testing"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/hash"
)

// TestConcurrentFirstCalls lets many goroutines meet the kernels before
// anything was chosen, while the choice keeps being thrown away: whoever
// measures, all digests are right.
func TestConcurrentFirstCalls(t *testing.T) {
	src := bytes.Repeat([]byte("0123456789abcdef"), 64)
	want := sha256.Sum256(src)
	wantPair := sha256.Sum256(src[:64])
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dst := make([]byte, len(src)/2)
			for range 20 {
				if got := hash.SHA256(src); got != want {
					t.Errorf("digest %x, want %x", got, want)
				}
				if err := hash.SHA256Pairs(dst, src); err != nil || !bytes.Equal(dst[:32], wantPair[:]) {
					t.Errorf("pair digest %x (%v), want %x", dst[:32], err, wantPair)
				}
				if err := cpu.Kernels.Override(""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
