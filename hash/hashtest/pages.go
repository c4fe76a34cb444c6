package hashtest

import (
	"errors"
	"fmt"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/hash"
)

// The checks of this file put every buffer right behind or right before a page
// that must not be touched, and compare the digests too: a kernel that reads
// nothing outside may still read the wrong things inside.

// denseLengths is two blocks on each of 32 lanes: up to there, messages of
// every length are tried.
const denseLengths = 2 * 64 * maxLanes

// withFences is a check that needs fences. Slot 0 is for digests.
func withFences(name string, slots, size int, run func(f *fences, im hash.Implementation) error) check {
	return check{name, func(im hash.Implementation) (err error) {
		f, err := newFences(slots, size)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.free()) }()
		return run(f, im)
	}}
}

func fencedOne(ref func([]byte) digest, lengths []int) check {
	longest := 0
	for _, n := range lengths {
		longest = max(longest, n)
	}
	return withFences("guard pages", 1, longest, func(f *fences, im hash.Implementation) error {
		for _, n := range lengths {
			for low, edge := range edges {
				msg := f.place(0, n, low)
				var got digest
				if err := caught(func() error { got = im.One(msg); return nil }); err != nil {
					return fmt.Errorf("length %d, %s: %w", n, edge, err)
				}
				if want := ref(msg); got != want {
					return fmt.Errorf("length %d, %s: digest %x, want %x", n, edge, got, want)
				}
			}
		}
		return nil
	})
}

func fencedPairs(ref func([]byte) digest) check {
	return withFences("guard pages", 2, MaxCount*pairSize, func(f *fences, im hash.Implementation) error {
		for n := range MaxCount + 1 {
			for low, edge := range edges {
				at := fmt.Sprintf("%d pairs, %s", n, edge)
				src, dst := f.place(1, n*pairSize, low), f.place(0, n*hash.Size, low)
				copy(src, random(7, len(src))) // the last round hashed it in place
				want := referencePairs(ref, src)
				if err := caught(func() error { return im.Pairs(dst, src) }); err != nil {
					return fmt.Errorf("%s: %w", at, err)
				}
				if err := sameDigests(at, dst, want); err != nil {
					return err
				}
				if err := caught(func() error { return im.Pairs(src[:len(dst)], src) }); err != nil {
					return fmt.Errorf("%s, in place: %w", at, err)
				}
				if err := sameDigests(at+", in place", src[:len(dst)], want); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// fencedMany has a slot for every message: mixed lengths at every count, and
// every length up to two blocks on each of 32 lanes.
func fencedMany(name string, pick func(hash.Implementation) manyFunc, ref func([]byte) digest) check {
	return withFences(name, 1+MaxCount, denseLengths+MaxCount, func(f *fences, im hash.Implementation) error {
		hashBatch := func(n int, length func(i int) int) error {
			for low, edge := range edges {
				msgs := make([][]byte, n)
				for i := range msgs {
					msgs[i] = f.place(1+i, length(i), low)
				}
				at := fmt.Sprintf("%d messages, the last of %d bytes, %s", n, lastLen(msgs), edge)
				dst := f.place(0, n*hash.Size, low)
				if err := caught(func() error { return pick(im)(dst, msgs) }); err != nil {
					return fmt.Errorf("%s: %w", at, err)
				}
				if err := sameDigests(at, dst, referenceMany(ref, msgs)); err != nil {
					return err
				}
			}
			return nil
		}
		for n := range MaxCount + 1 {
			if err := hashBatch(n, func(i int) int { return mixedLength(i, n) }); err != nil {
				return err
			}
		}
		for from := 0; from <= denseLengths; from += maxLanes + 1 {
			if err := hashBatch(maxLanes+1, func(i int) int { return from + i }); err != nil {
				return err
			}
		}
		return nil
	})
}

var recordSizes = []int{1, 32, 54, 55, 56, 63, 64, 65, 119, 200, 300}

var fencedRecords = withFences("records guard pages", 2, MaxCount*300, func(f *fences, im hash.Implementation) error {
	for n := range MaxCount + 1 {
		for _, size := range recordSizes {
			for low, edge := range edges {
				at := fmt.Sprintf("%d records of %d bytes, %s", n, size, edge)
				src, dst := f.place(1, n*size, low), f.place(0, n*hash.Size, low)
				if err := caught(func() error { return im.Records(dst, src, size, 0) }); err != nil {
					return fmt.Errorf("%s: %w", at, err)
				}
				if err := sameDigests(at, dst, referenceRecords(src, size, 0)); err != nil {
					return err
				}
			}
		}
	}
	return nil
})

// maxFencedChunks is two whole rounds of the widest kernel and one chunk.
const maxFencedChunks = 2*maxLanes + 1

var fencedChunks = withFences("guard pages", 2, maxFencedChunks*blake3x.ChunkSize, func(f *fences, im hash.Implementation) error {
	for n := range maxFencedChunks + 1 {
		for low, edge := range edges {
			at := fmt.Sprintf("%d chunks, %s", n, edge)
			src, dst := f.place(1, n*blake3x.ChunkSize, low), f.place(0, n*hash.Size, low)
			if err := caught(func() error { return im.Chunks(dst, src, 5) }); err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
			if err := sameDigests(at, dst, referenceChunks(src, 5)); err != nil {
				return err
			}
		}
	}
	return nil
})
