package core_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/tx"
)

// Over any blocks of all kinds, good and bad: nodes of 1, 2 and 8 workers make
// the same headers, that is, the same roots; each ledger is what the model says;
// a replay from genesis ends with the same root as live, and so does Check, which
// compares it at every height.
func TestWorkersAgreeOnEveryKind(t *testing.T) {
	const members = 6
	var seen [tx.NumKinds]int
	rapid.Check(t, func(rt *rapid.T) {
		gen, w := kindChain(members)
		m := newMixer(w, members, rapid.Uint64().Draw(rt, "seed"))
		var batches [][]tx.View
		for range rapid.IntRange(1, 8).Draw(rt, "blocks") {
			var txs []tx.View
			for range rapid.IntRange(1, 3).Draw(rt, "frames") {
				txs = append(txs, m.frame()...)
			}
			if at := rapid.IntRange(0, 2*len(txs)).Draw(rt, "forged"); at < len(txs) {
				txs[at] = forged(txs[at])
			}
			batches = append(batches, txs)
		}
		var want []tx.Header
		for _, workers := range []int{1, 2, 8} {
			dir := t.TempDir()
			n := open(t, core.Config{Dir: dir, Genesis: gen, Workers: workers, SnapshotTxs: -1})
			r, mod := newRecorder(), newModel(gen)
			for b, txs := range batches {
				base := uint64(b * 1000)
				fed(t, n, r, base, txs) // one batch is one block
				r.settled(t, base, base+uint64(len(txs)))
				h, body, err := n.Block(uint64(b) + 1)
				if err != nil {
					rt.Fatal(err)
				}
				if len(want) <= b {
					want = append(want, h)
				}
				if h.StateRoot != want[b].StateRoot || h.TxRoot != want[b].TxRoot || h.Count != want[b].Count {
					rt.Fatalf("%d workers, block %d: %+v, one worker has %+v", workers, b+1, h, want[b])
				}
				in, err := split(body)
				if err == nil {
					err = mod.block(h.Height, in)
				}
				if err != nil {
					rt.Fatal(err)
				}
			}
			if err := mod.compare(n); err != nil {
				rt.Fatalf("%d workers: %v", workers, err)
			}
			live, _ := n.Head()
			closeNode(t, n)
			n = open(t, core.Config{Dir: dir, Workers: 3, SnapshotTxs: -1})
			if replayed, _ := n.Head(); replayed != live || n.Restored.Height != 0 {
				rt.Fatalf("replayed from genesis to %+v, live it was %+v: %s", replayed, live, n.Restored)
			}
			if err := mod.compare(n); err != nil {
				rt.Fatalf("replayed: %v", err)
			}
			closeNode(t, n)
			checkWhole(t, dir, live.Height)
			for k, count := range mod.kinds {
				seen[k] += count
			}
		}
	})
	for k := tx.Kind(1); k.Known(); k++ {
		if seen[k] == 0 {
			t.Errorf("no %s ever succeeded", k)
		}
	}
}
