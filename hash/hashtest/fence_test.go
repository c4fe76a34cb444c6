//go:build unix

package hashtest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/hash"
)

// touch reads the first byte of b.
//
//go:noinline
func touch(b []byte) byte { return b[0] }

func TestFencesFaultOnBothSides(t *testing.T) {
	f, err := newFences(2, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.free(); err != nil {
			t.Error(err)
		}
	}()
	for slot := range 2 {
		start := f.page + slot*(f.page+f.slot)
		for at, faults := range map[int]bool{
			start - f.page: true, start - 1: true, start: false,
			start + f.slot - 1: false, start + f.slot: true, start + f.slot + f.page - 1: true,
		} {
			err := caught(func() error { touch(f.all[at:]); return nil })
			if errors.Is(err, errFault) != faults {
				t.Errorf("slot %d: reading %d bytes from its start: %v; a fault is expected: %v", slot, at-start, err, faults)
			}
			err = caught(func() error { f.all[at]++; return nil })
			if errors.Is(err, errFault) != faults {
				t.Errorf("slot %d: writing %d bytes from its start: %v; a fault is expected: %v", slot, at-start, err, faults)
			}
		}
		low, high := f.place(slot, 7, true), f.place(slot, 7, false)
		if &low[0] != &f.all[start] || &high[6] != &f.all[start+f.slot-1] {
			t.Errorf("slot %d: the buffers do not touch the fences", slot)
		}
	}
}

// over returns b with a byte behind it, where its capacity has one: on a
// fence. Elsewhere it returns b.
func over(b []byte) []byte { return b[:min(len(b)+1, cap(b))] }

// TestSuiteNoticesOverruns gives each shape of function a fault of one byte
// behind a buffer. On other buffers than those at fences the faults do nothing,
// so the other checks are left out.
func TestSuiteNoticesOverruns(t *testing.T) {
	read := func(b []byte) {
		if b = over(b); len(b) > 0 {
			touch(b[len(b)-1:])
		}
	}
	write := func(b []byte) {
		if n := len(b); len(over(b)) > n {
			over(b)[n] = 0
		}
	}
	for _, f := range []struct {
		kernel, fault, caughtBy string
		breakIt                 func(*hash.Implementation)
	}{
		{"sha256", "read behind the message", "guard pages", func(im *hash.Implementation) {
			good := im.One
			im.One = func(msg []byte) digest { read(msg); return good(msg) }
		}},
		{"blake3", "read behind a message of whole blocks", "guard pages", func(im *hash.Implementation) {
			good := im.One
			im.One = func(msg []byte) digest {
				if len(msg)%64 == 0 {
					read(msg)
				}
				return good(msg)
			}
		}},
		{"sha256_pairs", "read behind an odd pair", "guard pages", func(im *hash.Implementation) {
			good := im.Pairs
			im.Pairs = func(dst, src []byte) error {
				if len(src)/64%16 == 1 {
					read(src)
				}
				return good(dst, src)
			}
		}},
		{"sha256_nodes", "write behind the digests", "guard pages", func(im *hash.Implementation) {
			good := im.Pairs
			im.Pairs = func(dst, src []byte) error {
				defer write(dst) // afterwards, or it would show in place too
				return good(dst, src)
			}
		}},
		{"sha256_many", "read behind a message in the last lane", "guard pages", func(im *hash.Implementation) {
			good := im.Many
			im.Many = func(dst []byte, msgs [][]byte) error {
				if n := len(msgs); n > 15 {
					read(msgs[15])
				}
				return good(dst, msgs)
			}
		}},
		{"sha256_many", "read behind a leaf", "leaves guard pages", func(im *hash.Implementation) {
			good := im.Leaves
			im.Leaves = func(dst []byte, msgs [][]byte) error {
				if len(msgs) > 0 {
					read(msgs[0])
				}
				return good(dst, msgs)
			}
		}},
		{"sha256_many", "read behind the last record", "records guard pages", func(im *hash.Implementation) {
			good := im.Records
			im.Records = func(dst, src []byte, size int, prefix byte) error {
				if size == 119 {
					read(src)
				}
				return good(dst, src, size, prefix)
			}
		}},
		{"blake3_many", "write behind the digests", "guard pages", func(im *hash.Implementation) {
			good := im.Many
			im.Many = func(dst []byte, msgs [][]byte) error { write(dst); return good(dst, msgs) }
		}},
		{"blake3_chunks", "read behind the chunks", "guard pages", func(im *hash.Implementation) {
			good := im.Chunks
			im.Chunks = func(dst, src []byte, counter uint64) error { read(src); return good(dst, src, counter) }
		}},
		{"blake3_parents", "write behind the values", "guard pages", func(im *hash.Implementation) {
			good := im.Pairs
			im.Pairs = func(dst, src []byte) error {
				defer write(dst) // afterwards, or it would show in place too
				return good(dst, src)
			}
		}},
	} {
		t.Run(f.kernel+" "+f.fault, func(t *testing.T) {
			im := find(t, f.kernel)
			f.breakIt(&im)
			if name := firstFailure(t, im, "guard pages"); name != f.caughtBy {
				t.Errorf("caught by %q, want %q", name, f.caughtBy)
			}
		})
	}
}

// TestFencesStopEveryImplementation hands real implementations, assembly among
// them, slices that reach into a fence, as a count that is one too high would:
// every one has to be stopped, and the program has to live on.
func TestFencesStopEveryImplementation(t *testing.T) {
	const n = 19
	f, err := newFences(2, n*blake3x.ChunkSize)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.free(); err != nil {
			t.Error(err)
		}
	}()
	// size bytes of slot 1, of which the first or the last reach lie on a fence.
	reaching := func(size, reach int, before bool) []byte {
		start := f.page + (f.page + f.slot)
		if before {
			return f.all[start-reach:][:size:size]
		}
		end := start + f.slot + reach
		return f.all[end-size : end : end]
	}
	for _, im := range slices.Concat(hash.Implementations(), trees) {
		if im.Unavailable != "" {
			continue // TestImplementations of package hash says why
		}
		for name, call := range overrunning(im) {
			for _, before := range []bool{true, false} {
				if err := caught(func() error { return call(f, reaching, before) }); !errors.Is(err, errFault) {
					t.Errorf("%s:%s: %s, before it: %v: %v, want a fault", im.Kernel, im.Name, name, before, err)
				}
			}
		}
	}
}

type overrun = func(f *fences, reaching func(size, reach int, before bool) []byte, before bool) error

// overrunning returns calls of the functions of im on buffers of which one
// reaches into a fence.
func overrunning(im hash.Implementation) map[string]overrun {
	const n = 19
	calls := map[string]overrun{}
	batch := func(name string, item int, do func(dst, src []byte) error) {
		calls[name+" reads"] = func(f *fences, reaching func(int, int, bool) []byte, before bool) error {
			return do(f.place(0, n*hash.Size, true), reaching(n*item, 1, before))
		}
		calls[name+" writes"] = func(f *fences, reaching func(int, int, bool) []byte, before bool) error {
			return do(reaching(n*hash.Size, 1, before), f.place(0, n*item, true))
		}
	}
	if im.One != nil {
		calls["One"] = func(_ *fences, reaching func(int, int, bool) []byte, before bool) error {
			im.One(reaching(200, 1, before))
			return nil
		}
	}
	if im.Pairs != nil {
		batch("Pairs", pairSize, im.Pairs)
	}
	if im.Chunks != nil {
		batch("Chunks", blake3x.ChunkSize, func(dst, src []byte) error { return im.Chunks(dst, src, 0) })
	}
	if im.Records != nil {
		batch("Records", 200, func(dst, src []byte) error { return im.Records(dst, src, 200, 0) })
	}
	for name, many := range map[string]manyFunc{"Many": im.Many, "Leaves": im.Leaves} {
		if many != nil {
			batch(name, 200, func(dst, src []byte) error { return many(dst, slices.Collect(slices.Chunk(src, 200))) })
		}
	}
	return calls
}

func TestCaughtPassesOnOtherPanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(error).Error(), "out of range") {
			t.Errorf("recovered %v, want the index panic", r)
		}
	}()
	var none []byte
	_ = caught(func() error { touch(none); return nil })
}
