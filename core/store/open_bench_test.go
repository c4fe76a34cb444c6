package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chainweir/weir/core/store"
)

// BenchmarkOpen2GB opens logs of almost 2 GiB, whose last segment is almost full. The dropped rows forget cached pages
// first, as after a reboot.
func BenchmarkOpen2GB(b *testing.B) {
	const logBytes = 2<<30 - 8<<20
	for _, payloadBytes := range []int{store.PageBytes - store.RecordHeadBytes, 2_000_000} {
		opts := store.Options{Dir: b.TempDir(), ChainID: chainA}
		l := mustOpen(b, opts)
		p := payload(1, 0, payloadBytes)
		last := uint64(logBytes / (payloadBytes + store.RecordHeadBytes))
		for h := uint64(1); h <= last; h++ {
			if err := l.Append(h, p); err != nil {
				b.Fatal(err)
			}
		}
		mustClose(b, l)
		b.Run(fmt.Sprintf("record=%d/no-index", payloadBytes), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				dropCache(b, opts.Dir)
				indexes, err := filepath.Glob(opts.Dir + "/blocks/*.idx")
				if err != nil || len(indexes) == 0 {
					b.Fatalf("%d index files, %v", len(indexes), err)
				}
				for _, name := range indexes {
					if err := os.Remove(name); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				mustClose(b, mustOpen(b, opts))
			}
		})
		for _, cold := range []bool{false, true} {
			b.Run(fmt.Sprintf("record=%d/dropped=%t", payloadBytes, cold), func(b *testing.B) {
				for b.Loop() {
					if cold {
						b.StopTimer()
						dropCache(b, opts.Dir)
						b.StartTimer()
					}
					l := mustOpen(b, opts)
					if head, ok := l.Head(); !ok || head != last {
						b.Fatalf("the log ends with %d, %v", head, ok)
					}
					mustClose(b, l)
				}
			})
		}
		b.Run(fmt.Sprintf("record=%d/verify", payloadBytes), func(b *testing.B) {
			b.SetBytes(logBytes)
			for b.Loop() {
				if rep, err := store.Verify(opts); err != nil || rep.Records != last {
					b.Fatalf("%+v, %v", rep, err)
				}
			}
		})
	}
}

// dropCache makes the next reads of the log go to the disk.
func dropCache(b *testing.B, dir string) {
	fsys := store.OSFS{}
	blocks := dir + "/blocks"
	names, err := fsys.ReadDir(blocks)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		f, err := fsys.OpenFile(blocks+"/"+name, 0, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.DropCache(); err != nil {
			b.Skipf("cannot drop cached pages here: %v", err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
