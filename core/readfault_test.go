package core_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store/faultfs"
)

// A disk that cannot be read is no reason to cut anything off: each read of a
// start fails in turn, the start says so or does without, and afterwards the
// whole chain is there.
func TestReadErrors(t *testing.T) {
	disk := faultfs.New()
	gen := genesis.Dev(crashAccounts)
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen, FS: disk, BlockInterval: time.Microsecond})
	w, r := newWallet(gen), newRecorder()
	sent := w.round(crashAccounts, 1)
	for i, v := range sent {
		seq := uint64(i)
		letGo(t, feed(n, r, seq, append(sent[:0:0], v)))
	}
	closeNode(t, n)
	head, _ := n.Head()
	refused := 0
	for _, op := range []faultfs.Op{faultfs.OpRead, faultfs.OpOpen} {
		for skip, fired := 0, true; fired; skip++ {
			disk.Inject(faultfs.Fault{Op: op, Err: syscall.EIO, Skip: skip})
			n, err := core.Open(core.Config{Dir: dir, FS: disk})
			fired = disk.Fired(op) > 0
			disk.ClearFaults()
			switch {
			case err == nil:
				closeNode(t, n)
			case !errors.Is(err, syscall.EIO):
				t.Fatalf("%s %d fails: %v", op, skip, err)
			default:
				refused++
			}
			n = open(t, core.Config{Dir: dir, FS: disk})
			if again, _ := n.Head(); again.Height != head.Height || n.Repair.Found {
				t.Fatalf("after %s %d failed: height %d of %d, %s", op, skip, again.Height, head.Height, n.Repair)
			}
			closeNode(t, n)
		}
	}
	if refused == 0 {
		t.Error("no failed read kept the node from starting: this test tests nothing")
	}
	n = open(t, core.Config{Dir: dir, FS: disk})
	p := r.committed()[3]
	disk.Inject(faultfs.Fault{Op: faultfs.OpRead, Err: syscall.EIO})
	if _, err := n.Transaction(t.Context(), p.height, p.index); !errors.Is(err, syscall.EIO) {
		t.Errorf("a transaction that cannot be read: %v", err)
	}
	disk.ClearFaults()
	a, err := n.Transaction(t.Context(), p.height, p.index)
	if err != nil || string(a.Tx) != string(sent[3]) || n.Err() != nil {
		t.Errorf("after a read has failed: %v, the node's error %v", err, n.Err())
	}
	closeNode(t, n)
	checkWhole(t, copyOut(t, disk, dir), head.Height)
}
