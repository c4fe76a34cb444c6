package hashtest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/chainweir/weir/hash"
)

// vector is a message with its published digest in hexadecimal.
type vector struct {
	msg  []byte
	want string
}

// fipsBatches are fipsChecks for kernels of many messages.
var fipsBatches = []check{{"FIPS 180-4 batches", func(im hash.Implementation) error {
	list := []vector{{bytes.Repeat([]byte("a"), 1_000_000), millionA}}
	for _, v := range fips {
		list = append(list, vector{[]byte(v.msg), v.want})
	}
	return vectorBatches(im.Many, list)
}}}

// blake3Batches are blake3Facts for kernels of many messages.
var blake3Batches = []check{{"known vectors in batches", func(im hash.Implementation) error {
	var list []vector
	for _, v := range blake3Known {
		list = append(list, vector{blake3Input(v.length), v.want})
	}
	return vectorBatches(im.Many, list)
}}}

// vectorBatches hashes each vector on more than half of the most lanes, on all
// of them and on one more, and then all vectors at once, as often as it takes
// to fill the lanes.
func vectorBatches(many manyFunc, list []vector) error {
	for _, v := range list {
		for _, n := range []int{maxLanes/2 + 1, maxLanes, maxLanes + 1} {
			if err := vectorBatch(many, slices.Repeat([]vector{v}, n)); err != nil {
				return err
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	all := slices.Repeat(list, maxLanes/len(list)+1)
	if err := vectorBatch(many, all); err != nil {
		return err
	}
	slices.Reverse(all)
	return vectorBatch(many, all)
}

func vectorBatch(many manyFunc, list []vector) error {
	msgs, got := make([][]byte, len(list)), make([]byte, len(list)*hash.Size)
	for i, v := range list {
		msgs[i] = v.msg
	}
	if err := many(got, msgs); err != nil {
		return err
	}
	for i, v := range list {
		if text := hex.EncodeToString(got[i*hash.Size:][:hash.Size]); text != v.want {
			return fmt.Errorf("message %d of %d, of %d bytes: digest %s, want %s", i, len(list), len(v.msg), text, v.want)
		}
	}
	return nil
}
