package store

import "fmt"

// markEveryBytes spaces the entries of the sparse index: a lookup hops over at
// most this much of a segment, and a terabyte of log needs 16 MiB of marks.
const markEveryBytes = 1 << 20

// mark is an entry of the sparse index: the record of height starts at offset.
type mark struct {
	height  uint64
	offset  int64
	prevCRC uint32 // of the record before, to start a walk here
}

// expectation is what the next record of the chain must say.
type expectation struct {
	known   bool // false before the first segment: any height may come first
	height  uint64
	prevCRC uint32
}

// walk goes through the records of one segment.
type walk struct {
	r     *pageReader
	head  segmentHeader
	full  bool // check every byte, not only the headers
	off   int64
	want  expectation
	marks []mark
	count uint64
	// durableBelow is what the last record said.
	durableBelow uint64
	// bad says why the record at off is not the next one; empty at a clean end.
	bad string
	// misplaced is set when that record is intact but not the one that belongs
	// there: no crash leaves that behind.
	misplaced bool
}

func newWalk(r *pageReader, head segmentHeader, want expectation, full bool) *walk {
	want = expectation{known: true, height: head.firstHeight, prevCRC: want.prevCRC}
	return &walk{r: r, head: head, full: full, off: PageBytes, want: want}
}

// resume continues at an entry of the index, as if everything before it had just
// been passed.
func (w *walk) resume(i int) {
	m := w.marks[i]
	w.marks = w.marks[:i+1]
	w.off, w.count = m.offset, m.height-w.head.firstHeight
	w.want = expectation{known: true, height: m.height, prevCRC: m.prevCRC}
	w.bad, w.misplaced = "", false
}

// tailCheckBytes at the end of the log are read in full when it is opened, and
// more if more was not yet synced: only there can a crash have torn something.
const tailCheckBytes = 32 << 20

// reread goes through the end of the segment once more, now in full, after a
// walk from header to header. It begins so early that whatever the last header
// does not call durable is checked.
func (w *walk) reread(r *pageReader) error {
	i := len(w.marks) - 1
	for i > 0 && (w.marks[i].offset > w.off-tailCheckBytes || w.marks[i].height > w.durableBelow) {
		i--
	}
	w.r, w.full = r, true
	if i < 0 { // no record: look at what is there instead
		w.bad, w.misplaced = "", false
	} else {
		w.resume(i)
	}
	return w.run()
}

// run stops at the first thing that is not the next record.
func (w *walk) run() error {
	for {
		more, err := w.step()
		if err != nil || !more {
			return err
		}
	}
}

// step passes one record. Without full it trusts what the headers say to each
// other (magic, nonce, heights, the chain of CRCs) and leaves the payload alone.
func (w *walk) step() (more bool, err error) {
	b, err := w.r.at(w.off, recordHeadBytes)
	if err != nil {
		return false, err
	}
	if isZero(b) { // also the end of the file
		return false, w.checkTail()
	}
	h, reason := decodeRecordHeader(b)
	switch {
	case reason != "":
		w.bad = reason
	case h.nonce != w.head.nonce:
		w.bad = fmt.Sprintf("the record carries nonce %016x, the segment %016x", h.nonce, w.head.nonce)
	case w.off+h.diskBytes() > w.r.size:
		w.bad = fmt.Sprintf("the record of %d payload bytes reaches beyond the end of the file at %d", h.payloadBytes, w.r.size)
	}
	if w.bad != "" {
		return false, nil
	}
	if w.full {
		if w.bad, err = w.r.checkBody(w.off, h); err != nil || w.bad != "" {
			return false, err
		}
	}
	switch {
	case h.height != w.want.height:
		w.bad = fmt.Sprintf("the record has height %d, height %d belongs there", h.height, w.want.height)
	case h.prevCRC != w.want.prevCRC:
		w.bad = fmt.Sprintf("the record follows one with CRC %08x, the one before it has %08x", h.prevCRC, w.want.prevCRC)
	}
	if w.bad != "" {
		w.misplaced = w.full
		return false, nil
	}
	w.marks = addMark(w.marks, mark{height: h.height, offset: w.off, prevCRC: h.prevCRC})
	w.count++
	w.off += h.diskBytes()
	w.durableBelow = h.durableBelow
	w.want.height, w.want.prevCRC = h.height+1, h.crc
	return true, nil
}

// checkTail looks behind the last record: preallocated space is zero.
func (w *walk) checkTail() error {
	if !w.full {
		return nil
	}
	first, _, err := w.r.nonZero(w.off)
	if err != nil {
		return err
	}
	if first >= 0 {
		w.bad = fmt.Sprintf("there are bytes other than zero after the last record, in the page at offset %d", first)
	}
	return nil
}

// evidence is what lies behind a bad record.
type evidence struct {
	proven    bool   // a later record says that the bad one was durable
	byHeight  uint64 // that record
	byOffset  int64
	undecided bool  // too many bytes to check
	later     int   // intact later records, none of them a proof
	end       int64 // end of the last page that is not zero
}

// A hostile file may hold a plausible header in every page, each claiming a
// payload that reaches to the end. Checking them stops after this many times
// the file's size, and the file counts as damaged.
const evidenceReadsMax = 8

// evidenceAfter looks for records behind the bad one at w.off. The place of the
// next record is unknown once a length cannot be trusted, so every page is tried.
func (w *walk) evidenceAfter() (evidence, error) {
	ev := evidence{end: w.off}
	budget := evidenceReadsMax * w.r.size
	skipTo := w.off + PageBytes
	for off := w.off; off < w.r.size; off += PageBytes {
		b, err := w.r.at(off, PageBytes)
		if err != nil {
			return ev, err
		}
		if isZero(b) {
			continue
		}
		ev.end = off + int64(len(b))
		if off < skipTo {
			continue
		}
		h, reason := decodeRecordHeader(b)
		if reason != "" || h.nonce != w.head.nonce || h.height <= w.want.height || off+h.diskBytes() > w.r.size {
			continue
		}
		if budget -= h.diskBytes(); budget < 0 {
			ev.undecided = true
			return ev, nil
		}
		if reason, err = w.r.checkBody(off, h); err != nil {
			return ev, err
		} else if reason != "" {
			continue
		}
		if h.durableBelow > w.want.height {
			ev.proven, ev.byHeight, ev.byOffset = true, h.height, off
			return ev, nil
		}
		ev.later++
		skipTo = off + h.diskBytes()
	}
	return ev, nil
}

// addMark keeps the index sparse.
func addMark(marks []mark, m mark) []mark {
	if n := len(marks); n > 0 && m.offset-marks[n-1].offset < markEveryBytes {
		return marks
	}
	return append(marks, m)
}
