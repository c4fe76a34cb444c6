package difftest

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/chainweir/weir/hash"
)

func seeds(f *testing.F) {
	for i, n := range []int{0, 1, 32, 55, 56, 63, 64, 65, 119, 120, 128, 1023, 1024, 1025, 2048, 4097, 16384, 17409} {
		f.Add(random(uint64(n), n, 0), lengthSeeds[i%len(lengthSeeds)], uint16(3*n+1))
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

// FuzzBLAKE3 compares every implementation, batches of messages and the stream
// with two other libraries.
func FuzzBLAKE3(f *testing.F) {
	ones, many := kernels(f, "blake3", blake3Kernel), kernels(f, "blake3_many", blake3Many)
	seeds(f)
	f.Fuzz(func(t *testing.T, msg, lengths []byte, at uint16) {
		want := blake3(t, msg)
		for _, k := range ones {
			if got := k.im.One(msg); got != want {
				t.Errorf("%s: %x, want %x", k.name, got, want)
			}
		}
		middle := int(at) % (len(msg) + 1)
		msgs := append([][]byte{msg, msg[:middle], msg[middle:]}, cutMessages(msg, lengths)...)
		wants := digests(msgs, func(m []byte) [digestSize]byte { return blake3(t, m) })
		for _, k := range many {
			got := make([]byte, len(wants))
			err := k.im.Many(got, msgs)
			same(t, k.name, err, got, wants)
		}
		h := hash.NewBLAKE3()
		h.Write(msg[:middle])
		same(t, "stream so far", nil, h.Sum(nil), wants[digestSize:2*digestSize])
		h.Write(msg[middle:])
		same(t, "stream", nil, h.Sum(nil), want[:])
	})
}

// FuzzSHA256 compares every implementation of every kernel of SHA-256 with
// crypto/sha256.
func FuzzSHA256(f *testing.F) {
	ones, many := kernels(f, "sha256", sha256Kernel), kernels(f, "sha256_many", manyKernel)
	pairs := kernels(f, "sha256_pairs", hash.Implementation{Pairs: hash.SHA256Pairs})
	nodes := kernels(f, "sha256_nodes", hash.Implementation{Pairs: hash.SHA256Nodes})
	doubles := kernels(f, "sha256d_pairs", hash.Implementation{Pairs: hash.SHA256DPairs})
	seeds(f)
	f.Fuzz(func(t *testing.T, data, lengths []byte, at uint16) {
		want := sha256.Sum256(data)
		for _, k := range ones {
			if got := k.im.One(data); got != want {
				t.Errorf("%s: %x, want %x", k.name, got, want)
			}
		}
		src := data[:len(data)/pairSize*pairSize]
		for _, c := range []struct {
			list []kernel
			ref  sum
		}{{pairs, sha256.Sum256}, {nodes, prefixed(1)}, {doubles, doubleSHA256}} {
			wants := digests(cut(src, pairSize), c.ref)
			for _, k := range c.list {
				got := bytes.Clone(src)
				err := k.im.Pairs(got[:len(src)/2], got)
				same(t, k.name+" in place", err, got[:len(src)/2], wants)
			}
		}
		size, prefix := int(at)%300+1, byte(at>>8)
		equal, mixed := cut(data, size), cutMessages(data, lengths)
		for _, msgs := range [][][]byte{equal, mixed} {
			wants, leaves := digests(msgs, sha256.Sum256), digests(msgs, prefixed(0))
			for _, k := range many {
				got := make([]byte, len(wants))
				err := k.im.Many(got, msgs)
				same(t, k.name+" many", err, got, wants)
				err = k.im.Leaves(got, msgs)
				same(t, k.name+" leaves", err, got, leaves)
			}
		}
		wants := digests(equal, prefixed(prefix))
		for _, k := range many {
			got := make([]byte, len(wants))
			err := k.im.Records(got, data[:len(equal)*size], size, prefix)
			same(t, k.name+" records", err, got, wants)
		}
	})
}
