package store_test

import (
	"testing"

	"github.com/chainweir/weir/core/store"
)

// Steady state: the buffers have grown and no segment begins.
func TestAppendAndReadDoNotAllocate(t *testing.T) {
	l := mustOpen(t, store.Options{Dir: t.TempDir(), ChainID: chainA})
	defer mustClose(t, l)
	head, body := payload(0, 0, 128), payload(1, 0, 50_000)
	height := uint64(0)
	commit := func() {
		height++
		if err := l.Commit(height, head, body); err != nil {
			t.Fatal(err)
		}
	}
	commit()
	// The index grows by one entry per megabyte; 10 records stay below one.
	if n := testing.AllocsPerRun(10, commit); n >= 1 {
		t.Errorf("Append and Sync allocate %.1f times", n)
	}
	buf := make([]byte, 60_000)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := l.Read(height, buf); err != nil {
			t.Fatal(err)
		}
	}); n >= 1 {
		t.Errorf("Read allocates %.1f times", n)
	}
}

func BenchmarkRead2MB(b *testing.B) {
	l := mustOpen(b, store.Options{Dir: b.TempDir(), ChainID: chainA})
	mustCommit(b, l, 1, 8, 2_000_000)
	buf := make([]byte, 2_000_000)
	b.SetBytes(int64(len(buf)))
	height := uint64(0)
	for b.Loop() {
		if _, err := l.Read(1+height%8, buf); err != nil {
			b.Fatal(err)
		}
		height++
	}
	mustClose(b, l)
}
