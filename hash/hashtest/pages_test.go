//go:build unix

package hashtest

import (
	"errors"
	"slices"
	"testing"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/internal/guard"
)

// touch reads the first byte of b.
//
//go:noinline
func touch(b []byte) byte { return b[0] }

// over returns b with a byte behind it, where its capacity has one: on a
// guard page. Elsewhere it returns b.
func over(b []byte) []byte { return b[:min(len(b)+1, cap(b))] }

// TestSuiteNoticesOverruns gives each shape of function a fault of one byte
// behind a buffer. On other buffers than those at guard pages the faults do nothing,
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

// TestGuardPagesStopEveryImplementation hands real implementations, assembly among
// them, slices that reach into a guard page, as a count that is one too high would:
// every one has to be stopped, and the program has to live on.
func TestGuardPagesStopEveryImplementation(t *testing.T) {
	const n = 19
	g, err := guard.New(2, n*blake3x.ChunkSize)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := g.Free(); err != nil {
			t.Error(err)
		}
	}()
	for _, im := range slices.Concat(hash.Implementations(), trees) {
		if im.Unavailable != "" {
			continue // TestImplementations of package hash says why
		}
		for name, call := range overrunning(im) {
			for low, edge := range guard.Edges {
				if err := guard.Caught(func() error { return call(g, low) }); !errors.Is(err, guard.ErrFault) {
					t.Errorf("%s:%s: %s, %s: %v, want a fault", im.Kernel, im.Name, name, edge, err)
				}
			}
		}
	}
}

// overrunning returns calls of the functions of im on buffers of which one
// reaches into a guard page.
func overrunning(im hash.Implementation) map[string]func(g *guard.Pages, low bool) error {
	const n = 19
	calls := map[string]func(g *guard.Pages, low bool) error{}
	batch := func(name string, item int, do func(dst, src []byte) error) {
		calls[name+" reads"] = func(g *guard.Pages, low bool) error {
			return do(g.Place(0, n*hash.Size, true), g.Reach(1, n*item, 1, low))
		}
		calls[name+" writes"] = func(g *guard.Pages, low bool) error {
			return do(g.Reach(1, n*hash.Size, 1, low), g.Place(0, n*item, true))
		}
	}
	if im.One != nil {
		calls["One"] = func(g *guard.Pages, low bool) error {
			im.One(g.Reach(1, 200, 1, low))
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
