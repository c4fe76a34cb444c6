package difftest

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/chainweir/weir/hash"
)

func seeds(f *testing.F) {
	for _, n := range []int{0, 1, 32, 55, 56, 63, 64, 65, 119, 120, 128, 1023, 1024, 1025, 2048, 4097, 16384, 17409} {
		f.Add(random(uint64(n), n, 0), uint16(3*n+1))
	}
}

// FuzzBLAKE3 compares every implementation, batches of three and the stream
// with two other libraries.
func FuzzBLAKE3(f *testing.F) {
	ones, many := kernels(f, "blake3", blake3Kernel), kernels(f, "blake3_many", blake3Many)
	seeds(f)
	f.Fuzz(func(t *testing.T, msg []byte, at uint16) {
		want := blake3(t, msg)
		for _, k := range ones {
			if got := k.im.One(msg); got != want {
				t.Errorf("%s: %x, want %x", k.name, got, want)
			}
		}
		middle := int(at) % (len(msg) + 1)
		msgs := [][]byte{msg, msg[:middle], msg[middle:]}
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
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
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
		msgs := cut(data, size)
		for _, k := range many {
			got := make([]byte, len(msgs)*digestSize)
			err := k.im.Many(got, msgs)
			same(t, k.name+" many", err, got, digests(msgs, sha256.Sum256))
			err = k.im.Records(got, data[:len(msgs)*size], size, prefix)
			same(t, k.name+" records", err, got, digests(msgs, prefixed(prefix)))
		}
	})
}
