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
	"sync"
	"time"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
)

const (
	snapshotChunkBytes = 1 << 20
	// snapshotSyncBytes is how much unsynced data of a snapshot there is at most:
	// a file system may flush it before it finishes the log's next sync.
	snapshotSyncBytes = 8 << 20
)

// snapshotWriter writes whole pages to a file, at most so many bytes per
// second, and syncs as it goes.
type snapshotWriter struct {
	ctx         context.Context
	bytesPerSec int64 // 0: as fast as it goes

	file     store.File
	buf      []byte
	off      int64 // of buf in the file
	unsynced int64
	began    time.Time
	err      error // once set, it stays
}

func (w *snapshotWriter) start(f store.File) {
	w.file, w.began = f, time.Now()
	w.buf = make([]byte, 0, snapshotChunkBytes)
}

// writeSnapshot writes what a snapshot file holds. It releases the ledger unless
// w fails before that is reached.
func writeSnapshot(w io.Writer, h *snapshotHead, f *state.Frozen, lock sync.Locker) error {
	if _, err := w.Write(h.encode()); err != nil {
		return err
	}
	crc := crc32.New(castagnoli)
	n, err := f.WriteTo(io.MultiWriter(w, crc), lock)
	if err != nil {
		return err
	}
	end := binary.LittleEndian.AppendUint64(nil, uint64(n))
	end = binary.LittleEndian.AppendUint32(end, crc.Sum32())
	_, err = w.Write(binary.LittleEndian.AppendUint32(end, snapshotEndMagic))
	return err
}

// finish writes what is left, cuts the file to its length and syncs it.
func (w *snapshotWriter) finish() error {
	size := w.off + int64(len(w.buf))
	for len(w.buf)%store.PageBytes != 0 {
		w.buf = append(w.buf, 0) // the log's files are written in whole pages
	}
	w.flush()
	if w.err != nil {
		return w.err
	}
	return errors.Join(w.file.Truncate(size), w.file.Sync())
}

// Write appends to the file.
func (w *snapshotWriter) Write(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.put(b)
	return len(b), w.err
}

func (w *snapshotWriter) put(b []byte) {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), cap(w.buf)-len(w.buf))
		w.buf = append(w.buf, b[:n]...)
		b = b[n:]
		if len(w.buf) == cap(w.buf) {
			w.flush()
		}
	}
}

func (w *snapshotWriter) flush() {
	if w.err = w.ctx.Err(); w.err != nil || len(w.buf) == 0 {
		return
	}
	if _, w.err = w.file.WriteAt(w.buf, w.off); w.err != nil {
		return
	}
	w.off += int64(len(w.buf))
	w.unsynced += int64(len(w.buf))
	w.buf = w.buf[:0]
	if w.unsynced >= snapshotSyncBytes {
		w.unsynced = 0
		if w.err = w.file.Sync(); w.err != nil {
			return
		}
	}
	w.err = w.pace()
}

// pace waits until what was written fits the rate.
func (w *snapshotWriter) pace() error {
	if w.bytesPerSec <= 0 {
		return nil
	}
	due := time.Duration(float64(w.off) / float64(w.bytesPerSec) * float64(time.Second))
	t := time.NewTimer(due - time.Since(w.began))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// read loads the snapshot of a height and checks everything that the file
// itself can show: its checksums, its chain, and that the ledger has the state
// root that the header of its block says.
func (s *snapshots) read(height uint64) (*state.State, *snapshotHead, error) {
	return s.readFile(s.file(height), height)
}

func (s *snapshots) readFile(path string, height uint64) (*state.State, *snapshotHead, error) {
	f, h, size, err := s.open(path, height)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // it is only read
	ledger := size - snapshotHeadBytes - snapshotTailBytes
	var end [snapshotTailBytes]byte
	if _, err := f.ReadAt(end[:], size-snapshotTailBytes); err != nil {
		return nil, nil, fmt.Errorf("cannot read the snapshot: %w", err)
	}
	le := binary.LittleEndian
	if m, n := le.Uint32(end[12:]), le.Uint64(end[:]); m != snapshotEndMagic || n != uint64(ledger) {
		return nil, nil, fmt.Errorf("%w: its end says that the ledger has %d bytes (mark %08x), the file holds %d", ErrSnapshot, n, m, ledger)
	}
	crc := crc32.New(castagnoli)
	r := bufio.NewReaderSize(io.TeeReader(io.NewSectionReader(f, snapshotHeadBytes, ledger), crc), snapshotChunkBytes)
	st, err := state.ReadSnapshot(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the snapshot: %w", err)
	}
	if n > 0 {
		return nil, nil, fmt.Errorf("%w: %d bytes follow the ledger", ErrSnapshot, n)
	}
	if got, want := le.Uint32(end[8:]), crc.Sum32(); got != want {
		return nil, nil, fmt.Errorf("%w: the CRC of the ledger is %08x, its bytes give %08x", ErrSnapshot, got, want)
	}
	if root := st.Root(); !bytes.Equal(root[:], h.header.StateRoot[:]) {
		return nil, nil, fmt.Errorf("%w: the ledger's root is %x, block %d says %x", ErrSnapshot, root[:8], height, h.header.StateRoot[:8])
	}
	return st, h, nil
}

// open opens a snapshot file and reads its head.
func (s *snapshots) open(path string, height uint64) (f store.File, h *snapshotHead, size int64, err error) {
	if f, err = s.fs.OpenFile(path, os.O_RDONLY, 0); err != nil {
		return nil, nil, 0, fmt.Errorf("cannot open the snapshot: %w", err)
	}
	h, size, err = s.head(f, height)
	if err != nil {
		return nil, nil, 0, errors.Join(err, f.Close())
	}
	return f, h, size, nil
}

func (s *snapshots) head(f store.File, height uint64) (*snapshotHead, int64, error) {
	size, err := f.Size()
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the snapshot: %w", err)
	}
	if size < snapshotHeadBytes+snapshotTailBytes {
		return nil, 0, fmt.Errorf("%w: the file has %d bytes, one has at least %d", ErrSnapshot, size, snapshotHeadBytes+snapshotTailBytes)
	}
	page := make([]byte, snapshotHeadBytes)
	if _, err := f.ReadAt(page, 0); err != nil {
		return nil, 0, fmt.Errorf("cannot read the snapshot: %w", err)
	}
	h, err := decodeSnapshotHead(page, s.chain)
	if err != nil {
		return nil, 0, err
	}
	if h.height != height {
		return nil, 0, fmt.Errorf("%w: it is of block %d; was the file renamed?", ErrSnapshot, h.height)
	}
	return h, size, nil
}
