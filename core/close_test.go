package core_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
	"github.com/chainweir/weir/core/tx"
)

// gatedFS waits before a snapshot gets its name.
type gatedFS struct {
	store.FS
	reached, open chan struct{}
}

func (g gatedFS) Rename(from, to string) error {
	if strings.Contains(to, "snap-") {
		close(g.reached)
		<-g.open
	}
	return g.FS.Rename(from, to)
}

// Whoever closes a node that is being closed waits, and gets the same error.
func TestCloseWaitsForClose(t *testing.T) {
	gen := genesis.Dev(5)
	disk := faultfs.New()
	g := gatedFS{disk, make(chan struct{}), make(chan struct{})}
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen, FS: g})
	w, r := newWallet(gen), newRecorder()
	fed(t, n, r, 0, w.round(5, 1))
	r.settled(t, 0, 5)
	disk.Inject(faultfs.Fault{Op: faultfs.OpTruncate, Path: "seg-", Err: syscall.EIO}) // as the log gives its reserve back
	var free atomic.Bool
	errs := make(chan error, 3)
	go func() { errs <- n.Close() }()
	<-g.reached
	for range 2 {
		go func() {
			err := n.Close()
			if !free.Load() {
				err = errors.New("Close returned while another one was at work")
			}
			errs <- err
		}()
	}
	for range 10_000 {
		runtime.Gosched() // lets those that do not wait return; those that do are not hurried
	}
	free.Store(true)
	close(g.open)
	first := <-errs
	if !errors.Is(first, syscall.EIO) {
		t.Fatal(first)
	}
	for range 2 {
		if err := <-errs; err == nil || err.Error() != first.Error() {
			t.Errorf("%v, the other one returned %v", err, first)
		}
	}
}

// Writing a run ends with its context, long before it is whole, and leaves no
// file.
func TestIndexRunIsCancelled(t *testing.T) {
	dir := t.TempDir()
	read, err := core.CancelRun(dir, 1<<20, 5000)
	if err == nil || read < 5000 || read > 6000 {
		t.Errorf("%d entries were read: %v", read, err)
	}
	if files, err := os.ReadDir(dir); len(files) > 0 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
}

// A chain whose index and oldest blocks are gone: what is left is indexed and
// found, and what is not is not found, whichever way it is asked for.
func TestQueriesAfterPruning(t *testing.T) {
	f := segmented(t, nil)
	f.advance(t, 0)
	f.advance(t, 1)
	cfg := core.Config{Dir: f.dir}
	core.SmallIndex(&cfg, 12)
	n := open(t, cfg)
	indexed(t, n)
	_, body, err := n.Block(1)
	if err != nil {
		t.Fatal(err)
	}
	old := views(t, body)[0]
	found(t, n, old, place{1, 0})
	closeNode(t, n)
	res, err := core.Prune(f.dir, core.PruneRequest{Below: 30})
	if err != nil || res.First <= 20 {
		t.Fatalf("%+v, %v", res, err)
	}
	chain := n.ChainID()
	for _, without := range []bool{false, true} {
		if without {
			if err := os.RemoveAll(filepath.Join(f.dir, "txindex")); err != nil {
				t.Fatal(err)
			}
		}
		n := open(t, cfg)
		indexed(t, n)
		for _, h := range []uint64{1, res.First - 1} {
			if _, _, err := n.Block(h); !errors.Is(err, core.ErrNotFound) || !strings.Contains(err.Error(), "pruned") {
				t.Errorf("block %d: %v", h, err)
			}
		}
		if _, err := n.Transaction(t.Context(), 1, 0); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("a transaction of a pruned block: %v", err)
		}
		if _, err := n.TxByHash(t.Context(), old.ID(&chain)); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("by hash: %v", err)
		}
		if _, err := n.TxByNonce(t.Context(), old.From(), old.Nonce()); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("by nonce: %v", err)
		}
		head, _ := n.Head()
		for h := res.First; h <= head.Height; h++ {
			_, body, err := n.Block(h)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range views(t, body) {
				found(t, n, v, place{h, uint32(i)})
			}
		}
		closeNode(t, n)
	}
}

// An export whose last record names another head is refused, however well its
// checksums fit.
func TestImportComparesTheHead(t *testing.T) {
	f := segmented(t, nil)
	file := filepath.Join(t.TempDir(), "chain")
	if _, err := core.Export(t.Context(), f.dir, file, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	core.ChangeExportHead(b, 3)
	_, err = core.Import(t.Context(), t.TempDir(), bytes.NewReader(b), nil)
	if !errors.Is(err, core.ErrExportFile) || !strings.Contains(err.Error(), "its head has hash") {
		t.Errorf("%v", err)
	}
}

// views takes a block's body apart.
func views(t *testing.T, body []byte) (all []tx.View) {
	t.Helper()
	for len(body) > 0 {
		v, rest, err := tx.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		all, body = append(all, v), rest
	}
	return all
}
