package merkle

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/chainweir/weir/hash"
)

// EncodeBaoOutboard returns the outboard Bao encoding of content, BaoOutboardSize
// bytes (a sixteenth of the content), and the root, which is the content's BLAKE3
// digest. It is hashed with at most workers goroutines (0: one for each
// processor), none of which outlives the call. It ends early with the context's
// error.
func EncodeBaoOutboard(ctx context.Context, content []byte, workers int) ([]byte, Hash, error) {
	return baoOutboard(ctx, baoMemory(content), workers)
}

// EncodeBaoOutboardAt is EncodeBaoOutboard for the first size bytes of r, such as
// a file, which workers read in pieces of 256 KiB, at once if there are several.
// Memory is the encoding and a piece for each worker.
//
// ErrBaoLength: size is negative or above 1 PiB. ErrBaoTruncated: r has less.
// That is found before memory for the encoding is asked for.
func EncodeBaoOutboardAt(ctx context.Context, r io.ReaderAt, size int64, workers int) ([]byte, Hash, error) {
	src, err := baoFile(r, size)
	if err != nil {
		return nil, Hash{}, err
	}
	return baoOutboard(ctx, src, workers)
}

// EncodeBao writes the combined Bao encoding of content to w and returns the
// root. Its tree comes first, so content is hashed by workers, as in
// EncodeBaoOutboard and with as much memory, before the first byte is written.
func EncodeBao(ctx context.Context, w io.Writer, content []byte, workers int) (Hash, error) {
	return encodeBao(ctx, w, baoMemory(content), workers)
}

// EncodeBaoAt is EncodeBao for the first size bytes of r, with the errors of
// EncodeBaoOutboardAt. r is read twice: what changes between is written as it is
// then, and a reader of the encoding will refuse it.
func EncodeBaoAt(ctx context.Context, w io.Writer, r io.ReaderAt, size int64, workers int) (Hash, error) {
	src, err := baoFile(r, size)
	if err != nil {
		return Hash{}, err
	}
	return encodeBao(ctx, w, src, workers)
}

func encodeBao(ctx context.Context, w io.Writer, src baoSource, workers int) (Hash, error) {
	tree, root, err := baoOutboard(ctx, src, workers)
	if err != nil {
		return Hash{}, err
	}
	s := baoSlicer{parents: &baoSource{what: "outboard encoding", mem: tree}, chunks: &src}
	if err := s.write(ctx, w, baoWanted(0, src.end, src.end)); err != nil {
		return Hash{}, err
	}
	return root, nil
}

func baoMemory(content []byte) baoSource {
	if content == nil {
		content = []byte{} // a source of nil memory is a file
	}
	return baoSource{what: "content", mem: content, end: uint64(len(content))}
}

func baoFile(r io.ReaderAt, size int64) (baoSource, error) {
	if size < 0 || size > baoMaxEncode || BaoOutboardSize(uint64(size)) > math.MaxInt {
		return baoSource{}, fmt.Errorf("%w: %d bytes; it must be 0 to %d, and its tree fit into memory",
			ErrBaoLength, size, int64(baoMaxEncode))
	}
	src := baoSource{what: "content", at: r, end: uint64(size)}
	if size > 0 {
		probe := src // of the last byte
		if _, err := probe.view(uint64(size)-1, 1); err != nil {
			return baoSource{}, err
		}
	}
	return src, nil
}

// baoEncoder fills an outboard encoding. Pieces of blake3Piece chunks are hashed
// each by one worker, layer by layer; as they are subtrees, the parents of one
// are together in pre-order. The few parents above them follow at the end.
//
//	tree: | top | piece 0: 255 parents | piece 1: 255 parents | top | piece 2 …
type baoEncoder struct {
	src    baoSource
	chunks uint64
	tree   []byte // parents, after the header
	values []byte // of the pieces
	order  []int  // baoOrder of a whole piece
	buffer []baoScratch
}

// baoScratch is a worker's memory.
type baoScratch struct {
	src baoSource
	cvs []byte
}

func baoOutboard(ctx context.Context, src baoSource, workers int) ([]byte, Hash, error) {
	out := make([]byte, BaoOutboardSize(src.end))
	binary.LittleEndian.PutUint64(out, src.end)
	e := &baoEncoder{src: src, chunks: BLAKE3Chunks(src.end), tree: out[baoHeaderSize:]}
	pieces := int((e.chunks + blake3Piece - 1) / blake3Piece)
	e.values = make([]byte, pieces*HashSize)
	if e.chunks >= blake3Piece {
		e.order = baoOrder(blake3Piece)
	}
	crew := newCrew(workers, e.piece)
	e.buffer = make([]baoScratch, min(crew.workers, pieces))
	if err := crew.run(ctx, pieces); err != nil {
		return nil, Hash{}, fmt.Errorf("merkle: Bao encoding of %d bytes: %w", src.end, err)
	}
	return out, e.top(baoSubtree{size: src.end}), nil
}

// piece hashes one piece, and makes its value the root if it is all there is.
func (e *baoEncoder) piece(_ context.Context, worker, piece int) error {
	b := &e.buffer[worker]
	if b.cvs == nil {
		b.cvs, b.src = make([]byte, blake3Piece*HashSize), e.src
	}
	first := uint64(piece) * blake3Piece
	n := int(min(blake3Piece, e.chunks-first))
	lo := first * BLAKE3ChunkSize
	data, err := b.src.view(lo, int(min(blake3Piece*BLAKE3ChunkSize, e.src.end-lo)))
	if err != nil {
		return err
	}
	value := (*Hash)(e.values[piece*HashSize:])
	if e.chunks == 1 {
		*value = hash.BLAKE3(data)
		return nil
	}
	if err := baoChunkValues(b.cvs[:n*HashSize], data, first); err != nil {
		return err
	}
	order := e.order
	if n < blake3Piece {
		order = baoOrder(n)
	}
	tree := e.tree[e.place(first)*baoParentSize:]
	for n > 1 {
		pairs := n / 2
		for i := range pairs {
			copy(tree[order[i]*baoParentSize:][:baoParentSize], b.cvs[i*baoParentSize:])
		}
		order = order[pairs:]
		if n == 2 && e.chunks <= blake3Piece {
			*value = hash.BLAKE3Root((*Hash)(b.cvs), (*Hash)(b.cvs[HashSize:]))
			return nil
		}
		if err := hash.BLAKE3Parents(b.cvs[:pairs*HashSize], b.cvs[:pairs*baoParentSize]); err != nil {
			return fmt.Errorf("merkle: Bao parents: %w", err)
		}
		if n%2 == 1 { // the odd one moves up
			copy(b.cvs[pairs*HashSize:], b.cvs[(n-1)*HashSize:n*HashSize])
		}
		n -= pairs
	}
	*value = Hash(b.cvs)
	return nil
}

// baoChunkValues sets cvs to the chaining values of the chunks of data, which
// have the numbers first on. Only the last may be short, and none is a root.
func baoChunkValues(cvs, data []byte, first uint64) error {
	whole := len(data) / BLAKE3ChunkSize
	if err := hash.BLAKE3Chunks(cvs[:whole*HashSize], data[:whole*BLAKE3ChunkSize], first); err != nil {
		return fmt.Errorf("merkle: Bao chunks from %d on: %w", first, err)
	}
	if rest := data[whole*BLAKE3ChunkSize:]; len(rest) > 0 {
		cv, err := hash.BLAKE3Chunk(rest, first+uint64(whole))
		if err != nil {
			return fmt.Errorf("merkle: Bao chunk %d: %w", first+uint64(whole), err)
		}
		copy(cvs[whole*HashSize:], cv[:])
	}
	return nil
}

// place returns the number of parents before those of the piece that begins with
// this chunk.
func (e *baoEncoder) place(chunk uint64) uint64 {
	t := baoSubtree{size: e.src.end}
	for t.size > blake3Piece*BLAKE3ChunkSize {
		left, right := t.children()
		if t = left; right.lo <= chunk*BLAKE3ChunkSize {
			t = right
		}
	}
	return t.parents
}

// top writes the parents above the pieces and returns the value of t: of the
// whole, the root.
func (e *baoEncoder) top(t baoSubtree) Hash {
	if t.size <= blake3Piece*BLAKE3ChunkSize {
		return Hash(e.values[t.lo/(blake3Piece*BLAKE3ChunkSize)*HashSize:])
	}
	l, r := t.children()
	left, right := e.top(l), e.top(r)
	parent := e.tree[t.parents*baoParentSize:][:baoParentSize]
	copy(parent, left[:])
	copy(parent[HashSize:], right[:])
	if t.size == e.src.end {
		return hash.BLAKE3Root(&left, &right)
	}
	return blake3Parent(left, right)
}

// baoOrder returns, for each parent of a tree of n chunks as they come layer by
// layer, its number in pre-order.
func baoOrder(n int) []int {
	order := make([]int, 0, n-1)
	for span := 2; len(order) < n-1; span *= 2 {
		for first := 0; first+span/2 < n; first += span {
			t := baoSubtree{size: uint64(n) * BLAKE3ChunkSize}
			for t.size > uint64(span)*BLAKE3ChunkSize {
				left, right := t.children()
				if t = left; right.lo <= uint64(first)*BLAKE3ChunkSize {
					t = right
				}
			}
			order = append(order, int(t.parents))
		}
	}
	return order
}
