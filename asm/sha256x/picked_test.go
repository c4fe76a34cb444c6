package sha256x

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

// pickFunc is the shape of the functions that hash what lies at places.
type pickFunc func(dst, src []byte, places []uint32)

// Every implementation either hashes exactly the places that it is given, or
// says that it does not and writes nothing.
func TestPicked(t *testing.T) {
	for impl := Generic; impl <= AVX512; impl++ {
		if impl.Unavailable() != "" {
			continue
		}
		if !PairsPicked(impl, make([]byte, Size), make([]byte, PairSize), []uint32{0}) {
			dst := make([]byte, Size)
			if RecordsPicked(impl, dst, make([]byte, PairSize), []uint32{0}, 'a') || !bytes.Equal(dst, make([]byte, Size)) {
				t.Errorf("%s hashes records at places, pairs not, or wrote", impl)
			}
			continue
		}
		t.Run(impl.String(), func(t *testing.T) {
			checkPicked(t, func(dst, src []byte, places []uint32) { PairsPicked(impl, dst, src, places) }, stdPair)
			for _, prefix := range []byte{0, NodePrefix, 'a', 0xff} {
				checkPicked(t, func(dst, src []byte, places []uint32) { RecordsPicked(impl, dst, src, places, prefix) },
					func(rec []byte) [Size]byte { return sha256.Sum256(append([]byte{prefix}, rec...)) })
			}
		})
	}
}

// checkPicked compares f with the reference: every number of places up to
// several pipelines, and around what one call into assembly takes, in any
// order, between pages that must not be touched.
func checkPicked(t *testing.T, f pickFunc, ref func([]byte) [Size]byte) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	counts := []int{1023, 1024, 1025, 2048, 3000}
	for n := range 70 {
		counts = append(counts, n)
	}
	for _, n := range counts {
		for low := range guard.Edges {
			room := n + rng.IntN(n+1) + 1
			src, dst := guard.Bytes(t, room*PairSize, low), guard.Bytes(t, room*Size, low)
			copy(src, randomBytes(uint64(n), len(src)))
			for i := range dst {
				dst[i] = 0xa5
			}
			want := bytes.Clone(dst)
			places := make([]uint32, n)
			for i, p := range rng.Perm(room)[:n] {
				places[i] = uint32(p)
				d := ref(src[p*PairSize:][:PairSize])
				copy(want[p*Size:], d[:])
			}
			before := bytes.Clone(src)
			f(dst, src, places)
			sameDigests(t, fmt.Sprintf("%d of %d places, low %v", n, room, low), dst, want)
			if !bytes.Equal(src, before) {
				t.Fatalf("%d of %d places: src was changed", n, room)
			}
		}
	}
}
