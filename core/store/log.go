package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Log is an open block log. One goroutine appends; Sync may run beside it, so
// that the next record is written while the last one is synced; any number of
// goroutines read.
type Log struct {
	opts   Options
	blocks string
	src    sources
	lock   io.Closer // nil for a reader of a directory without a lock file
	repair RepairReport
	stats  counters
	mode   atomic.Pointer[writeMode] // never nil

	// appendMu is held for a whole Append or Close. It owns these fields:
	appendMu  sync.Mutex
	buf       pageBuffer // one encoded record, reused
	direct    File       // the active segment, for unbuffered writes; nil: buffered
	off       int64      // where the next record goes in the active segment
	allocated int64      // the active file reaches at least this far
	prealloc  bool       // the file system can preallocate
	nonce     uint64     // of the active segment
	prevCRC   uint32     // of the last record

	// pruneMu is held for a whole Prune and by Close. Taken after appendMu. It
	// owns litter, the files that still have to be removed.
	pruneMu sync.Mutex
	litter  []string

	// syncMu is held while a file is synced or sealed. Taken after appendMu.
	syncMu sync.Mutex

	// mu guards what follows and is never held during input or output, except
	// to open a segment for reading. Taken last.
	mu           sync.Mutex
	begins       beginning // where a pruned or restarted log begins
	segments     []*segment
	active       *segment // the one being written; nil before the first Append
	started      bool     // first is known
	first        uint64
	appendedNext uint64 // one above the last appended height
	durableNext  uint64 // one above the last synced height
	poison       error  // the first failed write or sync
	closed       bool
}

// Open opens the log in opts.Dir, recovering it from a crash if needed; Repair
// tells what was found. It fails with ErrInUse, ErrForeign, ErrCorrupt or
// ErrOptions, or with the file system's error.
func Open(opts Options) (*Log, error) { return open(opts, systemSources()) }

func open(opts Options, src sources) (*Log, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Log{opts: opts, src: src, blocks: blocksDir(opts.Dir), prealloc: true}
	if !opts.ReadOnly {
		if err := makeDirs(opts.FS, l.blocks); err != nil {
			return nil, openError(opts.Dir, err)
		}
	}
	if l.lock, err = lockDir(opts); err != nil {
		return nil, err
	}
	ld := &loader{fs: opts.FS, blocks: l.blocks, chainID: opts.ChainID, settle: !opts.ReadOnly}
	if err = l.recover(ld); err != nil {
		if ld.tail.f != nil {
			_ = ld.tail.f.Close() // err says more
		}
		return nil, errors.Join(openError(opts.Dir, err), l.stopDirect(), l.buf.release(), l.unlock())
	}
	return l, nil
}

// recover loads the segments, repairs the tail and sets the state from it.
func (l *Log) recover(ld *loader) error {
	if err := ld.run(); err != nil {
		return err
	}
	l.repair = ld.report()
	if l.repair.Found && !l.opts.ReadOnly {
		if err := ld.repair(); err != nil {
			return err
		}
		l.repair.Applied = true
	}
	l.opts.ChainID = ld.chainID
	l.segments = ld.segments
	l.started, l.first = ld.want.known, ld.first
	l.appendedNext, l.durableNext = ld.want.height, ld.want.height
	l.prevCRC = ld.want.prevCRC
	l.begins = ld.begin
	if l.opts.ReadOnly {
		l.mode.Store(&writeMode{reason: "the log is open for reading only"})
		return nil
	}
	l.litter = ld.litter
	_ = l.sweep() // what stays is in nobody's way, and Prune tries again
	if ld.tail.f == nil {
		return l.probeDirect()
	}
	if err := l.startDirect(ld.tail.path); err != nil {
		return err
	}
	l.active = l.segments[len(l.segments)-1]
	l.active.f, l.active.refs = ld.tail.f, 1
	l.off, l.allocated, l.nonce = ld.tail.end, ld.tail.size, ld.tail.nonce
	return nil
}

// lockDir takes the lock of the data directory. A reader of a directory that
// never had a writer's lock file, such as a copy, needs none.
func lockDir(opts Options) (io.Closer, error) {
	lock, err := opts.FS.Lock(filepath.Join(opts.Dir, "LOCK"), opts.ReadOnly)
	switch {
	case err == nil:
		return lock, nil
	case opts.ReadOnly && errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, ErrInUse):
		return nil, fmt.Errorf("%s: %w", opts.Dir, err)
	}
	return nil, openError(opts.Dir, err)
}

// openError says what to do about the commonest reasons.
func openError(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("store: cannot use data directory %s: %w; run as its owner, or choose a directory this user may write", dir, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("store: no block log in data directory %s: %w; check the path", dir, err)
	}
	return spaceError(dir, err)
}

// Next returns the height the next Append must have. ok is false for a log
// without any height yet: the first Append then chooses it.
func (l *Log) Next() (height uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.appendedNext, l.started
}

// First returns the lowest synced height, which Prune moves; ok is false when there is none.
func (l *Log) First() (height uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first, l.durableNext > l.first
}

// Head returns the highest synced height; ok is false when there is none.
func (l *Log) Head() (height uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.durableNext == l.first {
		return 0, false
	}
	return l.durableNext - 1, true
}

// ChainID returns the chain the log belongs to: Options.ChainID, or, if that
// was zero, what the segments say.
func (l *Log) ChainID() [32]byte { return l.opts.ChainID }

// Repair returns what Open found at the end of the log.
func (l *Log) Repair() RepairReport { return l.repair }

// Close syncs what was appended, gives preallocated space back, and releases
// the directory. On a poisoned log it only releases, and returns ErrPoisoned
// once more. Readers that are still running finish undisturbed.
func (l *Log) Close() error {
	l.appendMu.Lock()
	defer l.appendMu.Unlock()
	l.pruneMu.Lock()
	defer l.pruneMu.Unlock()
	err := l.Sync()
	if errors.Is(err, ErrClosed) {
		return nil
	}
	if errors.Is(err, ErrReadOnly) {
		err = nil
	}
	if err == nil {
		err = l.seal()
	}
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	l.mu.Lock()
	l.closed = true
	active := l.active
	l.active = nil
	l.mu.Unlock()
	if active != nil {
		err = errors.Join(err, l.release(active))
	}
	return errors.Join(err, l.stopDirect(), l.buf.release(), l.unlock())
}

func (l *Log) unlock() error {
	if l.lock == nil {
		return nil
	}
	return l.lock.Close()
}
