package hashtest

import (
	"bytes"
	"fmt"
	gohash "hash"
	"testing"

	"pgregory.net/rapid"
)

// Stream checks a streaming hash against the one-shot function of the same
// kernel: any cut of the message into writes gives the same digest, asking for
// a digest on the way changes nothing, and Reset starts again.
func Stream(t *testing.T, newHash func() gohash.Hash, one func([]byte) digest) {
	t.Run("cuts", rapid.MakeCheck(func(t *rapid.T) {
		// Lengths that reach over several of the inner buffers of the
		// implementations, which hold up to 8 KiB.
		size := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(0, 40_000)).Draw(t, "size")
		msg := random(rapid.Uint64Range(0, 1<<16).Draw(t, "seed"), size)
		h := newHash()
		if rapid.Bool().Draw(t, "used before") {
			h.Write(msg[:size/2])
			h.Reset()
		}
		for fed := 0; fed < size; {
			n := min(rapid.OneOf(rapid.IntRange(0, 130), rapid.IntRange(0, 20_000)).Draw(t, "write"), size-fed)
			if err := feed(h, msg[fed:fed+n]); err != nil {
				t.Fatal(err)
			}
			fed += n
			if rapid.Bool().Draw(t, "sum on the way") {
				if err := expectSum(h, one(msg[:fed])); err != nil {
					t.Fatalf("after %d of %d bytes: %v", fed, size, err)
				}
			}
		}
		if err := expectSum(h, one(msg)); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
	}))
	t.Run("sizes", func(t *testing.T) {
		h := newHash()
		if h.Size() != len(digest{}) || h.BlockSize() != 64 {
			t.Errorf("Size %d and BlockSize %d, want %d and 64", h.Size(), h.BlockSize(), len(digest{}))
		}
	})
}

func feed(h gohash.Hash, p []byte) error {
	if n, err := h.Write(p); n != len(p) || err != nil {
		return fmt.Errorf("Write of %d bytes returned %d, %w", len(p), n, err)
	}
	return nil
}

// expectSum asks twice, behind a prefix: Sum appends and does not consume.
func expectSum(h gohash.Hash, want digest) error {
	for range 2 {
		got := h.Sum([]byte("prefix"))
		if !bytes.HasPrefix(got, []byte("prefix")) || !bytes.Equal(got[len("prefix"):], want[:]) {
			return fmt.Errorf("Sum appended %x, want %x", bytes.TrimPrefix(got, []byte("prefix")), want)
		}
	}
	return nil
}
