package blake3

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"testing"
)

// TestSchedule compresses the message "abc", one block that is chunk and root,
// and compares with its published digest.
func TestSchedule(t *testing.T) {
	const want = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
	message := "abc"
	var block [BlockBytes]byte
	copy(block[:], message)
	var m [16]uint32
	for i := range m {
		m[i] = binary.LittleEndian.Uint32(block[4*i:])
	}
	v := [16]uint32{14: uint32(len(message)), 15: FlagChunkStart | FlagChunkEnd | FlagRoot}
	copy(v[:], IV[:])
	copy(v[8:], IV[:4])
	for r := range Rounds {
		order := Schedule(r)
		for i := range 8 {
			// Columns, then diagonals, which begin a word later in each row.
			shift := i / 4
			g(&v[i%4], &v[4+(i+shift)%4], &v[8+(i+2*shift)%4], &v[12+(i+3*shift)%4], m[order[2*i]], m[order[2*i+1]])
		}
	}
	var digest [ValueBytes]byte
	for i := range 8 {
		binary.LittleEndian.PutUint32(digest[4*i:], v[i]^v[i+8])
	}
	if got := hex.EncodeToString(digest[:]); got != want {
		t.Errorf("digest of %q: %s, want %s", message, got, want)
	}
}

// g is the quarter round, §2.2.
func g(a, b, c, d *uint32, m0, m1 uint32) {
	for _, half := range []struct {
		m       uint32
		rotateD int
		rotateB int
	}{{m0, 16, 12}, {m1, 8, 7}} {
		*a += *b + half.m
		*d = bits.RotateLeft32(*d^*a, -half.rotateD)
		*c += *d
		*b = bits.RotateLeft32(*b^*c, -half.rotateB)
	}
}
