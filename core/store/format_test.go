package store_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

var fixedTime = time.Unix(1_700_000_000, 42)

const goldenSegment = "testdata/format-1.seg"

// goldenLog writes the log that goldenSegment holds.
func goldenLog(t *testing.T) []byte {
	t.Helper()
	fsys := faultfs.New()
	l, err := store.OpenFixed(memOptions(fsys), fixedTime, 0x1122334455667788)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(5, []byte("head"), []byte("body of five")); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(6, bytes.Repeat([]byte("six "), 1100)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	return mustReadFile(t, fsys, segmentFile(1))
}

// TestPrunedFormatIsFixed: the same for the file that says where a log begins.
func TestPrunedFormatIsFixed(t *testing.T) {
	fsys := faultfs.New()
	l, _ := threes(t, fsys, 5)
	if err := l.Prune(4); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	segment := mustReadFile(t, fsys, segmentFile(2))
	want := "5745495243555431" + "01000000" + "04030201" + "aa010203" + strings.Repeat("00", 28) + "0200000000000000" + "0400000000000000" +
		hex.EncodeToString(segment[80:84]) + strings.Repeat("00", 56)
	got := mustReadFile(t, fsys, prunedFile)
	if hex.EncodeToString(got[:len(got)-4]) != want || len(got) != 128 {
		t.Fatalf("the file holds\n%x, want\n%s", got, want)
	}
}

// TestFormatIsFixed: logs are kept for years. If this fails, the format has
// changed: that needs a new version number and a reader for the old one, not a
// new golden file.
func TestFormatIsFixed(t *testing.T) {
	want, err := os.ReadFile(goldenSegment)
	if err != nil {
		t.Fatal(err)
	}
	got := goldenLog(t)
	if !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Fatalf("%d bytes, the golden segment has %d; the first difference is at offset %d", len(got), len(want), at)
	}
	hexAt := func(off, n int) string { return hex.EncodeToString(want[off : off+n]) }
	rec1, rec2 := store.PageBytes, 2*store.PageBytes
	for _, c := range []struct {
		what string
		off  int
		hex  string
	}{
		{"segment magic", 0, hex.EncodeToString([]byte("WEIRLOG1"))},
		{"version", 8, "01000000"},
		{"endianness mark", 12, "04030201"},
		{"chain id", 16, "aa010203" + strings.Repeat("00", 28)},
		{"segment number", 48, "0100000000000000"},
		{"first height", 56, "0500000000000000"},
		{"created", 64, "2a002a36fe9c9717"},
		{"segment nonce", 72, "8877665544332211"},
		{"CRC before", 80, "00000000"},
		{"record magic", rec1, hex.EncodeToString([]byte("WREC"))},
		{"payload length", rec1 + 8, "10000000"},
		{"flags", rec1 + 12, "00000000"},
		{"height", rec1 + 16, "0500000000000000"},
		{"CRC before the first record", rec1 + 24, "00000000"},
		{"durable below", rec1 + 32, "0500000000000000"},
		{"record nonce", rec1 + 40, "8877665544332211"},
		{"payload", rec1 + 64, hex.EncodeToString([]byte("headbody of five"))},
		{"second record", rec2, hex.EncodeToString([]byte("WREC"))},
		{"its length", rec2 + 8, "30110000"},
		{"its height", rec2 + 16, "0600000000000000"},
		{"the first record's CRC", rec2 + 24, hexAt(rec1+4, 4)},
		{"durable below the second", rec2 + 32, "0600000000000000"},
	} {
		if got := hexAt(c.off, len(c.hex)/2); got != c.hex {
			t.Errorf("%s at offset %d is %s, want %s", c.what, c.off, got, c.hex)
		}
	}
	if len(want) != 4*store.PageBytes {
		t.Errorf("the golden segment has %d bytes", len(want))
	}
}

// TestGoldenSegmentIsReadable opens the committed file itself.
func TestGoldenSegmentIsReadable(t *testing.T) {
	b, err := os.ReadFile(goldenSegment)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "blocks"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blocks", "seg-0000000001.log"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	opts := store.Options{Dir: dir, ReadOnly: true}
	l := mustOpen(t, opts)
	defer mustClose(t, l)
	p, err := l.Read(5, nil)
	if err != nil || string(p) != "headbody of five" {
		t.Fatalf("Read(5) = %q, %v", p, err)
	}
	if p, err = l.Read(6, nil); err != nil || !bytes.Equal(p, bytes.Repeat([]byte("six "), 1100)) {
		t.Fatalf("Read(6): %v", err)
	}
	if l.ChainID() != chainA {
		t.Fatalf("ChainID() = %x", l.ChainID())
	}
	if _, err := store.Verify(opts); err != nil {
		t.Fatal(err)
	}
}
