package hashtest

import (
	"errors"
	"fmt"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/internal/guard"
)

// The checks of this file put every buffer right behind or right before a page
// that must not be touched, and compare the digests too: a kernel that reads
// nothing outside may still read the wrong things inside.

// denseLengths is two blocks on each of 32 lanes: up to there, messages of
// every length are tried.
const denseLengths = 2 * 64 * maxLanes

// withGuards is a check that needs guard pages, with noise in the slots between
// them. Slot 0 is for digests.
func withGuards(name string, slots, size int, run func(g *guard.Pages, im hash.Implementation) error) check {
	return check{name, func(im hash.Implementation) (err error) {
		g, err := guard.New(slots, size)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, g.Free()) }()
		for i := range slots {
			slot := g.Slot(i)
			copy(slot, random(uint64(i), len(slot)))
		}
		return run(g, im)
	}}
}

func guardedOne(ref func([]byte) digest, lengths []int) check {
	longest := 0
	for _, n := range lengths {
		longest = max(longest, n)
	}
	return withGuards("guard pages", 1, longest, func(g *guard.Pages, im hash.Implementation) error {
		for _, n := range lengths {
			for low, edge := range guard.Edges {
				msg := g.Place(0, n, low)
				var got digest
				if err := guard.Caught(func() error { got = im.One(msg); return nil }); err != nil {
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

func guardedPairs(ref func([]byte) digest) check {
	return withGuards("guard pages", 2, MaxCount*pairSize, func(g *guard.Pages, im hash.Implementation) error {
		for n := range MaxCount + 1 {
			for low, edge := range guard.Edges {
				at := fmt.Sprintf("%d pairs, %s", n, edge)
				src, dst := g.Place(1, n*pairSize, low), g.Place(0, n*hash.Size, low)
				copy(src, random(7, len(src))) // the last round hashed it in place
				want := referencePairs(ref, src)
				if err := guard.Caught(func() error { return im.Pairs(dst, src) }); err != nil {
					return fmt.Errorf("%s: %w", at, err)
				}
				if err := sameDigests(at, dst, want); err != nil {
					return err
				}
				if err := guard.Caught(func() error { return im.Pairs(src[:len(dst)], src) }); err != nil {
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

// guardedMany has a slot for every message: mixed lengths at every count, and
// every length up to two blocks on each of 32 lanes.
func guardedMany(name string, pick func(hash.Implementation) manyFunc, ref func([]byte) digest) check {
	return withGuards(name, 1+MaxCount, denseLengths+MaxCount, func(g *guard.Pages, im hash.Implementation) error {
		hashBatch := func(n int, length func(i int) int) error {
			for low, edge := range guard.Edges {
				msgs := make([][]byte, n)
				for i := range msgs {
					msgs[i] = g.Place(1+i, length(i), low)
				}
				at := fmt.Sprintf("%d messages, the last of %d bytes, %s", n, lastLen(msgs), edge)
				dst := g.Place(0, n*hash.Size, low)
				if err := guard.Caught(func() error { return pick(im)(dst, msgs) }); err != nil {
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

var guardedRecords = withGuards("records guard pages", 2, MaxCount*300, func(g *guard.Pages, im hash.Implementation) error {
	for n := range MaxCount + 1 {
		for _, size := range recordSizes {
			for low, edge := range guard.Edges {
				at := fmt.Sprintf("%d records of %d bytes, %s", n, size, edge)
				src, dst := g.Place(1, n*size, low), g.Place(0, n*hash.Size, low)
				if err := guard.Caught(func() error { return im.Records(dst, src, size, 0) }); err != nil {
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

// maxGuardedChunks is two whole rounds of the widest kernel and one chunk.
const maxGuardedChunks = 2*maxLanes + 1

var guardedChunks = withGuards("guard pages", 2, maxGuardedChunks*blake3x.ChunkSize, func(g *guard.Pages, im hash.Implementation) error {
	for n := range maxGuardedChunks + 1 {
		for low, edge := range guard.Edges {
			at := fmt.Sprintf("%d chunks, %s", n, edge)
			src, dst := g.Place(1, n*blake3x.ChunkSize, low), g.Place(0, n*hash.Size, low)
			if err := guard.Caught(func() error { return im.Chunks(dst, src, 5) }); err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
			if err := sameDigests(at, dst, referenceChunks(src, 5)); err != nil {
				return err
			}
		}
	}
	return nil
})
