package hash_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/hash"
)

// available returns the implementations of a kernel that run here.
func available(f *testing.F, kernel string) []hash.Implementation {
	list := slices.DeleteFunc(hash.Implementations(), func(im hash.Implementation) bool {
		return im.Kernel != kernel || im.Unavailable != ""
	})
	if len(list) == 0 {
		f.Fatalf("kernel %s has no implementation that runs here", kernel)
	}
	return list
}

func seeds(f *testing.F) {
	for _, n := range []int{0, 1, 31, 32, 55, 56, 63, 64, 65, 128, 1024, 1025, 8193} {
		f.Add(bytes.Repeat([]byte{byte(n), 0xa5}, n/2+1)[:n], uint16(n/3))
	}
}

// FuzzSHA256 compares every implementation, and the stream cut at a point,
// with crypto/sha256.
func FuzzSHA256(f *testing.F) {
	impls := available(f, "sha256")
	seeds(f)
	f.Fuzz(func(t *testing.T, msg []byte, cut uint16) {
		want := sha256.Sum256(msg)
		for _, im := range impls {
			if got := im.One(msg); got != want {
				t.Errorf("%s: %x, want %x", im.Name, got, want)
			}
		}
		at := int(cut) % (len(msg) + 1)
		h := hash.NewSHA256()
		h.Write(msg[:at])
		h.Write(msg[at:])
		if got := h.Sum(nil); !bytes.Equal(got, want[:]) {
			t.Errorf("stream cut at %d: %x, want %x", at, got, want)
		}
	})
}

// FuzzSHA256Batches cuts the input into pairs, messages and records and
// compares every implementation with crypto/sha256.
func FuzzSHA256Batches(f *testing.F) {
	kernels := map[string]func([]byte) [32]byte{
		"sha256_pairs": sha256.Sum256,
		"sha256_nodes": func(p []byte) [32]byte { return sha256.Sum256(append([]byte{1}, p...)) },
		"sha256d_pairs": func(p []byte) [32]byte {
			d := sha256.Sum256(p)
			return sha256.Sum256(d[:])
		},
	}
	pairImpls := map[string][]hash.Implementation{}
	for kernel := range kernels {
		pairImpls[kernel] = available(f, kernel)
	}
	manyImpls := available(f, "sha256_many")
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		src := data[:len(data)/64*64]
		for kernel, sum := range kernels {
			want := digests(slices.Collect(slices.Chunk(src, 64)), sum)
			for _, im := range pairImpls[kernel] {
				got := make([]byte, len(src)/2)
				expect(t, kernel+" "+im.Name, im.Pairs(got, src), got, want)
			}
		}
		size := int(cut)%300 + 1
		whole := data[:len(data)/size*size]
		msgs := slices.Collect(slices.Chunk(data, size))
		prefix := byte(cut >> 8)
		prefixed := func(m []byte) [32]byte { return sha256.Sum256(append([]byte{prefix}, m...)) }
		for _, im := range manyImpls {
			got := make([]byte, len(msgs)*hash.Size)
			expect(t, "many "+im.Name, im.Many(got, msgs), got, digests(msgs, sha256.Sum256))
			got = got[:len(whole)/size*hash.Size]
			expect(t, "records "+im.Name, im.Records(got, whole, size, prefix), got,
				digests(slices.Collect(slices.Chunk(whole, size)), prefixed))
		}
	})
}

// FuzzBLAKE3 compares every implementation, and the stream cut at a point with
// a digest asked for there, with zeebo/blake3.
func FuzzBLAKE3(f *testing.F) {
	impls, manyImpls := available(f, "blake3"), available(f, "blake3_many")
	seeds(f)
	f.Fuzz(func(t *testing.T, msg []byte, cut uint16) {
		want := blake3.Sum256(msg)
		for _, im := range impls {
			if got := im.One(msg); got != want {
				t.Errorf("%s: %x, want %x", im.Name, got, want)
			}
		}
		at := int(cut) % (len(msg) + 1)
		msgs := [][]byte{msg, msg[:at], msg[at:]}
		for _, im := range manyImpls {
			got := make([]byte, len(msgs)*hash.Size)
			expect(t, "many "+im.Name, im.Many(got, msgs), got, digests(msgs, blake3.Sum256))
		}
		h := hash.NewBLAKE3()
		h.Write(msg[:at])
		part := blake3.Sum256(msg[:at])
		expect(t, "stream so far", nil, h.Sum(nil), part[:])
		h.Write(msg[at:])
		expect(t, "stream", nil, h.Sum(nil), want[:])
	})
}

func digests(msgs [][]byte, sum func([]byte) [32]byte) []byte {
	var all []byte
	for _, m := range msgs {
		d := sum(m)
		all = append(all, d[:]...)
	}
	return all
}

func expect(t *testing.T, what string, err error, got, want []byte) {
	t.Helper()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %x (%v), want %x", what, got, err, want)
	}
}
