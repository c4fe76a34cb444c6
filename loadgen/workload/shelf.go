package workload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"sync/atomic"

	"github.com/chainweir/weir/core/tx"
)

const defaultMemory = 1 << 30

// A file of signed transactions begins with
//
//	0 "weirtxs1" | 8 transactions in a chunk u32 | 12 zero u32 | 16 seed u64 |
//	24 chain id [32] | 56 zero u32 | 60 CRC-32C of these u32
//
// and goes on with chunks.
const (
	fileMagic = "weirtxs1"
	fileHead  = 64
)

// shelf keeps chunks: in memory, or in a file with a window of it in memory
// that follows the readers. The window's chunks are read by one goroutine.
// Readers never wait: a chunk that is not there yet is missing.
type shelf struct {
	limit  int64 // bytes in memory
	dir    string
	header [fileHead]byte

	n      atomic.Int64 // transactions
	want   atomic.Int64 // the chunk that was asked for last
	missed atomic.Int64
	wake   chan struct{}

	// slots grows only while nobody reads.
	slots  []*slot
	memory int64 // of all chunks

	mu    sync.Mutex // the window: who changes it, and slots while it grows
	lo    int        // the window is lo..hi-1
	hi    int
	file  *os.File // nil: everything is in memory
	path  string   // of a file that still has its name
	end   int64
	buf   []byte
	err   error // the first failure of reading
	stop  chan struct{}
	ended sync.WaitGroup
}

// slot is one chunk, which may be in memory.
type slot struct {
	at   atomic.Pointer[chunk]
	off  int64
	size int
}

func (s *shelf) init(opts Options, chain tx.ChainID, seed uint64) {
	s.limit, s.dir = opts.MemoryBytes, opts.Dir
	if s.limit <= 0 {
		s.limit = defaultMemory
	}
	s.wake, s.stop = make(chan struct{}, 1), make(chan struct{})
	le := binary.LittleEndian
	copy(s.header[:], fileMagic)
	le.PutUint32(s.header[8:], chunkTxs)
	le.PutUint64(s.header[16:], seed)
	copy(s.header[24:], chain[:])
	le.PutUint32(s.header[60:], crc32.Checksum(s.header[:60], castagnoli))
}

func (s *shelf) len() int { return int(s.n.Load()) }

// add appends a chunk.
func (s *shelf) add(c *chunk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	sl := &slot{}
	sl.at.Store(c)
	if s.file == nil && s.memory+c.memory() > s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.file != nil {
		if err := s.write(sl, c); err != nil {
			return err
		}
		if len(s.slots) != s.hi { // it does not follow the window
			sl.at.Store(nil)
		} else if s.hi-s.lo < s.window() {
			s.hi++
		} else {
			sl.at.Store(nil)
		}
	}
	s.slots = append(s.slots, sl)
	s.memory += c.memory()
	s.n.Add(int64(len(c.ends)))
	return nil
}

// window is how many chunks fit into memory, of the average length so far.
func (s *shelf) window() int {
	if len(s.slots) == 0 {
		return minWindow
	}
	return max(minWindow, int(s.limit/(s.memory/int64(len(s.slots))+1)))
}

// minWindow is the smallest window: of few chunks a quarter must still be
// behind the readers, since connections do not take them at the same moment.
const minWindow = 8

// spill moves all chunks to a file and starts the reading ahead.
func (s *shelf) spill() error {
	f, err := os.CreateTemp(s.dir, "transactions-*.tmp")
	if err != nil {
		return fmt.Errorf("%w: %w; %d bytes of signed transactions exceed the memory for them, so a folder is needed that takes more", ErrCorpusFile, err, s.memory)
	}
	s.file = f
	if os.Remove(f.Name()) != nil {
		s.path = f.Name() // not on this system: at the end then
	}
	if _, err := f.Write(s.header[:]); err != nil {
		return s.full(err)
	}
	s.end = fileHead
	for _, sl := range s.slots {
		if err := s.write(sl, sl.at.Load()); err != nil {
			return err
		}
	}
	s.hi = min(len(s.slots), s.window())
	for _, sl := range s.slots[s.hi:] {
		sl.at.Store(nil)
	}
	s.ended.Go(s.follow)
	return nil
}

func (s *shelf) full(err error) error {
	s.err = fmt.Errorf("%w: writing to %s: %w; free space there, send less, or allow more memory", ErrCorpusFile, s.file.Name(), err)
	return s.err
}

// write appends a chunk to the file.
func (s *shelf) write(sl *slot, c *chunk) error {
	s.buf = c.append(s.buf[:0])
	if _, err := s.file.WriteAt(s.buf, s.end); err != nil {
		return s.full(err)
	}
	sl.off, sl.size = s.end, len(s.buf)
	s.end += int64(len(s.buf))
	return nil
}

// get returns a chunk, or nil if it is not in memory, and moves the window.
func (s *shelf) get(i int) *chunk {
	c := s.slots[i].at.Load()
	if c == nil {
		s.missed.Add(1)
	}
	// Connections take chunks at about the same time: the one behind must not
	// pull the window back as long as it has what it needs.
	if w := s.want.Load(); int64(i) > w || c == nil && int64(i) < w {
		s.want.Store(int64(i))
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return c
}

// follow moves the window with the readers until the shelf is closed.
func (s *shelf) follow() {
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		}
		for s.step(int(s.want.Load())) {
			select {
			case <-s.stop:
				return
			default:
			}
		}
	}
}

// prepare moves the window to chunk i and fills it.
func (s *shelf) prepare(ctx context.Context, i int) error {
	s.want.Store(int64(i))
	for s.step(i) {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// step reads the next missing chunk of the window around chunk i, and lets go
// of one outside. It tells whether there is more to do.
func (s *shelf) step(i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil || s.err != nil {
		return false
	}
	size := s.window()
	lo := max(0, min(i-size/4, len(s.slots)-size))
	hi := min(len(s.slots), lo+size)
	for k := s.lo; k < s.hi; k++ {
		if k < lo || k >= hi {
			s.slots[k].at.Store(nil)
		}
	}
	s.lo, s.hi = lo, hi
	// What is asked for now comes first, then what follows, then what is behind.
	for k := range hi - lo {
		at := lo + (i-lo+k)%(hi-lo)
		if sl := s.slots[at]; sl.at.Load() == nil {
			c, err := s.read(sl)
			if err != nil {
				s.err = fmt.Errorf("%w: chunk %d: %w; the disk or its memory is faulty, or somebody changed the file", ErrCorpusFile, at, err)
				return false
			}
			sl.at.Store(c)
			return true
		}
	}
	return false
}

func (s *shelf) read(sl *slot) (*chunk, error) {
	b := make([]byte, sl.size) // a reader may keep an old one for as long as it writes
	if _, err := s.file.ReadAt(b, sl.off); err != nil {
		return nil, err
	}
	return parseChunk(b)
}

func (s *shelf) close() error {
	s.mu.Lock()
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	f, path := s.file, s.path
	s.mu.Unlock()
	s.ended.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file, s.path = nil, ""
	s.slots = nil
	s.n.Store(0)
	if f == nil {
		return nil
	}
	err := f.Close()
	if path != "" {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
