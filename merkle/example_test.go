package merkle_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/chainweir/weir/merkle"
)

// A node hashes each block's transactions with one Builder, which keeps its
// buffers from block to block.
func ExampleBuilder() {
	b := merkle.NewBuilder(merkle.RFC6962, 0)
	root, err := b.Root([][]byte{[]byte("pay 1"), []byte("pay 2"), []byte("pay 3")})
	fmt.Printf("%x %v\n", root[:4], err)
	// Output: f02d19bf <nil>
}

// A light client has the root and the size from a header it trusts, and takes
// the transaction and its path from anybody.
func ExampleVerifyInclusion() {
	leaves := [][]byte{[]byte("pay 1"), []byte("pay 2"), []byte("pay 3")}
	root, path, err := merkle.NewBuilder(merkle.RFC6962, 0).Path(context.Background(), merkle.Leaves(leaves), 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(merkle.VerifyInclusion(merkle.RFC6962, root, []byte("pay 3"), 2, 3, path))
	err = merkle.VerifyInclusion(merkle.RFC6962, root, []byte("pay 3"), 2, 3, path[:0])
	fmt.Println(err)
	// Output:
	// <nil>
	// merkle: path has the wrong length: leaf 2 of 3 has a path of 1 nodes, this one has 0
}

// A light client that has followed a log checks that it only grew.
func ExampleVerifyConsistency() {
	leaves := [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d"), []byte("e")}
	ctx := context.Background()
	before, err := merkle.Root(ctx, merkle.RFC6962, merkle.Leaves(leaves[:3]), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	tree, err := merkle.Build(ctx, merkle.RFC6962, merkle.Leaves(leaves), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	path, err := tree.ConsistencyPath(3)
	fmt.Println(err, merkle.VerifyConsistency(merkle.RFC6962, 3, 5, before, tree.Root(), path))
	// Output: <nil> <nil>
}

// The root of a validator list's balances: List[uint64, 2^40], four values to a
// chunk, with the number of values mixed in. It costs what the values cost, not
// what the limit would.
func ExampleSSZLimit() {
	balances := []uint64{32_000_000_000, 31_999_000_000, 32_000_500_000}
	var serialized []byte
	for _, gwei := range balances {
		serialized = binary.LittleEndian.AppendUint64(serialized, gwei)
	}
	const limit = 1 << 40 * 8 / 32 // in chunks
	chunks := merkle.Nodes(merkle.SSZPack(serialized))
	root, err := merkle.Root(context.Background(), merkle.SSZLimit(limit), chunks, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	root = merkle.MixInLength(root, uint64(len(balances)))
	fmt.Printf("%x\n", root[:4])
	// Output: c94c3ff8
}

// A field of an Ethereum container is proven by its generalized index.
func ExampleVerifyGeneralized() {
	fields := make([]byte, 5*merkle.HashSize) // such as a block header's
	fields[3*merkle.HashSize] = 7
	root, path, err := merkle.NewBuilder(merkle.SSZ, 1).Path(context.Background(), merkle.Nodes(fields), 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	gindex, err := merkle.GeneralizedIndex(3, 3) // five fields take three layers
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(gindex, merkle.VerifyGeneralized(root, merkle.Hash(fields[3*merkle.HashSize:]), gindex, path))
	// Output: 11 <nil>
}

// Whoever has the digest and the length of a file checks any kilobyte of it,
// from a server that need not be trusted.
func ExampleVerifyBLAKE3Chunk() {
	file := bytes.Repeat([]byte("weir "), 1000)
	root, path, err := merkle.BLAKE3Path(context.Background(), file, 4, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	chunk := file[4*merkle.BLAKE3ChunkSize:]
	fmt.Printf("%x %d\n", root[:4], len(path))
	fmt.Println(merkle.VerifyBLAKE3Chunk(root, chunk, 4, uint64(len(file)), path))
	fmt.Println(merkle.VerifyBLAKE3Chunk(root, chunk[1:], 4, uint64(len(file)), path))
	// Output:
	// 4d3d4ae6 1
	// <nil>
	// merkle: leaf has the wrong length: chunk 4 of 5000 bytes has 904, this one 903
}
