package merkle_test

import (
	"context"
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
