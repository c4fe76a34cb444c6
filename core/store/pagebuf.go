package store

// hugePageBytes is the size of a large page on the common systems. A write past
// the page cache pins its buffer page by page: a block of 2 MB in large pages
// costs a third less time than in pages of 4 KiB.
const hugePageBytes = 2 << 20

// pageBuffer is memory that begins on a page, as unbuffered files require. It
// only grows. The zero value is empty.
type pageBuffer struct {
	b    []byte
	free func() error // nil for memory that the garbage collector frees
}

// atLeast makes the buffer n bytes or longer; its content is lost. It grows to
// twice its size, but never beyond max on its own account.
func (p *pageBuffer) atLeast(n, limit int) error {
	if len(p.b) >= n {
		return nil
	}
	n = max(n, min(2*len(p.b), limit))
	unit := PageBytes
	if n > hugePageBytes/4 {
		unit = hugePageBytes
	}
	n = (n + unit - 1) / unit * unit
	if err := p.release(); err != nil {
		return err
	}
	b, free, err := allocatePages(n)
	if err != nil {
		return err
	}
	p.b, p.free = b, free
	return nil
}

// release gives the memory back. Nothing may use the buffer any more.
func (p *pageBuffer) release() error {
	free := p.free
	p.b, p.free = nil, nil
	if free == nil {
		return nil
	}
	return free()
}
