package store

import (
	"errors"
	"fmt"
	"os"
)

// tail is the end of the last segment.
type tail struct {
	f     File // open for writing with settle, else nil
	path  string
	nonce uint64
	end   int64 // where the next record belongs
	size  int64
	// torn is set when something follows that is not a record and not zero.
	torn    bool
	tornEnd int64 // end of the last page that is not zero
	reason  string
	later   int
	// unborn is the number of a last segment that has no valid header: the
	// crash came while it was created. It is not in loader.segments.
	unborn uint64
}

// probeLast finds out whether the newest segment was ever finished. Its header
// was synced before the first record was written, so a file without a valid
// header and with nothing behind its first page holds no record.
func (ld *loader) probeLast(number uint64) error {
	path := ld.path(number)
	f, err := ld.fs.OpenFile(path, ld.tailFlag(), 0)
	if err != nil {
		return fmt.Errorf("store: opening segment %d: %w", number, err)
	}
	defer func() { _ = f.Close() }() // nothing is written through it
	if ld.settle {
		if err := settleFile(f, path); err != nil {
			return err
		}
	}
	r, err := newPageReader(f, path, scanWindowBytes)
	if err != nil {
		return err
	}
	page, err := r.at(0, PageBytes)
	if err != nil {
		return err
	}
	if _, err := decodeSegmentHeader(page); err == nil || errors.Is(err, ErrForeign) {
		return nil // a foreign header is reported when the segment is read
	}
	first, _, err := r.nonZero(PageBytes)
	if err != nil {
		return err
	}
	if first < 0 {
		ld.tail = tail{path: path, size: r.size, unborn: number}
	}
	return nil
}

func (ld *loader) tailFlag() int {
	if ld.settle {
		return os.O_RDWR
	}
	return os.O_RDONLY
}

// settleFile makes sure that what is read next is on the device: first what a
// killed process left in the page cache is written, then cached pages are
// dropped. Without the second step a page whose earlier write failed would
// still look fine, be declared durable, and be gone after the next crash.
func settleFile(f File, path string) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("store: syncing %s before recovery: %w", path, err)
	}
	if err := f.DropCache(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("store: dropping cached pages of %s before recovery: %w", path, err)
	}
	return nil
}

// judgeTail decides whether what follows the last good record is a torn tail.
func (ld *loader) judgeTail(w *walk, path string) error {
	ld.tail = tail{path: path, nonce: w.head.nonce, end: w.off, size: w.r.size}
	if w.bad == "" {
		return nil
	}
	if w.misplaced {
		return ld.corrupt(path, w.head.number, w.off, w.want.height, w.bad)
	}
	ev, err := w.evidenceAfter()
	if err != nil {
		return err
	}
	switch {
	case ev.proven:
		return ld.corrupt(path, w.head.number, w.off, w.want.height, fmt.Sprintf(
			"%s; the record of height %d at offset %d proves that it was synced", w.bad, ev.byHeight, ev.byOffset))
	case ev.undecided:
		return ld.corrupt(path, w.head.number, w.off, w.want.height,
			w.bad+"; what follows claims to be more records than the file can hold")
	}
	ld.tail.torn, ld.tail.tornEnd, ld.tail.reason, ld.tail.later = true, ev.end, w.bad, ev.later
	return nil
}
