package hashtest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/hash"
)

// References of the parts of BLAKE3's tree. They are one implementation; the
// checks named "tree" compare whole trees, made of the parts under test, with
// another one's digests.

func referenceChunks(src []byte, counter uint64) []byte {
	want := make([]byte, len(src)/blake3x.ChunkSize*hash.Size)
	blake3x.ChunksGeneric(want, src, &blake3x.IV, counter, 0)
	return want
}

func sumParent(pair []byte) digest {
	var d digest
	blake3x.ParentsGeneric(d[:], pair, &blake3x.IV, 0)
	return d
}

// counters have carries from the low into the high word inside a batch.
var counters = []uint64{0, 1, 1<<32 - 33, 1<<32 - 5, 1<<32 - 1, 1 << 32, 1<<54 - 33, 1<<64 - 3}

// chunkChecks are the checks for kernels that hash whole chunks of a message.
var chunkChecks = []check{
	{"counts", func(im hash.Implementation) error {
		for n := range MaxCount + 1 {
			if err := compareChunks(im, n, uint64(n), 0, 0); err != nil {
				return err
			}
		}
		for _, n := range []int{255, 256, 257, 1000} {
			if err := compareChunks(im, n, 0, 0, 0); err != nil {
				return err
			}
		}
		return nil
	}},
	{"counters", func(im hash.Implementation) error {
		for _, counter := range counters {
			for _, n := range []int{1, 2, 15, 16, 17, 37, 2*maxLanes + 1} {
				if err := compareChunks(im, n, counter, 0, 0); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{"unaligned", func(im hash.Implementation) error {
		for shift := range 65 {
			for _, n := range []int{1, 2, 15, 16, 17, 33} {
				if err := compareChunks(im, n, 0, shift, (shift*7)%65); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{"tree", chunkTrees},
	{"wrong lengths", func(im hash.Implementation) error {
		for _, l := range []struct{ dst, src int }{
			{0, 1}, {32, 64}, {32, 1023}, {32, 1025}, {31, 1024}, {33, 1024}, {0, 1024},
			{32, 0}, {1, 0}, {32, 2048}, {96, 2048}, {16 * 32, 17 * 1024},
		} {
			dst := newGuarded(l.dst, 0)
			if err := refused(im.Chunks(dst.bytes(), make([]byte, l.src), 0), dst, l.dst, l.src); err != nil {
				return fmt.Errorf("dst of %d bytes, src of %d: %w", l.dst, l.src, err)
			}
		}
		return nil
	}},
	guardedChunks,
}

func compareChunks(im hash.Implementation, n int, counter uint64, srcShift, dstShift int) error {
	at := fmt.Sprintf("%d chunks from number %#x, src shifted by %d, dst by %d", n, counter, srcShift, dstShift)
	src, dst := newGuarded(n*blake3x.ChunkSize, srcShift), newGuarded(n*hash.Size, dstShift)
	copy(src.bytes(), random(8, n*blake3x.ChunkSize))
	before := slices.Clone(src.all)
	if err := im.Chunks(dst.bytes(), src.bytes(), counter); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if !bytes.Equal(before, src.all) {
		return fmt.Errorf("%s: src was changed", at)
	}
	if err := dst.intact(); err != nil {
		return fmt.Errorf("%s: dst: %w", at, err)
	}
	return sameDigests(at, dst.bytes(), referenceChunks(src.bytes(), counter))
}

// chunkTrees hashes messages of two chunks and more, their chunks in two calls.
func chunkTrees(im hash.Implementation) error {
	for n := 2; n <= MaxCount; n++ {
		msg, values := random(9, n*blake3x.ChunkSize), make([]byte, n*hash.Size)
		cut := n * (n % 7) / 7
		err := im.Chunks(values[:cut*hash.Size], msg[:cut*blake3x.ChunkSize], 0)
		if err == nil {
			err = im.Chunks(values[cut*hash.Size:], msg[cut*blake3x.ChunkSize:], uint64(cut))
		}
		if err != nil {
			return err
		}
		if err := expectTree(msg, values, func(dst, src []byte) error {
			blake3x.ParentsGeneric(dst, src, &blake3x.IV, 0)
			return nil
		}); err != nil {
			return fmt.Errorf("%d chunks, %d of them in a first call: %w", n, cut, err)
		}
	}
	return nil
}

// parentTrees hashes messages of two chunks and more.
var parentTrees = check{"tree", func(im hash.Implementation) error {
	for n := 2; n <= MaxCount; n++ {
		msg := random(10, n*blake3x.ChunkSize)
		if err := expectTree(msg, referenceChunks(msg, 0), im.Pairs); err != nil {
			return fmt.Errorf("%d chunks: %w", n, err)
		}
	}
	return nil
}}

// expectTree folds the chaining values of a message's chunks, two or more, into
// its digest and compares it with an independent one. Taking values in pairs,
// level by level and in place, and passing on an odd last one gives the tree of
// the BLAKE3 paper, §2.1, whose left subtrees are full.
func expectTree(msg, values []byte, parents func(dst, src []byte) error) error {
	for n := len(values) / hash.Size; n > 2; {
		half := n / 2
		if err := parents(values[:half*hash.Size], values[:half*pairSize]); err != nil {
			return err
		}
		if n%2 == 1 {
			copy(values[half*hash.Size:], values[(n-1)*hash.Size:n*hash.Size])
		}
		n = half + n%2
	}
	root := blake3x.Words((*[blake3x.BlockSize]byte)(values))
	out := blake3x.CompressGeneric(&blake3x.IV, &root, 0, blake3x.BlockSize, blake3x.Parent|blake3x.Root)
	var got digest
	blake3x.PutWords(got[:], (*[8]uint32)(out[:8]))
	if want := sumBLAKE3(msg); got != want {
		return fmt.Errorf("the tree's digest is %x, want %x", got, want)
	}
	return nil
}
