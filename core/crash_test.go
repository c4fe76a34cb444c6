package core_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
	"github.com/chainweir/weir/core/tx"
)

const crashAccounts = 10

// load keeps a node busy from one goroutine until it is stopped.
type load struct {
	r    *recorder
	mix  *mixer
	mu   sync.Mutex
	sent map[uint64]tx.View
	quit chan struct{}
	done chan struct{}
}

// loadDepth is how many rounds wait for the node: enough for several blocks to
// be written before one sync.
const loadDepth = 8

// startLoad submits rounds of transfers, of which one in eleven is too poor, and
// after some of them every other kind, as fast as the node lets go of them.
func startLoad(n *core.Node, w *wallet) *load {
	l := &load{r: newRecorder(), mix: newMixer(w, crashAccounts, 1), sent: map[uint64]tx.View{}, quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		var waiting []<-chan struct{}
		for seq := uint64(0); ; {
			txs := append(w.round(crashAccounts, 3), w.transfer(uint32(seq%crashAccounts), 0, 1<<50))
			if l.mix.rng.IntN(3) == 0 {
				txs = append(txs, l.mix.frame()...)
			}
			l.mu.Lock()
			for i, v := range txs {
				l.sent[seq+uint64(i)] = v
			}
			l.mu.Unlock()
			waiting = append(waiting, feed(n, l.r, seq, txs))
			seq += uint64(len(txs))
			if len(waiting) < loadDepth {
				continue
			}
			select {
			case <-waiting[0]:
				waiting = waiting[1:]
			case <-l.quit:
				return
			case <-n.Done():
				return
			}
		}
	}()
	return l
}

func (l *load) stop() {
	close(l.quit)
	<-l.done
}

// lost tells what of the committed transactions a node does not have.
func (l *load) lost(n *core.Node, committed map[uint64]place) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for seq, p := range committed {
		a, err := n.Transaction(context.Background(), p.height, p.index)
		if errors.Is(err, store.ErrNotFound) && p.height < n.Restored.Height && n.Pruning() {
			continue // pruned behind a snapshot
		}
		if err != nil {
			return fmt.Errorf("transaction %d, committed at %v: %w", seq, p, err)
		}
		if !bytes.Equal(a.Tx, l.sent[seq]) {
			return fmt.Errorf("transaction %d, committed at %v: another one stands there", seq, p)
		}
	}
	return nil
}

// crashRun starts a node on a file system, loses power at a moment that the
// seed decides, and starts again on what is left. It returns what was promised
// and is gone.
func crashRun(t *testing.T, seed uint64, lying bool) error {
	rng := rand.New(rand.NewPCG(seed, 7))
	disk := faultfs.New()
	var fsys store.FS = disk
	if lying {
		fsys = faultfs.Lying{FS: disk, Files: true}
	}
	gen, w := kindChain(crashAccounts)
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen, FS: fsys, BlockInterval: 100 * time.Microsecond, Workers: 1 + rng.IntN(3)})
	l := startLoad(n, w)
	goal := 1 + rng.IntN(150)
	l.r.until(t, "some commits", func() bool { return len(l.r.commits) >= goal })
	committed := l.r.committed() // what is promised before the power goes
	after := disk
	if rng.IntN(2) == 0 {
		after = disk.CrashImage(seed)
		l.stop()
		closeNode(t, n)
	} else {
		disk.Crash(seed) // under the running node
		<-n.Done()
		committed = l.r.committed() // and what it still said
		l.stop()
		if err := n.Close(); !errors.Is(err, faultfs.ErrCrashed) || !errors.Is(err, store.ErrPoisoned) {
			t.Errorf("seed %d: a node whose disk is gone ends with %v", seed, err)
		}
	}
	l.r.noWrongs(t)
	n, err := core.Open(core.Config{Dir: dir, FS: after})
	if err != nil {
		return err
	}
	defer closeNode(t, n)
	if err := l.lost(n, committed); err != nil {
		return err
	}
	if err := l.wholeOrNothing(n); err != nil {
		return err
	}
	r := newRecorder() // and the chain goes on
	fed(t, n, r, 0, w.round(crashAccounts, 1))
	r.settled(t, 0, crashAccounts)
	if len(r.commits) != crashAccounts {
		return fmt.Errorf("after the crash %d of %d new transactions were committed", len(r.commits), crashAccounts)
	}
	head, _ := n.Head()
	checkWhole(t, copyOut(t, after, dir), head.Height)
	return nil
}

// copyOut copies a data directory from the memory to a real one. The last
// block may still be without its successor: it is synced.
func copyOut(t *testing.T, from *faultfs.FS, dir string) string {
	t.Helper()
	to := t.TempDir()
	gen, err := os.ReadFile(filepath.Join(dir, "genesis.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "genesis.json"), gen, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"blocks", "snapshots"} {
		names, err := from.ReadDir(filepath.Join(dir, folder))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.Mkdir(filepath.Join(to, folder), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := from.ReadFile(filepath.Join(dir, folder, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(to, folder, name), b, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

// Whatever a power loss leaves, no committed transaction is gone and the chain
// verifies.
func TestPowerLoss(t *testing.T) {
	for seed := range uint64(times(t, 40, 1000)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { // its own, so that its nodes' memory is free again
			if err := crashRun(t, seed, false); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The test above would notice if the log did not sync: on a file system that
// only says it does, committed transactions are lost.
func TestPowerLossNoticesAMissingSync(t *testing.T) {
	lost := 0
	for seed := range uint64(12) {
		if err := crashRun(t, seed, true); err != nil {
			lost++
		}
	}
	if lost == 0 {
		t.Error("12 power losses without any sync lost nothing: the crash test proves nothing")
	}
}

// failing starts a node under load and lets one operation of its disk fail.
func failing(t *testing.T, inject func(disk *faultfs.FS), want ...error) {
	t.Helper()
	disk := faultfs.New()
	gen, w := kindChain(crashAccounts)
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen, FS: disk, BlockInterval: 100 * time.Microsecond})
	if err := n.Err(); err != nil {
		t.Fatal(err)
	}
	inject(disk)
	l := startLoad(n, w)
	select {
	case <-n.Done():
	case <-time.After(deadline):
		t.Fatal("the node goes on with a broken disk")
	}
	for _, e := range want {
		if err := n.Err(); !errors.Is(err, e) {
			t.Errorf("the node stopped with %v, want %v", err, e)
		}
	}
	l.stop() // the wallet is the load's until then
	// From here on nothing is taken, even if the disk works again.
	disk.ClearFaults()
	disk.SetFreeBytes(-1)
	late := newRecorder()
	fed(t, n, late, 0, w.round(crashAccounts, 1))
	for seq, s := range late.acks {
		if s != tx.StatusStopping {
			t.Errorf("transaction %d after the failure: %s", seq, s)
		}
	}
	if err := n.Close(); !errors.Is(err, want[0]) {
		t.Errorf("Close returns %v", err)
	}
	head, _ := n.Head()
	for seq, p := range l.r.committed() {
		if p.height > head.Height {
			t.Errorf("transaction %d was committed at height %d, the last durable one is %d", seq, p.height, head.Height)
		}
	}
	l.r.noWrongs(t)
	n = open(t, core.Config{Dir: dir, FS: disk})
	if err := l.lost(n, l.r.committed()); err != nil {
		t.Error(err)
	}
	if again, _ := n.Head(); again.Height < head.Height {
		t.Errorf("the head was %d and is %d", head.Height, again.Height)
	}
	closeNode(t, n)
}

func TestDiskErrors(t *testing.T) {
	for skip := range 6 {
		t.Run(fmt.Sprintf("sync %d", skip), func(t *testing.T) {
			failing(t, func(disk *faultfs.FS) {
				disk.Inject(faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO, Skip: skip})
			}, syscall.EIO, store.ErrPoisoned)
		})
		t.Run(fmt.Sprintf("write %d", skip), func(t *testing.T) {
			failing(t, func(disk *faultfs.FS) {
				disk.Inject(faultfs.Fault{Op: faultfs.OpWrite, Err: syscall.EIO, Skip: skip, ShortBytes: 700})
			}, syscall.EIO, store.ErrPoisoned)
		})
	}
	t.Run("full", func(t *testing.T) {
		failing(t, func(disk *faultfs.FS) { disk.SetFreeBytes(100 << 10) }, store.ErrNoSpace, store.ErrPoisoned)
	})
}
