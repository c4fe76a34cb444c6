package core

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// A node takes another's snapshot over in two steps, each of which a crash
// leaves done or not begun:
//
//	take           the stream goes into a file of its own, is verified there and
//	               gets the name restore-HEIGHT.weir. The chain is as it was.
//	finishRestore  before the next start: the log is emptied and waits for the
//	               block after it (store.Log.Restart, with the block's hash as
//	               anchor), and the file becomes snap-HEIGHT.weir.
//
// A node thus has its old chain until the rename of the first step and the new
// one from then on. The start that follows is like any other, so that nothing in
// memory has to change under way.

const takeTemp = ".tmp-restore"

func takenName(height uint64) string { return fmt.Sprintf("restore-%020d.weir", height) }

func (s *snapshots) takenFile(height uint64) string { return filepath.Join(s.path, takenName(height)) }

// taken returns the heights of the snapshots that were taken over and wait for
// the next start, the newest first.
func (s *snapshots) taken() ([]uint64, error) { return s.listed("restore-%d.weir", takenName) }

// take reads a snapshot file from r up to its end. When its head is wanted, it
// keeps it for the next start, after it has compared all of it with its
// checksums, the chain, genesis and the state root. ok tells whether it was
// wanted and is kept. After an error without ok nothing has changed; with ok the
// next start has the snapshot, unless a crash takes its name back.
func (s *snapshots) take(ctx context.Context, gen *genesis.Genesis, r io.Reader, wanted func(*snapshotHead) (bool, error)) (h *snapshotHead, ok bool, err error) {
	page := make([]byte, snapshotHeadBytes)
	if _, err := io.ReadFull(r, page); err != nil {
		return nil, false, fmt.Errorf("%w: its head is cut short: %w", ErrSnapshot, err)
	}
	if h, err = decodeSnapshotHead(page, s.chain); err != nil {
		return nil, false, err
	}
	if ok, err = wanted(h); !ok || err != nil {
		return h, false, err
	}
	// What genesis is, is in the chain id, and what its ledger is, follows.
	st, err := genesisState(gen)
	if err != nil {
		return h, false, err
	}
	if root := st.Root(); root != h.genesisRoot {
		return h, false, fmt.Errorf("%w: it says that the chain began with state root %x, genesis gives %x", ErrSnapshot, h.genesisRoot[:8], root[:8])
	}
	temp := filepath.Join(s.path, takeTemp)
	err = s.makeFile(ctx, temp, 0, func(w *snapshotWriter) error {
		if _, err := w.Write(page); err != nil {
			return err
		}
		_, err := io.Copy(w, r)
		return err
	})
	if err != nil {
		return h, false, fmt.Errorf("cannot keep the snapshot of block %d: %w", h.height, err)
	}
	if _, _, err := s.readFile(temp, h.height); err != nil {
		return h, false, errors.Join(err, s.fs.Remove(temp))
	}
	if ok, err = s.place(temp, s.takenFile(h.height)); err != nil {
		err = fmt.Errorf("cannot keep the snapshot of block %d for certain: %w", h.height, err)
	}
	return h, ok, err
}

// finishRestore makes the newest snapshot that was taken over the beginning of
// the directory, unless the chain has come to its block by itself.
func finishRestore(snaps *snapshots, log *store.Log) error {
	heights, err := snaps.taken()
	if err != nil || len(heights) == 0 {
		return err
	}
	if err := snaps.adopt(log, heights[0]); err != nil {
		return err
	}
	old, err := snaps.list()
	if err != nil {
		return err
	}
	for _, h := range old {
		if h < beginsWith(log)-1 { // the blocks after it are gone
			heights = append(heights, h)
		}
	}
	for _, path := range append(pathsOf(heights, snaps.takenFile), pathsOf(heights[1:], snaps.file)...) {
		if err := snaps.fs.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot remove %s, which is not needed any more: %w", path, err)
		}
	}
	return nil
}

func pathsOf(heights []uint64, name func(uint64) string) []string {
	var paths []string
	for _, h := range heights {
		paths = append(paths, name(h))
	}
	return paths
}

// adopt makes the snapshot of a height that was taken over the one to start from.
func (s *snapshots) adopt(log *store.Log, height uint64) error {
	path := s.takenFile(height)
	_, h, err := s.readFile(path, height)
	if err != nil {
		return fmt.Errorf("%w: %w: it was taken over from another node; remove %s and take it again", ErrBadChain, err, path)
	}
	had, err := hasBlock(log, h)
	if err != nil {
		return fmt.Errorf("%w; remove %s to keep this node's chain, or use a new directory for the other", err, path)
	}
	if had {
		return nil // finishRestore removes the file
	}
	if next, anchor, ok := log.Anchor(); !ok || next != height+1 || anchor != [32]byte(h.hash) {
		// The process that gave the file its name may have ended before that was on
		// disk, and with the log goes the only other chain that there is.
		if err := s.fs.SyncDir(s.path); err != nil {
			return fmt.Errorf("cannot keep the snapshot of block %d for certain: %w", height, err)
		}
		if err := log.Restart(height+1, h.hash); err != nil {
			return err
		}
	}
	if err := s.fs.Rename(path, s.file(height)); err != nil {
		return fmt.Errorf("cannot name the snapshot of block %d: %w", height, err)
	}
	return s.fs.SyncDir(s.path)
}

// hasBlock tells whether the log is as far as a snapshot. One that has another
// block in its place is an error.
func hasBlock(log *store.Log, h *snapshotHead) (bool, error) {
	head, ok := log.Head()
	if !ok || head < h.height {
		return false, nil
	}
	if first, _ := log.First(); h.height < first {
		return true, nil
	}
	b, err := headerOf(log, h.height)
	if err != nil {
		return false, err
	}
	if got := b.Hash(&h.chain); got != h.hash {
		return false, fmt.Errorf("%w: block %d of the snapshot has hash %x, this node's has %x", ErrChainMismatch, h.height, h.hash[:8], got[:8])
	}
	return true, nil
}

// SnapshotResult says which block a snapshot is of.
type SnapshotResult struct {
	ChainID tx.ChainID
	Height  uint64
	Hash    tx.Hash
	Txs     uint64 // up to it
	Taken   bool   // false: the directory had the block already
}

func resultOf(h *snapshotHead, taken bool) SnapshotResult {
	return SnapshotResult{h.chain, h.height, h.hash, h.txs, taken}
}

// RestoreSnapshot makes a snapshot that WriteSnapshot or engine.App.Snapshot
// wrote the beginning of the chain in dir, which no node may be using: new, or of
// the same chain and behind the snapshot. Genesis is needed for a new one. A
// snapshot proves that its ledger belongs to its block, and not that the chain
// has that block: whoever knows the block's hash gives it as trusted. After a
// crash the directory has its old chain or the new one.
func RestoreSnapshot(ctx context.Context, dir string, gen *genesis.Genesis, r io.Reader, trusted *tx.Hash) (res SnapshotResult, err error) {
	if err := checkImportDir(dir); err != nil {
		return res, err
	}
	if gen != nil { // before there is a directory
		br := bufio.NewReaderSize(r, snapshotHeadBytes)
		page, err := br.Peek(snapshotHeadBytes)
		if err != nil {
			return res, fmt.Errorf("%w: its head is cut short: %w", ErrSnapshot, err)
		}
		if _, err := decodeSnapshotHead(page, gen.ChainID()); err != nil {
			return res, err
		}
		r = br
	}
	if gen, err = prepareDir(&Config{Dir: dir, Genesis: gen}); err != nil {
		return res, err
	}
	chain := gen.ChainID()
	log, err := store.Open(store.Options{Dir: dir, ChainID: chain, MaxRecordBytes: maxRecord(gen)})
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	snaps := snapshotsOf(nil, dir, chain)
	if err := finishRestore(snaps, log); err != nil {
		return res, err
	}
	h, ok, err := snaps.take(ctx, gen, r, func(h *snapshotHead) (bool, error) {
		if trusted != nil && *trusted != h.hash {
			return false, fmt.Errorf("%w: it is of a block with hash %x, trusted is %x", ErrSnapshot, h.hash[:], trusted[:])
		}
		if next, _, restarted := log.Anchor(); restarted && h.height < next {
			return false, nil
		}
		had, err := hasBlock(log, h)
		return !had, err
	})
	if err == nil && ok {
		err = finishRestore(snaps, log)
	}
	if err != nil {
		return res, err
	}
	return resultOf(h, ok), nil
}

// WriteSnapshot writes a snapshot of the head of the chain in dir, which no node
// may be using, to one file, which must not exist. The file is either whole or
// not there at all.
func WriteSnapshot(ctx context.Context, dir, file string) (res SnapshotResult, err error) {
	gen, err := LoadGenesis(dir)
	if err != nil {
		return res, err
	}
	if _, err := os.Lstat(file); err == nil {
		return res, fmt.Errorf("%s exists; remove it or name another file", file)
	}
	chain := gen.ChainID()
	log, err := store.Open(store.Options{Dir: dir, ChainID: chain, ReadOnly: true, MaxRecordBytes: maxRecord(gen)})
	if err != nil {
		return res, err
	}
	defer func() { _ = log.Close() }() // it was only read
	snaps := snapshotsOf(nil, dir, chain)
	if waiting, err := snaps.taken(); err != nil || len(waiting) > 0 {
		return res, errors.Join(err, fmt.Errorf("%s has a snapshot that was taken over and not finished; start the node once", dir))
	}
	r, _, err := restore(gen, snaps, log)
	if err == nil {
		err = r.rest(ctx, log)
	}
	if err != nil {
		return res, err
	}
	if r.tip.header.Height == 0 {
		return res, fmt.Errorf("%w: there is none of a chain without a block: begin with its genesis", ErrSnapshot)
	}
	if err := r.checkRoot(); err != nil {
		return res, fmt.Errorf("%w: %w", ErrBadChain, err)
	}
	h := r.snapshotHead()
	if err := writeSnapshotFile(file, h, r); err != nil {
		return res, fmt.Errorf("cannot write %s: %w", file, err)
	}
	return resultOf(h, true), nil
}

// snapshotHead is the head of a snapshot of the tip.
func (r *replayer) snapshotHead() *snapshotHead {
	h := &snapshotHead{
		chain: r.chain, height: r.tip.header.Height, txs: r.txs, hash: r.tip.hash,
		genesisRoot: r.genesisRoot, header: r.tip.header, marks: slices.Clone(r.marks),
	}
	if r.txs == r.txsThen {
		h.decision = r.decision
	}
	return h
}
