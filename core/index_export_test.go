package core

import (
	"context"
	"os"
	"path/filepath"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// SmallIndex turns the index on and lets it keep n transactions in memory.
func SmallIndex(cfg *Config, n int) { cfg.Index, cfg.indexRun = true, n }

// IndexFiles lists the files of a directory's index.
func IndexFiles(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, indexDir, "*"))
}

// OpenRun checks a file of the index and closes it.
func OpenRun(path string, chain tx.ChainID) error {
	r, err := openRun(context.Background(), store.OSFS{}, path, &chain)
	if err != nil {
		return err
	}
	return r.f.Close()
}

// ErrRun is what OpenRun's refusals wrap.
var ErrRun = errRun

// SameNonceKey tells whether the index cannot tell two of a sender's nonces apart.
func SameNonceKey(a, b uint64) bool { return nonceKey(7, a) == nonceKey(7, b) }

// WriteRunOf makes a run of one transaction, for fuzzing.
func WriteRunOf(dir string, chain tx.ChainID) (string, error) {
	var tables [numTables]source
	for t := range tables {
		tables[t] = sliceSource([]entry{{1, 2}})
	}
	r, err := writeRun(context.Background(), store.OSFS{}, dir, &chain, span{first: 1, last: 1, txs: 1}, tables)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, r.name()), r.f.Close()
}

// RewriteFile replaces a file's content.
func RewriteFile(path string, b []byte) error { return os.WriteFile(path, b, 0o600) }

// SmallSegments lets the log begin a new segment at n bytes.
func SmallSegments(cfg *Config, n int64) { cfg.segmentBytes = n }

// The commands' functions with the log and what belongs to it on a file system
// of the test's.
var (
	ExportOn = exportOn
	ImportOn = importOn
	PruneOn  = pruneOn
)

// Pruning tells whether the node removes old blocks.
func (n *Node) Pruning() bool { return n.cfg.RetainTxs > 0 }

// CancelRun writes a run of n transactions whose context ends when at entries
// were read, and returns how many were.
func CancelRun(dir string, n, at uint64) (read uint64, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var tables [numTables]source
	for t := range tables {
		tables[t] = func() (entry, bool, error) {
			if read++; read == at {
				cancel()
			}
			return entry{read, read}, read <= n, nil
		}
	}
	_, err = writeRun(ctx, store.OSFS{}, dir, &tx.ChainID{}, span{first: 1, last: 1, txs: n}, tables)
	return read, err
}
