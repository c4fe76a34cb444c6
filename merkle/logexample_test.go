package merkle_test

import (
	"context"
	"fmt"

	"github.com/chainweir/weir/merkle"
)

// A log server appends entries as they come and publishes root and size. From
// the nodes it has stored it proves to anybody that it only ever appended.
func ExampleLog() {
	var nodes merkle.NodeList // or a merkle.NodeFile
	log, err := merkle.NewLog(merkle.RFC6962, &nodes)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	err = log.Append(ctx, merkle.Leaves([][]byte{[]byte("a"), []byte("b"), []byte("c")}))
	size1, root1 := log.Size(), log.Root()
	fmt.Printf("%d %x %v\n", size1, root1[:4], err)

	err = log.AppendLeaf([]byte("d"))
	size2, root2 := log.Size(), log.Root()
	fmt.Printf("%d %x %v\n", size2, root2[:4], err)

	reader, err := merkle.NewLogReader(merkle.RFC6962, &nodes)
	if err != nil {
		fmt.Println(err)
		return
	}
	path, err := reader.ConsistencyPath(size1, size2)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = merkle.VerifyConsistency(merkle.RFC6962, size1, size2, root1, root2, path)
	fmt.Println(err)
	// Output:
	// 3 36642e73 <nil>
	// 4 33376a3b <nil>
	// <nil>
}

// A log is put away as its size and a few nodes, and taken up again.
func ExampleDecodeLog() {
	log, err := merkle.NewLog(merkle.RFC6962, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 1000 {
		if err := log.AppendLeaf(fmt.Append(nil, i)); err != nil {
			fmt.Println(err)
			return
		}
	}
	data, err := log.MarshalBinary()
	fmt.Println(len(data), err)
	again, err := merkle.DecodeLog(merkle.RFC6962, data, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.Size(), again.Root() == log.Root())
	// Output:
	// 241 <nil>
	// 1000 true
}
