package difftest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/hash"
)

var (
	sha256Kernel = hash.Implementation{One: hash.SHA256}
	manyKernel   = hash.Implementation{Many: hash.SHA256Many, Leaves: hash.SHA256Leaves, Records: hash.SHA256Records}
	blake3Kernel = hash.Implementation{One: hash.BLAKE3}
	blake3Many   = hash.Implementation{Many: hash.BLAKE3Many}
)

// interesting draws a number of bytes or items: small ones, and those right
// beside multiples of blocks, chunks and lane counts.
func interesting(t *rapid.T, most int, label string) int {
	edge := rapid.Custom(func(t *rapid.T) int {
		unit := rapid.SampledFrom([]int{8, 16, 32, 55, 56, 64, 128, 1024, 8192, 16384}).Draw(t, "unit")
		n := unit*rapid.IntRange(1, 20).Draw(t, "times") + rapid.IntRange(-2, 2).Draw(t, "off")
		return min(max(n, 0), most)
	})
	return rapid.OneOf(rapid.IntRange(0, min(most, 300)), edge, rapid.IntRange(0, most)).Draw(t, label)
}

func shift(t *rapid.T, label string) int { return rapid.IntRange(0, 64).Draw(t, label) }

func TestPairs(t *testing.T) {
	for _, c := range []struct {
		kernel   string
		exported func(dst, src []byte) error
		ref      sum
	}{
		{"sha256_pairs", hash.SHA256Pairs, sha256.Sum256},
		{"sha256_nodes", hash.SHA256Nodes, prefixed(1)},
		{"sha256d_pairs", hash.SHA256DPairs, doubleSHA256},
	} {
		t.Run(c.kernel, func(t *testing.T) {
			checkPairs(t, kernels(t, c.kernel, hash.Implementation{Pairs: c.exported}), c.ref)
		})
	}
}

// TestParents holds the kernel for interior nodes of BLAKE3's tree, where
// package hash lists it as one of pairs, to another library's.
func TestParents(t *testing.T) {
	var list []kernel
	for _, im := range hash.Implementations() {
		if im.Kernel == "blake3_parents" && im.Pairs != nil && im.Unavailable == "" {
			list = append(list, kernel{im.Kernel + ":" + im.Name, im})
		}
	}
	if len(list) == 0 {
		t.Fatal("package hash lists no kernel blake3_parents of pairs")
	}
	checkPairs(t, list, parent)
}

func checkPairs(t *testing.T, list []kernel, ref sum) {
	rapid.Check(t, func(t *rapid.T) {
		n := interesting(t, 5000, "pairs")
		src := random(rapid.Uint64().Draw(t, "seed"), n*pairSize, shift(t, "src"))
		want, before := digests(cut(src, pairSize), ref), bytes.Clone(src)
		inPlace := rapid.Bool().Draw(t, "in place")
		for _, k := range list {
			dst := random(0, n*digestSize, shift(t, "dst"))
			if inPlace {
				dst = src[:n*digestSize]
			}
			err := k.im.Pairs(dst, src)
			same(t, fmt.Sprintf("%s, %d pairs, in place %v", k.name, n, inPlace), err, dst, want)
			copy(src, before)
		}
	})
}

// TestMany draws batches of messages of mixed lengths, with nil and empty ones
// and with one that is much longer than the others.
func TestMany(t *testing.T) {
	sha, blake := kernels(t, "sha256_many", manyKernel), kernels(t, "blake3_many", blake3Many)
	rapid.Check(t, func(t *rapid.T) {
		msgs := batch(t)
		got := make([]byte, len(msgs)*digestSize)
		want, leaves := digests(msgs, sha256.Sum256), digests(msgs, prefixed(0))
		for _, k := range sha {
			err := k.im.Many(got, msgs)
			same(t, k.name+" many", err, got, want)
			err = k.im.Leaves(got, msgs)
			same(t, k.name+" leaves", err, got, leaves)
		}
		want = digests(msgs, func(msg []byte) [digestSize]byte { return blake3(t, msg) })
		for _, k := range blake {
			err := k.im.Many(got, msgs)
			same(t, k.name, err, got, want)
		}
	})
}

func batch(t *rapid.T) [][]byte {
	n, most := interesting(t, 150, "messages"), rapid.SampledFrom([]int{10, 64, 250, 1500, 5000}).Draw(t, "most")
	msgs := make([][]byte, n)
	seed := rapid.Uint64().Draw(t, "seed")
	lengths := rapid.SliceOfN(rapid.IntRange(0, most), n, n).Draw(t, "lengths")
	if rapid.Bool().Draw(t, "equal") && n > 0 {
		lengths = slices.Repeat(lengths[:1], n)
	}
	for i, length := range lengths {
		if length > 0 || i%2 == 0 {
			msgs[i] = random(seed+uint64(i), length, i%65)
		}
	}
	if n > 0 && rapid.Bool().Draw(t, "one long") {
		msgs[rapid.IntRange(0, n-1).Draw(t, "which")] = random(seed, 40_000, 3)
	}
	return msgs
}

func TestRecords(t *testing.T) {
	list := kernels(t, "sha256_many", manyKernel)
	rapid.Check(t, func(t *rapid.T) {
		n, size := interesting(t, 150, "records"), 1+interesting(t, 2000, "size")
		prefix := rapid.Byte().Draw(t, "prefix")
		src := random(rapid.Uint64().Draw(t, "seed"), n*size, shift(t, "src"))
		want, got := digests(cut(src, size), prefixed(prefix)), make([]byte, n*digestSize)
		for _, k := range list {
			err := k.im.Records(got, src, size, prefix)
			same(t, fmt.Sprintf("%s, %d records of %d bytes", k.name, n, size), err, got, want)
		}
	})
}

// TestOne draws single messages, up to some hundred chunks.
func TestOne(t *testing.T) {
	sha, blake := kernels(t, "sha256", sha256Kernel), kernels(t, "blake3", blake3Kernel)
	rapid.Check(t, func(t *rapid.T) {
		msg := random(rapid.Uint64().Draw(t, "seed"), interesting(t, 200_000, "bytes"), shift(t, "msg"))
		want := sha256.Sum256(msg)
		for _, k := range sha {
			got := k.im.One(msg)
			same(t, fmt.Sprintf("%s, %d bytes", k.name, len(msg)), nil, got[:], want[:])
		}
		want = blake3(t, msg)
		for _, k := range blake {
			got := k.im.One(msg)
			same(t, fmt.Sprintf("%s, %d bytes", k.name, len(msg)), nil, got[:], want[:])
		}
	})
}

// TestLargeBLAKE3 walks around the powers of two where the tree changes shape.
func TestLargeBLAKE3(t *testing.T) {
	list := kernels(t, "blake3", blake3Kernel)
	whole := random(1, 1<<21+1025, 1)
	for chunks := 1; chunks <= 2048; chunks *= 2 {
		for _, off := range []int{-1024, -1, 0, 1, 1024} {
			msg := whole[:chunks*1024+off]
			want := blake3(t, msg)
			for _, k := range list {
				if got := k.im.One(msg); got != want {
					t.Errorf("%s, %d bytes: %x, want %x", k.name, len(msg), got, want)
				}
			}
		}
	}
}

// TestStreams writes messages in pieces, asks for digests on the way, and
// starts again.
func TestStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		msg := random(rapid.Uint64().Draw(t, "seed"), interesting(t, 100_000, "bytes"), shift(t, "msg"))
		sha, blake := hash.NewSHA256(), hash.NewBLAKE3()
		sha.Write([]byte("left over"))
		blake.Write([]byte("left over"))
		sha.Reset()
		blake.Reset()
		for done := 0; ; {
			if done == len(msg) || rapid.IntRange(0, 3).Draw(t, "ask") == 0 {
				wantSHA, wantBLAKE := sha256.Sum256(msg[:done]), blake3(t, msg[:done])
				same(t, fmt.Sprintf("SHA-256 stream after %d of %d bytes", done, len(msg)), nil, sha.Sum(nil), wantSHA[:])
				same(t, fmt.Sprintf("BLAKE3 stream after %d of %d bytes", done, len(msg)), nil, blake.Sum(nil), wantBLAKE[:])
			}
			if done == len(msg) {
				return
			}
			n := min(interesting(t, 30_000, "piece"), len(msg)-done)
			if rapid.IntRange(0, 7).Draw(t, "rest") == 0 {
				n = len(msg) - done
			}
			sha.Write(msg[done : done+n])
			blake.Write(msg[done : done+n])
			done += n
		}
	})
}
