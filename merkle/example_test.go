package merkle_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/chainweir/weir/merkle"
)

// Seven payments, of which the tour of this package's documentation speaks.
var payments = [][]byte{
	[]byte("pay 1"), []byte("pay 2"), []byte("pay 3"), []byte("pay 4"), []byte("pay 5"), []byte("pay 6"), []byte("pay 7"),
}

func ExampleRoot() {
	ctx := context.Background()
	root, err := merkle.Root(ctx, merkle.RFC6962, merkle.Leaves(payments), 0)
	fmt.Printf("%x %v\n", root[:4], err)
	// Output: 1768aa6b <nil>
}

// A server keeps the tree and proves payment 2. Its client knows the root and
// that there are seven payments.
func ExampleTree() {
	ctx := context.Background()
	tree, err := merkle.Build(ctx, merkle.RFC6962, merkle.Leaves(payments), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	path, err := tree.Path(2)
	if err != nil {
		fmt.Println(err)
		return
	}
	root := tree.Root()
	err = merkle.VerifyInclusion(merkle.RFC6962, root, []byte("pay 3"), 2, 7, path)
	fmt.Println(len(path), err)
	err = merkle.VerifyInclusion(merkle.RFC6962, root, []byte("pay 3"), 7, 7, path)
	fmt.Println(err)
	// Output:
	// 3 <nil>
	// merkle: index is outside the tree: leaf 7 of 7; the last one is 6
}

// A proof travels as JSON. The reader checks it against the root and the size
// that it trusts, not against those that come with it.
func ExampleDecodeProof() {
	p, err := merkle.NewBuilder(merkle.RFC6962, 1).Proof(context.Background(), payments[:2], 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	document, err := json.Marshal(p.JSON(false))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.60s...\n", document)
	trusted := p.Root
	got, _, err := merkle.DecodeProof(document)
	fmt.Println(got.Size == 2, got.Verify(trusted), err)
	// Output:
	// {"scheme":"rfc6962","root":"1e89e03441c8dd15bdfd19dbf9225ae1...
	// true <nil> <nil>
}

// The two lists have one root; the second is refused, and says why.
func ExampleBitcoin() {
	txids := make([][]byte, 4)
	for i := range txids {
		txids[i] = bytes.Repeat([]byte{byte(i + 1)}, merkle.HashSize)
	}
	b := merkle.NewBuilder(merkle.Bitcoin, 1)
	sound, err := b.Root(txids[:3])
	fmt.Println(err)
	txids[3] = txids[2]
	mutated, err := b.Root(txids)
	fmt.Println(mutated == sound, errors.Is(err, merkle.ErrMutated))
	// Output:
	// <nil>
	// true true
}

// No root commits to its size: leaf 0 of six is also accepted as leaf 0 of five,
// seven and eight, where it climbs the same way. The last leaf holds for its own
// size only.
func ExampleVerifyInclusion_size() {
	tree, err := merkle.Build(context.Background(), merkle.RFC6962, merkle.Leaves(payments[:6]), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, index := range []uint64{0, 5} {
		path, err := tree.Path(index)
		if err != nil {
			fmt.Println(err)
			return
		}
		for size := range uint64(20) {
			if merkle.VerifyInclusion(merkle.RFC6962, tree.Root(), payments[index], index, size, path) == nil {
				fmt.Println("leaf", index, "of", size)
			}
		}
	}
	// Output:
	// leaf 0 of 5
	// leaf 0 of 6
	// leaf 0 of 7
	// leaf 0 of 8
	// leaf 5 of 6
}

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
	ctx := context.Background()
	root, err := merkle.Root(ctx, merkle.SSZLimit(limit), chunks, 1)
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
	digest, path, err := merkle.BLAKE3Path(context.Background(), file, 4, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	chunk := file[4*merkle.BLAKE3ChunkSize:]
	fmt.Printf("%x %d\n", digest[:4], len(path))
	err = merkle.VerifyBLAKE3Chunk(digest, chunk, 4, uint64(len(file)), path)
	fmt.Println(err)
	err = merkle.VerifyBLAKE3Chunk(digest, chunk[1:], 4, uint64(len(file)), path)
	fmt.Println(err)
	// Output:
	// 4d3d4ae6 1
	// <nil>
	// merkle: leaf has the wrong length: chunk 4 of 5000 bytes has 904, this one 903
}

// A server that sends many chunks of a file keeps their values, about a sixteenth
// of the file's length, and not the file.
func ExampleBuildBLAKE3() {
	file := bytes.Repeat([]byte("weir "), 1000)
	tree, err := merkle.BuildBLAKE3(context.Background(), file, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	size := tree.Size()
	for i := range merkle.BLAKE3Chunks(size) {
		chunk := file[i*merkle.BLAKE3ChunkSize : min((i+1)*merkle.BLAKE3ChunkSize, size)]
		path, err := tree.Path(i)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(i, len(chunk), merkle.VerifyBLAKE3Chunk(tree.Root(), chunk, i, size, path))
	}
	// Output:
	// 0 1024 <nil>
	// 1 1024 <nil>
	// 2 1024 <nil>
	// 3 1024 <nil>
	// 4 904 <nil>
}

// Two blocks are hashed at the same time, with one goroutine more than two.
func ExampleWorkers() {
	ctx := context.Background()
	shared := merkle.NewWorkers(1)
	blocks := [][][]byte{{[]byte("a"), []byte("b")}, {[]byte("a"), []byte("b"), []byte("c")}}
	roots := make([]merkle.Hash, len(blocks))
	var wg sync.WaitGroup
	for i, block := range blocks {
		wg.Go(func() {
			tree, err := merkle.Build(shared.With(ctx), merkle.RFC6962, merkle.Leaves(block), 0)
			if err == nil {
				roots[i] = tree.Root()
			}
		})
	}
	wg.Wait()
	fmt.Printf("%x %x\n", roots[0][:4], roots[1][:4])
	// Output:
	// b137985f 36642e73
}
