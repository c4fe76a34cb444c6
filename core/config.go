package core

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/core/engine/solo"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
)

// Errors of Open.
var (
	ErrChainMismatch = errors.New("data directory belongs to another chain")
	ErrBadChain      = errors.New("the chain in the data directory does not verify")
	ErrStopped       = errors.New("node is stopped")
)

// Config says how a node runs. Only Dir is required.
type Config struct {
	Dir     string           // data directory, created when missing
	Genesis *genesis.Genesis // required for a new directory; must match an old one

	Workers       int           // signature workers, default GOMAXPROCS
	BlockInterval time.Duration // a block is cut this long after its first transaction, default 10 ms
	MempoolBytes  int64         // transactions that may wait, default 64 MiB
	ExpandedKeys  int           // public keys kept ready for verification, default 720 896 (166 bytes each)
	Index         bool          // find transactions by hash and by sender and nonce (see txIndex)
	FS            store.FS      // default the operating system's

	// Unsigned takes every signature as good. It is for measuring what the rest
	// of the node costs, and only for a chain named UnsignedChain.
	Unsigned bool

	// A snapshot of the ledger is written beside the work once this many
	// transactions or blocks were executed since the last one, and when the node
	// is closed. Defaults 2 000 000 and 100 000, which is about a second of
	// executing them again; a negative SnapshotTxs writes none at all.
	SnapshotTxs    int64
	SnapshotBlocks int64
	// SnapshotBytesPerSec limits what a snapshot takes from the disk while the
	// node runs. Default 64 MiB/s.
	SnapshotBytesPerSec int64
	// RetainTxs is how many of the newest transactions stay in the log at least;
	// older ones are removed by whole segments, when two snapshots are newer than
	// they are. 0 keeps everything.
	RetainTxs uint64
	// NewEngine makes what orders the blocks; nil means package solo's.
	NewEngine func(engine.Config) engine.Engine

	indexRun     int   // transactions of the index kept in memory, default runTxs
	segmentBytes int64 // of the log, default store.DefaultSegmentBytes
}

func (c *Config) setDefaults() {
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.BlockInterval <= 0 {
		c.BlockInterval = 10 * time.Millisecond
	}
	if c.MempoolBytes <= 0 {
		c.MempoolBytes = 64 << 20
	}
	if c.indexRun <= 0 {
		c.indexRun = runTxs
	}
	if c.FS == nil {
		c.FS = store.OSFS{}
	}
	if c.NewEngine == nil {
		c.NewEngine = func(e engine.Config) engine.Engine { return solo.New(e) }
	}
	if c.ExpandedKeys <= 0 {
		c.ExpandedKeys = 11 << 16
	}
	if c.SnapshotTxs == 0 {
		c.SnapshotTxs = 2_000_000
	}
	if c.SnapshotBlocks <= 0 {
		c.SnapshotBlocks = 100_000
	}
	if c.SnapshotBytesPerSec <= 0 {
		c.SnapshotBytesPerSec = 64 << 20
	}
}

const genesisFile = "genesis.json"

// LoadGenesis reads the genesis of a data directory. It returns an error that
// wraps os.ErrNotExist when there is none.
func LoadGenesis(dir string) (*genesis.Genesis, error) {
	path := filepath.Join(dir, genesisFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g, err := genesis.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}

// prepareDir makes the data directory ready and returns its genesis: the one
// stored there, or the configured one, which it stores.
func prepareDir(cfg *Config) (*genesis.Genesis, error) {
	old, err := LoadGenesis(cfg.Dir)
	switch {
	case err == nil:
		if cfg.Genesis != nil {
			if have, want := old.ChainID(), cfg.Genesis.ChainID(); have != want {
				return nil, fmt.Errorf("%w: %s holds chain %x, the genesis given is chain %x; use another directory or the chain's own genesis",
					ErrChainMismatch, cfg.Dir, have[:8], want[:8])
			}
		}
		return old, checkUnsigned(cfg, old)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	case cfg.Genesis == nil:
		return nil, fmt.Errorf("%s has no %s: give a genesis to start a new chain", cfg.Dir, genesisFile)
	}
	if err := cfg.Genesis.Validate(); err != nil {
		return nil, err
	}
	if err := checkUnsigned(cfg, cfg.Genesis); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	if err := writeFileAtomic(filepath.Join(cfg.Dir, genesisFile), cfg.Genesis.JSON()); err != nil {
		return nil, err
	}
	return cfg.Genesis, nil
}

// writeFileAtomic leaves either the whole file or none under the name.
func writeFileAtomic(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// writeWhole writes a file by another name and renames it: there is either the
// whole file under path afterwards, synced with its name, or none. Only after an
// error of that last sync it may be there all the same. What an earlier attempt
// left under temp, in the same folder, is replaced.
func writeWhole(fs store.FS, temp, path string, write func(io.Writer) error) error {
	if err := fs.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := fs.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	err = write(io.NewOffsetWriter(f, 0))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = fs.Rename(temp, path)
	}
	if err != nil {
		_ = fs.Remove(temp) // the next attempt replaces it otherwise
		return err
	}
	return fs.SyncDir(filepath.Dir(path))
}

// syncDir makes a rename durable; without it a crash may undo it.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
