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

// batchSeeds are seeds with lengths of messages.
func batchSeeds(f *testing.F) {
	for i, n := range []int{0, 1, 31, 55, 64, 65, 1024, 1025, 8193} {
		data := bytes.Repeat([]byte{byte(n), 0xa5, byte(i)}, n/3+1)[:n]
		f.Add(data, lengthSeeds[i%len(lengthSeeds)], uint16(n/3))
	}
}

// Limits of cutMessages.
const (
	mostMessages = 200
	sourceBytes  = 8 << 10
)

// cutMessages cuts data, as often as it takes one after the other, into one
// message for each byte of lengths: of 0 to 127 bytes for half of the values,
// of up to 2 KiB for most others, and of up to 8 KiB for the last sixteen. So
// one batch has messages for full lanes, for the pool that sorts them, outliers
// and long ones.
func cutMessages(data, lengths []byte) [][]byte {
	if len(data) == 0 {
		data = []byte{0}
	}
	source := bytes.Repeat(data, sourceBytes/len(data)+2)
	msgs := make([][]byte, min(len(lengths), mostMessages))
	for i := range msgs {
		n := int(lengths[i])
		switch {
		case n >= 240:
			n = (n-239)*512 - i%3
		case n >= 128:
			n = (n-127)*18 + i%18
		}
		from := i % min(len(data), sourceBytes/4)
		msgs[i] = source[from:][:n:n]
	}
	return msgs
}

// lengthSeeds are streams of lengths: none, equal ones, tiny ones, a long one
// among tiny ones, all there are.
var lengthSeeds = [][]byte{
	nil, {0}, bytes.Repeat([]byte{100}, 40), bytes.Repeat([]byte{3, 55, 56, 64}, 17),
	append(bytes.Repeat([]byte{5, 130}, 25), 255), everyLength(1), everyLength(3), bytes.Repeat([]byte{255, 240, 2}, 20),
}

func everyLength(step int) []byte {
	var list []byte
	for n := 0; n < 256; n += step {
		list = append(list, byte(n))
	}
	return list
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
	batchSeeds(f)
	f.Fuzz(func(t *testing.T, data, lengths []byte, cut uint16) {
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
		equal, mixed := slices.Collect(slices.Chunk(data, size)), cutMessages(data, lengths)
		prefix := byte(cut >> 8)
		for _, msgs := range [][][]byte{equal, mixed} {
			want, leaves := digests(msgs, sha256.Sum256), digests(msgs, prefixed(0))
			for _, im := range manyImpls {
				got := make([]byte, len(want))
				expect(t, "many "+im.Name, im.Many(got, msgs), got, want)
				expect(t, "leaves "+im.Name, im.Leaves(got, msgs), got, leaves)
			}
		}
		want := digests(slices.Collect(slices.Chunk(whole, size)), prefixed(prefix))
		for _, im := range manyImpls {
			got := make([]byte, len(want))
			expect(t, "records "+im.Name, im.Records(got, whole, size, prefix), got, want)
		}
	})
}

// FuzzBLAKE3 compares every implementation, and the stream cut at a point with
// a digest asked for there, with zeebo/blake3.
func FuzzBLAKE3(f *testing.F) {
	impls, manyImpls := available(f, "blake3"), available(f, "blake3_many")
	batchSeeds(f)
	f.Fuzz(func(t *testing.T, msg, lengths []byte, cut uint16) {
		want := blake3.Sum256(msg)
		for _, im := range impls {
			if got := im.One(msg); got != want {
				t.Errorf("%s: %x, want %x", im.Name, got, want)
			}
		}
		at := int(cut) % (len(msg) + 1)
		msgs := append(cutMessages(msg, lengths), msg, msg[:at], msg[at:])
		wants := digests(msgs, blake3.Sum256)
		for _, im := range manyImpls {
			got := make([]byte, len(wants))
			expect(t, "many "+im.Name, im.Many(got, msgs), got, wants)
		}
		h := hash.NewBLAKE3()
		h.Write(msg[:at])
		part := blake3.Sum256(msg[:at])
		expect(t, "stream so far", nil, h.Sum(nil), part[:])
		h.Write(msg[at:])
		expect(t, "stream", nil, h.Sum(nil), want[:])
	})
}

// prefixed is SHA-256 behind a byte.
func prefixed(prefix byte) func([]byte) [32]byte {
	return func(m []byte) [32]byte { return sha256.Sum256(append([]byte{prefix}, m...)) }
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
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		at = at / hash.Size * hash.Size
		t.Errorf("%s: %v, digest %d is %x, want %x", what, err, at/hash.Size,
			got[at:min(at+hash.Size, len(got))], want[at:min(at+hash.Size, len(want))])
	}
}
