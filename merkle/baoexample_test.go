package merkle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/chainweir/weir/merkle"
)

// A file is verified while it arrives: what a mirror changed is never seen.
func ExampleNewBaoReader() {
	content := bytes.Repeat([]byte("weir "), 1000)
	var encoding bytes.Buffer
	root, err := merkle.EncodeBao(context.Background(), &encoding, content, 0)
	fmt.Println(encoding.Len()-len(content), err) // 8 and 64 for each of 4 parents

	damaged := bytes.Clone(encoding.Bytes())
	damaged[4000] ^= 1
	got, err := io.ReadAll(merkle.NewBaoReader(&encoding, root))
	fmt.Println(bytes.Equal(got, content), err)
	got, err = io.ReadAll(merkle.NewBaoReader(bytes.NewReader(damaged), root))
	fmt.Println(len(got), errors.Is(err, merkle.ErrBaoMismatch))
	// Output:
	// 264 <nil>
	// true <nil>
	// 3072 true
}

// The tree beside a file that stays as it is.
func ExampleNewBaoOutboardReader() {
	file := bytes.NewReader(bytes.Repeat([]byte("weir "), 1000)) // as good as an *os.File
	outboard, root, err := merkle.EncodeBaoOutboardAt(context.Background(), file, file.Size(), 0)
	fmt.Println(len(outboard), err)

	r := merkle.NewBaoOutboardReader(file, bytes.NewReader(outboard), root)
	n, err := io.Copy(io.Discard, r)
	size, proven := r.Size()
	fmt.Println(n, err, size, proven)
	// Output:
	// 264 <nil>
	// 5000 <nil> 5000 true
}

// Twenty bytes from the middle of a file, with all that proves them.
func ExampleBaoSlice() {
	content := bytes.Repeat([]byte("weir "), 1000)
	outboard, root, err := merkle.EncodeBaoOutboard(context.Background(), content, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	var slice bytes.Buffer
	err = merkle.BaoSlice(context.Background(), &slice, bytes.NewReader(content), bytes.NewReader(outboard), 2500, 20)
	fmt.Println(slice.Len(), err) // a header, 3 parents and a chunk

	got, err := io.ReadAll(merkle.NewBaoSliceReader(&slice, root, 2500, 20))
	fmt.Printf("%s%v\n", got, err)
	// Output:
	// 1224 <nil>
	// weir weir weir weir <nil>
}
