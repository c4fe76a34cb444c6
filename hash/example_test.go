package hash_test

import (
	"crypto/sha256"
	"encoding"
	"fmt"
	"io"

	"github.com/chainweir/weir/hash"
)

// One level of a Merkle tree, hashed in place.
func ExampleSHA256Nodes() {
	level := make([]byte, 4*hash.Size)
	for i, leaf := range []string{"a", "b", "c", "d"} {
		if err := hash.SHA256Leaves(level[i*hash.Size:][:hash.Size], [][]byte{[]byte(leaf)}); err != nil {
			fmt.Println(err)
			return
		}
	}
	for len(level) > hash.Size {
		parents := level[:len(level)/2]
		if err := hash.SHA256Nodes(parents, level); err != nil {
			fmt.Println(err)
			return
		}
		level = parents
	}
	fmt.Printf("%x\n", level)
	// Output: 33376a3bd63e9993708a84ddfe6c28ae58b83505dd1fed711bd924ec5a6239f0
}

// A stream is put away in the middle and resumed by crypto/sha256.
func ExampleNewSHA256_marshal() {
	h := hash.NewSHA256()
	io.WriteString(h, "ab")
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		fmt.Println(err)
		return
	}
	resumed := sha256.New()
	if err := resumed.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		fmt.Println(err)
		return
	}
	io.WriteString(resumed, "c")
	fmt.Println([hash.Size]byte(resumed.Sum(nil)) == hash.SHA256([]byte("abc")))
	// Output: true
}

func ExampleSHA256Pairs_wrongLength() {
	err := hash.SHA256Pairs(make([]byte, 32), make([]byte, 100))
	fmt.Println(err)
	// Output: hash: buffer lengths do not fit: src has 100 bytes (dst 32); it must hold whole pairs of 64 bytes
}
