package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// Every byte of a combined and of an outboard encoding, of its content, and of
// slices, is changed in turn.
func TestBaoEveryByteCounts(t *testing.T) {
	for _, size := range baoFaultSizes() {
		content := blake3Message(size)
		combined, outboard, root := baoSpec(content)
		refused := []error{ErrBaoMismatch, ErrBaoTruncated}
		for i := range combined {
			bad := slices.Clone(combined)
			bad[i] ^= 1 << (i % 8)
			what := fmt.Sprintf("%d bytes, byte %d of the combined encoding", size, i)
			checkBaoRefused(t, what, NewBaoReader(bytes.NewReader(bad), root), content, refused...)
		}
		for i := range outboard {
			bad := slices.Clone(outboard)
			bad[i] ^= 1 << (i % 8)
			what := fmt.Sprintf("%d bytes, byte %d of the outboard encoding", size, i)
			checkBaoRefused(t, what, NewBaoOutboardReader(bytes.NewReader(content), bytes.NewReader(bad), root), content, refused...)
		}
		for i := range content {
			bad := slices.Clone(content)
			bad[i] ^= 1 << (i % 8)
			what := fmt.Sprintf("%d bytes, byte %d of the content", size, i)
			r := NewBaoOutboardReader(bytes.NewReader(bad), bytes.NewReader(outboard), root)
			checkBaoRefused(t, what, r, content[:i/1024*1024], ErrBaoMismatch)
		}
		for i := range root {
			bad := root
			bad[i] ^= 1 << (i % 8)
			checkBaoRefused(t, "another root", NewBaoReader(bytes.NewReader(combined), bad), nil, ErrBaoMismatch)
		}
	}
}

// Of content of several windows, all that comes before a wrong or missing chunk is
// returned, whatever the place.
func TestBaoReturnsAllBeforeFault(t *testing.T) {
	content := blake3Message(300 << 10)
	_, outboard, root := baoSpec(content)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(content)-1).Draw(t, "at")
		bad, want := slices.Clone(content), ErrBaoMismatch
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if rapid.Bool().Draw(t, "cut") {
			bad, want = bad[:at], ErrBaoTruncated
		}
		got, err := readBao(NewBaoOutboardReader(bytes.NewReader(bad), bytes.NewReader(outboard), root))
		if !errors.Is(err, want) || !bytes.Equal(got, content[:at/1024*1024]) {
			t.Fatalf("a fault at %d: %v after %d bytes", at, err, len(got))
		}
	})
}

// In slices too, but for the header: a length that gives all chunks of the slice
// the same place does no harm and is not reported as proven.
func TestBaoSliceEveryByteCounts(t *testing.T) {
	const size = 5*1024 + 3
	content := blake3Message(size)
	combined, outboard, root := baoSpec(content)
	for _, at := range [][2]uint64{{0, 1}, {1023, 2}, {1024, 1024}, {2000, 2500}, {4096, 5000}, {5120, 3}, {5123, 0}, {9999, 1}} {
		start, length := at[0], at[1]
		slice := checkBaoSlice(t, content, combined, outboard, root, start, length)
		want := content[min(start, size):min(start+length, size)]
		for i := range slice {
			bad := slices.Clone(slice)
			bad[i] ^= 1 << (i % 8)
			r := NewBaoSliceReader(bytes.NewReader(bad), root, start, length)
			if i >= baoHeaderSize {
				checkBaoRefused(t, fmt.Sprintf("byte %d of the slice at %d", i, start), r, want, ErrBaoMismatch)
				continue
			}
			got, err := readBao(r)
			if claimed, ok := r.Size(); ok || err == nil && !bytes.Equal(got, want) || !bytes.HasPrefix(want, got) {
				t.Fatalf("byte %d of the slice at %d: %v, %d bytes, size %d proven %v", i, start, err, len(got), claimed, ok)
			}
		}
		for n := range slice {
			r := NewBaoSliceReader(bytes.NewReader(slice[:n]), root, start, length)
			checkBaoRefused(t, fmt.Sprintf("slice at %d cut to %d bytes", start, n), r, want, ErrBaoTruncated)
		}
		r := NewBaoSliceReader(bytes.NewReader(append(slices.Clone(slice), 0)), root, start, length)
		checkBaoRefused(t, "slice with another byte", r, want, ErrBaoTrailing)
	}
}

// A slice cannot pass for one of another place, nor for the end.
func TestBaoSliceOfAnotherPlace(t *testing.T) {
	content := blake3Message(7 * 1024)
	_, outboard, root := baoSpec(content)
	var slice bytes.Buffer
	if err := BaoSlice(context.Background(), &slice, bytes.NewReader(content), bytes.NewReader(outboard), 2048, 1024); err != nil {
		t.Fatal(err)
	}
	for _, start := range []uint64{0, 1024, 3072, 4096, 6144, 7168, math.MaxUint64} {
		r := NewBaoSliceReader(bytes.NewReader(slice.Bytes()), root, start, 1024)
		checkBaoRefused(t, fmt.Sprintf("as a slice from %d", start), r, nil, ErrBaoMismatch, ErrBaoTruncated)
		if _, ok := r.Size(); ok {
			t.Errorf("a slice from 2048 proves a size when read from %d", start)
		}
	}
}

func TestBaoEveryTruncation(t *testing.T) {
	for _, size := range baoFaultSizes() {
		content := blake3Message(size)
		combined, outboard, root := baoSpec(content)
		for n := range combined {
			r := NewBaoReader(bytes.NewReader(combined[:n]), root)
			checkBaoRefused(t, fmt.Sprintf("%d bytes: combined, cut to %d", size, n), r, content, ErrBaoTruncated)
			if !errors.Is(r.err, io.ErrUnexpectedEOF) {
				t.Fatalf("%v is no io.ErrUnexpectedEOF", r.err)
			}
		}
		for n := range outboard {
			r := NewBaoOutboardReader(bytes.NewReader(content), bytes.NewReader(outboard[:n]), root)
			checkBaoRefused(t, fmt.Sprintf("%d bytes: outboard, cut to %d", size, n), r, content, ErrBaoTruncated)
		}
		for n := range content {
			r := NewBaoOutboardReader(bytes.NewReader(content[:n]), bytes.NewReader(outboard), root)
			checkBaoRefused(t, fmt.Sprintf("%d bytes: content, cut to %d", size, n), r, content[:n/1024*1024], ErrBaoTruncated)
		}
	}
}

// No other length in the header is read to its end, whatever follows it.
func TestBaoLengthLies(t *testing.T) {
	huge := []uint64{math.MaxUint64, math.MaxUint64 - 1, math.MaxUint64 - 1023, math.MaxUint64 - 1024, 1 << 63, 1<<63 - 1, 1 << 54, 1 << 32}
	for _, size := range []int{0, 1, 1023, 1024, 1025, 2048, 3000, 4096, 5 * 1024} {
		content := blake3Message(size)
		combined, outboard, root := baoSpec(content)
		lies := slices.Clone(huge)
		for other := range uint64(9 * 1024) {
			if edge := (other + 2) % 1024; edge < 5 || other%61 == 0 || other+2 > uint64(size) && other < uint64(size)+3 {
				lies = append(lies, other)
			}
		}
		for _, lie := range lies {
			if lie == uint64(size) {
				continue
			}
			what := fmt.Sprintf("%d bytes, said to be %d", size, lie)
			bad := slices.Concat(binary.LittleEndian.AppendUint64(nil, lie), combined[8:], make([]byte, 2048))
			r := NewBaoReader(bytes.NewReader(bad), root)
			checkBaoRefused(t, what, r, content, ErrBaoMismatch, ErrBaoTruncated)
			if _, ok := r.Size(); ok || len(r.tree.buf) > 80<<10 {
				t.Fatalf("%s: proven %v, a buffer of %d bytes", what, ok, len(r.tree.buf))
			}
			bad = slices.Concat(bad[:8], outboard[8:], make([]byte, 640))
			padded := slices.Concat(content, make([]byte, 2048))
			checkBaoRefused(t, what+", outboard", NewBaoOutboardReader(bytes.NewReader(padded), bytes.NewReader(bad), root), content, ErrBaoMismatch, ErrBaoTruncated)
			for _, start := range []uint64{uint64(size), lie, math.MaxUint64} { // where the end would show
				if start < uint64(size) {
					continue
				}
				r := NewBaoSliceReader(bytes.NewReader(bad), root, start, 1)
				checkBaoRefused(t, what+", past the end", r, nil, ErrBaoMismatch, ErrBaoTruncated)
			}
		}
	}
}

func TestBaoTrailing(t *testing.T) {
	for _, size := range []int{0, 1, 1024, 5000, 200 << 10} { // of several windows, too
		content := blake3Message(size)
		combined, outboard, root := baoSpec(content)
		more := func(b []byte) *bytes.Reader { return bytes.NewReader(append(slices.Clone(b), 7)) }
		checkBaoRefused(t, "combined", NewBaoReader(more(combined), root), content, ErrBaoTrailing)
		checkBaoRefused(t, "outboard", NewBaoOutboardReader(bytes.NewReader(content), more(outboard), root), content, ErrBaoTrailing)
		checkBaoRefused(t, "content", NewBaoOutboardReader(more(content), bytes.NewReader(outboard), root), content, ErrBaoTrailing)
		src := more(combined)
		r := NewBaoReader(src, root)
		r.Embedded = true
		if got, err := readBao(r); err != nil || !bytes.Equal(got, content) || src.Len() != 1 {
			t.Errorf("embedded, %d bytes: %v, read %d, %d left in the source", size, err, len(got), src.Len())
		}
	}
}

// Errors of a source reach the reader, after what was verified before them.
func TestBaoSourceErrors(t *testing.T) {
	content := blake3Message(3000)
	combined, outboard, root := baoSpec(content)
	broken := errors.New("broken")
	at := func(b []byte, n int) io.Reader {
		return io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(broken))
	}
	for n := range combined {
		checkBaoRefused(t, fmt.Sprintf("combined, broken at %d", n), NewBaoReader(at(combined, n), root), content, broken)
	}
	whole := NewBaoReader(at(combined, len(combined)), root)
	checkBaoRefused(t, "broken at the end", whole, content, broken)
	checkBaoRefused(t, "outboard", NewBaoOutboardReader(bytes.NewReader(content), at(outboard, 70), root), content, broken)
	checkBaoRefused(t, "content", NewBaoOutboardReader(at(content, 2000), bytes.NewReader(outboard), root), content[:1024], broken)
	checkBaoRefused(t, "nothing", NewBaoReader(stuckReader{}, root), nil, io.ErrNoProgress)
	if n, err := NewBaoReader(nil, root).Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
}

type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

func TestBaoEncodeErrors(t *testing.T) {
	ctx := context.Background()
	content := strings.NewReader("0123456789")
	for size, want := range map[int64]error{
		-1: ErrBaoLength, math.MinInt64: ErrBaoLength, math.MaxInt64: ErrBaoLength, 1<<50 + 1: ErrBaoLength,
		11: ErrBaoTruncated, 1 << 30: ErrBaoTruncated, 10: nil,
	} {
		_, _, err := EncodeBaoOutboardAt(ctx, content, size, 1)
		_, err2 := EncodeBaoAt(ctx, io.Discard, content, size, 1)
		if !errors.Is(err, want) || !errors.Is(err2, want) {
			t.Errorf("%d bytes: %v, %v; want %v", size, err, err2, want)
		}
	}
	broken := errors.New("broken")
	if _, _, err := EncodeBaoOutboardAt(ctx, brokenAt{broken, 1 << 20}, 2<<20, 2); !errors.Is(err, broken) {
		t.Errorf("broken file: %v", err)
	}
	_, w := io.Pipe()
	w.CloseWithError(broken)
	if _, err := EncodeBao(ctx, w, blake3Message(1<<20), 1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("broken writer: %v", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	for _, size := range []int{0, 1024, 1 << 20} {
		if out, _, err := EncodeBaoOutboard(ctx, blake3Message(size), 2); !errors.Is(err, context.Canceled) || out != nil {
			t.Errorf("cancelled outboard encoding of %d bytes: %v", size, err)
		}
		_, outboard, _ := baoSpec(blake3Message(size))
		err := BaoSlice(ctx, io.Discard, bytes.NewReader(blake3Message(size)), bytes.NewReader(outboard), 0, 1)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled slice of %d bytes: %v", size, err)
		}
	}
}

// brokenAt is a file of zeros that fails where an error of the disk is.
type brokenAt struct {
	err error
	at  int64
}

func (b brokenAt) ReadAt(p []byte, off int64) (int, error) {
	if off <= b.at && b.at < off+int64(len(p)) {
		return 0, b.err
	}
	clear(p)
	return len(p), nil
}

func TestBaoSliceErrors(t *testing.T) {
	content := blake3Message(5000)
	combined, outboard, _ := baoSpec(content)
	slice := func(content, outboard []byte, start, length uint64) error {
		return BaoSlice(context.Background(), io.Discard, bytes.NewReader(content), bytes.NewReader(outboard), start, length)
	}
	for n := range outboard {
		if err := slice(content, outboard[:n], 0, 5000); !errors.Is(err, ErrBaoTruncated) {
			t.Fatalf("outboard cut to %d: %v", n, err)
		}
	}
	for n := range content {
		if err := slice(content[:n], outboard, 0, 5000); !errors.Is(err, ErrBaoTruncated) {
			t.Fatalf("content cut to %d: %v", n, err)
		}
	}
	for n := range combined {
		err := BaoSliceCombined(context.Background(), io.Discard, bytes.NewReader(combined[:n]), 0, 5000)
		if !errors.Is(err, ErrBaoTruncated) {
			t.Fatalf("combined cut to %d: %v", n, err)
		}
	}
	for _, lie := range []uint64{math.MaxUint64, 1 << 63, math.MaxInt64, math.MaxInt64 - 1024, 1 << 62, 1 << 40} {
		header := binary.LittleEndian.AppendUint64(nil, lie)
		for _, start := range []uint64{0, lie - 1, math.MaxUint64} {
			err := slice(content, append(header, outboard[8:]...), start, 1)
			if want := errOf(lie > math.MaxInt64); !errors.Is(err, want) {
				t.Errorf("outboard said to be of %d bytes, slice from %d: %v; want %v", lie, start, err, want)
			}
			if start == 0 {
				continue // a short file has enough parents and chunks for the first
			}
			err = BaoSliceCombined(context.Background(), io.Discard, bytes.NewReader(append(header, combined[8:]...)), start, 1)
			if want := errOf(lie > 1<<62); !errors.Is(err, want) {
				t.Errorf("combined said to be of %d bytes, slice from %d: %v; want %v", lie, start, err, want)
			}
		}
	}
}

func errOf(tooLong bool) error {
	if tooLong {
		return ErrBaoLength
	}
	return ErrBaoTruncated
}

// The counts that bound how far a reader reads are those of the walk, also at
// sizes that nothing can be built for.
func TestBaoRangeCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint64().Draw(t, "size")
		start := rapid.Uint64().Draw(t, "start")
		r := baoWanted(start, rapid.Uint64Range(0, 100<<10).Draw(t, "length"), size)
		chunks, parents := uint64(0), uint64(0)
		stack := []baoSubtree{{size: size}}
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if len(stack) > baoMaxLevels {
				t.Fatalf("%d nodes wait", len(stack))
			}
			if top.isChunk() {
				chunks += top.size
				continue
			}
			parents++
			left, right := top.children()
			if left.size+right.size != top.size || right.lo != top.lo+left.size || left.size%1024 != 0 {
				t.Fatalf("children %v and %v of %v", left, right, top)
			}
			for _, c := range []baoSubtree{right, left} {
				if r.meets(c) {
					stack = append(stack, c)
				}
			}
		}
		gotChunks, gotParents := r.bytes()
		if gotChunks != chunks || gotParents != parents {
			t.Fatalf("%+v: %d bytes, %d parents; walked %d, %d", r, gotChunks, gotParents, chunks, parents)
		}
	})
}

// After the buffers are there, no chunk and no window costs memory.
func TestBaoReaderAllocatesNothing(t *testing.T) {
	content := blake3Message(8 << 20)
	combined, outboard, root := baoSpec(content)
	buf := make([]byte, 32<<10)
	for name, r := range map[string]*BaoReader{
		"combined": NewBaoReader(bytes.NewReader(combined), root),
		"outboard": NewBaoOutboardReader(bytes.NewReader(content), bytes.NewReader(outboard), root),
	} {
		allocs(t, name, func() {
			for range 8 {
				if n, err := r.Read(buf); n == 0 || err != nil {
					t.Fatalf("%s: %d, %v", name, n, err)
				}
			}
		})
	}
}

// baoFaultSizes is of contents of which every byte is changed or cut off.
func baoFaultSizes() []int {
	if testing.Short() {
		return []int{0, 1, 1025}
	}
	return []int{0, 1, 1024, 1025, 3072, 5*1024 + 3}
}
