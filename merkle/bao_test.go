package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/zeebo/blake3"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/hash"
)

// specBao is the encoding of the subtree over content, from byte lo of size on,
// and its value. An outboard one
// leaves the chunks out.
func specBao(content []byte, lo, size int, outboard bool) ([]byte, Hash) {
	if len(content) <= 1024 {
		value := blake3.Sum256(content)
		if size > 1024 {
			value, _ = hash.BLAKE3Chunk(content, uint64(lo/1024))
		}
		if outboard {
			return nil, value
		}
		return content, value
	}
	half := 1024
	for 2*half < len(content) {
		half *= 2
	}
	l, left := specBao(content[:half], lo, size, outboard)
	r, right := specBao(content[half:], lo+half, size, outboard)
	value := blake3Parent(left, right)
	if len(content) == size {
		value = hash.BLAKE3Root(&left, &right)
	}
	return slices.Concat(left[:], right[:], l, r), value
}

// specBaoSlice cuts what a slice leaves out from the combined encoding of a
// subtree, at the start of enc: it returns what is kept and where the rest begins.
func specBaoSlice(enc []byte, lo, n, start, end, size int) (kept, rest []byte) {
	takes := lo == 0 && n == size || lo < end && start < lo+n || start >= size && lo+n == size
	if n <= 1024 {
		kept, rest = enc[:n], enc[n:]
	} else {
		half := 1024
		for 2*half < n {
			half *= 2
		}
		l, after := specBaoSlice(enc[64:], lo, half, start, end, size)
		r, after := specBaoSlice(after, lo+half, n-half, start, end, size)
		kept, rest = slices.Concat(enc[:64], l, r), after
	}
	if !takes {
		kept = nil
	}
	return kept, rest
}

func specBaoHeader(n int) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }

// baoSpec returns content's encodings and root.
func baoSpec(content []byte) (combined, outboard []byte, root Hash) {
	c, root := specBao(content, 0, len(content), false)
	o, _ := specBao(content, 0, len(content), true)
	header := specBaoHeader(len(content))
	return slices.Concat(header, c), slices.Concat(header, o), root
}

// baoSizes are those around each boundary of chunks to 20, and of pieces.
func baoSizes() []int {
	sizes := []int{0, 1, 2, 63, 64, 65}
	for chunks := 1; chunks <= 20; chunks++ {
		sizes = append(sizes, chunks*1024-1, chunks*1024, chunks*1024+1)
	}
	if testing.Short() { // minutes where a processor is emulated
		return append(sizes, 64*1024+7, 129*1024+7)
	}
	for _, chunks := range []int{63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 767, 1024, 1300} {
		sizes = append(sizes, chunks*1024, chunks*1024+7)
	}
	return sizes
}

// checkBao holds everything that is made of content against the specification,
// and reads it back.
func checkBao(t rapid.TB, content []byte, workers int) {
	t.Helper()
	ctx := context.Background()
	combined, outboard, root := baoSpec(content)
	if want := blake3.Sum256(content); root != want || hash.BLAKE3(content) != want {
		t.Fatalf("%d bytes: the specification has root %x, BLAKE3 %x", len(content), root, want)
	}
	if got := BaoOutboardSize(uint64(len(content))); got != uint64(len(outboard)) {
		t.Fatalf("%d bytes: outboard size %d, want %d", len(content), got, len(outboard))
	}
	same := func(what string, got []byte, gotRoot Hash, err error, want []byte) {
		t.Helper()
		if err != nil || gotRoot != root || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %d workers: %s: %v, root %x (want %x), %d bytes (want %d), equal %v",
				len(content), workers, what, err, gotRoot, root, len(got), len(want), bytes.Equal(got, want))
		}
	}
	file := bytes.NewReader(content)
	got, gotRoot, err := EncodeBaoOutboard(ctx, content, workers)
	same("EncodeBaoOutboard", got, gotRoot, err, outboard)
	got, gotRoot, err = EncodeBaoOutboardAt(ctx, file, int64(len(content)), workers)
	same("EncodeBaoOutboardAt", got, gotRoot, err, outboard)
	var buf bytes.Buffer
	gotRoot, err = EncodeBao(ctx, &buf, content, workers)
	same("EncodeBao", buf.Bytes(), gotRoot, err, combined)
	buf.Reset()
	gotRoot, err = EncodeBaoAt(ctx, &buf, file, int64(len(content)), workers)
	same("EncodeBaoAt", buf.Bytes(), gotRoot, err, combined)

	checkBaoRead(t, NewBaoReader(bytes.NewReader(combined), root), content, uint64(len(content)), true)
	checkBaoRead(t, NewBaoReader(iotest.HalfReader(bytes.NewReader(combined)), root), content, uint64(len(content)), true)
	checkBaoRead(t, NewBaoOutboardReader(file, bytes.NewReader(outboard), root), content, uint64(len(content)), true)
}

// checkBaoRead reads to the end.
func checkBaoRead(t rapid.TB, r *BaoReader, want []byte, size uint64, proven bool) {
	t.Helper()
	if n, ok := r.Size(); ok || n != 0 {
		t.Fatalf("size %d is known before anything was read", n)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("content of %d bytes: %v, read %d bytes, want %d, equal %v", size, err, len(got), len(want), bytes.Equal(got, want))
	}
	if n, ok := r.Size(); ok != proven || ok && n != size {
		t.Fatalf("size %d, %v after reading; want %d, %v", n, ok, size, proven)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("after the end: %d, %v", n, err)
	}
}

func TestBaoEverySize(t *testing.T) {
	msg := blake3Message(1301 << 10)
	for _, size := range baoSizes() {
		for _, workers := range []int{1, 2, 3} {
			checkBao(t, msg[:size], workers)
		}
	}
}

func TestBaoRandomSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := blake3Message(rapid.IntRange(0, 300<<10).Draw(t, "size"))
		at := rapid.IntRange(0, max(0, len(content)-1)).Draw(t, "at")
		if len(content) > 0 {
			content[at] ^= 0x55
		}
		checkBao(t, content, rapid.IntRange(0, 3).Draw(t, "workers"))
	})
}

// One byte at a time on both sides.
func TestBaoReaderByteByByte(t *testing.T) {
	content := blake3Message(5000)
	combined, outboard, root := baoSpec(content)
	one := func(b []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(b)) }
	for name, r := range map[string]io.Reader{
		"combined": NewBaoReader(one(combined), root),
		"outboard": NewBaoOutboardReader(one(content), one(outboard), root),
		"late end": NewBaoReader(iotest.DataErrReader(bytes.NewReader(combined)), root),
	} {
		got, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %v, %d bytes", name, err, len(got))
		}
	}
	if err := iotest.TestReader(NewBaoReader(bytes.NewReader(combined), root), content); err != nil {
		t.Error(err)
	}
}

// A chunk is given out as soon as it is there, though the source has no more yet.
func TestBaoReaderDoesNotWait(t *testing.T) {
	content := blake3Message(4096)
	combined, _, root := baoSpec(content)
	blocked := errors.New("asked for more than the first chunk")
	source := io.MultiReader(bytes.NewReader(combined[:8+2*64+1024]), iotest.ErrReader(blocked))
	r := NewBaoReader(source, root)
	if n, err := r.Read(make([]byte, 5000)); n != 1024 || err != nil {
		t.Fatalf("first read: %d bytes, %v", n, err)
	}
	if n, err := r.Read(make([]byte, 5000)); n != 0 || !errors.Is(err, blocked) {
		t.Fatalf("second read: %d bytes, %v", n, err)
	}
}

// baoSlicePoints are where a slice of size bytes may begin or end.
func baoSlicePoints(size int) []uint64 {
	points := []uint64{0, 1, uint64(size) + 1, uint64(size) + 5000, math.MaxUint64 - 1, math.MaxUint64}
	for at := 1024; at <= size+1024; at += 1024 {
		points = append(points, uint64(at)-1, uint64(at), uint64(at)+1)
	}
	if size > 0 {
		points = append(points, uint64(size)-1)
	}
	return append(points, uint64(size))
}

// checkBaoSlice holds one slice against the specification and reads it.
func checkBaoSlice(t rapid.TB, content, combined, outboard []byte, root Hash, start, length uint64) []byte {
	t.Helper()
	size := len(content)
	first := int(min(start, uint64(size)))
	end := first + int(min(max(length, 1), uint64(size+1))) // past the end is past the end
	kept, rest := specBaoSlice(combined[8:], 0, size, first, end, size)
	want := slices.Concat(specBaoHeader(size), kept)
	if len(rest) != 0 {
		t.Fatalf("the specification leaves %d bytes", len(rest))
	}
	var a, b bytes.Buffer
	errA := BaoSlice(context.Background(), &a, bytes.NewReader(content), bytes.NewReader(outboard), start, length)
	errB := BaoSliceCombined(context.Background(), &b, bytes.NewReader(combined), start, length)
	if errA != nil || errB != nil || !bytes.Equal(a.Bytes(), want) || !bytes.Equal(b.Bytes(), want) {
		t.Fatalf("%d bytes, slice of %d from %d: %v, %v; %d and %d bytes, want %d", size, length, start, errA, errB, a.Len(), b.Len(), len(want))
	}
	stop := first + int(min(length, uint64(size-first)))
	last := (max(1, size) - 1) / 1024 * 1024 // where the last chunk begins
	checkBaoRead(t, NewBaoSliceReader(&a, root, start, length), content[first:stop], uint64(size), end > last || first >= size)
	return want
}

func TestBaoSliceEveryBoundary(t *testing.T) {
	for _, size := range []int{0, 1, 1023, 1024, 1025, 2048, 2049, 3072, 5000, 8192, 11 * 1024, 13*1024 + 1} {
		content := blake3Message(size)
		combined, outboard, root := baoSpec(content)
		for _, start := range baoSlicePoints(size) {
			for _, length := range baoSlicePoints(size) {
				checkBaoSlice(t, content, combined, outboard, root, start, length)
			}
		}
		whole := checkBaoSlice(t, content, combined, outboard, root, 0, uint64(size))
		if !bytes.Equal(whole, combined) {
			t.Fatalf("%d bytes: the slice of everything is not the combined encoding", size)
		}
	}
}

func TestBaoSliceRandom(t *testing.T) {
	content := blake3Message(300 << 10)
	rapid.Check(t, func(t *rapid.T) {
		content := content[:rapid.IntRange(0, len(content)).Draw(t, "size")]
		combined, outboard, root := baoSpec(content)
		start := rapid.Uint64Range(0, uint64(len(content))+3000).Draw(t, "start")
		length := rapid.Uint64Range(0, uint64(len(content))+3000).Draw(t, "length")
		checkBaoSlice(t, content, combined, outboard, root, start, length)
	})
}

// readBao reads to the first error, which is nil at a clean end.
func readBao(r *BaoReader) ([]byte, error) { return io.ReadAll(r) }

// checkBaoRefused holds a reader of a changed source to what it must do: fail
// with one of the errors, having returned nothing but the beginning of want.
func checkBaoRefused(t *testing.T, what string, r *BaoReader, want []byte, errs ...error) {
	t.Helper()
	got, err := readBao(r)
	if !bytes.HasPrefix(want, got) {
		t.Fatalf("%s: wrong content was returned, %d bytes", what, len(got))
	}
	for _, e := range errs {
		if errors.Is(err, e) {
			return
		}
	}
	t.Fatalf("%s: %d of %d bytes, then %v; want one of %v", what, len(got), len(want), err, errs)
}
