package merkle

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// BaoSlice writes to w the slice of length bytes from start on: the chunks with
// these bytes and the parents above them, which is all that a reader with the
// root needs to check them (NewBaoSliceReader with the same start and length).
// outboard is the encoding of EncodeBaoOutboard and content what it is of. Both
// are read where needed, so a short slice of a long content is cheap.
//
// A slice always has a chunk: one of length 0 is as one of length 1, and one that
// begins at or past the end has the last chunk, by which the reader knows where
// the end is. One that goes past the end stops there. A slice of everything
// equals the combined encoding.
//
// Nothing is verified, as the root is not known here. ErrBaoTruncated: outboard
// or content is shorter than the length at the head of outboard demands.
// ErrBaoLength: that length is more than files can have. Errors of w are wrapped.
// The context is looked at between chunks.
func BaoSlice(ctx context.Context, w io.Writer, content, outboard io.ReaderAt, start, length uint64) error {
	parents := &baoSource{what: "outboard encoding", at: outboard, end: baoHeaderSize}
	size, err := parents.length()
	if err != nil {
		return err
	}
	if err := checkBaoFile(size, false); err != nil {
		return err
	}
	parents.end = BaoOutboardSize(size)
	s := baoSlicer{parents: parents, chunks: &baoSource{what: "content", at: content, end: size}}
	return s.write(ctx, w, baoWanted(start, length, size))
}

// BaoSliceCombined is BaoSlice from a combined encoding.
func BaoSliceCombined(ctx context.Context, w io.Writer, encoding io.ReaderAt, start, length uint64) error {
	src := &baoSource{what: "combined encoding", at: encoding, end: baoHeaderSize}
	size, err := src.length()
	if err != nil {
		return err
	}
	if err := checkBaoFile(size, true); err != nil {
		return err
	}
	src.end = BaoOutboardSize(size) + size
	s := baoSlicer{parents: src, chunks: src, combined: true}
	return s.write(ctx, w, baoWanted(start, length, size))
}

// length reads the header of an encoding.
func (s *baoSource) length() (uint64, error) {
	header, err := s.view(0, baoHeaderSize)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(header), nil
}

// baoSlicer copies parents and chunks in pre-order.
type baoSlicer struct {
	parents, chunks *baoSource
	combined        bool // both are one
}

func (s *baoSlicer) write(ctx context.Context, w io.Writer, r baoRange) error {
	if !s.combined && r.to > 0 { // no reading ahead past the slice's last chunk
		s.chunks.end = min(r.size, r.to-1+BLAKE3ChunkSize-(r.to-1)%BLAKE3ChunkSize)
	}
	chunks, parents := r.bytes()
	out := bufio.NewWriterSize(w, int(min(baoAheadMax, baoHeaderSize+baoEnd(chunks, parents*baoParentSize))))
	_, err := out.Write(baoHeader(r.size))
	if err == nil {
		err = s.nodes(ctx, out, r)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("merkle: writing Bao encoding of bytes %d to %d: %w", r.from, r.to, err)
	}
	return nil
}

func (s *baoSlicer) nodes(ctx context.Context, out *bufio.Writer, r baoRange) error {
	var stack [baoMaxLevels + 1]baoSubtree
	stack[0] = baoSubtree{size: r.size}
	for depth := 1; depth > 0; {
		depth--
		t := stack[depth]
		at := baoHeaderSize + t.parents*baoParentSize
		if s.combined {
			at += t.lo
		}
		src, n := s.parents, baoParentSize
		switch {
		case t.isChunk():
			if err := ctx.Err(); err != nil {
				return err
			}
			src, n = s.chunks, int(t.size)
			if !s.combined {
				at = t.lo
			}
		default:
			left, right := t.children()
			if r.meets(right) {
				stack[depth] = right
				depth++
			}
			if r.meets(left) {
				stack[depth] = left
				depth++
			}
		}
		node, err := src.view(at, n)
		if err != nil {
			return err
		}
		if _, err := out.Write(node); err != nil {
			return err
		}
	}
	return nil
}
