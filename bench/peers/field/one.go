package field

import (
	"crypto/sha256"
	"fmt"
	gohash "hash"

	minio "github.com/minio/sha256-simd"
	zeebo "github.com/zeebo/blake3"
	lukechampine "lukechampine.com/blake3"

	"github.com/chainweir/weir/asm/sha256x"
	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/hash"
)

func oneSpecs() []Spec {
	var list []Spec
	for _, n := range []int{64, 200, 1 << 10, 64 << 10} {
		list = append(list, named("sha256 "+size(n), func() (Row, error) { return sha256Row(n), nil }))
	}
	const streamBytes = 64 << 10
	return append(list, named("sha256 streaming "+size(streamBytes), func() (Row, error) { return streamRow(streamBytes), nil }))
}

// one copies the digest of one message to its place.
func one(sum func([]byte) [digestSize]byte, msg []byte) job {
	return func(dst []byte) error {
		*(*[digestSize]byte)(dst) = sum(msg)
		return nil
	}
}

func oneOf(msg []byte) func(hash.Implementation) job {
	return func(im hash.Implementation) job {
		if im.One == nil {
			return nil
		}
		return one(im.One, msg)
	}
}

func sha256Row(bytes int) Row {
	msg := random(bytes)
	list := append(ours(one(hash.SHA256, msg)), each("sha256", oneOf(msg))...)
	list = withGeneric(list, one(sha256x.SumGeneric, msg))
	list = append(list, peer("crypto/sha256", one(sha256.Sum256, msg)), peer("minio", one(minio.Sum256, msg)))
	row := oneRow(msg, list)
	want := sha256.Sum256(msg)
	row.Want, row.Kernel, row.Benchmark = want[:], "sha256", fmt.Sprintf("SHA256/size=%d", bytes)
	row.Work = floor.Work{ChainBlocks: sha256Blocks(bytes)}
	return row
}

func oneRow(msg []byte, list []contest.Contestant) Row {
	return Row{Row: contest.Row{Procs: 1, Contestants: list}, Items: 1, Item: "message", Bytes: len(msg)}
}

// writeBytes is what a stream gets at a time, as from a file or a socket.
const writeBytes = 4 << 10

func streamRow(bytes int) Row {
	msg := random(bytes)
	stream := func(h gohash.Hash) job {
		return func(dst []byte) error {
			h.Reset()
			for p := msg; len(p) > 0; p = p[min(writeBytes, len(p)):] {
				if _, err := h.Write(p[:min(writeBytes, len(p))]); err != nil {
					return err
				}
			}
			h.Sum(dst[:0])
			return nil
		}
	}
	list := ours(stream(hash.NewSHA256()))
	list = append(list, peer("crypto/sha256", stream(sha256.New())), peer("minio", stream(minio.New())))
	row := oneRow(msg, list)
	want := sha256.Sum256(msg)
	row.Want, row.Benchmark = want[:], fmt.Sprintf("SHA256Stream/size=%d", bytes)
	row.Work = floor.Work{ChainBlocks: sha256Blocks(bytes)}
	return row
}

func blake3Specs() []Spec {
	var list []Spec
	for _, n := range []int{64, 1 << 10, 16 << 10, 64 << 10, 1 << 20} {
		list = append(list, named("blake3 "+size(n), func() (Row, error) { return blake3Row(n) }))
	}
	b := equal(1024, 200)
	return append(list, named("blake3_many "+b.name, func() (Row, error) { return blake3ManyRow(b) }))
}

func blake3Row(bytes int) (Row, error) {
	msg := random(bytes)
	want, err := blake3Digests([][]byte{msg})
	if err != nil {
		return Row{}, err
	}
	list := append(ours(one(hash.BLAKE3, msg)), each("blake3", oneOf(msg))...)
	list = append(list, peer("zeebo", one(zeebo.Sum256, msg)), peer("lukechampine", one(lukechampine.Sum256, msg)))
	row := oneRow(msg, list)
	row.Want, row.Kernel, row.Benchmark = want, "blake3", fmt.Sprintf("BLAKE3/size=%d", bytes)
	if bytes > 1<<10 {
		row.Work = blake3Work(bytes) // of a single chunk the blocks wait for each other
	}
	return row, nil
}
