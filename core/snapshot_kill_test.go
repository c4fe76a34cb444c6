package core_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/state"
)

const (
	snapKillAccounts = 20_000 // a snapshot of more than one write
	snapKillSenders  = 8
	snapKillRounds   = 4
)

// snapshotChild runs a node that writes snapshots slowly and all the time, until
// it is killed or its standard input ends.
func snapshotChild(dir string) error {
	gen := genesis.Dev(snapKillAccounts)
	n, err := core.Open(core.Config{
		Dir: dir, Genesis: gen, BlockInterval: 200 * time.Microsecond,
		SnapshotTxs: snapKillSenders, SnapshotBytesPerSec: 4 << 20,
	})
	if err != nil {
		return err
	}
	w := &wallet{chain: gen.ChainID(), nonces: make([]uint64, snapKillSenders)}
	for i := range uint32(snapKillSenders) {
		w.keys = append(w.keys, gen.Derived.PrivateKey(i))
		a, err := n.Account(context.Background(), i)
		if err != nil {
			return errors.Join(err, n.Close())
		}
		w.nonces[i] = state.DecodeRecord(a.Record[:]).Window.High
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test does
	}()
	for seq := uint64(0); ; seq += snapKillSenders {
		free := feed(n, newRecorder(), seq, w.round(snapKillSenders, 1))
		select {
		case <-free:
		case <-n.Done():
			return n.Close()
		case <-gone:
			return n.Close()
		}
	}
}

// A node that is killed while it writes a snapshot starts from an older one or
// from genesis, loses nothing, and is not led astray by what was half written.
func TestKillWhileSnapshotting(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	temp := filepath.Join(dir, "snapshots", ".tmp-snapshot")
	var height uint64
	fromSnapshot := 0
	for round := range snapKillRounds {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), snapDirEnv+"="+dir)
		cmd.Stderr = os.Stderr
		stdin, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		// Even rounds end in the first snapshot they see, odd ones in a later one,
		// after the first of them was finished.
		seen := waitForSnapshot(t, temp, dir, round%2 == 1, len(snapshotFiles(t, dir)))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it says "killed"
		_ = stdin.Close()
		if !seen {
			t.Fatal("no snapshot was being written")
		}
		n := open(t, core.Config{Dir: dir, SnapshotTxs: -1})
		head, _ := n.Head()
		if head.Height < height || len(n.Restored.Refused) > 0 {
			t.Fatalf("round %d: head %d, it was %d before: %s", round, head.Height, height, n.Restored)
		}
		if n.Restored.Height > 0 {
			fromSnapshot++
		}
		height = head.Height
		closeNode(t, n)
	}
	if fromSnapshot == 0 {
		t.Error("no start had a snapshot to begin with")
	}
	checkWhole(t, dir, height)
}

// waitForSnapshot waits until one is being written; if next is set, until one
// was finished and another is being written.
func waitForSnapshot(t *testing.T, temp, dir string, next bool, before int) bool {
	t.Helper()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	late := time.After(deadline)
	newest := ""
	if f := snapshotFiles(t, dir); before > 0 {
		newest = f[len(f)-1]
	}
	for {
		f := snapshotFiles(t, dir)
		finished := len(f) > 0 && f[len(f)-1] != newest
		if i, err := os.Stat(temp); err == nil && i.Size() > 0 && (finished || !next) {
			return true
		}
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
}
