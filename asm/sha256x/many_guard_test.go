package sha256x

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

// guardedMany hashes messages each of which begins behind, or ends before, a
// page that must not be touched, into digests that lie the same way.
func guardedMany(t *testing.T, f manyImpl) {
	sizes := append([]int{}, lengthsAround...)
	for size := 0; size <= 130; size += 7 {
		sizes = append(sizes, size)
	}
	for _, n := range []int{1, 3, 8, 9, 16, 20, 32, 33, 70} {
		for _, low := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d messages, low %v", n, low), func(t *testing.T) {
				dst := guard.Bytes(t, n*Size, low)
				msgs := make([][]byte, n)
				for i := range msgs {
					msgs[i] = guard.Bytes(t, 4200, low)
					copy(msgs[i], randomBytes(uint64(i), 4200))
				}
				edge := func(i, size int) []byte {
					if low {
						return msgs[i][:size:size]
					}
					return msgs[i][4200-size:]
				}
				for at, size := range sizes {
					equal, mixed := make([][]byte, n), make([][]byte, n)
					for i := range n {
						equal[i], mixed[i] = edge(i, size), edge(i, sizes[(at+i)%len(sizes)])
					}
					sameGuarded(t, f, dst, equal)
					sameGuarded(t, f, dst, mixed)
				}
			})
		}
	}
	for _, low := range []bool{false, true} {
		for n := 1; n <= lanesMost+3; n++ {
			for _, size := range []int{1, 55, 56, 63, 64, 65, 130, 200} {
				src, dst := guard.Bytes(t, n*size, low), guard.Bytes(t, n*Size, low)
				copy(src, randomBytes(uint64(n), len(src)))
				f.records(dst, src, size, 0)
				for i := range n {
					if want := digestOf(src[i*size:][:size], 0); !bytes.Equal(dst[i*Size:][:Size], want[:]) {
						t.Fatalf("%d records of %d bytes at a guard page: digest %d is wrong", n, size, i)
					}
				}
			}
		}
	}
}

func sameGuarded(t *testing.T, f manyImpl, dst []byte, msgs [][]byte) {
	t.Helper()
	for _, prefix := range []int{noByte, 0x00} {
		if prefix == noByte {
			f.many(dst, msgs)
		} else {
			f.prefixed(dst, msgs, byte(prefix))
		}
		for i, msg := range msgs {
			if want := digestOf(msg, prefix); !bytes.Equal(dst[i*Size:][:Size], want[:]) {
				t.Fatalf("%d messages at guard pages, prefix %d: digest %d, of %d bytes, is wrong", len(msgs), prefix, i, len(msg))
			}
		}
	}
}
