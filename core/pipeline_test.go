package core_test

import (
	"slices"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

func stageOf(t *testing.T, n *core.Node, name string) core.StageStats {
	t.Helper()
	stages := n.Stats().Stages
	i := slices.IndexFunc(stages, func(s core.StageStats) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("there is no stage %q", name)
	}
	return stages[i]
}

// While the disk is slow, blocks collect before it, and the next sync covers
// them together.
func TestSlowDiskGroupsBlocks(t *testing.T) {
	const blocks = 4
	gen := genesis.Dev(blocks)
	disk := newGate()
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen, FS: disk})
	w, r := newWallet(gen), newRecorder()
	disk.shut()
	var back []<-chan struct{}
	for i := range uint32(blocks) {
		back = append(back, feed(n, r, uint64(i), []tx.View{w.transfer(i, (i+1)%blocks, 1)}))
		executed(t, n, int64(i)+1) // a block of its own
	}
	for limit := time.Now().Add(deadline); stageOf(t, n, "persist").Queue < 2; {
		if time.Now().After(limit) {
			disk.open()
			t.Fatal("no blocks collect before a disk that does not sync")
		}
	}
	disk.open()
	for _, b := range back {
		letGo(t, b)
	}
	r.settled(t, 0, blocks)
	s := n.Stats()
	if s.DiskRecords != blocks || s.DiskSyncs >= blocks {
		t.Errorf("%d syncs for %d blocks", s.DiskSyncs, s.DiskRecords)
	}
	if p := stageOf(t, n, "persist"); p.QueueMax < 2 || p.QueueCap < 2 || p.Queue != 0 {
		t.Errorf("%+v", p)
	}
}

// Everything accepted before Close is on disk after it, told, and given back.
func TestCloseDrains(t *testing.T) {
	const accounts, rounds = 32, 40
	gen := genesis.Dev(accounts)
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen, BlockInterval: time.Hour}) // only Close cuts the last block
	w, r := newWallet(gen), newRecorder()
	var back []<-chan struct{}
	for i := range uint64(rounds) {
		back = append(back, feed(n, r, i*accounts, w.round(accounts, 1)))
	}
	closeNode(t, n)
	for _, b := range back {
		select {
		case <-b:
		default:
			t.Fatal("a batch was not given back before Close returned")
		}
	}
	r.settled(t, 0, rounds*accounts)
	for seq, s := range r.acks {
		if _, committed := r.commits[seq]; s == tx.StatusOK && !committed {
			t.Fatalf("%d was accepted and not committed", seq)
		}
	}
	s := n.Stats()
	if s.Committed != rounds*accounts || s.Batches != 0 || s.MempoolBytes != 0 || s.Engine.Queue != 0 {
		t.Errorf("after Close: %+v", s)
	}
	checkWhole(t, dir, s.Height)
	last := feed(n, r, rounds*accounts, w.round(accounts, 1))
	letGo(t, last)
	if r.acks[rounds*accounts] != tx.StatusStopping {
		t.Errorf("after Close a transaction is acknowledged as %s", r.acks[rounds*accounts])
	}
}

// The counters say what collecting garbage costs, and every stage counts.
func TestStatsOfStages(t *testing.T) {
	gen := genesis.Dev(8)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	w, r := newWallet(gen), newRecorder()
	fed(t, n, r, 0, w.round(8, 1))
	s := n.Stats()
	var names []string
	for _, st := range s.Stages {
		names = append(names, st.Name)
		if st.Items == 0 || st.BusyNS == 0 {
			t.Errorf("stage %+v did nothing", st)
		}
	}
	want := []string{"parse", "verify", "order", "execute", "roots", "persist", "notify"}
	if !slices.Equal(names, want) {
		t.Fatalf("stages %v, want %v", names, want)
	}
	if s.StateRootNS <= 0 || s.HeapBytes <= 0 || s.HeapGoal <= 0 || s.Engine.Name != "solo" || s.Engine.Decided != 1 {
		t.Errorf("%+v", s)
	}
}
