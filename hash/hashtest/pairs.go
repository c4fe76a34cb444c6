package hashtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chainweir/weir/hash"
)

const pairSize = 2 * hash.Size

// pairChecks are the checks for kernels that hash pairs of digests.
func pairChecks(ref func([]byte) digest) []check {
	return []check{
		{"counts", func(im hash.Implementation) error {
			for n := range MaxCount + 1 {
				if err := comparePairs(im, ref, n, 0, 0); err != nil {
					return err
				}
			}
			for _, n := range []int{127, 128, 129, 255, 256, 257, 1023, 1024, 1025} {
				if err := comparePairs(im, ref, n, 0, 0); err != nil {
					return err
				}
			}
			return nil
		}},
		{"unaligned", func(im hash.Implementation) error {
			for shift := range 65 {
				for _, n := range []int{1, 2, 15, 16, 17, 33} {
					if err := comparePairs(im, ref, n, shift, (shift*7)%65); err != nil {
						return err
					}
				}
			}
			return nil
		}},
		{"aliased", func(im hash.Implementation) error {
			for n := range MaxCount + 1 {
				if err := aliasedPairs(im, ref, n); err != nil {
					return err
				}
			}
			return aliasedPairs(im, ref, 1000)
		}},
		{"chain", func(im hash.Implementation) error { return chainPairs(im, ref) }},
		{"wrong lengths", wrongPairLengths},
		guardedPairs(ref),
	}
}

// referencePairs is the digest of every pair of src, one by one.
func referencePairs(ref func([]byte) digest, src []byte) []byte {
	var want []byte
	for pair := range slices.Chunk(src, pairSize) {
		d := ref(pair)
		want = append(want, d[:]...)
	}
	return want
}

func comparePairs(im hash.Implementation, ref func([]byte) digest, n, srcShift, dstShift int) error {
	at := fmt.Sprintf("%d pairs, src shifted by %d, dst by %d", n, srcShift, dstShift)
	src, dst := newGuarded(n*pairSize, srcShift), newGuarded(n*hash.Size, dstShift)
	copy(src.bytes(), random(3, n*pairSize))
	before := slices.Clone(src.all)
	want := referencePairs(ref, src.bytes())
	if err := im.Pairs(dst.bytes(), src.bytes()); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if !bytes.Equal(before, src.all) {
		return fmt.Errorf("%s: src was changed", at)
	}
	if err := dst.intact(); err != nil {
		return fmt.Errorf("%s: dst: %w", at, err)
	}
	return sameDigests(at, dst.bytes(), want)
}

// sameDigests names the first digest that differs.
func sameDigests(at string, got, want []byte) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d bytes of digests, want %d", at, len(got), len(want))
	}
	for i := 0; i < len(got); i += hash.Size {
		if g, w := got[i:i+hash.Size], want[i:i+hash.Size]; !bytes.Equal(g, w) {
			return fmt.Errorf("%s: digest %d is %x, want %x", at, i/hash.Size, g, w)
		}
	}
	return nil
}

// aliasedPairs hashes a level of a tree in place.
func aliasedPairs(im hash.Implementation, ref func([]byte) digest, n int) error {
	buf := newGuarded(n*pairSize, 0)
	copy(buf.bytes(), random(4, n*pairSize))
	want := referencePairs(ref, slices.Clone(buf.bytes()))
	at := fmt.Sprintf("%d pairs in place", n)
	if err := im.Pairs(buf.bytes()[:n*hash.Size], buf.bytes()); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if err := buf.intact(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return sameDigests(at, buf.bytes()[:n*hash.Size], want)
}

// chainPairs feeds digests back as pairs, over all batch sizes, so that an
// error that random input seldom meets has many chances to show.
func chainPairs(im hash.Implementation, ref func([]byte) digest) error {
	const rounds = 10
	src := random(5, MaxCount*pairSize)
	dst := make([]byte, MaxCount*hash.Size)
	for round := range rounds {
		for n := 1; n <= MaxCount; n++ {
			want := referencePairs(ref, src[:n*pairSize])
			if err := im.Pairs(dst[:n*hash.Size], src[:n*pairSize]); err != nil {
				return err
			}
			if err := sameDigests(fmt.Sprintf("round %d, %d pairs", round, n), dst[:n*hash.Size], want); err != nil {
				return err
			}
			copy(src[(n*17)%(MaxCount*hash.Size):], want)
		}
	}
	return nil
}

func wrongPairLengths(im hash.Implementation) error {
	for _, l := range []struct{ dst, src int }{
		{0, 64}, {31, 64}, {33, 64}, {64, 64}, {32, 0}, {32, 63}, {32, 65}, {32, 128},
		{96, 128}, {1, 0}, {0, 1}, {0, 32}, {16, 32}, {512, 1000}, {31, 63}, {16 * 32, 17 * 64},
	} {
		dst, src := newGuarded(l.dst, 0), newGuarded(l.src, 0)
		if err := refused(im.Pairs(dst.bytes(), src.bytes()), dst, l.dst, l.src); err != nil {
			return fmt.Errorf("dst of %d bytes, src of %d: %w", l.dst, l.src, err)
		}
	}
	return nil
}

// refused checks an error about lengths: the right sentinel, every number that
// matters in the text, and nothing written.
func refused(err error, dst guarded, numbers ...int) error {
	if !errors.Is(err, hash.ErrLength) {
		return fmt.Errorf("error %w, want %w", err, hash.ErrLength)
	}
	for _, n := range numbers {
		if !strings.Contains(err.Error(), strconv.Itoa(n)) {
			return fmt.Errorf("error does not name %d: %w", n, err)
		}
	}
	if err := dst.untouched(); err != nil {
		return fmt.Errorf("dst was written in spite of the error: %w", err)
	}
	return nil
}
