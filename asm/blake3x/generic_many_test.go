package blake3x

import (
	"bytes"
	"testing"

	"github.com/zeebo/blake3"
)

// TestManyGeneric compares digests with an independent implementation.
func TestManyGeneric(t *testing.T) {
	var msgs [][]byte
	var want []byte
	for n := range ChunkSize + 1 {
		msg := randomBytes(uint64(n), n)
		digest := blake3.Sum256(msg)
		msgs, want = append(msgs, msg), append(want, digest[:]...)
	}
	got := make([]byte, len(want))
	ManyGeneric(got, msgs, &IV, 0)
	sameValues(t, "many messages", got, want)
}

// TestXOFGeneric compares the output of one-block messages with an independent
// implementation, from several places on.
func TestXOFGeneric(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64} {
		msg := randomBytes(uint64(n), n)
		hasher := blake3.New()
		if _, err := hasher.Write(msg); err != nil {
			t.Fatal(err)
		}
		want := make([]byte, 1500)
		if _, err := hasher.Digest().Read(want); err != nil {
			t.Fatal(err)
		}
		var padded [BlockSize]byte
		copy(padded[:], msg)
		block := Words(&padded)
		for first := range 5 {
			for _, length := range []int{0, 1, 63, 64, 65, 1000} {
				got := make([]byte, length)
				XOFGeneric(got, &IV, &block, uint64(first), uint32(n), ChunkStart|ChunkEnd)
				if !bytes.Equal(got, want[first*BlockSize:][:length]) {
					t.Errorf("%d bytes of input, block %d, %d bytes: got %x", n, first, length, got)
				}
			}
		}
	}
}
