package core

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// A run is an immutable file of the transaction index. It covers a range of
// heights and holds, in two tables, where each transaction of them stands. All
// numbers are little-endian:
//
//	 0 "weirtxi1" | 8 chain id [32] | 40 first height u64 | 48 last height u64 | 56 transactions u64 |
//	64 by identifier: {key u64, place u64}… | by sender and nonce: the same | CRC-32C of all before u32
//
// A key by identifier is its first eight bytes; by sender and nonce it is the
// sender in the high half and the nonce's low half. A key is not unique: who
// looks something up reads the transaction and compares. A place is the height
// times 2^24 plus the index in the block. Tables ascend by key, then place.
const (
	runMagic   = "weirtxi1"
	runHead    = 64
	entrySize  = 16
	placeBits  = 24
	runPattern = "%016x-%016x.run"
)

// errRun says that a file is not a whole run of this chain.
var errRun = errors.New("not a run of this chain's transaction index")

// indexTable chooses one of a run's tables.
type indexTable int

const (
	byID indexTable = iota
	byNonce
	numTables
)

type entry struct{ key, place uint64 }

func placeOf(height uint64, index int) uint64 { return height<<placeBits | uint64(index) }

func (e entry) height() uint64 { return e.place >> placeBits }
func (e entry) index() uint32  { return uint32(e.place & (1<<placeBits - 1)) }

func compareEntries(a, b entry) int {
	if a.key != b.key {
		if a.key < b.key {
			return -1
		}
		return 1
	}
	switch {
	case a.place < b.place:
		return -1
	case a.place > b.place:
		return 1
	}
	return 0
}

// span is what a run covers.
type span struct{ first, last, txs uint64 }

// run is an open file. The index's lock guards refs.
type run struct {
	span
	f    store.File
	refs int
	gone bool // remove the file when nobody reads it any more
}

func (s span) name() string { return fmt.Sprintf(runPattern, s.first, s.last) }

func (s span) bytes() int64 { return runHead + int64(numTables)*int64(s.txs)*entrySize + 4 }

// source yields a table's entries in order, false after the last one.
type source func() (entry, bool, error)

func sliceSource(es []entry) source {
	return func() (entry, bool, error) {
		if len(es) == 0 {
			return entry{}, false, nil
		}
		e := es[0]
		es = es[1:]
		return e, true, nil
	}
}

// source reads a table from its start.
func (r *run) source(t indexTable) source {
	br := bufio.NewReaderSize(io.NewSectionReader(r.f, r.offset(t, 0), int64(r.txs)*entrySize), 64<<10)
	left := r.txs
	var b [entrySize]byte
	return func() (entry, bool, error) {
		if left == 0 {
			return entry{}, false, nil
		}
		left--
		_, err := io.ReadFull(br, b[:])
		return decodeEntry(b[:]), true, err
	}
}

func decodeEntry(b []byte) entry {
	return entry{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

func (r *run) offset(t indexTable, i uint64) int64 {
	return runHead + (int64(t)*int64(r.txs)+int64(i))*entrySize
}

// mergeSources yields two sources as one.
func mergeSources(a, b source) source {
	var ea, eb entry
	var okA, okB, begun bool
	return func() (e entry, ok bool, err error) {
		if !begun {
			begun = true
			if ea, okA, err = a(); err != nil {
				return e, false, err
			}
			if eb, okB, err = b(); err != nil {
				return e, false, err
			}
		}
		switch {
		case okA && (!okB || compareEntries(ea, eb) <= 0):
			e = ea
			ea, okA, err = a()
		case okB:
			e = eb
			eb, okB, err = b()
		default:
			return entry{}, false, nil
		}
		return e, true, err
	}
}

// writeRun writes a run under its name, whole or not at all, and opens it. Until
// it has its name, ctx can end it.
func writeRun(ctx context.Context, fs store.FS, dir string, chain *tx.ChainID, s span, tables [numTables]source) (*run, error) {
	path := filepath.Join(dir, s.name())
	err := writeWhole(fs, filepath.Join(dir, ".tmp-run"), path, func(w io.Writer) error {
		return writeTables(ctx, w, chain, s, tables)
	})
	if err != nil {
		return nil, err
	}
	f, err := fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return &run{span: s, f: f, refs: 1}, nil
}

func writeTables(ctx context.Context, f io.Writer, chain *tx.ChainID, s span, tables [numTables]source) error {
	w := bufio.NewWriterSize(f, 256<<10)
	crc := crc32.New(castagnoli)
	out := cancelled{ctx, io.MultiWriter(w, crc)}
	if _, err := out.Write(s.head(chain)); err != nil {
		return err
	}
	buf := make([]byte, 0, 4096)
	for _, next := range tables {
		for n := uint64(0); ; n++ {
			e, ok, err := next()
			if err != nil {
				return err
			}
			if !ok && n != s.txs {
				return fmt.Errorf("a table of %d entries for %d transactions", n, s.txs)
			}
			if ok {
				buf = binary.LittleEndian.AppendUint64(buf, e.key)
				buf = binary.LittleEndian.AppendUint64(buf, e.place)
			}
			if !ok || len(buf) == cap(buf) {
				if _, err := out.Write(buf); err != nil {
					return err
				}
				buf = buf[:0]
			}
			if !ok {
				break
			}
		}
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint32(nil, crc.Sum32())); err != nil {
		return err
	}
	return w.Flush()
}

func (s span) head(chain *tx.ChainID) []byte {
	b := append([]byte(runMagic), chain[:]...)
	b = binary.LittleEndian.AppendUint64(b, s.first)
	b = binary.LittleEndian.AppendUint64(b, s.last)
	return binary.LittleEndian.AppendUint64(b, s.txs)
}

// openRun opens a file and checks all of it. A file that is not a whole run of
// the chain gives errRun.
func openRun(ctx context.Context, fs store.FS, path string, chain *tx.ChainID) (*run, error) {
	f, err := fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	s, err := checkRun(ctx, f, chain)
	if err == nil && s.name() != filepath.Base(path) {
		err = fmt.Errorf("%w: it covers the heights %d to %d", errRun, s.first, s.last)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return &run{span: s, f: f, refs: 1}, nil
}

func checkRun(ctx context.Context, f store.File, chain *tx.ChainID) (s span, err error) {
	size, err := f.Size()
	if err != nil {
		return s, err
	}
	crc := crc32.New(castagnoli)
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 256<<10)
	var head [runHead]byte
	if size < runHead {
		return s, fmt.Errorf("%w: its head is cut short", errRun)
	}
	if _, err := io.ReadFull(io.TeeReader(r, crc), head[:]); err != nil {
		return s, err
	}
	s.first = binary.LittleEndian.Uint64(head[40:])
	s.last = binary.LittleEndian.Uint64(head[48:])
	s.txs = binary.LittleEndian.Uint64(head[56:])
	if !bytes.Equal(head[:], s.head(chain)) {
		return s, fmt.Errorf("%w: its head is another one's", errRun)
	}
	if s.first > s.last || s.txs > 1<<56 || size != s.bytes() {
		return s, fmt.Errorf("%w: %d bytes for %d transactions", errRun, size, s.txs)
	}
	if _, err := io.CopyN(cancelled{ctx, crc}, r, s.bytes()-runHead-4); err != nil {
		return s, err
	}
	var sum [4]byte
	if _, err := io.ReadFull(r, sum[:]); err != nil {
		return s, err
	}
	if got := binary.LittleEndian.Uint32(sum[:]); got != crc.Sum32() {
		return s, fmt.Errorf("%w: its CRC is %08x, its bytes give %08x", errRun, got, crc.Sum32())
	}
	return s, nil
}

// find appends the entries with a key.
func (r *run) find(dst []entry, t indexTable, key uint64) ([]entry, error) {
	at := func(i uint64) (entry, error) {
		var b [entrySize]byte
		_, err := r.f.ReadAt(b[:], r.offset(t, i))
		return decodeEntry(b[:]), err
	}
	lo, hi := uint64(0), r.txs
	for lo < hi {
		mid := lo + (hi-lo)/2
		e, err := at(mid)
		if err != nil {
			return dst, err
		}
		if e.key < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for ; lo < r.txs; lo++ {
		e, err := at(lo)
		if err != nil || e.key != key {
			return dst, err
		}
		dst = append(dst, e)
	}
	return dst, nil
}
