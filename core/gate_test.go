package core_test

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
)

// gate is the real file system with syncs that can be held up.
type gate struct {
	store.OSFS
	mu     sync.Mutex
	passes chan struct{} // closed while the gate is open
}

func newGate() *gate {
	g := &gate{passes: make(chan struct{})}
	close(g.passes)
	return g
}

// shut makes every later sync wait; open lets them all go.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passes = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.passes)
}

// OpenFile opens a file whose Sync may wait.
func (g *gate) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	f, err := g.OSFS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return gatedFile{f, g}, nil
}

type gatedFile struct {
	store.File
	gate *gate
}

func (f gatedFile) Sync() error {
	f.gate.mu.Lock()
	ch := f.gate.passes
	f.gate.mu.Unlock()
	<-ch
	return f.File.Sync()
}

// executed waits until the node has executed some blocks, which nothing tells
// a client.
func executed(t *testing.T, n *core.Node, blocks int64) {
	t.Helper()
	for limit := time.Now().Add(deadline); ; {
		for _, s := range n.Stats().Stages {
			if s.Name == "execute" && s.Items >= blocks {
				return
			}
		}
		if time.Now().After(limit) {
			t.Fatalf("%d blocks were not executed", blocks)
		}
	}
}

// Nothing that a client is told can be taken back by a crash: not a commit, not
// the head, and not what an account holds.
func TestNothingIsToldBeforeTheDisk(t *testing.T) {
	gen := genesis.Dev(4)
	disk := newGate()
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen, FS: disk})
	w, r := newWallet(gen), newRecorder()
	disk.shut()
	done := feed(n, r, 0, w.round(4, 1))
	executed(t, n, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, accountErr := n.Account(ctx, 1)
	_, proofErr := n.Transaction(ctx, 1, 0)
	head, _ := n.Head()
	told := len(r.committed())
	disk.open() // before any check can end the test: a shut disk cannot be closed
	if !errors.Is(accountErr, context.Canceled) {
		t.Errorf("an account after a block that is not on disk: %v", accountErr)
	}
	if !errors.Is(proofErr, core.ErrNotFound) || head.Height != 0 || told != 0 {
		t.Errorf("before the disk: proof %v, head %d, %d commits", proofErr, head.Height, told)
	}
	a, err := n.Account(t.Context(), 1) // waits for the disk
	if err != nil || a.Header.Height != 1 {
		t.Errorf("the account at height %d, %v", a.Header.Height, err)
	}
	letGo(t, done)
	r.settled(t, 0, 4)
}
