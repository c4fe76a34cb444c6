package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// Specifications that roots are held against, over crypto/sha256 alone.

// specSSZNode is the root of 2^depth chunks from chunk at of sszChunks on.
func specSSZNode(depth, at int) (h [32]byte) {
	if depth == 0 {
		if at < len(sszChunks)/32 {
			copy(h[:], sszChunks[32*at:])
		}
		return h
	}
	l, r := specSSZNode(depth-1, at), specSSZNode(depth-1, at+1<<(depth-1))
	return sha256.Sum256(append(l[:], r[:]...))
}

func specSSZRoot(depth int) string {
	h := specSSZNode(depth, 0)
	return hex.EncodeToString(h[:])
}

// specSSZList is the hash_tree_root of a list of length elements.
func specSSZList(depth int, length uint64) string {
	h := specSSZNode(depth, 0)
	h = sha256.Sum256(append(binary.LittleEndian.AppendUint64(h[:], length), make([]byte, 24)...))
	return hex.EncodeToString(h[:])
}

// blake3Message is the input of BLAKE3's official vectors: 0 to 250 over and over.
func blake3Message(n int) string {
	msg := make([]byte, n)
	for i := range msg {
		msg[i] = byte(i % 251)
	}
	return string(msg)
}

func indexText(i int) string { return strconv.Itoa(i) }
