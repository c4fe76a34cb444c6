package hashtest

import (
	"fmt"
	"slices"

	"github.com/chainweir/weir/hash"
)

// manyFunc is the shape of Implementation.Many and Leaves.
type manyFunc = func(dst []byte, msgs [][]byte) error

// manyChecks are the checks for kernels that hash many messages.
func manyChecks(ref func([]byte) digest) []check {
	return batchChecks("", func(im hash.Implementation) manyFunc { return im.Many }, ref)
}

// leafChecks are the same for RFC 6962 leaves.
var leafChecks = batchChecks("leaves ",
	func(im hash.Implementation) manyFunc { return im.Leaves },
	func(msg []byte) digest { return sumPrefixed(0, msg) })

func batchChecks(name string, pick func(hash.Implementation) manyFunc, ref func([]byte) digest) []check {
	return []check{
		{name + "counts of equal lengths", func(im hash.Implementation) error {
			for _, size := range []int{0, 1, 55, 56, 64, 200, 300} {
				for n := range MaxCount + 1 {
					if err := compareMany(pick(im), ref, equalLengths(n, size)); err != nil {
						return err
					}
				}
			}
			return nil
		}},
		{name + "counts of mixed lengths", func(im hash.Implementation) error {
			for n := range MaxCount + 1 {
				if err := compareMany(pick(im), ref, mixedLengths(n)); err != nil {
					return err
				}
			}
			return nil
		}},
		{name + "every length", func(im hash.Implementation) error {
			for size := range 2*64 + 140 {
				if err := compareMany(pick(im), ref, equalLengths(3, size)); err != nil {
					return err
				}
			}
			for size := range 2*64 + 10 { // whole rounds of lanes, and one left over
				if err := compareMany(pick(im), ref, equalLengths(maxLanes+1, size)); err != nil {
					return err
				}
			}
			for _, size := range []int{1023, 1024, 1025, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 20000} {
				if err := compareMany(pick(im), ref, equalLengths(5, size)); err != nil {
					return err
				}
			}
			return nil
		}},
		{name + "wrong lengths", func(im hash.Implementation) error {
			for _, l := range []struct{ dst, msgs int }{{0, 1}, {31, 1}, {33, 1}, {32, 0}, {1, 0}, {64, 3}, {96, 2}, {16 * 32, 17}} {
				dst := newGuarded(l.dst, 0)
				if err := refused(pick(im)(dst.bytes(), equalLengths(l.msgs, 10)), dst, l.dst, l.msgs); err != nil {
					return fmt.Errorf("dst of %d bytes, %d messages: %w", l.dst, l.msgs, err)
				}
			}
			return nil
		}},
		consecutiveLengths(name+"consecutive lengths", pick, ref),
		mixedAroundLanes(name+"mixed lengths around lane counts", pick, ref),
		guardedMany(name+"guard pages", pick, ref),
	}
}

func equalLengths(n, size int) [][]byte {
	msgs := make([][]byte, n)
	for i := range msgs {
		msgs[i] = random(uint64(i), size)
	}
	return msgs
}

// mixedLengths returns messages of 0 to 9 blocks, some of them nil.
func mixedLengths(n int) [][]byte {
	msgs := make([][]byte, n)
	for i := range msgs {
		if i%11 != 5 {
			msgs[i] = random(uint64(i), mixedLength(i, n))
		}
	}
	return msgs
}

func mixedLength(i, n int) int { return (i*i*37 + n*13) % 600 }

func referenceMany(ref func([]byte) digest, msgs [][]byte) []byte {
	var want []byte
	for _, msg := range msgs {
		d := ref(msg)
		want = append(want, d[:]...)
	}
	return want
}

func compareMany(many manyFunc, ref func([]byte) digest, msgs [][]byte) error {
	at := fmt.Sprintf("%d messages, the last of %d bytes", len(msgs), lastLen(msgs))
	want, before := referenceMany(ref, msgs), make([][]byte, len(msgs))
	for i, msg := range msgs {
		before[i] = slices.Clone(msg)
	}
	dst := newGuarded(len(msgs)*hash.Size, len(msgs)%65)
	if err := many(dst.bytes(), msgs); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	for i := range msgs {
		if !slices.Equal(before[i], msgs[i]) {
			return fmt.Errorf("%s: message %d was changed", at, i)
		}
	}
	if err := dst.intact(); err != nil {
		return fmt.Errorf("%s: dst: %w", at, err)
	}
	return sameDigests(at, dst.bytes(), want)
}

func lastLen(msgs [][]byte) int {
	if len(msgs) == 0 {
		return 0
	}
	return len(msgs[len(msgs)-1])
}

// recordChecks are the checks for records back to back behind a prefix.
var recordChecks = []check{
	{"records counts", func(im hash.Implementation) error {
		for n := range MaxCount + 1 {
			for _, size := range recordSizes {
				if err := compareRecords(im, n, size, byte(n), n%65); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{"records every size", func(im hash.Implementation) error {
		for size := 1; size < 2*64+200; size++ {
			if err := compareRecords(im, 3, size, 0, size%65); err != nil {
				return err
			}
		}
		for _, size := range []int{1023, 1024, 4094, 4095, 4096, 4097, 8191, 8192, 20000} {
			if err := compareRecords(im, 2, size, 0xff, 0); err != nil {
				return err
			}
		}
		return nil
	}},
	{"records wrong lengths", func(im hash.Implementation) error {
		for _, l := range []struct{ dst, src, size int }{
			{0, 0, 0}, {32, 10, 0}, {32, 10, -10}, {0, 0, -1}, {32, 10, 11}, {32, 10, 3}, {31, 10, 10},
			{33, 10, 10}, {0, 10, 10}, {32, 0, 10}, {32, 20, 10}, {96, 20, 10}, {512, 17 * 8, 8},
		} {
			dst := newGuarded(l.dst, 0)
			err := im.Records(dst.bytes(), make([]byte, l.src), l.size, 0)
			if err := refused(err, dst, l.dst, l.src); err != nil {
				return fmt.Errorf("dst of %d bytes, src of %d, records of %d: %w", l.dst, l.src, l.size, err)
			}
		}
		return nil
	}},
	guardedRecords,
}

func referenceRecords(src []byte, size int, prefix byte) []byte {
	var want []byte
	for record := range slices.Chunk(src, size) {
		d := sumPrefixed(prefix, record)
		want = append(want, d[:]...)
	}
	return want
}

func compareRecords(im hash.Implementation, n, size int, prefix byte, shift int) error {
	at := fmt.Sprintf("%d records of %d bytes behind prefix %#02x, shift %d", n, size, prefix, shift)
	src, dst := newGuarded(n*size, shift), newGuarded(n*hash.Size, 64-shift)
	copy(src.bytes(), random(6, n*size))
	before := slices.Clone(src.all)
	want := referenceRecords(src.bytes(), size, prefix)
	if err := im.Records(dst.bytes(), src.bytes(), size, prefix); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if !slices.Equal(before, src.all) {
		return fmt.Errorf("%s: src was changed", at)
	}
	if err := dst.intact(); err != nil {
		return fmt.Errorf("%s: dst: %w", at, err)
	}
	return sameDigests(at, dst.bytes(), want)
}
