package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// firstName is the file that says where a pruned log begins. It sorts before the
// segments.
const firstName = "pruned"

const (
	firstMagic     = "WEIRCUT1"
	firstBytes     = 128
	firstCRCOffset = 124
)

// beginning is the content of that file: which segment is the first one, and
// what its header says, so that no other one passes for it. Without the file the
// log begins with segment 1, the zero value here.
type beginning struct {
	number      uint64
	firstHeight uint64
	prevCRC     uint32 // of the last record that was pruned
	// restarted is set by Restart: that segment need not exist yet, and then the
	// log is empty and waits for firstHeight. anchor is its caller's.
	restarted bool
	anchor    [32]byte
}

const (
	flagRestarted = 1
	anchorOffset  = 72
	anchorEnd     = anchorOffset + 32
)

func (c beginning) encode(chainID [32]byte) []byte {
	b := make([]byte, firstBytes)
	le := binary.LittleEndian
	copy(b, firstMagic)
	le.PutUint32(b[8:], formatVersion)
	le.PutUint32(b[12:], endianMark)
	copy(b[16:48], chainID[:])
	le.PutUint64(b[48:], c.number)
	le.PutUint64(b[56:], c.firstHeight)
	le.PutUint32(b[64:], c.prevCRC)
	if c.restarted {
		le.PutUint32(b[68:], flagRestarted)
		copy(b[anchorOffset:], c.anchor[:])
	}
	le.PutUint32(b[firstCRCOffset:], crc32.Checksum(b[:firstCRCOffset], castagnoli))
	return b
}

// decodeBeginning is the inverse; the reason is empty when b is intact.
func decodeBeginning(b []byte) (c beginning, chainID [32]byte, reason string) {
	le := binary.LittleEndian
	if len(b) != firstBytes {
		return c, chainID, fmt.Sprintf("it has %d bytes, not %d", len(b), firstBytes)
	}
	if got, want := le.Uint32(b[firstCRCOffset:]), crc32.Checksum(b[:firstCRCOffset], castagnoli); got != want {
		return c, chainID, fmt.Sprintf("its CRC is %08x, its bytes give %08x", got, want)
	}
	copy(chainID[:], b[16:48])
	c = beginning{number: le.Uint64(b[48:]), firstHeight: le.Uint64(b[56:]), prevCRC: le.Uint32(b[64:])}
	switch {
	case le.Uint32(b[68:]) == flagRestarted:
		c.restarted, c.anchor = true, [32]byte(b[anchorOffset:anchorEnd])
		if !isZero(b[anchorEnd:firstCRCOffset]) {
			return c, chainID, "it is of no kind this program knows"
		}
	case !isZero(b[68:firstCRCOffset]):
		return c, chainID, "it is of no kind this program knows"
	}
	switch {
	case string(b[:8]) != firstMagic || le.Uint32(b[12:]) != endianMark:
		return c, chainID, "it is of no kind this program knows"
	case c.number == 0:
		return c, chainID, "it names segment 0"
	}
	return c, chainID, ""
}

// readBeginning reads the file, if there is one.
func (ld *loader) readBeginning() error {
	path := filepath.Join(ld.blocks, firstName)
	b, err := readSmall(ld.fs, path, firstBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store: reading %s: %w", path, err)
	}
	c, chainID, reason := decodeBeginning(b)
	if reason != "" {
		return ld.corrupt(path, 0, 0, 0, "the file says with which segment a pruned log begins; "+reason)
	}
	if version := binary.LittleEndian.Uint32(b[8:]); version != formatVersion {
		return fmt.Errorf("%w: %s has format version %d, this program reads version %d", ErrForeign, path, version, formatVersion)
	}
	if ld.chainID == [32]byte{} {
		ld.chainID = chainID
	}
	if chainID != ld.chainID {
		return ld.foreign(path, chainID)
	}
	ld.begin = c
	ld.want.height = c.firstHeight // for what is wrong before the first header is read
	return nil
}

// readSmall returns a file of at most limit bytes, or limit+1 bytes of a larger
// one.
func readSmall(fsys FS, path string, limit int) ([]byte, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	b := make([]byte, limit+1)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}

// tempSuffix is that of a file that was not finished. Opening for writing
// removes what a crash left of it.
const tempSuffix = ".tmp"

// replaceFile puts b under name so that a crash leaves the old or the new
// content. The new one is certain only after a SyncDir.
func replaceFile(fsys FS, path string, b []byte) error {
	temp := path + tempSuffix
	f, err := fsys.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = fsys.Rename(temp, path)
	}
	if err != nil {
		_ = fsys.Remove(temp) // the next opening tries again
	}
	return err
}
