package merkle

import (
	"fmt"
	"io"
)

// How far a source reads ahead: little after a jump, and twice as much with each
// read that goes on where the last one ended.
const (
	baoAheadMin = 4 << 10
	baoAheadMax = 64 << 10
)

// baoSource gives views of content or of an encoding: of memory, or of a file
// through a buffer of its own.
type baoSource struct {
	what string // in errors
	mem  []byte // instead of at, if not nil
	at   io.ReaderAt
	end  uint64 // nothing is read ahead from here on

	lo    uint64 // where buf begins
	buf   []byte
	ahead int
}

// view returns the n bytes at off, valid until the next call. Fewer are
// ErrBaoTruncated. off + n must not exceed the largest int64.
func (s *baoSource) view(off uint64, n int) ([]byte, error) {
	if s.mem != nil && off+uint64(n) <= uint64(len(s.mem)) {
		return s.mem[off : off+uint64(n)], nil
	}
	if s.mem != nil {
		return nil, s.truncated(off, n, uint64(len(s.mem)))
	}
	have := s.lo + uint64(len(s.buf))
	if off >= s.lo && off+uint64(n) <= have {
		return s.buf[off-s.lo:][:n], nil
	}
	kept := 0
	if off >= s.lo && off <= have && have > 0 {
		kept = copy(s.buf, s.buf[off-s.lo:])
		s.ahead = min(2*s.ahead, baoAheadMax)
	} else {
		s.ahead = baoAheadMin
	}
	want := n
	if s.end > off {
		want = max(n, int(min(uint64(s.ahead), s.end-off)))
	}
	if cap(s.buf) < want {
		s.buf = append(make([]byte, 0, want), s.buf[:kept]...)
	}
	s.lo, s.buf = off, s.buf[:want]
	got, err := s.at.ReadAt(s.buf[kept:], int64(off)+int64(kept))
	s.buf = s.buf[:kept+got]
	if kept+got >= n {
		return s.buf[:n], nil
	}
	if err == io.EOF || err == nil {
		return nil, s.truncated(off, n, off+uint64(kept+got))
	}
	return nil, fmt.Errorf("merkle: reading %s at byte %d: %w", s.what, off, err)
}

func (s *baoSource) truncated(off uint64, n int, end uint64) error {
	return fmt.Errorf("%w: %s has no %d bytes at byte %d, it ends at %d; was it cut, or is it of another file? (%w)",
		ErrBaoTruncated, s.what, n, off, end, io.ErrUnexpectedEOF)
}
