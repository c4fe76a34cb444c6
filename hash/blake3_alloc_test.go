package hash_test

import (
	"testing"

	"github.com/chainweir/weir/hash"
)

// TestBLAKE3NoAllocations has every call in the open, on buffers of the stack:
// none may escape.
func TestBLAKE3NoAllocations(t *testing.T) {
	for _, im := range hash.Implementations() {
		if im.Kernel != "blake3" || im.Unavailable != "" {
			continue
		}
		t.Run(im.Name, func(t *testing.T) {
			force(t, "blake3_many:"+im.Name+",blake3", im.Name)
			for _, size := range []int{0, 64, 1024, 1025, 20_000, 40_000, 700_000} {
				msg := blake3Random(9, size)
				if n := testing.AllocsPerRun(10, func() { callBLAKE3(t, msg) }); n != 0 && !zeeboAlone(im.Name) {
					t.Errorf("%d bytes: %v allocations per round, want none", size, n)
				}
			}
			h := hash.NewBLAKE3Keyed(&blake3TestKey)
			if n := testing.AllocsPerRun(10, func() { useHasher(t, h) }); n != 0 && im.Name != "zeebo" {
				t.Errorf("hasher: %v allocations per round, want none", n)
			}
		})
	}
}

// zeeboAlone says whether the modes are left to zeebo, whose hashers have to be
// allocated: it is in force, and no kernel of this package runs here.
func zeeboAlone(impl string) bool {
	for _, im := range hash.Implementations() {
		if im.Kernel == "blake3" && im.Unavailable == "" && im.Name != "zeebo" && im.Name != "generic" {
			return false
		}
	}
	return impl == "zeebo"
}

func callBLAKE3(t *testing.T, msg []byte) {
	var (
		dst  [200]byte
		pair [64]byte
		node [hash.BLAKE3ChunkSize]byte
	)
	msgs := [...][]byte{msg, pair[:], node[:], msg, dst[:100]}
	key := hash.BLAKE3(msg)
	digest := hash.BLAKE3Keyed(&key, msg)
	copy(pair[:], digest[:])
	hash.BLAKE3XOF(dst[:], msg)
	hash.BLAKE3DeriveKey(dst[:33], blake3TestContext, msg)
	_, err := hash.BLAKE3Chunk(pair[:], 3)
	key = hash.BLAKE3Root(&key, &digest)
	for _, err := range [...]error{
		err,
		hash.BLAKE3Many(dst[:len(msgs)*hash.Size], msgs[:]),
		hash.BLAKE3Chunks(dst[:hash.Size], node[:], 7),
		hash.BLAKE3Parents(dst[:hash.Size], pair[:]),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}

func useHasher(t *testing.T, h *hash.BLAKE3Hasher) {
	var (
		part [3000]byte
		sum  [hash.Size]byte
	)
	h.Reset()
	for range 200 {
		h.Write(part[:])
	}
	h.Sum(sum[:0])
	if _, err := h.Read(part[:500]); err != nil {
		t.Error(err)
	}
}
