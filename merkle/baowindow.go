package merkle

import (
	"fmt"
	"io"

	"github.com/chainweir/weir/hash"
)

// A reader takes in the tree in windows of so many nodes, which fill the lanes.
const (
	baoWindowChunks = 64
	baoWindowNodes  = baoWindowChunks + baoMaxLevels
)

// baoNodes is a window: consecutive nodes of an encoding with the values that
// they must have. Hashing them is for all at once; whether a value is right then
// depends on its own hash and those of the parents before it.
type baoNodes struct {
	parents int
	nodes   [baoWindowNodes * baoParentSize]byte
	parent  [baoWindowNodes]baoPending
	values  [baoWindowNodes * HashSize]byte

	chunks int
	bytes  int    // of the chunks, which lie end to end
	first  uint64 // where the first one begins in the content
	chunk  [baoWindowChunks]struct {
		value  Hash
		before int // parents in the window before it
	}
}

func (w *baoNodes) addParent(t baoPending, node []byte) {
	w.parent[w.parents] = t
	copy(w.nodes[w.parents*baoParentSize:], node)
	w.parents++
}

func (w *baoNodes) addChunk(t baoPending) {
	if w.chunks == 0 {
		w.first = t.lo
	}
	w.chunk[w.chunks].value, w.chunk[w.chunks].before = t.value, w.parents
	w.chunks++
}

// verify returns how many chunks are right, and the error of the first node that
// is not. data begins with the chunks; size is that of the content.
func (w *baoNodes) verify(size uint64, data []byte) (good int, err error) {
	data = data[:w.bytes]
	sound := w.parents // so many parents are right
	if w.parents > 0 {
		sound, err = w.verifyParents(size)
	}
	if w.chunks == 0 {
		return 0, err
	}
	cvs := w.values[:w.chunks*HashSize]
	if size <= BLAKE3ChunkSize {
		digest := hash.BLAKE3(data)
		copy(cvs, digest[:])
	} else if hashErr := baoChunkValues(cvs, data, w.first/BLAKE3ChunkSize); hashErr != nil {
		return 0, hashErr
	}
	for i := range w.chunks {
		c := &w.chunk[i]
		if c.before > sound {
			return i, err // that of the parent, which comes first
		}
		if got := Hash(cvs[i*HashSize:]); got != c.value {
			lo := w.first + uint64(i)*BLAKE3ChunkSize
			t := baoSubtree{lo: lo, size: min(size-lo, BLAKE3ChunkSize)}
			return i, t.mismatch("chunk", got, c.value)
		}
	}
	return w.chunks, err
}

// verifyParents returns how many parents are right before the first that is not.
func (w *baoNodes) verifyParents(size uint64) (int, error) {
	cvs := w.values[:w.parents*HashSize]
	if err := hash.BLAKE3Parents(cvs, w.nodes[:w.parents*baoParentSize]); err != nil {
		return 0, fmt.Errorf("merkle: Bao parents: %w", err)
	}
	if w.parent[0].size == size {
		root := hash.BLAKE3Root((*Hash)(w.nodes[:]), (*Hash)(w.nodes[HashSize:]))
		copy(cvs, root[:])
	}
	for i := range w.parents {
		if got := Hash(cvs[i*HashSize:]); got != w.parent[i].value {
			return i, w.parent[i].mismatch("parent", got, w.parent[i].value)
		}
	}
	return w.parents, nil
}

// baoFeed is a source with what was read ahead from it.
type baoFeed struct {
	src  io.Reader
	what string // in errors
	buf  []byte
	used int    // of buf, up to have
	have int    // of buf
	left uint64 // to be read still, past which the source is left alone
}

// open gives the feed a buffer for the next left bytes, of most bytes at most.
func (f *baoFeed) open(left uint64, most int) {
	f.buf, f.used, f.have, f.left = make([]byte, min(left, uint64(most))), 0, 0, left
}

// take returns the next n bytes, without counting them as used.
func (f *baoFeed) take(n int) ([]byte, bool) {
	if f.have-f.used < n {
		return nil, false
	}
	return f.buf[f.used:][:n], true
}

// fill forgets what was used and reads until there are need bytes, and more if
// they come with them.
func (f *baoFeed) fill(need int) error {
	f.have = copy(f.buf, f.buf[f.used:f.have])
	f.used = 0
	for f.have < need {
		n, err := f.read(f.buf[f.have : f.have+int(min(f.left, uint64(len(f.buf)-f.have)))])
		f.have += n
		f.left -= uint64(n)
		if err == io.EOF && f.have < need { //nolint:errorlint // Read returns io.EOF itself
			return fmt.Errorf("%w: %s ends %d bytes before the next chunk does; take it again from its source (%w)",
				ErrBaoTruncated, f.what, need-f.have, io.ErrUnexpectedEOF)
		}
		if err != nil && f.have < need {
			return fmt.Errorf("merkle: reading %s: %w", f.what, err)
		}
	}
	return nil
}

// read is a Read that returns bytes or an error.
func (f *baoFeed) read(p []byte) (int, error) {
	for range maxEmptyReads {
		n, err := f.src.Read(p)
		if n < 0 || n > len(p) {
			return 0, fmt.Errorf("a Read into %d bytes returned %d", len(p), n)
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// atEnd returns nil if the source has nothing more.
func (f *baoFeed) atEnd() error {
	var b [1]byte
	n, err := f.read(b[:])
	switch {
	case n > 0:
		return fmt.Errorf("%w: %s goes on; cut it there, or set Embedded", ErrBaoTrailing, f.what)
	case err == io.EOF: //nolint:errorlint // Read returns io.EOF itself
		return nil
	}
	return fmt.Errorf("merkle: reading %s at its end: %w", f.what, err)
}
