package merkle

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

const baoBenchSize = 8 << 20

func BenchmarkEncodeBaoOutboard(b *testing.B) {
	content := blake3Message(baoBenchSize)
	b.SetBytes(baoBenchSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := EncodeBaoOutboard(context.Background(), content, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// What the encoder is held against: the digest alone.
func BenchmarkBaoDigest(b *testing.B) {
	content := blake3Message(baoBenchSize)
	b.SetBytes(baoBenchSize)
	for b.Loop() {
		BLAKE3Root(content, 1)
	}
}

func BenchmarkEncodeBao(b *testing.B) {
	content := blake3Message(baoBenchSize)
	b.SetBytes(baoBenchSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeBao(context.Background(), io.Discard, content, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBaoReader(b *testing.B) {
	content := blake3Message(baoBenchSize)
	combined, outboard, root := baoSpec(content)
	read := func(b *testing.B, open func() *BaoReader) {
		buf := make([]byte, 128<<10)
		b.SetBytes(baoBenchSize)
		b.ReportAllocs()
		for b.Loop() {
			r, total := open(), 0
			for {
				n, err := r.Read(buf)
				total += n
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			if total != baoBenchSize {
				b.Fatal(total)
			}
		}
	}
	b.Run("combined", func(b *testing.B) {
		read(b, func() *BaoReader { return NewBaoReader(bytes.NewReader(combined), root) })
	})
	b.Run("outboard", func(b *testing.B) {
		read(b, func() *BaoReader {
			return NewBaoOutboardReader(bytes.NewReader(content), bytes.NewReader(outboard), root)
		})
	})
}

// 4 KiB from the middle: cut, then verified.
func BenchmarkBaoSlice(b *testing.B) {
	content := blake3Message(baoBenchSize)
	_, outboard, root := baoSpec(content)
	var slice bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		slice.Reset()
		err := BaoSlice(context.Background(), &slice, bytes.NewReader(content), bytes.NewReader(outboard), baoBenchSize/3, 4096)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, NewBaoSliceReader(&slice, root, baoBenchSize/3, 4096))
		if n != 4096 || err != nil {
			b.Fatal(n, err)
		}
	}
}
