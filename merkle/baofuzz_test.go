package merkle

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/iotest"
)

// Whatever the source says, what is read is content of the root at its place, and
// the way it is cut into reads changes nothing.
func FuzzBaoReader(f *testing.F) {
	content := blake3Message(6*1024 + 100)
	combined, outboard, root := baoSpec(content)
	f.Add(combined, uint64(0), ^uint64(0))
	f.Add(combined[:3000], uint64(0), ^uint64(0))
	f.Add(outboard, uint64(7000), uint64(0))
	for _, at := range [][2]uint64{{0, 1}, {1024, 1024}, {3000, 9999}, {6244, 1}, {1 << 63, 1 << 63}} {
		var slice bytes.Buffer
		if err := BaoSliceCombined(context.Background(), &slice, bytes.NewReader(combined), at[0], at[1]); err != nil {
			f.Fatal(err)
		}
		f.Add(slice.Bytes(), at[0], at[1])
	}
	size := uint64(len(content))
	f.Fuzz(func(t *testing.T, data []byte, start, length uint64) {
		lo := min(start, size)
		want := content[lo : lo+min(length, size-lo)]
		r := NewBaoSliceReader(bytes.NewReader(data), root, start, length)
		got, err := io.ReadAll(r)
		if !bytes.HasPrefix(want, got) || err == nil && len(got) != len(want) {
			t.Fatalf("%d from %d: wrong content of %d bytes, %v", length, start, len(got), err)
		}
		if n, ok := r.Size(); ok && n != size {
			t.Fatalf("proven size %d", n)
		}
		again, err2 := io.ReadAll(NewBaoSliceReader(iotest.OneByteReader(bytes.NewReader(data)), root, start, length))
		if !bytes.Equal(got, again) || (err == nil) != (err2 == nil) {
			t.Fatalf("%d bytes, %v; byte by byte %d, %v", len(got), err, len(again), err2)
		}
		// As an encoding to cut from, it must not do harm either.
		_ = BaoSliceCombined(context.Background(), io.Discard, bytes.NewReader(data), start, length)
		_ = BaoSlice(context.Background(), io.Discard, bytes.NewReader(content), bytes.NewReader(data), start, length)
	})
}

// What was encoded is read back, in whole and in any slice.
func FuzzBaoSlice(f *testing.F) {
	f.Add([]byte("weir"), uint64(1), uint64(2))
	f.Add(blake3Message(5000), uint64(1024), uint64(2048))
	f.Add([]byte{}, uint64(5), uint64(5))
	f.Fuzz(func(t *testing.T, content []byte, start, length uint64) {
		combined, outboard, root := baoSpec(content)
		checkBaoSlice(t, content, combined, outboard, root, start, length)
	})
}
