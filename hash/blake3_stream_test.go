package hash_test

import (
	"bytes"
	"errors"
	"fmt"
	gohash "hash"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/zeebo/blake3"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/hash"
)

// TestBLAKE3StreamEdges writes messages that end around the places where the
// state changes: chunk, buffer of 16 chunks, layer of 256 chunks, carries on
// the stack; in writes below, at and above the size of the buffer.
func TestBLAKE3StreamEdges(t *testing.T) {
	const chunk, buffer, layer = 1 << 10, 16 << 10, 256 << 10
	all := blake3Random(6, 8*layer+buffer+2)
	var sizes []int
	for _, edge := range []int{chunk, buffer, 2 * buffer, layer, layer + buffer, 2 * layer, 3 * layer, 4 * layer, 7 * layer, 8 * layer, 8*layer + buffer} {
		sizes = append(sizes, edge-1, edge, edge+1)
	}
	var want [][]byte
	for _, n := range sizes {
		d := blake3.Sum256(all[:n])
		want = append(want, d[:])
	}
	overBLAKE3(t, func(t *testing.T, thin bool) {
		h := hash.NewBLAKE3()
		for i, n := range sizes {
			for _, write := range []int{1000, chunk, buffer - 1, buffer, buffer + 1, layer - buffer, layer, layer + chunk, n} {
				if thin && n > layer+1 {
					continue
				}
				h.Reset()
				for part := range slices.Chunk(all[:n], write) {
					h.Write(part)
					h.Write(nil)
				}
				if got := h.Sum(nil); !bytes.Equal(got, want[i]) {
					t.Fatalf("%d bytes in writes of %d: %x, want %x", n, write, got, want[i])
				}
			}
		}
	})
}

// TestBLAKE3StreamOperations lets writes, digests, outputs, clones and resets
// follow each other at random, in every mode.
func TestBLAKE3StreamOperations(t *testing.T) {
	all := blake3Random(7, 4<<20)
	overBLAKE3(t, func(t *testing.T, _ bool) {
		rapid.Check(t, func(t *rapid.T) {
			c := rapid.SampledFrom(blake3Cases()).Draw(t, "mode")
			m := &streamMachine{c: c, all: all, h: c.new()}
			t.Repeat(map[string]func(*rapid.T){
				"short write": func(t *rapid.T) { m.write(t, rapid.IntRange(0, 3000).Draw(t, "n")) },
				"write":       func(t *rapid.T) { m.write(t, rapid.IntRange(0, 100_000).Draw(t, "n")) },
				"whole": func(t *rapid.T) {
					m.write(t, rapid.SampledFrom([]int{1, 16, 17, 32, 240, 256, 512}).Draw(t, "chunks")*1024)
				},
				"sum":    m.sum,
				"output": m.output,
				"clone":  m.clone,
				"reset":  func(*rapid.T) { m.h.Reset(); m.n = 0 },
			})
			m.sum(t)
		})
	})
}

type streamMachine struct {
	c   blake3Case
	all []byte
	h   *hash.BLAKE3Hasher
	n   int // bytes of all that were written
}

func (m *streamMachine) write(t *rapid.T, n int) {
	n = min(n, len(m.all)-m.n)
	if got, err := m.h.Write(m.all[m.n:][:n]); got != n || err != nil {
		t.Fatalf("Write of %d bytes: %d, %v", n, got, err)
	}
	m.n += n
}

func (m *streamMachine) sum(t *rapid.T) {
	got := m.h.Sum([]byte("before"))
	if want := append([]byte("before"), m.c.reference(m.all[:m.n], hash.Size)...); !bytes.Equal(got, want) {
		t.Fatalf("%s of %d bytes: %x, want %x", m.c.name, m.n, got, want)
	}
}

func (m *streamMachine) output(t *rapid.T) {
	got := make([]byte, rapid.IntRange(0, 1500).Draw(t, "output"))
	if _, err := io.ReadFull(m.h.Output(), got); err != nil {
		t.Fatal(err)
	}
	if want := m.c.reference(m.all[:m.n], len(got)); !bytes.Equal(got, want) {
		t.Fatalf("%s of %d bytes: output of %d bytes is wrong", m.c.name, m.n, len(got))
	}
}

// clone goes on with the clone and spoils the original.
func (m *streamMachine) clone(t *rapid.T) {
	c, err := m.h.Clone()
	if err != nil {
		t.Fatal(err)
	}
	m.h.Write([]byte("something else"))
	m.h = c.(*hash.BLAKE3Hasher)
}

// TestBLAKE3OutputSeek reads parts of an output in any order, next to zeebo.
func TestBLAKE3OutputSeek(t *testing.T) {
	all := blake3Random(8, 3000)
	overBLAKE3(t, func(t *testing.T, _ bool) {
		rapid.Check(t, func(t *rapid.T) {
			c := rapid.SampledFrom(blake3Cases()).Draw(t, "mode")
			msg := all[:rapid.SampledFrom([]int{0, 64, 1000, 3000}).Draw(t, "message")]
			h, ref := c.new(), c.ref()
			h.Write(msg)
			ref.Write(msg)
			out, want := h.Output(), ref.Digest()
			pos := int64(0)
			for range 10 {
				if rapid.Bool().Draw(t, "seek") {
					pos = seekBoth(t, out, want, pos)
				}
				got := make([]byte, rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 3000)).Draw(t, "n"))
				ours := bytes.Clone(got)
				if n, err := out.Read(ours); n != len(got) || err != nil {
					t.Fatalf("Read of %d bytes at %d: %d, %v", len(got), pos, n, err)
				}
				want.Read(got)
				if !bytes.Equal(ours, got) {
					t.Fatalf("%s of %d bytes: wrong output of %d bytes at %d", c.name, len(msg), len(got), pos)
				}
				pos += int64(len(got))
			}
		})
	})
}

// seekBoth moves both outputs to a place near the beginning, around the block
// whose number needs a 33rd bit, or anywhere.
func seekBoth(t *rapid.T, out io.Seeker, want *blake3.Digest, pos int64) int64 {
	next := rapid.OneOf(
		rapid.Int64Range(0, 5000),
		rapid.Int64Range(64<<32-2000, 64<<32+2000),
		rapid.Int64Range(0, math.MaxInt64-100_000),
	).Draw(t, "to")
	offset, whence := next, io.SeekStart
	if rapid.Bool().Draw(t, "relative") {
		offset, whence = next-pos, io.SeekCurrent
	}
	if got, err := out.Seek(offset, whence); got != next || err != nil {
		t.Fatalf("Seek(%d, %d) from %d: %d, %v; want %d", offset, whence, pos, got, err, next)
	}
	if _, err := want.Seek(next, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return next
}

func TestBLAKE3OutputEnds(t *testing.T) {
	overBLAKE3(t, func(t *testing.T, _ bool) {
		out := hash.NewBLAKE3().Output()
		for _, bad := range []struct {
			offset int64
			whence int
		}{{-1, io.SeekStart}, {math.MinInt64, io.SeekStart}, {-101, io.SeekCurrent}, {math.MaxInt64 - 99, io.SeekCurrent}, {0, io.SeekEnd}, {0, 3}} {
			if _, err := out.Seek(100, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if pos, err := out.Seek(bad.offset, bad.whence); !errors.Is(err, hash.ErrOffset) || pos != 100 {
				t.Errorf("Seek(%d, %d) from 100: %d, %v; want 100, %v", bad.offset, bad.whence, pos, err, hash.ErrOffset)
			}
		}
		if _, err := out.Seek(math.MaxInt64-70, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		var buf [100]byte
		if n, err := out.Read(buf[:]); n != 70 || err != nil {
			t.Errorf("Read of 100 bytes 70 before the end: %d, %v", n, err)
		}
		if n, err := out.Read(buf[:]); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("Read at the end: %d, %v, want io.EOF", n, err)
		}
		if n, err := out.Read(nil); n != 0 || err != nil {
			t.Errorf("Read of nothing at the end: %d, %v", n, err)
		}
	})
}

// TestBLAKE3HasherIsXOF holds the contract of hash.XOF.
func TestBLAKE3HasherIsXOF(t *testing.T) {
	overBLAKE3(t, func(t *testing.T, _ bool) {
		var x gohash.XOF = hash.NewBLAKE3()
		x.Write([]byte("abc"))
		var got [100]byte
		for from := 0; from < len(got); from += 10 { // every Read goes on where the last one ended
			if n, err := x.Read(got[from : from+10]); n != 10 || err != nil {
				t.Fatalf("Read: %d, %v", n, err)
			}
		}
		want := blake3Cases()[0].reference([]byte("abc"), len(got))
		if !bytes.Equal(got[:], want) {
			t.Errorf("output %x, want %x", got, want)
		}
		if err := panics(func() { x.Write([]byte("d")) }); err == nil {
			t.Error("Write after Read did not panic")
		}
		digest := x.(gohash.Hash).Sum(nil)
		if !bytes.Equal(digest, want[:hash.Size]) {
			t.Errorf("digest after Read %x, want %x", digest, want[:hash.Size])
		}
		clone, err := x.(gohash.Cloner).Clone()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []io.Reader{clone.(gohash.XOF), x} { // the clone reads on by itself
			var next [50]byte
			if _, err := r.Read(next[:]); err != nil || !bytes.Equal(next[:], blake3Cases()[0].reference([]byte("abc"), 150)[100:]) {
				t.Errorf("after Clone: read %x (%v)", next, err)
			}
		}
		x.Reset()
		x.Write([]byte("d"))
		x.Read(got[:])
		if want := blake3Cases()[0].reference([]byte("d"), len(got)); !bytes.Equal(got[:], want) {
			t.Errorf("after Reset: output %x, want %x", got, want)
		}
	})
}

func panics(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	f()
	return nil
}
