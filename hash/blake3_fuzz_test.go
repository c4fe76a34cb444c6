package hash_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/hash"
)

// FuzzBLAKE3Modes compares every mode, as one call and as a stream cut at two
// points, over every implementation, with zeebo/blake3; and an output read
// from a place in it.
func FuzzBLAKE3Modes(f *testing.F) {
	impls := available(f, "blake3")
	for _, n := range []int{0, 1, 63, 64, 65, 1023, 1024, 1025, 3073, 16384, 16385, 40_000} {
		f.Add(blake3Random(byte(n), n), []byte("key"), "context", uint16(n/3), uint16(n%200))
	}
	f.Cleanup(func() {
		if err := cpu.Kernels.Override(""); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, msg, keyBytes []byte, context string, cut, outBytes uint16) {
		var key [hash.Size]byte
		copy(key[:], keyBytes)
		keyed, err := blake3.NewKeyed(key[:])
		if err != nil {
			t.Fatal(err)
		}
		n := int(outBytes) % 2000
		for _, im := range impls {
			if err := cpu.Kernels.Override("blake3:" + im.Name); err != nil {
				t.Fatal(err)
			}
			for _, c := range []blake3Case{
				{name: "hash", sum: hash.BLAKE3, xof: hash.BLAKE3XOF, new: hash.NewBLAKE3, ref: blake3.New},
				{
					name: "keyed",
					sum:  func(msg []byte) [hash.Size]byte { return hash.BLAKE3Keyed(&key, msg) },
					new:  func() *hash.BLAKE3Hasher { return hash.NewBLAKE3Keyed(&key) },
					ref:  keyed.Clone,
				},
				{
					name: "derive",
					xof:  func(dst, msg []byte) { hash.BLAKE3DeriveKey(dst, context, msg) },
					new:  func() *hash.BLAKE3Hasher { return hash.NewBLAKE3DeriveKey(context) },
					ref:  func() *blake3.Hasher { return blake3.NewDeriveKey(context) },
				},
			} {
				want := c.reference(msg, hash.Size+n)
				if err := c.check(msg, want); err != nil {
					t.Errorf("%s %s: %v", im.Name, c.name, err)
				}
				checkCuts(t, im.Name+" "+c.name, c, msg, int(cut), want)
			}
		}
	})
}

// checkCuts writes msg in three parts and reads the output from its middle on.
func checkCuts(t *testing.T, at string, c blake3Case, msg []byte, cut int, want []byte) {
	t.Helper()
	h := c.new()
	first := cut % (len(msg) + 1)
	second := first + (len(msg)-first)/2
	h.Write(msg[:first])
	if got, want := h.Sum(nil), c.reference(msg[:first], hash.Size); !bytes.Equal(got, want) {
		t.Errorf("%s: after %d bytes %x, want %x", at, first, got, want)
	}
	h.Write(msg[first:second])
	h.Write(msg[second:])
	out := h.Output()
	from := cut % len(want)
	if _, err := out.Seek(int64(from), io.SeekStart); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want)-from)
	if _, err := io.ReadFull(out, got); err != nil || !bytes.Equal(got, want[from:]) {
		t.Errorf("%s: output from %d is %x (%v), want %x", at, from, got, err, want[from:])
	}
}
