package merkle

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// Chunks have the root of the same bytes cut by hand, whatever the reader
// returns at a time and however many hash.
func TestReadChunks(t *testing.T) {
	data := make([]byte, 3*chunkReadBytes/2+777)
	rand.NewChaCha8([32]byte{1}).Read(data)
	for _, tc := range []struct{ bytes, size, workers int }{
		{0, 1, 1}, {1, 1, 1}, {1, 4096, 3}, {4096, 4096, 1}, {4097, 4096, 2}, {100, 7, 1}, {100_000, 33, 4},
		{len(data), 4096, 3}, {len(data), 1 << 20, 2}, {len(data), MaxChunkBytes, 1}, {2 * chunkReadBytes / 2, 4096, 0},
	} {
		src := data[:tc.bytes]
		var leaves [][]byte
		for rest := src; len(rest) > 0; {
			n := min(tc.size, len(rest))
			leaves, rest = append(leaves, rest[:n]), rest[n:]
		}
		want, err := NewBuilder(RFC6962, 1).Root(leaves)
		if err != nil {
			t.Fatal(err)
		}
		keep := uint64(max(0, len(leaves)-1))
		expect := map[string]int64{"whole": 0, "halves": int64(tc.bytes)}
		readers := map[string]io.Reader{"whole": bytes.NewReader(src), "halves": iotest.HalfReader(bytes.NewReader(src))}
		for name, r := range readers {
			got, err := ReadChunks(context.Background(), r, ChunkFile{
				Name: "f", Scheme: RFC6962, Size: tc.size, Workers: tc.workers, Keep: &keep, Expect: expect[name],
			})
			if err != nil || got.Len() != len(leaves) || got.Bytes != int64(tc.bytes) {
				t.Fatalf("%+v, %s: %d chunks of %d bytes, %v", tc, name, got.Len(), got.Bytes, err)
			}
			root, err := Root(context.Background(), RFC6962, Nodes(got.Nodes), 1)
			if err != nil || root != want {
				t.Errorf("%+v, %s: root %x, %v; want %x", tc, name, root, err, want)
			}
			if len(leaves) > 0 && !bytes.Equal(got.Kept, leaves[keep]) || len(leaves) == 0 && got.Kept != nil {
				t.Errorf("%+v, %s: the kept chunk has %d bytes", tc, name, len(got.Kept))
			}
		}
	}
}

func TestReadChunksOfNodes(t *testing.T) {
	ids := strings.Repeat("\x01", HashSize) + strings.Repeat("\x02", HashSize)
	got, err := ReadChunks(context.Background(), strings.NewReader(ids), ChunkFile{Scheme: Bitcoin, Size: HashSize})
	if err != nil || string(got.Nodes) != ids || got.Kept != nil {
		t.Errorf("%x, %v", got.Nodes, err)
	}
}

func TestReadChunksErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, tc := range map[string]struct {
		r    io.Reader
		f    ChunkFile
		want error
		text string
	}{
		"no scheme":   {strings.NewReader("x"), ChunkFile{Size: 1}, ErrScheme, "nil"},
		"size 0":      {strings.NewReader("x"), ChunkFile{Scheme: RFC6962}, ErrLeafSize, "chunks of 0 bytes"},
		"size":        {strings.NewReader("x"), ChunkFile{Scheme: RFC6962, Size: MaxChunkBytes + 1}, ErrLeafSize, "use 1 to"},
		"node size":   {strings.NewReader("x"), ChunkFile{Scheme: Bitcoin, Size: 64}, ErrLeafSize, "use chunks of 32"},
		"half a node": {strings.NewReader(strings.Repeat("x", 48)), ChunkFile{Name: "f", Scheme: Bitcoin, Size: 32}, ErrLeafSize, "f: the last chunk has 16 bytes"},
		"reader":      {io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), ChunkFile{Name: "f", Scheme: RFC6962, Size: 2}, ErrLeafFile, "f: after 3 bytes: disk on fire"},
	} {
		got, err := ReadChunks(context.Background(), tc.r, tc.f)
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) || got.Nodes != nil {
			t.Errorf("%s: %v; want %v with %q", name, err, tc.want, tc.text)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ReadChunks(ctx, strings.NewReader("x"), ChunkFile{Scheme: RFC6962, Size: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A stream without an end is left when the context says so, and what was hashed
// meanwhile does not grow beyond a node for each chunk.
func TestReadChunksCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var read int
	endless := readerFunc(func(p []byte) (int, error) {
		if read += len(p); read > 3*chunkReadBytes {
			cancel()
		}
		return len(p), nil
	})
	if _, err := ReadChunks(ctx, endless, ChunkFile{Scheme: RFC6962, Size: 1 << 16, Workers: 2}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if read > 6*chunkReadBytes {
		t.Errorf("it read %d bytes after the end", read-3*chunkReadBytes)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
