package merkle

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// BaoReader reads content from a Bao encoding and verifies it on the way: what it
// returns is content with the given root (its BLAKE3 digest), at its place,
// whatever the source does. A fault comes after all that was verified before it,
// and stays:
//
//   - ErrBaoMismatch: a node is not of the tree with this root. A wrong length in
//     the header is seen as that too, at the last chunk at the latest.
//   - ErrBaoTruncated: a source ended early.
//   - ErrBaoTrailing: it goes on after the end. This comes instead of io.EOF.
//   - Any other error of a source, wrapped.
//
// io.EOF means that every node of the encoding was verified. For a reader of the
// whole content the last chunk is among them, so that the end is verified too.
//
// A Read takes from the source what is there, at least one chunk and at most 64,
// and of what follows the encoding one byte, to see that nothing does. Memory is
// about 100 KiB, less for short content, whatever the encoding says its length
// is; after the first Read nothing is allocated. One goroutine at a time may use
// it.
type BaoReader struct {
	// Embedded says that other data follows the encoding in its source. It is then
	// not looked at, and ErrBaoTrailing does not occur. Set it before the first Read.
	Embedded bool

	root          Hash
	start, length uint64 // asked for
	tree          baoFeed
	content       baoFeed  // only beside an outboard encoding
	chunks        *baoFeed // the one of the two that has the chunks

	opened bool
	err    error // after out
	out    []byte
	size   uint64 // as the header says
	proven bool   // that it is right
	want   baoRange
	stack  []baoPending // nodes to come, the next one on top
	window *baoNodes
}

// baoPending is a node to come, with the value that its parent gives it. The
// parent comes before it, so it is verified or has ended the reading by then.
type baoPending struct {
	baoSubtree
	value Hash
}

// NewBaoReader returns a reader of the content of a combined Bao encoding.
func NewBaoReader(encoding io.Reader, root Hash) *BaoReader {
	return NewBaoSliceReader(encoding, root, 0, math.MaxUint64)
}

// NewBaoOutboardReader returns a reader that verifies content by its outboard Bao
// encoding. Both are read from their beginning.
func NewBaoOutboardReader(content, outboard io.Reader, root Hash) *BaoReader {
	r := &BaoReader{root: root, length: math.MaxUint64}
	r.tree = baoFeed{src: outboard, what: "the outboard encoding"}
	r.content = baoFeed{src: content, what: "the content"}
	r.chunks = &r.content
	return r
}

// NewBaoSliceReader returns a reader of the bytes that a slice proves: length
// bytes of the content from start on, or as many as there are. slice is what
// BaoSlice wrote for the same start and length, otherwise reading fails with
// ErrBaoMismatch, ErrBaoTruncated or ErrBaoTrailing.
//
// Where the content ends at or before start, the first Read returns io.EOF, but
// only after the last chunk has proven that end.
func NewBaoSliceReader(slice io.Reader, root Hash, start, length uint64) *BaoReader {
	r := &BaoReader{root: root, start: start, length: length}
	r.tree = baoFeed{src: slice, what: "the encoding"}
	r.chunks = &r.tree
	return r
}

// Size returns the length of the whole content in bytes and true once the last
// chunk was verified, and by it the length. Before that it returns 0 and false.
func (r *BaoReader) Size() (size uint64, ok bool) {
	if !r.proven {
		return 0, false
	}
	return r.size, true
}

// Read implements io.Reader.
func (r *BaoReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.err = r.next()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// next verifies a window and sets out, which may stay empty.
func (r *BaoReader) next() error {
	if !r.opened {
		r.opened = true
		if err := r.open(); err != nil {
			return err
		}
	}
	if len(r.stack) == 0 {
		return r.end()
	}
	fault := r.fill()
	r.parse()
	good, err := r.window.verify(r.size, r.chunks.buf)
	r.give(good)
	if err != nil {
		return err
	}
	return fault
}

// open reads the header and makes the buffers.
func (r *BaoReader) open() error {
	r.tree.buf, r.tree.left = make([]byte, baoHeaderSize), baoHeaderSize
	if err := r.tree.fill(baoHeaderSize); err != nil {
		return err
	}
	r.size = binary.LittleEndian.Uint64(r.tree.buf)
	r.want = baoWanted(r.start, r.length, r.size)
	chunks, parents := r.want.bytes()
	if r.chunks == &r.content {
		r.tree.open(parents*baoParentSize, baoWindowNodes*baoParentSize)
		r.content.open(chunks, baoWindowChunks*BLAKE3ChunkSize)
	} else {
		r.tree.open(baoEnd(chunks, parents*baoParentSize), baoWindowChunks*BLAKE3ChunkSize+baoWindowNodes*baoParentSize)
	}
	r.stack = make([]baoPending, 1, baoMaxLevels+1)
	r.stack[0] = baoPending{baoSubtree{size: r.size}, r.root}
	r.window = new(baoNodes)
	return nil
}

// fill reads at least to the end of the next chunk, unless it fails.
func (r *BaoReader) fill() error {
	nodes := 0 // parents before it
	t := r.stack[len(r.stack)-1].baoSubtree
	for ; !t.isChunk(); nodes++ {
		left, right := t.children()
		if t = left; !r.want.meets(left) {
			t = right
		}
	}
	if r.chunks == &r.tree {
		return r.tree.fill(nodes*baoParentSize + int(t.size))
	}
	if err := r.tree.fill(nodes * baoParentSize); err != nil {
		return err
	}
	return r.content.fill(int(t.size))
}

// parse moves whole nodes into the window, while they and room for them last.
// Chunks go to the front of their buffer, where only what was parsed is
// overwritten.
func (r *BaoReader) parse() {
	w := r.window
	w.parents, w.chunks, w.bytes = 0, 0, 0
	for len(r.stack) > 0 {
		t := r.stack[len(r.stack)-1]
		if t.isChunk() {
			chunk, ok := r.chunks.take(int(t.size))
			if w.chunks == baoWindowChunks || !ok {
				return
			}
			r.chunks.used += len(chunk)
			w.addChunk(t)
			copy(r.chunks.buf[w.bytes:], chunk)
			w.bytes += len(chunk)
			r.stack = r.stack[:len(r.stack)-1]
			continue
		}
		node, ok := r.tree.take(baoParentSize)
		if w.parents == baoWindowNodes || !ok {
			return
		}
		r.tree.used += len(node)
		w.addParent(t, node)
		r.stack = r.stack[:len(r.stack)-1]
		left, right := t.children()
		if r.want.meets(right) {
			r.stack = append(r.stack, baoPending{right, Hash(node[HashSize:])})
		}
		if r.want.meets(left) {
			r.stack = append(r.stack, baoPending{left, Hash(node)})
		}
	}
}

// give makes that part of the first chunks of the window readable that was asked
// for.
func (r *BaoReader) give(chunks int) {
	if chunks == 0 {
		return
	}
	lo := r.window.first
	hi := lo + min(uint64(chunks)*BLAKE3ChunkSize, uint64(r.window.bytes))
	r.proven = r.proven || hi == r.size
	from, to := max(lo, r.start), min(hi, baoEnd(r.start, r.length))
	if from < to {
		r.out = r.chunks.buf[from-lo : to-lo]
	}
}

// end looks for bytes where the sources must end.
func (r *BaoReader) end() error {
	if r.Embedded {
		return io.EOF
	}
	if err := r.tree.atEnd(); err != nil || r.chunks == &r.tree {
		return firstError(err, io.EOF)
	}
	return firstError(r.content.atEnd(), io.EOF)
}

func firstError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// mismatch is the error for the node at t.
func (t baoSubtree) mismatch(what string, got, want Hash) error {
	return fmt.Errorf("%w: the %s of bytes %d to %d hashes to %x, not to %x; take it again from another source, or check root and start",
		ErrBaoMismatch, what, t.lo, t.lo+t.size, got, want)
}
