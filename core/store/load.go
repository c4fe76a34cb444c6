package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// loader reads the segments of a directory in order. Open uses it to rebuild
// the index, Verify to check every byte.
type loader struct {
	fs      FS
	blocks  string
	chainID [32]byte // zero until known
	full    bool     // check every byte of every segment, not only of the last
	settle  bool     // the last segment will be written: see settleFile

	segments []*segment
	want     expectation // what the next record of the log must say
	first    uint64      // first height, once want.known
	records  uint64
	bytes    int64
	tail     tail
	begin    beginning
	indexes  []foundIndex
	litter   []string // files that are not part of the log any more
}

func (ld *loader) run() error {
	if err := ld.readBeginning(); err != nil {
		return err
	}
	numbers, err := ld.list()
	if err != nil {
		return err
	}
	if len(numbers) == 0 {
		ld.awaitFirst()
		return nil
	}
	// The newest segment first: whether its creation was finished decides how
	// strictly the one before it is read.
	last := numbers[len(numbers)-1]
	if err := ld.probeLast(last); err != nil {
		return err
	}
	if ld.tail.unborn != 0 && last == ld.begin.number && !ld.begin.restarted {
		// It was whole when the segments before it were pruned.
		return ld.corrupt(ld.path(last), last, 0, ld.want.height, "the segment that a pruned log begins with has no valid header")
	}
	if ld.tail.unborn != 0 {
		numbers = numbers[:len(numbers)-1]
	}
	for i, n := range numbers {
		isTail := n == last
		beforeUnborn := ld.tail.unborn != 0 && i == len(numbers)-1
		if err := ld.segment(n, isTail, beforeUnborn); err != nil {
			return err
		}
	}
	ld.awaitFirst()
	return ld.checkIndexes()
}

// awaitFirst sets what the first record of a restarted log must say, which has
// none yet.
func (ld *loader) awaitFirst() {
	if ld.begin.restarted && !ld.want.known {
		ld.first = ld.begin.firstHeight
		ld.want = expectation{known: true, height: ld.first, prevCRC: ld.begin.prevCRC}
	}
}

// list returns the numbers of the segment files, without gaps from where the
// log begins.
func (ld *loader) list() ([]uint64, error) {
	names, err := ld.fs.ReadDir(ld.blocks)
	if err != nil {
		return nil, fmt.Errorf("store: listing the segments: %w", err)
	}
	begin := max(ld.begin.number, 1)
	var numbers []uint64
	for _, name := range names {
		path := filepath.Join(ld.blocks, name)
		if n, ok := segmentNumber(name); ok && n >= begin {
			numbers = append(numbers, n)
		} else if ok || name == firstName+tempSuffix || name == probeName {
			ld.litter = append(ld.litter, path)
		} else if n, ok := indexNumber(strings.TrimSuffix(name, tempSuffix)); ok {
			if strings.HasSuffix(name, tempSuffix) || n < begin {
				ld.litter = append(ld.litter, path)
			}
		}
	}
	slices.Sort(numbers)
	if len(numbers) == 0 && ld.begin.number != 0 && !ld.begin.restarted {
		return nil, ld.corrupt(ld.path(begin), begin, 0, ld.want.height, "the segment that a pruned log begins with is missing")
	}
	for i, n := range numbers {
		if want := uint64(i) + begin; n != want {
			return nil, &CorruptError{Path: ld.path(want), Segment: want,
				Reason: fmt.Sprintf("the segment is missing, although segment %d exists", numbers[len(numbers)-1])}
		}
	}
	return numbers, nil
}

func (ld *loader) path(number uint64) string {
	return filepath.Join(ld.blocks, segmentName(number))
}

// walkMode says how much of a segment is read.
type walkMode int

const (
	walkHeaders walkMode = iota // of records, or the index in their place
	walkTail                    // headers, and the end in full: only that can be torn
	walkAll
)

// segment reads one segment.
func (ld *loader) segment(number uint64, isTail, beforeUnborn bool) (err error) {
	path := ld.path(number)
	flag := os.O_RDONLY
	if isTail {
		flag = ld.tailFlag()
	}
	f, err := ld.fs.OpenFile(path, flag, 0)
	if err != nil {
		return fmt.Errorf("store: opening segment %d: %w", number, err)
	}
	kept := false
	defer func() {
		if err != nil || !kept {
			_ = f.Close() // it was only read
		}
	}()
	mode := walkHeaders
	switch {
	case ld.full:
		mode = walkAll
	case isTail || beforeUnborn:
		mode = walkTail
	}
	w, err := ld.walk(f, path, number, mode)
	if err != nil {
		return err
	}
	if isTail {
		if err := ld.judgeTail(w, path); err != nil {
			return err
		}
		if ld.settle {
			ld.tail.f, kept = f, true
		}
	} else if w.bad != "" {
		if mode == walkHeaders {
			// The headers contradict each other; reading everything tells which
			// record is the damaged one.
			if w, err = ld.walk(f, path, number, walkAll); err != nil {
				return err
			}
		}
		return ld.corrupt(path, number, w.off, w.want.height, w.bad)
	}
	if ld.full && !isTail {
		ld.noteIndex(w)
	}
	ld.segments = append(ld.segments, &segment{number: number, path: path, first: w.head.firstHeight,
		prevCRC: w.head.prevCRC, end: w.off, marks: w.marks})
	ld.want = w.want
	ld.records += w.count
	ld.bytes += w.off
	return nil
}

// walk reads the header of a segment and goes through its records.
func (ld *loader) walk(f File, path string, number uint64, mode walkMode) (*walk, error) {
	window := hopWindowBytes
	if mode == walkAll {
		window = scanWindowBytes
	}
	r, err := newPageReader(f, path, window)
	if err != nil {
		return nil, err
	}
	page, err := r.at(0, PageBytes)
	if err != nil {
		return nil, err
	}
	head, err := decodeSegmentHeader(page)
	if errors.Is(err, ErrForeign) {
		return nil, fmt.Errorf("%w (segment file %s)", err, path)
	}
	if err != nil {
		return nil, ld.corrupt(path, number, 0, ld.want.height, err.Error())
	}
	if err := ld.checkHeader(head, path, number); err != nil {
		return nil, err
	}
	w := newWalk(r, head, ld.want, mode == walkAll)
	if mode == walkHeaders {
		if ok, err := ld.walkIndexed(w); ok || err != nil {
			return w, err
		}
	}
	if err := w.run(); err != nil || w.bad != "" && mode != walkTail {
		return w, err
	}
	switch mode {
	case walkHeaders:
		if ld.settle {
			writeIndex(ld.fs, ld.blocks, number, encodeIndex(head, w.count, w.off, w.want.prevCRC, w.marks))
		}
	case walkTail:
		if r, err = newPageReader(f, path, scanWindowBytes); err != nil {
			return nil, err
		}
		return w, w.reread(r)
	}
	return w, nil
}

// checkHeader compares an intact header with the chain and with the segment
// before it.
func (ld *loader) checkHeader(head segmentHeader, path string, number uint64) error {
	if ld.chainID == [32]byte{} {
		ld.chainID = head.chainID
	}
	switch {
	case head.chainID != ld.chainID:
		return ld.foreign(path, head.chainID)
	case head.number != number:
		return ld.corrupt(path, number, 48, ld.want.height, fmt.Sprintf("the header says segment %d; was the file renamed?", head.number))
	case !ld.want.known && ld.begin.number != 0:
		if head.firstHeight != ld.begin.firstHeight || head.prevCRC != ld.begin.prevCRC {
			return ld.corrupt(path, number, 56, ld.begin.firstHeight, fmt.Sprintf(
				"the segment begins with height %d after a record with CRC %08x; the pruned log begins with height %d after CRC %08x",
				head.firstHeight, head.prevCRC, ld.begin.firstHeight, ld.begin.prevCRC))
		}
		ld.first = head.firstHeight
	case !ld.want.known:
		if head.prevCRC != 0 {
			return ld.corrupt(path, number, 80, head.firstHeight, "the first segment claims a record before it")
		}
		ld.first = head.firstHeight
	case head.firstHeight != ld.want.height:
		prev := ld.segments[len(ld.segments)-1]
		return ld.corrupt(prev.path, prev.number, prev.end, ld.want.height,
			fmt.Sprintf("the segment ends before height %d, the next one starts with height %d", ld.want.height, head.firstHeight))
	case head.prevCRC != ld.want.prevCRC:
		return ld.corrupt(path, number, 80, head.firstHeight,
			fmt.Sprintf("the segment follows a record with CRC %08x, the last one before it has %08x", head.prevCRC, ld.want.prevCRC))
	}
	ld.want = expectation{known: true, height: head.firstHeight, prevCRC: head.prevCRC}
	return nil
}

func (ld *loader) foreign(path string, chainID [32]byte) error {
	return fmt.Errorf("%w: %s belongs to chain %x, this node's chain is %x; use the data directory of this chain, or the genesis of that one",
		ErrForeign, path, chainID, ld.chainID)
}

func (ld *loader) corrupt(path string, number uint64, off int64, height uint64, reason string) error {
	return &CorruptError{Path: path, Segment: number, Offset: off, Height: height, Reason: reason}
}
