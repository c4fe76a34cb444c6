package core_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/core/engine/solo"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
	"github.com/chainweir/weir/core/tx"
)

// soloApp is the solo engine that shows the app it was started with.
type soloApp struct {
	engine.Engine
	app *engine.App
}

func (s soloApp) Start(ctx context.Context, app engine.App) error {
	*s.app = app
	return s.Engine.Start(ctx, app)
}

// withApp opens a node with the solo engine and returns its app, too.
func withApp(t *testing.T, cfg core.Config) (*core.Node, engine.App) {
	t.Helper()
	var app engine.App
	cfg.NewEngine = func(c engine.Config) engine.Engine { return soloApp{solo.New(c), &app} }
	return open(t, cfg), app
}

// snapshotOf runs a node for a few blocks and returns a snapshot that its app
// wrote, with its head.
func snapshotOf(t *testing.T, gen *genesis.Genesis, blocks int, amount uint64) (snap []byte, head tx.Header, hash tx.Hash) {
	t.Helper()
	n, app := withApp(t, core.Config{Dir: t.TempDir(), Genesis: gen, SnapshotTxs: -1})
	var b bytes.Buffer
	if _, err := app.Snapshot(&b); !errors.Is(err, core.ErrSnapshot) || b.Len() > 0 {
		t.Errorf("a snapshot of a chain without blocks: %v, %d bytes", err, b.Len())
	}
	w, r := newWallet(gen), newRecorder()
	for i := range uint64(blocks) {
		fed(t, n, r, 5*i, w.round(5, amount))
		r.settled(t, 5*i, 5*i+5)
	}
	head, hash = n.Head()
	p, err := app.Snapshot(&b)
	if want := (engine.Point{Number: head.Height, TimeNS: head.TimeNS, Height: head.Height, Hash: hash}); err != nil || p != want {
		t.Fatalf("%+v, %v, want %+v", p, err, want)
	}
	// The node's own chain is no reason to begin again.
	if err := app.Restore(bytes.NewReader(b.Bytes())); err != nil {
		t.Errorf("restoring what is here: %v", err)
	}
	closeNode(t, n)
	return b.Bytes(), head, hash
}

// stepFS calls a function before everything that changes the disk.
type stepFS struct {
	store.FS
	before func()
}

func (s stepFS) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	if flag&os.O_CREATE != 0 {
		s.before()
	}
	f, err := s.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return stepFile{f, s}, nil
}

func (s stepFS) Rename(from, to string) error { s.before(); return s.FS.Rename(from, to) }
func (s stepFS) Remove(name string) error     { s.before(); return s.FS.Remove(name) }
func (s stepFS) SyncDir(name string) error    { s.before(); return s.FS.SyncDir(name) }

type stepFile struct {
	store.File
	fs stepFS
}

func (f stepFile) WriteAt(b []byte, off int64) (int, error) {
	f.fs.before()
	return f.File.WriteAt(b, off)
}
func (f stepFile) Sync() error { f.fs.before(); return f.File.Sync() }

// Wherever the power goes while a node takes a snapshot over, the next start has
// its old chain or the new one, whole, and goes on.
func TestPowerLossInTakeover(t *testing.T) {
	gen := genesis.Dev(5)
	snap, newHead, newHash := snapshotOf(t, gen, 6, 1)
	disk, dir := faultfs.New(), t.TempDir()
	n, _ := withApp(t, core.Config{Dir: dir, Genesis: gen, FS: disk})
	w, r := newWallet(gen), newRecorder()
	for i := range uint64(2) {
		fed(t, n, r, 5*i, w.round(5, 2))
		r.settled(t, 5*i, 5*i+5)
	}
	oldHead, oldHash := n.Head()
	closeNode(t, n)
	var seen [2]int
	steps, certain := 0, false
	look := func() {
		steps++
		for seed := range uint64(2) {
			n := open(t, core.Config{Dir: dir, FS: disk.CrashImage(uint64(steps)*2 + seed), SnapshotTxs: -1})
			h, x := n.Head()
			at := 0
			switch {
			case h == newHead && x == newHash:
				at = 1
			case h != oldHead || x != oldHash || certain:
				t.Fatalf("step %d: the head is %+v", steps, h)
			}
			seen[at]++
			w, r := newWallet(gen), newRecorder()
			for i := range w.nonces {
				w.nonces[i] = 100
			}
			fed(t, n, r, 0, w.round(5, 1))
			r.settled(t, 0, 5)
			if after, _ := n.Head(); after.Height != h.Height+1 || after.Prev != x {
				t.Fatalf("step %d: %+v follows %+v", steps, after, h)
			}
			closeNode(t, n)
		}
	}
	watch := false
	fsys := stepFS{disk, func() {
		if watch {
			look()
		}
	}}
	n, app := withApp(t, core.Config{Dir: dir, FS: fsys, SnapshotTxs: -1})
	watch = true
	if err := app.Restore(bytes.NewReader(snap)); !errors.Is(err, engine.ErrReopen) {
		t.Fatal(err)
	}
	certain = true
	watch = false
	if err := n.Close(); !errors.Is(err, engine.ErrReopen) {
		t.Fatalf("the node ended with %v", err)
	}
	watch = true
	n = open(t, core.Config{Dir: dir, FS: fsys, SnapshotTxs: -1})
	watch = false
	look()
	closeNode(t, n)
	if seen[0] == 0 || seen[1] == 0 || steps < 12 {
		t.Errorf("in %d steps %v disks were old and new", steps, seen)
	}
}

// What is not a whole snapshot of this chain is refused, and nothing changes.
func TestRestoreRefuses(t *testing.T) {
	gen := genesis.Dev(5)
	snap, head, _ := snapshotOf(t, gen, 4, 1)
	fork, _, _ := snapshotOf(t, gen, 1, 9)
	other, _, _ := snapshotOf(t, genesis.Dev(7), 3, 1)
	dir := t.TempDir()
	n, app := withApp(t, core.Config{Dir: dir, Genesis: gen, SnapshotTxs: -1})
	w, r := newWallet(gen), newRecorder()
	fed(t, n, r, 0, w.round(5, 1))
	r.settled(t, 0, 5)
	refused := func(what string, b []byte, want error) {
		t.Helper()
		if err := app.Restore(bytes.NewReader(b)); !errors.Is(err, want) || errors.Is(err, engine.ErrReopen) {
			t.Fatalf("%s: %v, want %v", what, err, want)
		}
		if files, err := os.ReadDir(filepath.Join(dir, "snapshots")); len(files) > 0 {
			t.Fatalf("%s leaves %v, %v", what, files, err)
		}
	}
	for at := 0; at < len(snap); at++ {
		if at < 272 && at%7 == 0 || at >= 4088 && at%11 == 0 {
			b := bytes.Clone(snap)
			b[at] ^= 16
			refused("a flipped bit", b, core.ErrSnapshot)
		}
	}
	for _, k := range []int{0, 1, 4095, 4096, 4150, len(snap) - 1} {
		refused("a cut one", snap[:k], core.ErrSnapshot)
	}
	refused("one with a tail", append(bytes.Clone(snap), 0), core.ErrSnapshot)
	refused("another chain's", other, core.ErrSnapshot)
	refused("that of a fork", fork, core.ErrChainMismatch)
	if n.Err() != nil {
		t.Fatal(n.Err())
	}
	fed(t, n, r, 5, w.round(5, 1)) // it goes on
	r.settled(t, 5, 10)
	if err := app.Restore(bytes.NewReader(snap)); !errors.Is(err, engine.ErrReopen) {
		t.Fatal(err)
	}
	if err := n.Close(); !errors.Is(err, engine.ErrReopen) {
		t.Fatal(err)
	}
	if files := snapshotFiles(t, dir); len(files) > 0 {
		t.Errorf("before the next start: %v", files)
	}
	n = open(t, core.Config{Dir: dir})
	if h, _ := n.Head(); h != head || n.Restored.Height != head.Height {
		t.Errorf("%+v, %s", h, n.Restored)
	}
	closeNode(t, n)
	// An empty log without the snapshot that it waits for is no new chain.
	for _, f := range snapshotFiles(t, dir) {
		if err := os.Rename(f, f+".gone"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := core.Open(core.Config{Dir: dir}); !errors.Is(err, core.ErrBadChain) || !strings.Contains(err.Error(), "never here") {
		t.Errorf("opened without its snapshot: %v", err)
	}
	if c, err := core.Check(t.Context(), dir, nil); err != nil || c.Bad == nil {
		t.Errorf("checked without its snapshot: %+v, %v", c, err)
	}
	if _, err := core.Export(t.Context(), dir, filepath.Join(t.TempDir(), "x"), nil); err == nil || !strings.Contains(err.Error(), "never here") {
		t.Errorf("exported: %v", err)
	}
}

// When the name of a snapshot cannot be synced, nobody knows with which chain the
// next start begins. The node acknowledges nothing more on the one that it has,
// and the start has one of the two, whole.
func TestDiskFaultsOfTheTakenName(t *testing.T) {
	gen := genesis.Dev(5)
	snap, newHead, _ := snapshotOf(t, gen, 4, 1)
	disk, dir := faultfs.New(), t.TempDir()
	n, app := withApp(t, core.Config{Dir: dir, Genesis: gen, FS: disk, SnapshotTxs: -1})
	w, r := newWallet(gen), newRecorder()
	fed(t, n, r, 0, w.round(5, 1))
	r.settled(t, 0, 5)
	oldHead, _ := n.Head()
	disk.Inject(faultfs.Fault{Op: faultfs.OpSyncDir, Path: "snapshots", Err: syscall.EIO})
	if err := app.Restore(bytes.NewReader(snap)); !errors.Is(err, syscall.EIO) || !errors.Is(err, engine.ErrReopen) {
		t.Fatal(err)
	}
	if err := n.Close(); !errors.Is(err, engine.ErrReopen) {
		t.Fatalf("the node ended with %v", err)
	}
	if h, _ := n.Head(); h != oldHead {
		t.Errorf("after a snapshot was taken the node went on to %+v", h)
	}
	// The power may go as late as in the middle of the next start.
	seen, steps := map[tx.Header]bool{}, uint64(0)
	look := func() {
		for seed := range uint64(5) {
			n := open(t, core.Config{Dir: dir, FS: disk.CrashImage(5*steps + seed), SnapshotTxs: -1})
			h, _ := n.Head()
			seen[h] = true
			closeNode(t, n)
		}
		steps++
	}
	look()
	closeNode(t, open(t, core.Config{Dir: dir, FS: stepFS{disk, look}, SnapshotTxs: -1}))
	if len(seen) != 2 || !seen[oldHead] || !seen[newHead] || steps < 10 {
		t.Errorf("the heads in %d steps are %v: either chain should come back, and nothing else", steps, seen)
	}
}

// A snapshot for which the disk has no room does not stop the node, leaves
// nothing behind, and is written when there is room again.
func TestSnapshotWithoutRoom(t *testing.T) {
	gen := genesis.Dev(5)
	disk, dir := faultfs.New(), t.TempDir()
	disk.Inject(faultfs.Fault{Op: faultfs.OpWrite, Path: "snapshots", Err: syscall.ENOSPC, ShortBytes: 512, Times: -1})
	n := open(t, core.Config{Dir: dir, Genesis: gen, FS: disk, SnapshotTxs: 5})
	w, r := newWallet(gen), newRecorder()
	seq := uint64(0)
	until := func(what string, ok func(core.SnapshotStatus) bool) {
		t.Helper()
		for end := time.Now().Add(deadline); !ok(n.Snapshots()); seq += 5 {
			if time.Now().After(end) || n.Err() != nil {
				t.Fatalf("%s: %+v, %v", what, n.Snapshots(), n.Err())
			}
			fed(t, n, r, seq, w.round(5, 1))
		}
	}
	until("no room", func(s core.SnapshotStatus) bool {
		return s.Failed >= 2 && errors.Is(s.Err, syscall.ENOSPC) && s.Written == 0
	})
	disk.ClearFaults()
	until("room again", func(s core.SnapshotStatus) bool { return s.Written >= 1 && s.Err == nil })
	closeNode(t, n)
	names, err := disk.ReadDir(filepath.Join(dir, "snapshots"))
	for _, name := range names {
		if !strings.HasPrefix(name, "snap-") || err != nil {
			t.Errorf("%v, %v", names, err)
		}
	}
	m := open(t, core.Config{Dir: dir, FS: disk})
	if m.Restored.Height == 0 || len(m.Restored.Refused) > 0 {
		t.Errorf("%s", m.Restored)
	}
}
