package core

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// A snapshot file holds the ledger after one block, so that a start needs to
// execute only the blocks after it. Little-endian:
//
//	   0 "WEIRSNAP" | 8 version u32 | 12 byte order mark u32 | 16 chain id [32]
//	  48 height u64 | 56 transactions up to it u64 | 64 hash of its block [32]
//	  96 state root at height 0 [32] | 128 header of its block [128]
//	 256 marks u32 | 260 zero | 264 decision u64 | 272 marks × (height u64, transactions up to it u64)
//	4092 CRC-32C of the bytes before
//	4096 ledger, as package state writes it
//	 end − 16 ledger bytes u64 | CRC-32C of the ledger u32 | "WSND"
//
// The decision is the number that the ordering engine gave the block, 0 when the
// node did not know it. The marks are earlier snapshots, most of them long removed: they tell which
// block a number of transactions reaches back to, for pruning.
const (
	snapshotVersion   = 1
	snapshotMagic     = "WEIRSNAP"
	snapshotEndMagic  = 0x444e5357 // "WSND"
	snapshotOrder     = 0x01020304
	snapshotHeadBytes = store.PageBytes
	snapshotTailBytes = 16
	snapshotCRCAt     = snapshotHeadBytes - 4
	snapshotDecision  = 264
	snapshotMarksAt   = 272
	snapshotMarksMax  = 200

	snapshotsKept = 2
)

// ErrSnapshot is wrapped by every complaint about a snapshot file.
var ErrSnapshot = errors.New("snapshot cannot be used")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mark says how many transactions a chain has up to a height.
type mark struct{ height, txs uint64 }

// snapshotHead is the first page of a snapshot file.
type snapshotHead struct {
	chain       tx.ChainID
	height, txs uint64
	decision    uint64 // 0: not known
	hash        tx.Hash
	genesisRoot [32]byte
	header      tx.Header
	marks       []mark
}

func (h *snapshotHead) encode() []byte {
	le := binary.LittleEndian
	b := make([]byte, snapshotHeadBytes)
	copy(b, snapshotMagic)
	le.PutUint32(b[8:], snapshotVersion)
	le.PutUint32(b[12:], snapshotOrder)
	copy(b[16:], h.chain[:])
	le.PutUint64(b[48:], h.height)
	le.PutUint64(b[56:], h.txs)
	copy(b[64:], h.hash[:])
	copy(b[96:], h.genesisRoot[:])
	copy(b[128:], h.header.Append(nil))
	le.PutUint32(b[256:], uint32(len(h.marks)))
	le.PutUint64(b[snapshotDecision:], h.decision)
	for i, m := range h.marks {
		le.PutUint64(b[snapshotMarksAt+16*i:], m.height)
		le.PutUint64(b[snapshotMarksAt+16*i+8:], m.txs)
	}
	le.PutUint32(b[snapshotCRCAt:], crc32.Checksum(b[:snapshotCRCAt], castagnoli))
	return b
}

// decodeSnapshotHead reads the first page and holds its parts to each other.
func decodeSnapshotHead(b []byte, chain tx.ChainID) (*snapshotHead, error) {
	le := binary.LittleEndian
	bad := func(format string, args ...any) (*snapshotHead, error) {
		return nil, fmt.Errorf("%w: %s", ErrSnapshot, fmt.Sprintf(format, args...))
	}
	if string(b[:8]) != snapshotMagic {
		return bad("it begins with %q, not %q", b[:8], snapshotMagic)
	}
	if got, want := le.Uint32(b[snapshotCRCAt:]), crc32.Checksum(b[:snapshotCRCAt], castagnoli); got != want {
		return bad("the CRC of its head is %08x, its bytes give %08x", got, want)
	}
	if v, order := le.Uint32(b[8:]), le.Uint32(b[12:]); v != snapshotVersion || order != snapshotOrder {
		return bad("it has version %d and byte order %08x, this build reads %d and %08x", v, order, snapshotVersion, snapshotOrder)
	}
	h := &snapshotHead{
		chain: tx.ChainID(b[16:48]), height: le.Uint64(b[48:]), txs: le.Uint64(b[56:]),
		hash: tx.Hash(b[64:96]), genesisRoot: [32]byte(b[96:128]), decision: le.Uint64(b[snapshotDecision:]),
	}
	if h.chain != chain {
		return bad("it is of chain %x, this is chain %x", h.chain[:8], chain[:8])
	}
	var err error
	if h.header, err = tx.ParseHeader(b[128:]); err != nil {
		return bad("%v", err)
	}
	if h.header.Hash(&chain) != h.hash || h.header.Height != h.height || h.height == 0 {
		return bad("its block header is not that of block %d with hash %x", h.height, h.hash[:8])
	}
	n := le.Uint32(b[256:])
	if n > snapshotMarksMax {
		return bad("it has %d marks, at most %d are possible", n, snapshotMarksMax)
	}
	last := mark{}
	for i := range n {
		at := b[snapshotMarksAt+16*i:]
		m := mark{le.Uint64(at), le.Uint64(at[8:])}
		if m.height <= last.height || m.txs < last.txs || m.height >= h.height || m.txs > h.txs {
			return bad("its mark %d (height %d, %d transactions) does not fit the others", i, m.height, m.txs)
		}
		h.marks, last = append(h.marks, m), m
	}
	return h, nil
}

// snapshots is the folder of a chain's snapshot files.
type snapshots struct {
	fs    store.FS
	dir   string // of the chain
	path  string // of the folder
	chain tx.ChainID
}

func snapshotsOf(fs store.FS, dir string, chain tx.ChainID) *snapshots {
	if fs == nil {
		fs = store.OSFS{}
	}
	return &snapshots{fs, dir, filepath.Join(dir, "snapshots"), chain}
}

const snapshotTemp = ".tmp-snapshot"

func snapshotName(height uint64) string { return fmt.Sprintf("snap-%020d.weir", height) }

func (s *snapshots) file(height uint64) string { return filepath.Join(s.path, snapshotName(height)) }

// list returns the heights of the snapshot files, the newest first.
func (s *snapshots) list() ([]uint64, error) { return s.listed("snap-%d.weir", snapshotName) }

func (s *snapshots) listed(pattern string, nameOf func(uint64) string) ([]uint64, error) {
	names, err := s.fs.ReadDir(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the snapshots: %w", err)
	}
	var heights []uint64
	for _, name := range names {
		var h uint64
		if _, err := fmt.Sscanf(name, pattern, &h); err == nil && nameOf(h) == name {
			heights = append(heights, h)
		}
	}
	slices.Sort(heights)
	slices.Reverse(heights)
	return heights, nil
}

// write makes the snapshot file of h, which holds the frozen ledger. There is
// either the whole file under its name afterwards or none. It always lets go of
// the frozen ledger. lock is held only while parts of it are copied.
func (s *snapshots) write(ctx context.Context, h *snapshotHead, f *state.Frozen, lock sync.Locker, bytesPerSec int64) (err error) {
	defer func() {
		f.Release(lock) // for those errors that come before anything read it
		if err != nil {
			err = fmt.Errorf("cannot write the snapshot of block %d: %w", h.height, err)
		}
	}()
	temp := filepath.Join(s.path, snapshotTemp)
	err = s.makeFile(ctx, temp, bytesPerSec, func(w *snapshotWriter) error { return writeSnapshot(w, h, f, lock) })
	if err != nil {
		return err
	}
	_, err = s.place(temp, s.file(h.height))
	return err
}

// makeFile writes and syncs a new file in the folder, which it makes when it is
// missing. After an error there is none.
func (s *snapshots) makeFile(ctx context.Context, path string, bytesPerSec int64, fill func(*snapshotWriter) error) error {
	if err := s.fs.Mkdir(s.path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	// Also when the folder was there: an earlier attempt may have ended between
	// making it and syncing its name, and blocks are pruned on the strength of
	// what is in it.
	if err := s.fs.SyncDir(s.dir); err != nil {
		return err
	}
	if err := s.fs.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	file, err := s.fs.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w := &snapshotWriter{ctx: ctx, bytesPerSec: bytesPerSec}
	w.start(file)
	if err = fill(w); err == nil {
		err = w.finish()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		_ = s.fs.Remove(path) // the next one replaces it otherwise
	}
	return err
}

// place gives a file of the folder the name that counts. When it has the name and
// there is an error all the same, a crash may take the name back.
func (s *snapshots) place(from, to string) (named bool, err error) {
	if err := s.fs.Rename(from, to); err != nil {
		_ = s.fs.Remove(from) // the next one replaces it otherwise
		return false, err
	}
	return true, s.fs.SyncDir(s.path)
}

// tidy removes all but the newest snapshots. current is the newest: files above
// it, like those in refused, cannot be used.
func (s *snapshots) tidy(current uint64, refused []uint64) error {
	heights, err := s.list()
	if err != nil {
		return err
	}
	kept := 0
	for _, h := range heights {
		if h <= current && kept < snapshotsKept && !slices.Contains(refused, h) {
			kept++
			continue
		}
		if err := s.fs.Remove(s.file(h)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot remove the old snapshot of block %d: %w", h, err)
		}
	}
	return nil
}

// refusal is a snapshot that was not used, and why.
type refusal struct {
	height uint64
	reason error
}

func refusals(list []refusal) []string {
	var texts []string
	for _, r := range list {
		texts = append(texts, fmt.Sprintf("the one of block %d: %v", r.height, r.reason))
	}
	return texts
}
