package field

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"

	minio "github.com/minio/sha256-simd"
	zeebo "github.com/zeebo/blake3"
	lukechampine "lukechampine.com/blake3"

	"github.com/chainweir/weir/asm/sha256x"
	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/hash"
)

// batch is a shape of many messages.
type batch struct {
	name      string // in the row
	benchmark string
	sizes     []int
}

func equal(n, bytes int) batch {
	return batch{fmt.Sprintf("%d × %s", n, size(bytes)), fmt.Sprintf("n=%d/size=%d", n, bytes), slices.Repeat([]int{bytes}, n)}
}

// randomUpTo has sizes of 0 to most bytes, both included, in no order.
func randomUpTo(n, most int) batch {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(most)))
	b := batch{name: fmt.Sprintf("%d × random 0–%s", n, size(most)), benchmark: fmt.Sprintf("n=%d/size=random-%d", n, most)}
	for range n {
		b.sizes = append(b.sizes, rng.IntN(most+1))
	}
	return b
}

// manyBatches are the shapes of the rows of SHA-256.
var manyBatches = []batch{equal(16, 200), equal(1024, 200), equal(1024, 1024), equal(1024, 4096), randomUpTo(1024, 2048)}

func manySpecs() []Spec {
	var list []Spec
	for _, b := range manyBatches {
		list = append(list, named("sha256_many "+b.name, func() (Row, error) { return manyRow(b), nil }))
	}
	return list
}

func manyRow(b batch) Row {
	msgs := messages(b.sizes)
	list := ours(func(dst []byte) error { return hash.SHA256Many(dst, msgs) })
	list = append(list, each("sha256_many", manyOf(msgs))...)
	list = withGeneric(list, func(dst []byte) error {
		for i, msg := range msgs {
			*(*[digestSize]byte)(dst[i*digestSize:]) = sha256x.SumGeneric(msg)
		}
		return nil
	})
	list = append(list, peer("crypto/sha256", stdMany(msgs)), peer("minio", minioMany(msgs)), avx512Server("sha256_many "+b.name))
	row := batchRow(b, msgs, list)
	row.Want, row.Kernel, row.Benchmark = digests(msgs, sha256.Sum256), "sha256_many", "SHA256Many/"+b.benchmark
	for _, msg := range msgs {
		row.Work.Blocks += sha256Blocks(len(msg))
	}
	return row
}

func blake3ManyRow(b batch) (Row, error) {
	msgs := messages(b.sizes)
	want, err := blake3Digests(msgs)
	if err != nil {
		return Row{}, err
	}
	list := ours(func(dst []byte) error { return hash.BLAKE3Many(dst, msgs) })
	list = append(list, each("blake3_many", manyOf(msgs))...)
	list = append(list, peer("zeebo", zeeboMany(msgs)), peer("lukechampine", lukechampineMany(msgs)))
	row := batchRow(b, msgs, list)
	row.Want, row.Kernel, row.Benchmark = want, "blake3_many", "BLAKE3Many/"+b.benchmark
	for _, msg := range msgs {
		w := blake3Work(len(msg))
		row.Work.BLAKE3Blocks += w.BLAKE3Blocks
		row.Work.BLAKE3Parents += w.BLAKE3Parents
	}
	return row, nil
}

func batchRow(b batch, msgs [][]byte, list []contest.Contestant) Row {
	row := Row{Row: contest.Row{Procs: 1, Contestants: list}, Items: len(msgs), Item: "message"}
	for _, n := range b.sizes {
		row.Bytes += n
	}
	return row
}

func manyOf(msgs [][]byte) func(hash.Implementation) job {
	return func(im hash.Implementation) job {
		if im.Many == nil {
			return nil
		}
		return func(dst []byte) error { return im.Many(dst, msgs) }
	}
}

// sha256Blocks is the number of blocks of a message with its padding, FIPS
// 180-4 §5.1.1: a byte and a length of eight.
func sha256Blocks(bytes int) int { return (bytes + 1 + 8 + 63) / 64 }

// blake3Work counts the compressions of a message of several chunks or of one
// among many.
func blake3Work(bytes int) floor.Work {
	return floor.Work{BLAKE3Blocks: max(1, (bytes+63)/64), BLAKE3Parents: max(1, (bytes+1023)/1024) - 1}
}

func stdMany(msgs [][]byte) job {
	return func(dst []byte) error {
		for i, msg := range msgs {
			*(*[digestSize]byte)(dst[i*digestSize:]) = sha256.Sum256(msg)
		}
		return nil
	}
}

func minioMany(msgs [][]byte) job {
	return func(dst []byte) error {
		for i, msg := range msgs {
			*(*[digestSize]byte)(dst[i*digestSize:]) = minio.Sum256(msg)
		}
		return nil
	}
}

func zeeboMany(msgs [][]byte) job {
	return func(dst []byte) error {
		for i, msg := range msgs {
			*(*[digestSize]byte)(dst[i*digestSize:]) = zeebo.Sum256(msg)
		}
		return nil
	}
}

func lukechampineMany(msgs [][]byte) job {
	return func(dst []byte) error {
		for i, msg := range msgs {
			*(*[digestSize]byte)(dst[i*digestSize:]) = lukechampine.Sum256(msg)
		}
		return nil
	}
}
