package hashtest

import (
	"fmt"

	"github.com/chainweir/weir/hash"
)

// shapes are batches in which lanes run dry and are filled again in different
// orders. Each gives the length of message i of n.
var shapes = []struct {
	name   string
	length func(i, n int) int
}{
	{"rising", func(i, _ int) int { return i*64 - i%3 + 2 }},
	{"falling", func(i, n int) int { return (n-i)*64 - i%3 }},
	{"empty but a long first", func(i, _ int) int { return long(i == 0) }},
	{"empty but a long last", func(i, n int) int { return long(i == n-1) }},
	{"empty but a long one within", func(i, n int) int { return long(i == n/2) }},
	{"equal but an empty one within", func(i, n int) int { return 300 - 300*toInt(i == n/2) }},
	{"equal but a byte", func(i, n int) int { return 119 + toInt(i == n-1) }},
	{"short and long in turn", func(i, _ int) int { return 3 + 1500*(i%2) }},
	{"one block and two in turn", func(i, _ int) int { return 55 + i%2 }},
	{"scattered", func(i, n int) int { return (i*i*7919 + n*131) % 2048 }},
}

func long(is bool) int { return 5000 * toInt(is) }

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// mixedAroundLanes tries every shape at counts around the lane counts of all
// kernels in sight and their doubles, where a batch just fills the lanes, or
// leaves one empty, or needs one twice.
func mixedAroundLanes(name string, pick func(hash.Implementation) manyFunc, ref func([]byte) digest) check {
	return check{name, func(im hash.Implementation) error {
		for lanes := 2; lanes <= 2*maxLanes; lanes *= 2 {
			for n := lanes - 1; n <= lanes+1; n++ {
				for _, s := range shapes {
					msgs := make([][]byte, n)
					for i := range msgs {
						msgs[i] = random(uint64(i), s.length(i, n))
					}
					if err := compareMany(pick(im), ref, msgs); err != nil {
						return fmt.Errorf("%s: %w", s.name, err)
					}
				}
			}
		}
		return nil
	}}
}

// consecutiveLengths is every length up to two blocks on each of 32 lanes, a
// batch of lengths at a time, in rising and in falling order.
func consecutiveLengths(name string, pick func(hash.Implementation) manyFunc, ref func([]byte) digest) check {
	return check{name, func(im hash.Implementation) error {
		const n = maxLanes + 1
		for from := 0; from <= denseLengths; from += n {
			rising, falling := make([][]byte, n), make([][]byte, n)
			for i := range n {
				rising[i] = random(uint64(i), from+i)
				falling[n-1-i] = rising[i]
			}
			if err := compareMany(pick(im), ref, rising); err != nil {
				return err
			}
			if err := compareMany(pick(im), ref, falling); err != nil {
				return err
			}
		}
		return nil
	}}
}
