package difftest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	zeebo "github.com/zeebo/blake3"
	lukechampine "lukechampine.com/blake3"
	"lukechampine.com/blake3/guts"

	"github.com/chainweir/weir/hash"
)

const (
	digestSize = hash.Size
	pairSize   = 2 * hash.Size
)

// tester is what a test, a fuzz target and a property have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// sum is a hash of one message.
type sum = func(msg []byte) [digestSize]byte

func doubleSHA256(pair []byte) [digestSize]byte {
	inner := sha256.Sum256(pair)
	return sha256.Sum256(inner[:])
}

// prefixed is SHA-256 behind a byte, as in RFC 6962.
func prefixed(prefix byte) sum {
	return func(msg []byte) [digestSize]byte { return sha256.Sum256(append([]byte{prefix}, msg...)) }
}

// blake3 is the digest on which both other libraries agree.
func blake3(t tester, msg []byte) [digestSize]byte {
	t.Helper()
	want := zeebo.Sum256(msg)
	if other := lukechampine.Sum256(msg); other != want {
		t.Fatalf("BLAKE3 of %d bytes: zeebo's is %x and lukechampine's %x; which is right is not known here", len(msg), want, other)
	}
	return want
}

// parent is the chaining value of an interior node of BLAKE3's tree that is
// not the root.
func parent(pair []byte) [digestSize]byte {
	var left, right [8]uint32
	for i := range left {
		left[i], right[i] = binary.LittleEndian.Uint32(pair[4*i:]), binary.LittleEndian.Uint32(pair[digestSize+4*i:])
	}
	var out [digestSize]byte
	for i, word := range guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, 0)) {
		binary.LittleEndian.PutUint32(out[4*i:], word)
	}
	return out
}

// kernel is a way to hash, under the name that a failure shows.
type kernel struct {
	name string
	im   hash.Implementation
}

// kernels returns the exported functions of a kernel, as they are dispatched,
// and every implementation that runs here.
func kernels(t testing.TB, name string, exported hash.Implementation) []kernel {
	t.Helper()
	list := []kernel{{name + " as dispatched", exported}}
	for _, im := range hash.Implementations() {
		if im.Kernel != name {
			continue
		}
		if im.Unavailable != "" {
			t.Logf("%s:%s is not compared: %s", name, im.Name, im.Unavailable)
			continue
		}
		list = append(list, kernel{name + ":" + im.Name, im})
	}
	if len(list) == 1 {
		t.Fatalf("package hash has no kernel %s that runs here", name)
	}
	return list
}

// digests hashes items one by one.
func digests(items [][]byte, f sum) []byte {
	all := make([]byte, 0, len(items)*digestSize)
	for _, item := range items {
		d := f(item)
		all = append(all, d[:]...)
	}
	return all
}

// cut cuts src into items of size bytes.
func cut(src []byte, size int) [][]byte {
	var list [][]byte
	for ; len(src) >= size; src = src[size:] {
		list = append(list, src[:size])
	}
	return list
}

// same compares digests and names the first that differs.
func same(t tester, what string, err error, got, want []byte) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d bytes, want %d", what, len(got), len(want))
		return
	}
	for i := 0; i < len(got); i += digestSize {
		if end := min(i+digestSize, len(got)); !bytes.Equal(got[i:end], want[i:end]) {
			t.Errorf("%s: digest %d of %d is %x, want %x", what, i/digestSize, len(got)/digestSize, got[i:end], want[i:end])
			return
		}
	}
}

// random returns n bytes that follow from the seed, at an address that is
// shift bytes behind where the allocator put it.
func random(seed uint64, n, shift int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, shift+n)
	rand.NewChaCha8(key).Read(b)
	return b[shift : shift+n : shift+n]
}
