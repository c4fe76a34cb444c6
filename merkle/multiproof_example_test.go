package merkle_test

import (
	"context"
	"fmt"

	"github.com/chainweir/weir/merkle"
)

func paymentTree() (*merkle.Tree, [][]byte) {
	tree, err := merkle.Build(context.Background(), merkle.RFC6962, merkle.Leaves(payments), 1)
	if err != nil {
		panic(err)
	}
	return tree, payments
}

// A wallet asks for its three payments at once: one proof of two nodes instead
// of three with eight.
func ExampleVerifyMulti() {
	tree, leaves := paymentTree()
	indices := []uint64{2, 3, 6}
	path, err := tree.MultiPath(indices)
	if err != nil {
		fmt.Println(err)
		return
	}
	mine := merkle.Leaves([][]byte{leaves[2], leaves[3], leaves[6]})
	fmt.Println(len(path), merkle.VerifyMulti(merkle.RFC6962, tree.Root(), mine, indices, 7, path))
	indices[1] = 4
	fmt.Println(merkle.VerifyMulti(merkle.RFC6962, tree.Root(), mine, indices, 7, path))
	// Output:
	// 2 <nil>
	// merkle: path has the wrong length: 3 leaves of 7 have a path of 3 nodes, this one has 2
}

// A reader of a stored file takes chunks 2 to 5 from anybody.
func ExampleVerifyRange() {
	tree, leaves := paymentTree()
	path, err := tree.RangePath(2, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(path), merkle.VerifyRange(merkle.RFC6962, tree.Root(), merkle.Leaves(leaves[2:6]), 2, 7, path))
	// Output: 2 <nil>
}

// A gateway checks the proofs of many clients at once, each of which may be
// about another tree, and learns which of them to turn away.
func ExampleVerifier_Inclusions() {
	tree, leaves := paymentTree()
	var proofs []merkle.Inclusion
	for i, leaf := range leaves {
		path, err := tree.Path(uint64(i))
		if err != nil {
			fmt.Println(err)
			return
		}
		proofs = append(proofs, merkle.Inclusion{
			Root: tree.Root(), Leaf: leaf, Index: uint64(i), Size: tree.Size(), Path: path,
		})
	}
	v := merkle.NewVerifier(merkle.RFC6962)
	failed, err := v.Inclusions(context.Background(), proofs, nil)
	fmt.Println(failed, err)
	proofs[4].Index = 5
	failed, err = v.Inclusions(context.Background(), proofs, failed[:0])
	fmt.Println(failed, err != nil)
	// Output:
	// [] <nil>
	// [4] true
}
