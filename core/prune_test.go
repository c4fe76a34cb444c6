package core_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
)

const prunedBlocks = 40

// segmented is a chain of small segments, whose old ones can go.
func segmented(t *testing.T, late func(height uint64, d *draft)) *forger {
	t.Helper()
	f := newForgerOf(t, 5*4096) // two blocks
	for f.height < prunedBlocks {
		f.block(func(d *draft) {
			if late != nil {
				late(f.height, d)
			}
		}, nil)
	}
	f.close()
	return f
}

// advance runs a node for a few blocks.
func (f *forger) advance(t *testing.T, blocks int) uint64 {
	t.Helper()
	n := open(t, core.Config{Dir: f.dir})
	r := newRecorder()
	for i := range uint64(blocks) {
		fed(t, n, r, 5*i, f.w.round(5, 1))
		r.settled(t, 5*i, 5*i+5)
	}
	head, _ := n.Head()
	closeNode(t, n)
	return head.Height
}

func TestPruneAndVerify(t *testing.T) {
	f := segmented(t, nil)
	if _, err := core.Prune(f.dir, core.PruneRequest{Below: 30}); err == nil || !strings.Contains(err.Error(), "no snapshot") {
		t.Fatalf("without a snapshot: %v", err)
	}
	checkWhole(t, f.dir, prunedBlocks)
	f.advance(t, 0) // a snapshot of block 40
	head := f.advance(t, 3)
	// By transactions: five in every block.
	res, err := core.Prune(f.dir, core.PruneRequest{KeepTxs: 5 * 33})
	if err != nil || res.First <= 1 || res.First > head-33+1 || res.Snapshot != prunedBlocks || res.Head != head {
		t.Fatalf("%+v, %v", res, err)
	}
	first := res.First
	// By height: never beyond the older snapshot, whose block stays.
	res, err = core.Prune(f.dir, core.PruneRequest{Below: 1 << 40})
	if err != nil || res.FirstBefore != first || res.First <= first || res.First > prunedBlocks || res.Below != prunedBlocks {
		t.Fatalf("%+v, %v", res, err)
	}
	c, err := core.Check(t.Context(), f.dir, nil)
	if err != nil || c.Bad != nil || c.Height != head || c.First != res.First || c.Snapshot != prunedBlocks ||
		c.Txs != 5*(head-res.First+1) {
		t.Fatalf("%+v, %v", c, err)
	}
	if notes := strings.Join(c.Notes, "\n"); !strings.Contains(notes, "pruned and were not checked") || !strings.Contains(notes, "not executed") ||
		!strings.Contains(notes, "taken from its snapshot") {
		t.Errorf("the notes say %s", notes)
	}
	if _, err := core.Export(t.Context(), f.dir, filepath.Join(t.TempDir(), "x"), nil); err == nil || !strings.Contains(err.Error(), "pruned") {
		t.Errorf("exported although pruned: %v", err)
	}
	// The newest snapshot may be lost: the older one is enough.
	files := snapshotFiles(t, f.dir)
	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	if got := f.advance(t, 2); got != head+2 {
		t.Errorf("the head is %d", got)
	}
	// Without any the chain cannot be started, and both say so.
	for _, s := range snapshotFiles(t, f.dir) {
		if err := os.WriteFile(s, []byte("gone"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := core.Open(core.Config{Dir: f.dir}); !errors.Is(err, core.ErrBadChain) || !strings.Contains(err.Error(), "are pruned") {
		t.Errorf("opened without a snapshot: %v", err)
	}
	if c, err := core.Check(t.Context(), f.dir, nil); err != nil || c.Bad == nil || c.BadHeight != res.First {
		t.Errorf("checked without a snapshot: %+v, %v", c, err)
	}
}

// What is left before the snapshot is still held to its signatures.
func TestVerifyBeforeTheSnapshot(t *testing.T) {
	const bad = prunedBlocks - 1
	f := segmented(t, func(height uint64, d *draft) {
		if height == bad {
			d.txs[2].Signature()[1] ^= 1
		}
	})
	f.advance(t, 0) // a start does not check signatures
	f.advance(t, 1)
	res, err := core.Prune(f.dir, core.PruneRequest{Below: bad - 3})
	if err != nil || res.First <= 1 || res.First > bad-3 {
		t.Fatalf("%+v, %v", res, err)
	}
	c, err := core.Check(t.Context(), f.dir, nil)
	if err != nil || c.BadHeight != bad || c.Height != bad-1 || !strings.Contains(c.Bad.Error(), "transaction 2: bad_signature") {
		t.Errorf("%+v, %v", c, err)
	}
}

// A running node removes what its policy does not keep, and still starts.
func TestRetain(t *testing.T) {
	f := segmented(t, nil)
	n := open(t, core.Config{Dir: f.dir, SnapshotTxs: 10, RetainTxs: 20, BlockInterval: 100 * time.Microsecond})
	r := newRecorder()
	end := time.Now().Add(deadline)
	for seq := uint64(0); n.Snapshots().Pruned == 0; seq += 5 {
		if time.Now().After(end) {
			t.Fatalf("%+v", n.Snapshots())
		}
		fed(t, n, r, seq, f.w.round(5, 1))
	}
	closeNode(t, n)
	s := n.Snapshots()
	if s.Err != nil || s.Pruned < 2 {
		t.Fatalf("%+v", s)
	}
	head, _ := n.Head()
	c, err := core.Check(t.Context(), f.dir, nil)
	if err != nil || c.Bad != nil || c.First != s.Pruned || c.Height != head.Height {
		t.Errorf("%+v, %v", c, err)
	}
	if c.Txs < 20 {
		t.Errorf("only %d transactions are left", c.Txs)
	}
	if f.advance(t, 1) != head.Height+1 {
		t.Error("it does not go on")
	}
}
