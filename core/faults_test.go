package core_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
	"github.com/chainweir/weir/core/tx"
)

// diskFault is one way in which a disk fails under a node that is at work.
type diskFault struct {
	name  string
	fault faultfs.Fault
	free  int64 // bytes that the disk still has, 0: plenty
	want  []error
}

// diskFaults are all of them. Errors of reading, opening and removing do not
// meet a node at work: TestReadErrors and the store's TestEveryFailureIsSurvived
// have those.
func diskFaults() []diskFault {
	poisoned := func(err error) []error { return []error{err, store.ErrPoisoned} }
	power := func(op faultfs.Op, l faultfs.Loss) faultfs.Fault {
		return faultfs.Fault{Op: op, Power: &faultfs.PowerLoss{Loss: l}}
	}
	gone := poisoned(faultfs.ErrCrashed)
	return []diskFault{
		{name: "EIO on write", fault: faultfs.Fault{Op: faultfs.OpWrite, Err: syscall.EIO}, want: poisoned(syscall.EIO)},
		{name: "short write", fault: faultfs.Fault{Op: faultfs.OpWrite, Err: syscall.EIO, ShortBytes: 700}, want: poisoned(syscall.EIO)},
		{name: "short write of whole pages", fault: faultfs.Fault{Op: faultfs.OpWrite, Err: syscall.EIO, ShortBytes: store.PageBytes}, want: poisoned(syscall.EIO)},
		{name: "ENOSPC on write", fault: faultfs.Fault{Op: faultfs.OpWrite, Err: syscall.ENOSPC, ShortBytes: 512}, want: poisoned(store.ErrNoSpace)},
		{name: "ENOSPC", free: 60 << 10, want: poisoned(store.ErrNoSpace)},
		{name: "fsync error, nothing written", fault: faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO}, want: poisoned(syscall.EIO)},
		{name: "fsync error, something written", fault: faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO, KeepSeed: 1}, want: poisoned(syscall.EIO)},
		{name: "fsync error ENOSPC", fault: faultfs.Fault{Op: faultfs.OpSync, Err: syscall.ENOSPC, KeepSeed: 1}, want: poisoned(store.ErrNoSpace)},
		{name: "power, all unsynced writes lost", fault: power(faultfs.OpSync, faultfs.LossAll), want: gone},
		{name: "power, torn write", fault: power(faultfs.OpSync, faultfs.LossTorn), want: gone},
		{name: "power, torn sector", fault: power(faultfs.OpSync, faultfs.LossTornSector), want: gone},
		{name: "power, reordered writes", fault: power(faultfs.OpSync, faultfs.LossReordered), want: gone},
		{name: "power, between writes", fault: power(faultfs.OpWrite, faultfs.LossAny), want: gone},
	}
}

// Whatever the disk does, the node stops for good at the first failure, no
// committed transaction is lost, none is half applied, and the chain verifies.
func TestDiskFaults(t *testing.T) {
	rounds := times(t, 3, 100)
	for _, f := range diskFaults() {
		t.Run(f.name, func(t *testing.T) {
			hits := 0
			// When the fault is possible only at some moments, a few more.
			for seed := uint64(0); seed < uint64(rounds) || hits == 0 && seed < uint64(rounds)+150; seed++ {
				t.Run(fmt.Sprint(seed), func(t *testing.T) { // its own, so that its nodes' memory is free again
					hit, err := faultRun(t, f, seed, nil)
					if err != nil {
						t.Fatal(err)
					}
					hits += hit
				})
			}
			if hits == 0 {
				t.Error("the fault did not happen once: this test tests nothing")
			}
			t.Logf("it happened %d times", hits)
		})
	}
}

// The test above would notice a node that tries a failed sync again and
// believes the second answer.
func TestDiskFaultsNoticeARetriedSync(t *testing.T) {
	noticed := 0
	for seed := range uint64(10) {
		f := diskFault{name: "retried", fault: faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO}}
		if _, err := faultRun(t, f, 2*seed+1, func(disk *faultfs.FS) store.FS { return faultfs.Retrying{FS: disk} }); err != nil {
			noticed++
		}
	}
	if noticed < 5 {
		t.Errorf("of 10 nodes that tried a failed sync again, only %d were found out", noticed)
	}
}

// slowDisk is a disk whose syncs take a while, like a real one's. Several blocks
// are written before the next one then.
type slowDisk struct{ store.FS }

// OpenFile opens a file with a slow Sync.
func (d slowDisk) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	f, err := d.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return slowFile{f}, nil
}

type slowFile struct{ store.File }

func (f slowFile) Sync() error {
	<-time.After(2 * time.Millisecond)
	return f.File.Sync()
}

// faultRun lets one fault happen to a node under load, starts again on what is
// left, for odd seeds after a power loss, and checks everything that must hold.
// hit counts whether the fault was what its name says.
func faultRun(t *testing.T, f diskFault, seed uint64, wrap func(*faultfs.FS) store.FS) (hit int, err error) {
	t.Helper()
	disk := faultfs.New()
	disk.SetDirect(seed%4 < 2)
	var fsys store.FS = disk
	if f.fault.Power != nil {
		fsys = slowDisk{disk} // so that several blocks wait for one sync
	}
	if wrap != nil {
		fsys = wrap(disk)
	}
	gen, w := kindChain(crashAccounts)
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen, FS: fsys, BlockInterval: 50 * time.Microsecond})
	base := disk.Calls(f.fault.Op)
	fault := f.fault
	fault.Skip = int(seed*7) % 23
	if fault.Power != nil {
		fault.Power.Seed, fault.Power.Hits = seed, 0
	}
	if fault.KeepSeed != 0 {
		fault.KeepSeed += seed
	}
	if f.free > 0 {
		disk.SetFreeBytes(f.free)
	} else {
		disk.Inject(fault)
	}
	l := startLoad(n, w)
	running := l.untilStopped(t, n, func() bool { return f.free == 0 && disk.Fired(fault.Op) > 0 })
	calls := base + fault.Skip + 1
	switch {
	case fault.Power != nil:
		hit = min(fault.Power.Hits, 1)
	case f.free > 0 || disk.Fired(fault.Op) > 0:
		hit = 1
	}
	disk.ClearFaults()
	disk.SetFreeBytes(-1)
	if !running { // nothing is taken any more, although the disk works again
		late := newRecorder()
		fed(t, n, late, 0, []tx.View{forged(l.oneSent())})
		if s := late.acks[0]; s != tx.StatusStopping {
			return hit, fmt.Errorf("after the failure a transaction is answered %s", s)
		}
	}
	l.stop()
	closed := n.Close()
	if now := disk.Calls(fault.Op); !running && fault.Op == faultfs.OpSync && f.free == 0 && now != calls {
		return hit, fmt.Errorf("%d syncs after the one that failed", now-calls)
	}
	for _, want := range f.want {
		if !errors.Is(closed, want) || !errors.Is(n.Err(), want) {
			return hit, fmt.Errorf("the node ended with %v, want %v", closed, want)
		}
	}
	if seed%2 == 1 {
		disk.Crash(seed)
	}
	return hit, l.survived(t, core.Config{Dir: dir, FS: disk}, w)
}

// untilStopped waits until the node has stopped, or has committed something
// more since the fault, which only a node does that did not notice it.
func (l *load) untilStopped(t *testing.T, n *core.Node, fired func() bool) (running bool) {
	t.Helper()
	limit := time.After(deadline)
	since := -1
	for {
		l.r.mu.Lock()
		commits, ch := len(l.r.commits), l.r.changed
		l.r.mu.Unlock()
		if since < 0 && fired() {
			since = commits
		}
		if since >= 0 && commits > since+20*crashAccounts {
			return true
		}
		select {
		case <-n.Done():
			return false
		case <-ch:
		case <-limit:
			t.Fatal("the node neither stops nor goes on")
		}
	}
}

// oneSent is a transaction of the load.
func (l *load) oneSent() tx.View {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent[0]
}

// forged is a copy with a signature that does not verify.
func forged(v tx.View) tx.View {
	f := append(tx.View(nil), v...)
	f.Signature()[5] ^= 1
	return f
}

// survived starts a node on what a fault left and holds it to what was promised.
func (l *load) survived(t *testing.T, cfg core.Config, w *wallet) error {
	t.Helper()
	l.r.noWrongs(t)
	n, err := core.Open(cfg)
	if err != nil {
		return err
	}
	defer closeNode(t, n)
	if err := l.lost(n, l.r.committed()); err != nil {
		return err
	}
	if err := l.wholeOrNothing(n); err != nil {
		return err
	}
	if cfg.Index {
		l.indexed(t, n)
	}
	r := newRecorder() // and the chain goes on
	fed(t, n, r, 0, w.round(crashAccounts, 1))
	r.settled(t, 0, crashAccounts)
	if len(r.commits) != crashAccounts {
		return fmt.Errorf("after the fault %d of %d new transactions were committed", len(r.commits), crashAccounts)
	}
	head, _ := n.Head()
	checkWhole(t, copyOut(t, cfg.FS.(*faultfs.FS), cfg.Dir), head.Height)
	return nil
}

// indexed looks some of the committed transactions up.
func (l *load) indexed(t *testing.T, n *core.Node) {
	t.Helper()
	indexed(t, n)
	some := 0
	for seq, p := range l.r.committed() {
		if _, _, err := n.Block(p.height); errors.Is(err, core.ErrNotFound) {
			continue // pruned
		}
		found(t, n, l.sent[seq], p)
		if some++; some == 20 {
			return
		}
	}
}

// wholeOrNothing recomputes the whole ledger from the transactions in the blocks,
// each of which must have been sent, and stand there once. A transaction of
// which the ledger has the debit and not the credit, one recipient and not the
// other, the item and not the collection's count, or the number and nothing
// else, or that was refused and stands there, makes a difference.
func (l *load) wholeOrNothing(n *core.Node) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	seqs := make(map[string]uint64, len(l.sent))
	for seq, v := range l.sent {
		seqs[string(v)] = seq
	}
	m := newModel(n.Genesis())
	head, _ := n.Head()
	pruned := l.promisedBlocks()
	for h := uint64(1); h <= head.Height; h++ {
		txs := pruned[h]
		if _, body, err := n.Block(h); err == nil {
			if txs, err = split(body); err != nil {
				return err
			}
		} else if !errors.Is(err, core.ErrNotFound) {
			return err
		}
		for _, v := range txs {
			seq, sent := seqs[string(v)]
			switch s, acked := l.r.acks[seq]; {
			case !sent:
				return fmt.Errorf("block %d has a transaction that nobody sent", h)
			case acked && s != tx.StatusOK:
				return fmt.Errorf("block %d has transaction %d, which was answered %s", h, seq, s)
			}
			if s, rejected := l.r.rejects[seq]; rejected {
				return fmt.Errorf("block %d has transaction %d, which was rejected: %s", h, seq, s)
			}
		}
		if err := m.block(h, txs); err != nil {
			return err
		}
	}
	return m.compare(n)
}

// promisedBlocks puts together what the clients were told of each block: all of
// it, of blocks that were pruned since.
func (l *load) promisedBlocks() map[uint64][]tx.View {
	blocks := map[uint64][]tx.View{}
	for seq, p := range l.r.committed() {
		b := blocks[p.height]
		for len(b) <= int(p.index) {
			b = append(b, nil)
		}
		b[p.index] = l.sent[seq]
		blocks[p.height] = b
	}
	return blocks
}
