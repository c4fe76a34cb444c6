package hash_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/chainweir/weir/hash"
)

// Every implementation hashes what lies at the places, with any room, and
// touches nothing else.
func TestPicked(t *testing.T) {
	for _, im := range hash.Implementations() {
		if im.Kernel != "sha256_pairs" && im.Kernel != "sha256_nodes" && im.Kernel != "sha256_many" || im.Unavailable != "" {
			continue
		}
		t.Run(im.Kernel+"/"+im.Name, func(t *testing.T) {
			force(t, im.Kernel, im.Name)
			checkPicked(t, "pairs", 64, nil, func(dst, src []byte, places []uint32, room []byte) error {
				return hash.SHA256PairsPicked(dst, src, places, room)
			})
			for _, size := range []int{1, 63, 64, 65, 96, 128, 600} {
				for _, prefix := range []byte{0, 'a', 0xff} {
					checkPicked(t, "records", size, []byte{prefix}, func(dst, src []byte, places []uint32, room []byte) error {
						return hash.SHA256RecordsPicked(dst, src, size, prefix, places, room)
					})
				}
			}
		})
	}
}

func checkPicked(t *testing.T, what string, size int, prefix []byte, do func(dst, src []byte, places []uint32, room []byte) error) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, uint64(size)))
	for _, n := range []int{0, 1, 2, 5, 31, 64, 127, 128, 129, 300} {
		all := n + rng.IntN(2*n+1) + 1
		src, dst := make([]byte, all*size), make([]byte, all*hash.Size)
		for _, b := range [][]byte{src, dst} {
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
		}
		want, places := bytes.Clone(dst), make([]uint32, n)
		for i, p := range rng.Perm(all)[:n] {
			places[i] = uint32(p)
			d := sha256.Sum256(append(bytes.Clone(prefix), src[p*size:][:size]...))
			copy(want[p*hash.Size:], d[:])
		}
		was, before := bytes.Clone(dst), bytes.Clone(src)
		for _, room := range []int{size + hash.Size, 3*(size+hash.Size) + 7, hash.PickedRoom(size)} {
			copy(dst, was)
			if err := do(dst, src, places, make([]byte, room)); err != nil {
				t.Fatal(err)
			}
			at := fmt.Sprintf("%d of %d %s of %d bytes, room %d", n, all, what, size, room)
			if !bytes.Equal(dst, want) {
				t.Fatalf("%s: wrong digests", at)
			}
			if !bytes.Equal(src, before) {
				t.Fatalf("%s: src was changed", at)
			}
		}
	}
}

// What does not fit is refused, and nothing is written.
func TestPickedRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		dst, src, room int
		places         []uint32
	}{
		"a place behind the last":   {32 * 3, 64 * 3, 96, []uint32{0, 3}},
		"a place far behind":        {32 * 4, 64 * 4, 96, []uint32{0, 1 << 31}},
		"places of nothing":         {0, 0, 96, []uint32{0}},
		"half a pair":               {32, 100, 96, []uint32{0}},
		"too few digests":           {32, 128, 96, []uint32{0}},
		"no room":                   {64, 128, 0, []uint32{0}},
		"room for half":             {64, 128, 95, []uint32{0}},
		"no room, nothing to hash":  {64, 128, 95, nil},
		"half a pair, without work": {64, 127, 96, nil},
	} {
		dst := make([]byte, tc.dst)
		errs := []error{
			hash.SHA256PairsPicked(dst, make([]byte, tc.src), tc.places, make([]byte, tc.room)),
			hash.SHA256RecordsPicked(dst, make([]byte, tc.src), 64, 'a', tc.places, make([]byte, tc.room)),
		}
		for i, err := range errs {
			if !errors.Is(err, hash.ErrLength) {
				t.Errorf("%s, function %d: %v, want ErrLength", name, i, err)
			}
		}
		if !bytes.Equal(dst, make([]byte, tc.dst)) {
			t.Errorf("%s: something was written", name)
		}
	}
	// Places may be the last of a level whose length is no power of two.
	if err := hash.SHA256PairsPicked(make([]byte, 96), make([]byte, 192), []uint32{1, 2}, make([]byte, 96)); err != nil {
		t.Error(err)
	}
	if err := hash.SHA256RecordsPicked(nil, nil, 0, 'a', nil, make([]byte, 96)); !errors.Is(err, hash.ErrLength) {
		t.Errorf("records of 0 bytes: %v, want ErrLength", err)
	}
}
