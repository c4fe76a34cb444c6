package merkle_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/chainweir/weir/merkle"
)

// The root of a file in chunks of 4 KiB, without holding the file. What changes
// a chunk changes the root, and each chunk can be proven by itself.
func ExampleRootReader() {
	file := strings.NewReader(strings.Repeat("weir", 5000)) // as good as an *os.File
	ctx := context.Background()
	root, chunks, err := merkle.RootReader(ctx, merkle.RFC6962, file, 4096, 0)
	fmt.Printf("%x %d %v\n", root[:4], chunks, err)
	// Output: 732a8570 5 <nil>
}

// Leaves that a goroutine makes while they are hashed.
func ExampleReceiveLeaves() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	leaves := make(chan []byte)
	go func() {
		defer close(leaves)
		for i := range 3 {
			select {
			case leaves <- fmt.Appendf(nil, "pay %d", 1+i):
			case <-ctx.Done():
				return
			}
		}
	}()
	root, n, err := merkle.RootSeq(ctx, merkle.RFC6962, merkle.ReceiveLeaves(ctx, leaves), 0)
	fmt.Printf("%x %d %v\n", root[:4], n, err)
	// Output: f02d19bf 3 <nil>
}

// Two accounts of a thousand change: some 20 nodes are hashed, not a thousand.
func ExampleTree_Update() {
	ctx := context.Background()
	accounts := make([][]byte, 1000)
	for i := range accounts {
		accounts[i] = fmt.Appendf(nil, "account %d: 100", i)
	}
	tree, err := merkle.Build(ctx, merkle.RFC6962, merkle.Leaves(accounts), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	accounts[7], accounts[900] = []byte("account 7: 90"), []byte("account 900: 110")
	changed := [][]byte{accounts[7], accounts[900]}
	err = tree.Update(ctx, []uint64{7, 900}, merkle.Leaves(changed))
	root, err2 := merkle.Root(ctx, merkle.RFC6962, merkle.Leaves(accounts), 0)
	fmt.Println(err, err2, tree.Root() == root)
	// Output: <nil> <nil> true
}
