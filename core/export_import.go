package core

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// importSyncBytes is how much Import writes between two syncs.
const importSyncBytes = 64 << 20

// Import reads an export file into dir and re-verifies everything in it as Check
// does, signatures too. dir is new, empty, or holds the same chain: what it has
// already is compared, and the import goes on behind it. So an import that was
// interrupted is finished by doing it again. A block that is wrong ends it with
// an error that wraps ErrBadChain; the blocks before it stay.
func Import(ctx context.Context, dir string, file io.Reader, progress func(height uint64)) (TransferResult, error) {
	return importOn(ctx, store.OSFS{}, dir, file, progress)
}

// importOn is Import with the log and the snapshot on another file system than
// the genesis.
func importOn(ctx context.Context, fs store.FS, dir string, file io.Reader, progress func(height uint64)) (TransferResult, error) {
	var res TransferResult
	r := newExportReader(file)
	gen, err := r.genesis()
	if err != nil {
		return res, err
	}
	res.ChainID = gen.ChainID()
	if err := checkImportDir(dir); err != nil {
		return res, err
	}
	if _, err := prepareDir(&Config{Dir: dir, Genesis: gen}); err != nil {
		return res, err
	}
	log, err := store.Open(store.Options{Dir: dir, ChainID: res.ChainID, FS: fs, MaxRecordBytes: maxRecord(gen)})
	if err != nil {
		return res, err
	}
	m := &importer{res: &res, log: log, r: r, progress: progress}
	m.ck, err = newChecker(gen)
	if err == nil {
		err = eachBlock(ctx, &gen.Rules, m.scan, func(b *parsedBlock) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return m.block(b)
		})
	}
	res.Txs = m.txs()
	if err == nil {
		if err = log.Sync(); err == nil {
			err = m.snapshot(ctx, snapshotsOf(fs, dir, res.ChainID))
		}
	}
	if err != nil {
		err = fmt.Errorf("%w (blocks 1 to %d are right and in %s)", err, res.Height, dir)
	}
	return res, errors.Join(err, log.Close())
}

// checkImportDir refuses a directory with anything in it that is no chain.
func checkImportDir(dir string) error {
	_, err := LoadGenesis(dir)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return err // prepareDir compares the chains
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".tmp-") { // of a start that was interrupted
			return fmt.Errorf("%s is no chain's directory and not empty: it has %q; name a new directory", dir, e.Name())
		}
	}
	return nil
}

// genesis reads what is before the first block.
func (r *exportReader) genesis() (*genesis.Genesis, error) {
	chain, err := r.fileHead()
	if err != nil {
		return nil, err
	}
	kind, height, payload, err := r.next(exportGenesisMax)
	if err != nil {
		return nil, err
	}
	if kind != exportGenesis || height != 0 {
		return nil, r.bad("the first record is of kind %d and height %d, not the genesis", kind, height)
	}
	gen, err := genesis.Parse(payload)
	if err != nil {
		return nil, r.bad("%v", err)
	}
	if id := gen.ChainID(); id != chain {
		return nil, r.bad("the head names chain %x, the genesis is that of chain %x", chain[:8], id[:8])
	}
	return gen, nil
}

type importer struct {
	res      *TransferResult
	log      *store.Log
	ck       *checker
	r        *exportReader
	progress func(height uint64)
	unsynced int
	buf      []byte
	endHash  [32]byte
	end      uint64
}

func (m *importer) txs() uint64 {
	if m.ck == nil {
		return 0
	}
	return m.ck.rep.txs
}

// scan reads the blocks of the file, up to the record that ends it.
func (m *importer) scan(fn func(height uint64, record []byte) error) error {
	rules := &m.ck.rep.rules
	for next := uint64(1); ; next++ {
		kind, height, payload, err := m.r.next(int64(rules.MaxBlockBytes) + tx.HeaderSize)
		switch {
		case err != nil:
			return err
		case kind == exportEnd:
			return m.atEnd(next-1, height, payload)
		case kind != exportBlock || height != next:
			return m.r.bad("a record of kind %d and height %d, expected block %d", kind, height, next)
		}
		if err := fn(height, payload); err != nil {
			return err
		}
	}
}

// atEnd holds the last record to what was read.
func (m *importer) atEnd(last, height uint64, payload []byte) error {
	if height != last || len(payload) != len(m.endHash) {
		return m.r.bad("the file says that it ends with block %d, its last is block %d", height, last)
	}
	if _, err := m.r.r.ReadByte(); !errors.Is(err, io.EOF) {
		return m.r.bad("something follows the last record")
	}
	m.end = height
	copy(m.endHash[:], payload)
	return nil
}

// block verifies a block and appends it, or compares it with the one that is
// there already.
func (m *importer) block(b *parsedBlock) error {
	if err := m.ck.block(b); err != nil {
		return fmt.Errorf("%w: block %d of the file: %w", ErrBadChain, b.height, err)
	}
	next, started := m.log.Next()
	first := beginsWith(m.log)
	switch {
	case !started || b.height >= next:
		if err := m.log.Append(b.height, b.payload); err != nil {
			return err
		}
		if m.unsynced += len(b.payload); m.unsynced >= importSyncBytes {
			m.unsynced = 0
			if err := m.log.Sync(); err != nil {
				return err
			}
		}
		m.res.Blocks++
	case b.height >= first: // what is pruned is bound by the hashes of what is not
		old, err := m.log.Read(b.height, m.buf)
		if err != nil {
			return err
		}
		m.buf = old
		if !bytes.Equal(old, b.payload) {
			return fmt.Errorf("%w: block %d of the file is not the one in the directory: these chains have the same genesis and went different ways; "+
				"import into a new directory", ErrChainMismatch, b.height)
		}
	}
	m.res.Height, m.res.Hash = b.height, m.ck.rep.tip.hash
	if m.progress != nil {
		m.progress(b.height)
	}
	return nil
}

// snapshot compares the head and writes a snapshot of it, so that the first
// start need not execute everything once more.
func (m *importer) snapshot(ctx context.Context, snaps *snapshots) error {
	rep := m.ck.rep
	if m.end > 0 && m.endHash != rep.tip.hash {
		return m.r.bad("the file says that its head has hash %x, block %d has %x", m.endHash[:8], m.end, rep.tip.hash[:8])
	}
	if head, _ := m.log.Head(); head != rep.tip.header.Height || head == 0 {
		return nil // the directory is ahead of the file, or there is nothing in either
	}
	h := &snapshotHead{
		chain: rep.chain, height: rep.tip.header.Height, txs: rep.txs,
		hash: rep.tip.hash, genesisRoot: rep.genesisRoot, header: rep.tip.header,
	}
	if err := snaps.write(ctx, h, rep.st.Freeze(), new(sync.Mutex), 0); err != nil {
		return err
	}
	return snaps.tidy(h.height, nil)
}
