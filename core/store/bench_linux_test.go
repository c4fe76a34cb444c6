package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/chainweir/weir/core/store"
)

const (
	blockHeadBytes = 128
	blockBodyBytes = 2_000_000             // 10,000 transactions of 200 bytes
	blockDiskBytes = 489 * store.PageBytes // with the record's header and padding
	burstBlocks    = 16                    // of the pipelined rows
	rawFileBytes   = 128 * blockDiskBytes  // preallocated at a time, untimed
	hugeBytes      = 2 << 20
)

// rawWriter is what the log is compared with: one unbuffered write and one
// fdatasync per block, to preallocated and never written extents, of bytes that
// are in the right place already.
type rawWriter struct {
	b    *testing.B
	dir  string
	file int
	fd   int
	off  int64
	buf  []byte
}

func newRawWriter(b *testing.B, largePages bool) *rawWriter {
	w := &rawWriter{b: b, dir: b.TempDir(), fd: -1, off: rawFileBytes}
	buf, err := unix.Mmap(-1, 0, hugeBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		b.Fatal(err)
	}
	advice := unix.MADV_NOHUGEPAGE
	if largePages {
		advice = unix.MADV_HUGEPAGE
	}
	if err := unix.Madvise(buf, advice); err != nil {
		b.Skipf("this kernel has no large pages to compare with: %v", err)
	}
	copy(buf, payload(1, 0, blockDiskBytes))
	w.buf = buf[:blockDiskBytes]
	b.Cleanup(func() {
		w.close()
		if err := unix.Munmap(buf); err != nil {
			b.Error(err)
		}
	})
	return w
}

func (w *rawWriter) close() {
	if w.fd < 0 {
		return
	}
	if err := unix.Close(w.fd); err != nil {
		w.b.Error(err)
	}
	if err := os.Remove(w.name()); err != nil {
		w.b.Error(err)
	}
	w.fd = -1
}

func (w *rawWriter) name() string { return filepath.Join(w.dir, fmt.Sprint("raw-", w.file)) }

// room begins another file when n more blocks do not fit. It is not timed.
func (w *rawWriter) room(n int64) {
	if w.off+n*blockDiskBytes <= rawFileBytes {
		return
	}
	w.close()
	w.file++
	fd, err := unix.Open(w.name(), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_DIRECT, 0o600)
	if err != nil {
		w.b.Skipf("the file system under the temporary directory has no O_DIRECT: %v", err)
	}
	w.fd, w.off = fd, 0
	if err := unix.Fallocate(fd, 0, 0, rawFileBytes); err != nil {
		w.b.Skipf("the file system under the temporary directory has no fallocate: %v", err)
	}
	if err := unix.Fsync(fd); err != nil {
		w.b.Fatal(err)
	}
}

// write writes n blocks and returns how long that took.
func (w *rawWriter) write(n int64) time.Duration {
	w.room(n)
	begin := time.Now()
	for range n {
		if got, err := unix.Pwrite(w.fd, w.buf, w.off); err != nil || got != len(w.buf) {
			w.b.Fatalf("wrote %d of %d bytes: %v", got, len(w.buf), err)
		}
		if err := unix.Fdatasync(w.fd); err != nil {
			w.b.Fatal(err)
		}
		w.off += blockDiskBytes
	}
	return time.Since(begin)
}

// logWriter is a log under the same load. Segments it has filled are pruned, so
// that a long run does not fill the disk.
type logWriter struct {
	b          *testing.B
	log        *store.Log
	height     uint64
	head, body []byte
}

func newLogWriter(b *testing.B, direct store.Direct) *logWriter {
	l := mustOpen(b, store.Options{Dir: b.TempDir(), ChainID: chainA, Direct: direct})
	b.Cleanup(func() { mustClose(b, l) })
	return &logWriter{b: b, log: l, head: payload(0, 0, blockHeadBytes), body: payload(1, 0, blockBodyBytes)}
}

// commit makes n blocks durable one by one.
func (w *logWriter) commit(n int64) time.Duration {
	begin := time.Now()
	for range n {
		w.height++
		if err := w.log.Commit(w.height, w.head, w.body); err != nil {
			w.b.Fatal(err)
		}
	}
	return time.Since(begin)
}

// pipeline makes n blocks durable, writing each while the one before is synced:
// one sync per block, in the order of blocks.
func (w *logWriter) pipeline(n int64) time.Duration {
	begin := time.Now()
	written := make(chan struct{}, 1) // at most one block waits for its sync
	var group errgroup.Group
	group.Go(func() error {
		defer close(written)
		for range n {
			w.height++
			if err := w.log.Append(w.height, w.head, w.body); err != nil {
				return err
			}
			written <- struct{}{}
		}
		return nil
	})
	group.Go(func() error {
		var first error
		for range written { // to the end: the other must not wait for ever
			if err := w.log.Sync(); first == nil {
				first = err
			}
		}
		return first
	})
	if err := group.Wait(); err != nil {
		w.b.Fatal(err)
	}
	return time.Since(begin)
}

// BenchmarkCommit2MB compares durable blocks of 10,000 transactions of 200 bytes
// with writing and syncing as many bytes by hand, on the disk under the
// temporary directory. The two alternate, raw log log raw, so that whatever else
// the machine does meets both. "time÷raw" is the ratio of the sums.
func BenchmarkCommit2MB(b *testing.B) {
	for _, c := range []struct {
		name       string
		direct     store.Direct
		largePages bool // under the raw writer's buffer, as under the log's
		pipelined  bool
	}{
		{"commit/raw-with-large-pages", store.DirectOn, true, false},
		{"commit/raw-with-small-pages", store.DirectOn, false, false},
		{"pipelined/raw-with-large-pages", store.DirectOn, true, true},
		{"buffered/raw-with-large-pages", store.DirectOff, true, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			raw, log := newRawWriter(b, c.largePages), newLogWriter(b, c.direct)
			blocks, run := int64(1), log.commit
			if c.pipelined {
				blocks, run = burstBlocks, log.pipeline
			}
			raw.write(blocks)
			run(blocks)
			var rawNS, logNS []time.Duration
			for b.Loop() {
				rawNS = append(rawNS, raw.write(blocks))
				logNS = append(logNS, run(blocks), run(blocks))
				rawNS = append(rawNS, raw.write(blocks))
				if err := log.log.Prune(log.height); err != nil {
					b.Fatal(err)
				}
			}
			report := func(name string, all []time.Duration) (sum time.Duration) {
				for _, d := range all {
					sum += d
				}
				slices.Sort(all)
				perBlockMS := func(d time.Duration) float64 { return d.Seconds() * 1e3 / float64(blocks) }
				b.ReportMetric(perBlockMS(all[len(all)/2]), name+"-p50-ms")
				b.ReportMetric(perBlockMS(all[len(all)*99/100]), name+"-p99-ms")
				return sum
			}
			rawSum, logSum := report("raw", rawNS), report("log", logNS)
			b.ReportMetric(float64(logSum)/float64(rawSum), "time÷raw")
			b.ReportMetric(float64(logNS[len(logNS)/2])/float64(rawNS[len(rawNS)/2]), "p50÷raw")
		})
	}
}
