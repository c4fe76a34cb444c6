package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDirEnv); dir != "" {
		os.Exit(killChild(dir)) // this is the process that TestKill kills
	}
	goleak.VerifyTestMain(m)
}

var chainA = [32]byte{0xaa, 1, 2, 3}

// payload returns n bytes that only this height and generation have.
func payload(height, generation uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(height, generation))
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rng.Uint64())
	}
	return b[:n]
}

// memOptions is a log with small segments in memory.
func memOptions(fsys store.FS) store.Options {
	return store.Options{Dir: "/data/node", ChainID: chainA, FS: fsys, SegmentBytes: 8 * store.PageBytes, MaxRecordBytes: 64 << 10}
}

func mustOpen(t testing.TB, opts store.Options) *store.Log {
	t.Helper()
	l, err := store.Open(opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return l
}

func mustClose(t testing.TB, l *store.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// mustCommit writes heights from..to with payloads of size bytes.
func mustCommit(t testing.TB, l *store.Log, from, to uint64, size int) {
	t.Helper()
	for h := from; h <= to; h++ {
		if err := l.Commit(h, payload(h, 0, size)); err != nil {
			t.Fatalf("Commit(%d): %v", h, err)
		}
	}
}

// wantHeights checks that the log holds exactly first..last with the payloads
// of mustCommit, by Read and by Scan.
func wantHeights(t testing.TB, l *store.Log, first, last uint64, size int) {
	t.Helper()
	if f, ok := l.First(); !ok || f != first {
		t.Fatalf("First() = %d, %v; want %d", f, ok, first)
	}
	if h, ok := l.Head(); !ok || h != last {
		t.Fatalf("Head() = %d, %v; want %d", h, ok, last)
	}
	var buf []byte
	for h := first; h <= last; h++ {
		got, err := l.Read(h, buf)
		if err != nil {
			t.Fatalf("Read(%d): %v", h, err)
		}
		if !bytes.Equal(got, payload(h, 0, size)) {
			t.Fatalf("Read(%d) returned other bytes than were appended", h)
		}
		buf = got
	}
	next := first
	err := l.Scan(0, func(h uint64, got []byte) error {
		if h != next || !bytes.Equal(got, payload(h, 0, size)) {
			return fmt.Errorf("scan: height %d where %d was due, or other bytes", h, next)
		}
		next++
		return nil
	})
	if err != nil || next != last+1 {
		t.Fatalf("Scan stopped before height %d: %v", next, err)
	}
}

// wantError checks the sentinel.
func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// segmentFile is the path of a segment of memOptions.
func segmentFile(number int) string {
	return fmt.Sprintf("/data/node/blocks/seg-%010d.log", number)
}

func mustReadFile(t testing.TB, fsys *faultfs.FS, name string) []byte {
	t.Helper()
	b, err := fsys.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
