package merkle

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// MaxChunkBytes is the largest chunk of ReadChunks: a proof holds one, in hex.
const MaxChunkBytes = 16 << 20

// Sizes of a read: enough to hash on several cores, and pieces that are worth
// handing over. A buffer of it and 32 to 64 bytes a chunk are all the memory
// that ReadChunks takes.
const (
	chunkReadBytes  = 8 << 20
	chunkPieceBytes = 128 << 10

	// maxExpected bounds the nodes that a stream is believed to have: 512 MiB.
	maxExpected = 1 << 24
)

// ChunkFile says how ReadChunks cuts a stream into leaves.
type ChunkFile struct {
	Name    string // what error texts call it
	Scheme  *Scheme
	Size    int // bytes of a chunk, up to MaxChunkBytes; the last may be shorter
	Workers int // goroutines that hash at most; 0: one for each processor
	// Expect is how many bytes the stream will have, so that memory is taken
	// once; 0 where nobody knows. A wrong number is no error.
	Expect int64
	// Keep is the chunk whose bytes are wanted, for a proof; nil: none.
	Keep *uint64
}

// Chunks are the leaves of a stream.
type Chunks struct {
	Nodes []byte // their level-0 nodes, 32 bytes each: what the function Nodes takes
	Bytes int64  // of the stream
	Kept  []byte // the chunk that was wanted; nil where the stream has fewer
}

// Len returns the number of chunks.
func (c Chunks) Len() int { return len(c.Nodes) / HashSize }

// ReadChunks reads a stream of any length to its end and hashes it in chunks:
// leaf i is bytes i×Size to (i+1)×Size, and the last one what remains. A stream
// without a byte has no leaves.
//
// ErrLeafSize: no such chunk size, or leaves are nodes in this scheme and these
// chunks do not have 32 bytes. ErrLeafFile: the stream cannot be read, or has
// too many chunks. Reading ends early with the context's error, at the latest
// when the reader returns.
func ReadChunks(ctx context.Context, r io.Reader, f ChunkFile) (Chunks, error) {
	if err := f.Scheme.check(); err != nil {
		return Chunks{}, err
	}
	if f.Size < 1 || f.Size > MaxChunkBytes {
		return Chunks{}, fmt.Errorf("%w: chunks of %d bytes; use 1 to %d", ErrLeafSize, f.Size, MaxChunkBytes)
	}
	if f.Scheme.LeavesAreNodes() && f.Size != HashSize {
		return Chunks{}, fmt.Errorf("%w: a %s leaf is a node of %d bytes: use chunks of %d, or a scheme that hashes its leaves",
			ErrLeafSize, f.Scheme.name, HashSize, HashSize)
	}
	h := newChunkHasher(f)
	for last := false; !last; {
		if err := ctx.Err(); err != nil {
			return Chunks{}, fmt.Errorf("%s: after %d bytes: %w", f.Name, h.out.Bytes, err)
		}
		n, err := io.ReadFull(r, h.buf)
		last = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return Chunks{}, fmt.Errorf("%w: %s: after %d bytes: %w", ErrLeafFile, f.Name, h.out.Bytes+int64(n), err)
		}
		if err := h.add(ctx, h.buf[:n]); err != nil {
			return Chunks{}, err
		}
	}
	return h.out, nil
}

// chunkHasher hashes what was read, piece by piece, on several cores.
type chunkHasher struct {
	f     ChunkFile
	crew  *crew
	buf   []byte // whole chunks
	piece int    // chunks of a piece
	out   Chunks

	data  []byte // of the current read
	nodes []byte // where its nodes go
}

func newChunkHasher(f ChunkFile) *chunkHasher {
	h := &chunkHasher{
		f:     f,
		buf:   make([]byte, max(1, chunkReadBytes/f.Size)*f.Size),
		piece: max(1, chunkPieceBytes/f.Size),
	}
	h.crew = newCrew(f.Workers, h.hashPiece)
	return h
}

// add hashes data, whole chunks unless it is the end of the stream.
func (h *chunkHasher) add(ctx context.Context, data []byte) error {
	size, before := h.f.Size, h.out.Len()
	n := (len(data) + size - 1) / size
	if n > maxLeafLines-before {
		return fmt.Errorf("%w: %s: more than %d chunks of %d bytes; use larger ones", ErrLeafFile, h.f.Name, maxLeafLines, size)
	}
	if n*size > len(data) && h.f.Scheme.LeavesAreNodes() {
		return fmt.Errorf("%w: %s: the last chunk has %d bytes, but a %s leaf is a node of %d; fill the file up to a multiple of that",
			ErrLeafSize, h.f.Name, len(data)%size, h.f.Scheme.name, HashSize)
	}
	if k := h.f.Keep; k != nil && *k >= uint64(before) && *k < uint64(before+n) {
		at := int(*k-uint64(before)) * size
		h.out.Kept = append([]byte{}, data[at:min(at+size, len(data))]...)
	}
	h.grow(n)
	h.out.Bytes += int64(len(data))
	h.data, h.nodes = data, h.out.Nodes[before*HashSize:]
	if err := h.crew.run(ctx, (n+h.piece-1)/h.piece); err != nil {
		return fmt.Errorf("%s: after %d bytes: %w", h.f.Name, h.out.Bytes, err)
	}
	return nil
}

// grow makes room for n more nodes. Fresh memory costs more than hashing does, so
// there is much at a time.
func (h *chunkHasher) grow(n int) {
	need := len(h.out.Nodes) + n*HashSize
	if need > cap(h.out.Nodes) {
		expected := min(h.f.Expect/int64(h.f.Size), maxExpected) + 1
		more := make([]byte, len(h.out.Nodes), max(need, 2*cap(h.out.Nodes), int(expected)*HashSize))
		copy(more, h.out.Nodes)
		h.out.Nodes = more
	}
	h.out.Nodes = h.out.Nodes[:need]
}

func (h *chunkHasher) hashPiece(_ context.Context, _, piece int) error {
	lo := piece * h.piece * h.f.Size
	data := h.data[lo:min(lo+h.piece*h.f.Size, len(h.data))]
	nodes := h.nodes[piece*h.piece*HashSize:]
	leaves := make([][]byte, 0, h.piece)
	for len(data) > 0 {
		n := min(h.f.Size, len(data))
		leaves, data = append(leaves, data[:n]), data[n:]
	}
	return h.f.Scheme.HashLeaves(nodes[:len(leaves)*HashSize], leaves)
}
