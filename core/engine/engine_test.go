package engine_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/chainweir/weir/core/engine"
)

// A digest is what its documentation says, and what it was: nodes of different
// builds must give a batch the same name.
func TestDigest(t *testing.T) {
	var root [32]byte
	for i := range root {
		root[i] = byte(i)
	}
	msg := append([]byte("weirbt1"), binary.LittleEndian.AppendUint32(nil, 258)...)
	got := engine.Digest(258, root)
	if want := sha256.Sum256(append(msg, root[:]...)); got != want {
		t.Errorf("%x, want %x", got, want)
	}
	const golden = "fa1ef6a9995ecf75f2de8dca27144a8cb083099a25ac4e23ef1a2798d3dfd902"
	if hex.EncodeToString(got[:]) != golden {
		t.Errorf("%x, was %s", got, golden)
	}
	if engine.Digest(259, root) == got {
		t.Error("the count does not change the digest")
	}
}
