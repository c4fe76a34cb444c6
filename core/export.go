package core

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// An export file is a whole chain in one portable file: its genesis and its
// blocks, as docs/formats.md lays them out. Little-endian:
//
//	file    0 "WEIREXP1" | 8 version u32 | 12 zero u32 | 16 chain id [32] | 48 zero [12] | 60 CRC-32C of 0–60
//	record  0 kind u32 | 4 payload bytes u32 | 8 height u64 | 16 CRC-32C of 0–16 and the payload | 20 zero u32 | 24 payload
//
// The first record is the genesis as JSON, then come the blocks from height 1 as
// they are in the log, header and body, and at last one record with the hash of
// the head: a file without it is cut short.
const (
	exportMagic      = "WEIREXP1"
	exportVersion    = 1
	exportFileBytes  = 64
	exportHeadBytes  = 24
	exportGenesis    = 1
	exportBlock      = 2
	exportEnd        = 3
	exportGenesisMax = 1 << 32 // more than MaxAccounts accounts can have
	exportBuffer     = 1 << 20
)

// ErrExportFile is wrapped by every complaint about an export file.
var ErrExportFile = errors.New("not a whole export file")

// TransferResult says what Export wrote or Import read.
type TransferResult struct {
	ChainID tx.ChainID
	Height  uint64 // the head
	Hash    tx.Hash
	Blocks  uint64 // that were new to where they went
	Txs     uint64 // up to the head
}

// Export writes the chain in dir, which no node may be using, to one file. The
// file is either whole or not there at all; one that exists is left alone. It
// checks the records' checksums and nothing else: Import checks the chain.
func Export(ctx context.Context, dir, file string, progress func(height uint64)) (TransferResult, error) {
	return exportOn(ctx, store.OSFS{}, dir, file, progress)
}

// exportOn is Export with the log and the file on another file system than the
// genesis.
func exportOn(ctx context.Context, fs store.FS, dir, file string, progress func(height uint64)) (TransferResult, error) {
	var res TransferResult
	gen, err := LoadGenesis(dir)
	if err != nil {
		return res, err
	}
	res.ChainID = gen.ChainID()
	if _, err := fs.Stat(file); err == nil {
		return res, fmt.Errorf("%s exists; remove it or name another file", file)
	}
	log, err := store.Open(store.Options{Dir: dir, ChainID: res.ChainID, FS: fs, ReadOnly: true, MaxRecordBytes: maxRecord(gen)})
	if err != nil {
		return res, err
	}
	defer func() { _ = log.Close() }() // it was only read
	if first := beginsWith(log); first > 1 {
		return res, fmt.Errorf("blocks 1 to %d were never here or are pruned: export the chain from a node that keeps them, or copy the directory", first-1)
	}
	temp := filepath.Join(filepath.Dir(file), ".tmp-export-"+filepath.Base(file))
	err = writeWhole(fs, temp, file, func(out io.Writer) error {
		return res.write(ctx, out, gen, log, progress)
	})
	if err != nil {
		return res, fmt.Errorf("cannot export to %s: %w", file, err)
	}
	return res, nil
}

// write writes the file and counts what is in it.
func (res *TransferResult) write(ctx context.Context, out io.Writer, gen *genesis.Genesis, log *store.Log, progress func(height uint64)) error {
	w := &exportWriter{w: bufio.NewWriterSize(out, exportBuffer)}
	w.fileHead(res.ChainID)
	w.record(exportGenesis, 0, gen.JSON())
	err := log.Scan(1, func(height uint64, record []byte) error {
		h, err := tx.ParseHeader(record)
		if err != nil {
			return fmt.Errorf("%w: block %d: %w", ErrBadChain, height, err)
		}
		res.Height, res.Hash = height, h.Hash(&res.ChainID)
		res.Blocks++
		res.Txs += uint64(h.Count)
		w.record(exportBlock, height, record)
		if progress != nil {
			progress(height)
		}
		return errors.Join(w.err, ctx.Err())
	})
	w.record(exportEnd, res.Height, res.Hash[:])
	if err = errors.Join(err, w.err); err != nil {
		return err
	}
	return w.w.Flush()
}

type exportWriter struct {
	w   *bufio.Writer
	err error
}

func (w *exportWriter) fileHead(chain tx.ChainID) {
	b := make([]byte, exportFileBytes)
	copy(b, exportMagic)
	binary.LittleEndian.PutUint32(b[8:], exportVersion)
	copy(b[16:], chain[:])
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	_, w.err = w.w.Write(b)
}

func (w *exportWriter) record(kind uint32, height uint64, payload []byte) {
	if w.err != nil {
		return
	}
	var head [exportHeadBytes]byte
	le := binary.LittleEndian
	le.PutUint32(head[:], kind)
	le.PutUint32(head[4:], uint32(len(payload)))
	le.PutUint64(head[8:], height)
	crc := crc32.Update(crc32.Checksum(head[:16], castagnoli), castagnoli, payload)
	le.PutUint32(head[16:], crc)
	if _, w.err = w.w.Write(head[:]); w.err == nil {
		_, w.err = w.w.Write(payload)
	}
}

// exportReader reads an export file record by record.
type exportReader struct {
	r   *bufio.Reader
	off int64 // of the next record
	buf []byte
}

func newExportReader(r io.Reader) *exportReader {
	return &exportReader{r: bufio.NewReaderSize(r, exportBuffer)}
}

func (r *exportReader) bad(format string, args ...any) error {
	return fmt.Errorf("%w: offset %d: %s", ErrExportFile, r.off, fmt.Sprintf(format, args...))
}

func (r *exportReader) fileHead() (chain tx.ChainID, err error) {
	var b [exportFileBytes]byte
	if _, err := io.ReadFull(r.r, b[:]); err != nil {
		return chain, r.bad("the head of the file: %v", err)
	}
	le := binary.LittleEndian
	if string(b[:8]) != exportMagic {
		return chain, r.bad("the file begins with %q, not %q", b[:8], exportMagic)
	}
	if got, want := le.Uint32(b[60:]), crc32.Checksum(b[:60], castagnoli); got != want {
		return chain, r.bad("the CRC of the head is %08x, its bytes give %08x", got, want)
	}
	if v := le.Uint32(b[8:]); v != exportVersion {
		return chain, r.bad("the file has version %d, this build reads %d", v, exportVersion)
	}
	r.off = exportFileBytes
	return tx.ChainID(b[16:48]), nil
}

// next returns the next record, valid until the one after it. It takes no more
// memory than there is payload, however long the record claims to be.
func (r *exportReader) next(limit int64) (kind uint32, height uint64, payload []byte, err error) {
	var head [exportHeadBytes]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return 0, 0, nil, r.bad("a record is missing: %v", err)
	}
	le := binary.LittleEndian
	kind, height = le.Uint32(head[:]), le.Uint64(head[8:])
	n := int64(le.Uint32(head[4:]))
	if n > limit {
		return 0, 0, nil, r.bad("the record claims %d bytes, at most %d are possible here", n, limit)
	}
	if le.Uint32(head[20:]) != 0 {
		return 0, 0, nil, r.bad("reserved bytes of the record are not zero")
	}
	r.buf = r.buf[:0]
	for int64(len(r.buf)) < n {
		from := len(r.buf)
		r.buf = append(r.buf, make([]byte, min(n-int64(from), exportBuffer))...)
		if _, err := io.ReadFull(r.r, r.buf[from:]); err != nil {
			return 0, 0, nil, r.bad("the record ends early: %v", err)
		}
	}
	crc := crc32.Update(crc32.Checksum(head[:16], castagnoli), castagnoli, r.buf)
	if got := le.Uint32(head[16:]); got != crc {
		return 0, 0, nil, r.bad("the CRC of the record is %08x, its bytes give %08x", got, crc)
	}
	r.off += exportHeadBytes + n
	return kind, height, r.buf, nil
}
