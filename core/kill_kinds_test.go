package core_test

import (
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

const (
	busyMembers = 8
	busyFrames  = 60                                   // at most, in one life
	busyRetain  = busyFrames*(busyMembers+mixed) + 100 // more than a life makes: the model misses none
	busyWait    = 40 * time.Millisecond                // a kill comes at most this long after the first commit
)

// busyConfig makes a node do all the time what others do rarely: begin segments,
// write snapshots, prune, write the index's runs and merge them.
func busyConfig(dir string, gen *genesis.Genesis) core.Config {
	cfg := core.Config{
		Dir: dir, Genesis: gen, BlockInterval: 200 * time.Microsecond,
		SnapshotTxs: 150, SnapshotBytesPerSec: 4 << 20, RetainTxs: busyRetain,
	}
	core.SmallIndex(&cfg, 40)
	core.SmallSegments(&cfg, 8*store.PageBytes)
	return cfg
}

func busyChild(dir string) error {
	gen, _ := kindChain(busyMembers)
	return serveChild(busyConfig(dir, gen))
}

// busyChain is what has become of a busy node's chain so far.
type busyChain struct {
	dir   string
	gen   *genesis.Genesis
	mix   *mixer
	told  map[place]tx.View // what clients were told is committed
	seen  map[uint64][32]byte
	model *model
	hits  map[string]int // kills in the middle of something
}

// traces are files that only a kill in the middle of something leaves.
var traces = map[string]string{
	"snapshots/.tmp-snapshot": "a snapshot", "txindex/.tmp-run": "a run of the index", "blocks/*.tmp": "a pruning or a segment's index",
}

// trace notes in the middle of what the node was killed.
func (b *busyChain) trace(t *testing.T) {
	t.Helper()
	for pattern, what := range traces {
		files, err := filepath.Glob(filepath.Join(b.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) > 0 {
			b.hits[what]++
		}
	}
	log, err := filepath.Glob(filepath.Join(b.dir, "blocks", "seg-*.log"))
	if err != nil || len(log) < 2 {
		return
	}
	if info, err := os.Stat(log[len(log)-1]); err == nil && info.Size() <= store.PageBytes {
		b.hits["the beginning of a segment"]++
	}
}

// life is one of a node: it is loaded with every kind of transaction until it is
// killed, at a random moment, or when it is seen to write a certain file.
func (b *busyChain) life(t *testing.T, rng *rand.Rand, target string) {
	t.Helper()
	node := startChildAs(t, busyDirEnv, b.dir)
	c, r := dial(t, node.addr, client.Options{ChainID: b.gen.ChainID()})
	killed := make(chan error, 1)
	begun := make(chan struct{})
	moment := time.Duration(rng.Int64N(int64(busyWait)))
	go func() {
		<-begun
		awaitFile(filepath.Join(b.dir, target), target == "", moment)
		killed <- node.kill()
	}()
	var sent []tx.View
	for frame := range busyFrames {
		txs := b.mix.frame()
		txs = append(txs, b.mix.w.round(busyMembers, 1)...)
		if err := c.Submit(uint64(len(sent)), len(txs), joined(txs)); err != nil {
			break // it was killed
		}
		sent = append(sent, txs...)
		if frame == 0 {
			r.until(t, "a commit", func() bool { return len(r.commits) > 0 })
			close(begun)
		}
		// A few frames are on their way, not all.
		if !r.reached(4, uint64(len(sent))) {
			break
		}
	}
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	_ = c.Close() // waits until everything that arrived has been recorded
	r.noWrongs(t)
	for seq, p := range r.committed() {
		if old, taken := b.told[p]; taken {
			t.Fatalf("the place %v was promised to %x and to %x", p, old[:16], sent[seq][:16])
		}
		b.told[p] = sent[seq]
	}
	b.trace(t)
}

// reached waits until all but some of what was sent has an outcome, false if the
// connection ended before.
func (r *recorder) reached(frames int, sent uint64) bool {
	limit := time.After(deadline)
	for {
		r.mu.Lock()
		done, ch, closed := uint64(len(r.commits)+len(r.rejects)), r.changed, r.closed
		for _, s := range r.acks {
			if s != tx.StatusOK {
				done++
			}
		}
		r.mu.Unlock()
		if closed {
			return false
		}
		if done+uint64(frames*(busyMembers+mixed)) >= sent {
			return true
		}
		select {
		case <-ch:
		case <-limit:
			return false
		}
	}
}

// awaitFile returns when a file is there, or after so long at most; at random,
// only the latter.
func awaitFile(path string, random bool, most time.Duration) {
	if random {
		<-time.After(most)
		return
	}
	for end := time.Now().Add(4 * busyWait); time.Now().Before(end); {
		if files, _ := filepath.Glob(path); len(files) > 0 {
			return
		}
	}
}

// verify holds what a kill has left to all that was promised, without starting
// the node, then starts one and holds its ledger to the model.
func (b *busyChain) verify(t *testing.T) {
	t.Helper()
	log, err := store.Open(store.Options{Dir: b.dir, ChainID: b.gen.ChainID(), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	first, ok := log.First()
	there := 0
	err = log.Scan(0, func(height uint64, payload []byte) error {
		if sum, old := b.seen[height]; old {
			if sum != sha256.Sum256(payload) {
				t.Fatalf("block %d has changed since an earlier kill", height)
			}
		}
		txs, err := split(payload[tx.HeaderSize:])
		if err != nil {
			return err
		}
		for i, v := range txs {
			if want, promised := b.told[place{height, uint32(i)}]; promised {
				there++
				if string(want) != string(v) {
					t.Fatalf("block %d has another transaction at %d than was committed there", height, i)
				}
			}
		}
		if _, old := b.seen[height]; old {
			return nil
		}
		b.seen[height] = sha256.Sum256(payload)
		return b.model.block(height, txs)
	})
	if err := errors.Join(err, log.Close()); err != nil {
		t.Fatal(err)
	}
	want := 0
	for p := range b.told {
		if !ok || p.height >= first {
			want++
		}
	}
	if there != want {
		t.Fatalf("%d transactions of the blocks from %d on were committed, the log has %d of them", want, first, there)
	}
	cfg := busyConfig(b.dir, b.gen)
	cfg.SnapshotTxs = -1 // it changes nothing by being looked at
	n := open(t, cfg)
	if head, _ := n.Head(); head.Height != b.model.height {
		t.Fatalf("the node starts at block %d, the log ended with %d", head.Height, b.model.height)
	}
	if err := b.model.compare(n); err != nil {
		t.Fatal(err)
	}
	indexed(t, n)
	some := 0
	for p, v := range b.told { // in map order, which is another one each time
		if p.height >= first {
			found(t, n, v, p)
			if some++; some == 20 {
				break
			}
		}
	}
	closeNode(t, n)
}

// A node that is killed again and again while it begins segments, writes
// snapshots, prunes, and writes and merges runs of its index, loses nothing that
// a client was told, byte by byte; of all kinds of transaction none is half
// applied: every account, item and key is what the blocks make, by a model that
// shares nothing with the ledger; and the index finds what is there.
func TestKillWhileEverythingGoesOn(t *testing.T) {
	gen, w := kindChain(busyMembers)
	b := &busyChain{
		dir: t.TempDir(), gen: gen, mix: newMixer(w, busyMembers, 1), told: map[place]tx.View{},
		seen: map[uint64][32]byte{}, model: newModel(gen), hits: map[string]int{},
	}
	rng := rand.New(rand.NewPCG(5, 8))
	targets := []string{"", "snapshots/.tmp-snapshot", "", "txindex/.tmp-run", "", "blocks/*.tmp"}
	for round := range times(t, 12, killRoundsMany) {
		if round%len(targets) == 4 { // while it starts
			killStartingAs(t, busyDirEnv, b.dir, rng)
		} else {
			b.life(t, rng, targets[round%len(targets)])
		}
		b.verify(t)
		if round%killsPerCheck != 0 {
			continue
		}
		head := b.model.height
		checkWhole(t, b.dir, head)
	}
	first := uint64(0)
	log, err := store.Open(store.Options{Dir: b.dir, ChainID: gen.ChainID(), ReadOnly: true})
	if err == nil {
		first, _ = log.First()
		err = log.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if kinds := b.model.missing(); len(kinds) > 0 {
		t.Errorf("no %s was ever committed", kinds)
	}
	segments, err := filepath.Glob(filepath.Join(b.dir, "blocks", "seg-*.log"))
	if err != nil || len(segments) < 2 || len(snapshotFiles(t, b.dir)) == 0 || len(runFiles(t, b.dir)) == 0 {
		t.Errorf("segments %s, snapshots %s, runs %s, %v", segments, snapshotFiles(t, b.dir), runFiles(t, b.dir), err)
	}
	if os.Getenv(faultsEnv) == "1" && (first <= 1 || len(b.hits) < len(traces)) {
		t.Errorf("the log begins with block %d; killed in the middle of %v, not of all of these: %v", first, b.hits, traces)
	}
	t.Logf("%d blocks, the first ones up to %d pruned; %d committed; killed in the middle of %v", b.model.height, first, len(b.told), b.hits)
}
