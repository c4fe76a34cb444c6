package merkle

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zeebo/blake3"
	"pgregory.net/rapid"
)

// blake3Message is the input of the official vectors, n bytes of 0 to 250 over
// and over.
func blake3Message(n int) []byte {
	msg := make([]byte, n)
	fillBytes(msg)
	return msg
}

// chunkOf returns chunk i of a message.
func chunkOf(msg []byte, i uint64) []byte {
	lo := int(i) * BLAKE3ChunkSize
	return msg[lo:min(len(msg), lo+BLAKE3ChunkSize)]
}

// checkBLAKE3 makes and checks every proof of a message with the digest want.
func checkBLAKE3(t *testing.T, msg []byte, want Hash) {
	t.Helper()
	ctx := context.Background()
	size := uint64(len(msg))
	tree, err := BuildBLAKE3(ctx, msg, 2)
	if err != nil || tree.Root() != want || tree.Size() != size {
		t.Fatalf("%d bytes: tree with root %x, %v; want %x", size, tree.Root(), err, want)
	}
	for _, workers := range []int{0, 1, 3} {
		if got := BLAKE3Root(msg, workers); got != want {
			t.Fatalf("%d bytes, %d workers: %x; want %x", size, workers, got, want)
		}
	}
	n := BLAKE3Chunks(size)
	for i := range n {
		path, err := tree.Path(i)
		if err == nil {
			err = VerifyBLAKE3Chunk(want, chunkOf(msg, i), i, size, path)
		}
		if err != nil {
			t.Fatalf("chunk %d of %d bytes: %v", i, size, err)
		}
		if i > 2 && i < n-2 && i%7 > 0 {
			continue // the way to one path alone costs a whole digest
		}
		root, alone, err := BLAKE3Path(ctx, msg, i, 1+int(i%3))
		if err != nil || root != want || !slices.Equal(alone, path) {
			t.Fatalf("chunk %d of %d bytes: root %x, %v, or another path than the tree's", i, size, root, err)
		}
	}
	if _, err := tree.Path(n); !errors.Is(err, ErrIndexRange) {
		t.Fatalf("chunk %d of %d bytes: %v", n, size, err)
	}
}

// Lengths around every boundary of chunks, levels and pieces, against another
// implementation.
func TestBLAKE3EveryChunk(t *testing.T) {
	sizes := []int{0, 1, 63, 64, 65, 1023, 1024, 1025}
	for chunks := 2; chunks <= 33; chunks++ {
		sizes = append(sizes, chunks*1024-1, chunks*1024, chunks*1024+1)
	}
	for _, chunks := range []int{blake3Piece - 1, blake3Piece, blake3Piece + 1, 2 * blake3Piece, 777} {
		if testing.Short() && chunks > blake3Piece {
			continue
		}
		sizes = append(sizes, chunks*1024, chunks*1024+500)
	}
	for _, size := range sizes {
		msg := blake3Message(size)
		checkBLAKE3(t, msg, blake3.Sum256(msg))
	}
}

func TestBLAKE3OfficialVectors(t *testing.T) {
	known := map[int]string{ // three of them, for where the file is not
		0:    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
		1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
		3073: "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
	}
	for size, want := range known {
		checkBLAKE3(t, blake3Message(size), unhexHash(t, want))
	}
	dir := os.Getenv("WEIR_VECTORS")
	if dir == "" {
		t.Log("WEIR_VECTORS is unset: the official file is not run, only the facts in this test")
		return
	}
	data, err := os.ReadFile(filepath.Join(dir, "blake3", "test_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			InputLen int    `json:"input_len"`
			Hash     string `json:"hash"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 35 {
		t.Fatalf("%d cases; the official set has 35", len(file.Cases))
	}
	for _, c := range file.Cases {
		checkBLAKE3(t, blake3Message(c.InputLen), unhexHash(t, c.Hash[:2*HashSize]))
	}
}

// blake3Shape is a chunk's length and its way to the root: what a proof shows
// of index and size. The size is that of the message, in bytes.
func blake3Shape(index, size uint64) (length uint64, way string) {
	return min(size-index*1024, 1024), shape(RFC6962, index, (size+1023)/1024)
}

// Every single-bit change is refused, but of a size that gives the chunk the
// same place; and of the last chunk every other size is.
func TestBLAKE3SingleBitChanges(t *testing.T) {
	msg := blake3Message(40 << 10)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint64Range(1, uint64(len(msg))).Draw(t, "size")
		msg := msg[:size]
		n := BLAKE3Chunks(size)
		index := rapid.Uint64Range(0, n-1).Draw(t, "index")
		root, path, err := BLAKE3Path(context.Background(), msg, index, 1)
		if err != nil {
			t.Fatal(err)
		}
		chunk := slices.Clone(chunkOf(msg, index))
		if err := VerifyBLAKE3Chunk(root, chunk, index, size, path); err != nil {
			t.Fatal(err)
		}
		refuse := func(what string, b []byte) {
			at := rapid.IntRange(0, 8*len(b)-1).Draw(t, what)
			b[at/8] ^= 1 << (at % 8)
			if err := VerifyBLAKE3Chunk(root, chunk, index, size, path); !errors.Is(err, ErrRootMismatch) {
				t.Fatalf("another %s: %v", what, err)
			}
			b[at/8] ^= 1 << (at % 8)
		}
		refuse("chunk", chunk)
		refuse("root", root[:])
		for i := range path {
			refuse("path node", path[i][:])
		}
		length, way := blake3Shape(index, size)
		for k := range 64 {
			if VerifyBLAKE3Chunk(root, chunk, index^1<<k, size, path) == nil {
				t.Fatalf("chunk %d of %d bytes: accepted at index %d", index, size, index^1<<k)
			}
			other := size ^ 1<<k
			same := false
			if index < BLAKE3Chunks(other) && other > 0 {
				l, w := blake3Shape(index, other)
				same = l == length && w == way
			}
			if got := VerifyBLAKE3Chunk(root, chunk, index, other, path) == nil; got != same || same && index == n-1 {
				t.Fatalf("chunk %d of %d bytes: at size %d accepted %v, same place %v", index, size, other, got, same)
			}
		}
	})
}

// A proof of the last chunk holds for no other size at all.
func TestBLAKE3LastChunkProvesSize(t *testing.T) {
	t.Parallel()
	for _, size := range []uint64{0, 1, 1024, 1025, 2048, 3000, 5 * 1024, 8 * 1024, 9*1024 + 1} {
		msg := blake3Message(int(size))
		last := BLAKE3Chunks(size) - 1
		root, path, err := BLAKE3Path(context.Background(), msg, last, 1)
		if err != nil {
			t.Fatal(err)
		}
		for other := range uint64(20 * 1024) {
			err := VerifyBLAKE3Chunk(root, chunkOf(msg, last), last, other, path)
			if (err == nil) != (other == size) {
				t.Fatalf("the last chunk of %d bytes, at size %d: %v", size, other, err)
			}
		}
	}
}

func TestBLAKE3ChunkErrors(t *testing.T) {
	chunk := make([]byte, BLAKE3ChunkSize)
	big := make([]Hash, 64)
	for name, tc := range map[string]struct {
		chunk       []byte
		index, size uint64
		path        []Hash
		want        error
	}{
		"no chunk":       {nil, 0, 1, nil, ErrLeafSize},
		"short":          {chunk[:1023], 0, 1024, nil, ErrLeafSize},
		"long":           {make([]byte, 1025), 0, 1025, big[:1], ErrLeafSize},
		"long last":      {chunk, 1, 2047, big[:1], ErrLeafSize},
		"not empty":      {chunk[:1], 0, 0, nil, ErrLeafSize},
		"index":          {nil, 1, 0, nil, ErrIndexRange},
		"index at end":   {nil, 2, 2048, nil, ErrIndexRange},
		"largest index":  {chunk, math.MaxUint64, math.MaxUint64, big, ErrIndexRange},
		"no path":        {chunk, 0, 2048, nil, ErrPathLength},
		"long path":      {chunk, 0, 2048, big[:2], ErrPathLength},
		"path for one":   {chunk, 0, 1024, big[:1], ErrPathLength},
		"largest size":   {chunk, 5, math.MaxUint64, big[:54], ErrRootMismatch},
		"largest, last":  {chunk[:1023], 1<<54 - 1, math.MaxUint64, big[:54], ErrRootMismatch},
		"largest, short": {chunk, 5, math.MaxUint64, big[:53], ErrPathLength},
		"wrong root":     {nil, 0, 0, nil, ErrRootMismatch},
	} {
		if err := VerifyBLAKE3Chunk(Hash{1}, tc.chunk, tc.index, tc.size, tc.path); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v; want %v", name, err, tc.want)
		}
	}
	if _, _, err := BLAKE3Path(context.Background(), chunk, 1, 1); !errors.Is(err, ErrIndexRange) {
		t.Errorf("path: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, size := range []int{0, 1024, 1025, 1 << 20} {
		if tree, err := BuildBLAKE3(ctx, blake3Message(size), 2); !errors.Is(err, context.Canceled) || tree != nil {
			t.Errorf("cancelled tree of %d bytes: %v", size, err)
		}
		if _, _, err := BLAKE3Path(ctx, blake3Message(size), 0, 2); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled path of %d bytes: %v", size, err)
		}
	}
}

func TestBLAKE3VerifyAllocatesNothing(t *testing.T) {
	for _, size := range []uint64{0, 1024, 100_000} {
		msg := blake3Message(int(size))
		index := BLAKE3Chunks(size) / 2
		root, path, err := BLAKE3Path(context.Background(), msg, index, 1)
		if err != nil {
			t.Fatal(err)
		}
		chunk := chunkOf(msg, index)
		allocs(t, "VerifyBLAKE3Chunk", func() {
			if err := VerifyBLAKE3Chunk(root, chunk, index, size, path); err != nil {
				t.Fatal(err)
			}
		})
	}
}
