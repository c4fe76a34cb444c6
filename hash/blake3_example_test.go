package hash_test

import (
	"crypto/subtle"
	"fmt"
	"io"
	"strings"

	"github.com/chainweir/weir/hash"
)

func ExampleBLAKE3() {
	fmt.Printf("%x\n", hash.BLAKE3([]byte("abc")))
	// Output: 6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85
}

// A tag, and its check by another holder of the key, in constant time.
func ExampleBLAKE3Keyed() {
	key := [hash.Size]byte{1, 2, 3}
	tag := hash.BLAKE3Keyed(&key, []byte("a message"))
	for _, received := range []string{"a message", "another one"} {
		want := hash.BLAKE3Keyed(&key, []byte(received))
		fmt.Println(subtle.ConstantTimeCompare(tag[:], want[:]) == 1)
	}
	// Output:
	// true
	// false
}

// Two keys for two purposes from one secret.
func ExampleBLAKE3DeriveKey() {
	secret := []byte("input key material")
	var encryption, signing [16]byte
	hash.BLAKE3DeriveKey(encryption[:], "example.org 2026-03-01 encryption v1", secret)
	hash.BLAKE3DeriveKey(signing[:], "example.org 2026-03-01 signing v1", secret)
	fmt.Println(encryption == signing)
	// Output: false
}

func ExampleBLAKE3XOF() {
	var out [48]byte
	hash.BLAKE3XOF(out[:], []byte("abc"))
	digest := hash.BLAKE3([]byte("abc"))
	fmt.Println([hash.Size]byte(out[:]) == digest)
	// Output: true
}

// The digest of three chunks from the nodes of its tree.
func ExampleBLAKE3Root() {
	msg := make([]byte, 3*hash.BLAKE3ChunkSize)
	var chunks [3 * hash.Size]byte
	var left [hash.Size]byte
	if err := hash.BLAKE3Chunks(chunks[:], msg, 0); err != nil {
		fmt.Println(err)
		return
	}
	if err := hash.BLAKE3Parents(left[:], chunks[:2*hash.Size]); err != nil {
		fmt.Println(err)
		return
	}
	right := [hash.Size]byte(chunks[2*hash.Size:])
	fmt.Println(hash.BLAKE3Root(&left, &right) == hash.BLAKE3(msg))
	// Output: true
}

func ExampleNewBLAKE3() {
	h := hash.NewBLAKE3()
	if _, err := io.Copy(h, strings.NewReader("abc")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n", h.Sum(nil))
	// Output: 6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85
}

// Four bytes out of the middle of a long output.
func ExampleBLAKE3Hasher_Output() {
	h := hash.NewBLAKE3()
	io.WriteString(h, "abc")
	out := h.Output()
	if _, err := out.Seek(1<<40, io.SeekStart); err != nil {
		fmt.Println(err)
		return
	}
	var part [4]byte
	n, err := out.Read(part[:])
	fmt.Println(n, err)
	// Output: 4 <nil>
}

func ExampleBLAKE3Parallel() {
	msg := make([]byte, 4<<20)
	fmt.Println(hash.BLAKE3Parallel(msg, 0) == hash.BLAKE3(msg))
	// Output: true
}
