package core_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

// fileFault is a fault of one of a node's files other than the block that is
// being written.
type fileFault struct {
	name  string
	path  string
	fault faultfs.Fault
	stops bool // the node must not go on
}

// fileFaults are the faults of each kind of file that a node writes beside the
// records of its log: new segments, the names of them, the beginning of a pruned
// log, snapshots, and runs of the index.
func fileFaults() (all []fileFault) {
	eio, full := syscall.EIO, syscall.ENOSPC
	add := func(name, path string, stops bool, faults ...faultfs.Fault) {
		for i, f := range faults {
			f.Path = path
			what := f.Op.String()
			switch {
			case f.Power != nil:
				what += ", power, " + f.Power.Loss.String()
			case errors.Is(f.Err, full):
				what += ", ENOSPC"
			case f.ShortBytes > 0:
				what += ", short"
			case f.KeepSeed > 0:
				what += ", something written"
			}
			all = append(all, fileFault{fmt.Sprintf("%s, %d %s", name, i, what), path, f, stops || f.Power != nil})
		}
	}
	power := func(op faultfs.Op) (faults []faultfs.Fault) {
		for _, l := range []faultfs.Loss{faultfs.LossAny, faultfs.LossAll, faultfs.LossTorn, faultfs.LossTornSector, faultfs.LossReordered} {
			faults = append(faults, faultfs.Fault{Op: op, Power: &faultfs.PowerLoss{Loss: l}})
		}
		return faults
	}
	file := []faultfs.Fault{
		{Op: faultfs.OpOpen, Err: eio}, {Op: faultfs.OpWrite, Err: eio}, {Op: faultfs.OpWrite, Err: eio, ShortBytes: 700},
		{Op: faultfs.OpWrite, Err: full, ShortBytes: 512}, {Op: faultfs.OpSync, Err: eio}, {Op: faultfs.OpSync, Err: eio, KeepSeed: 1},
		{Op: faultfs.OpSync, Err: full, KeepSeed: 2},
	}
	named := append(file[:len(file):len(file)], faultfs.Fault{Op: faultfs.OpRename, Err: eio})
	names := []faultfs.Fault{{Op: faultfs.OpSyncDir, Err: eio}, {Op: faultfs.OpSyncDir, Err: full}}
	add("snapshot", "snapshots/.tmp-snapshot", false, file...)
	add("snapshot", "snapshots/snap-", false, faultfs.Fault{Op: faultfs.OpRename, Err: eio}, faultfs.Fault{Op: faultfs.OpRemove, Err: eio})
	add("snapshot", "snapshots/.tmp-snapshot", false, power(faultfs.OpSync)...)
	add("names of snapshots", "/snapshots", false, names...)
	add("names of snapshots", "/snapshots", false, power(faultfs.OpSyncDir)[:2]...)
	add("run of the index", "txindex/.tmp-run", false, file...)
	add("run of the index", ".run", false, faultfs.Fault{Op: faultfs.OpRename, Err: eio}, faultfs.Fault{Op: faultfs.OpRemove, Err: eio},
		faultfs.Fault{Op: faultfs.OpOpen, Err: eio}, faultfs.Fault{Op: faultfs.OpRead, Err: eio})
	add("run of the index", "txindex/.tmp-run", false, power(faultfs.OpSync)...)
	add("names of runs", "/txindex", false, names...)
	add("beginning", "blocks/pruned", false, named...)
	add("beginning", "blocks/pruned", false, power(faultfs.OpSync)...)
	add("pruned segment", "blocks/seg-", false, faultfs.Fault{Op: faultfs.OpRemove, Err: eio})
	add("index of a segment", ".idx", false, file...)
	// What the log itself needs ends the node, whichever call it is.
	add("new segment", ".log", true, file[0], file[1], file[4], file[5], faultfs.Fault{Op: faultfs.OpTruncate, Err: eio})
	add("names of segments", "/blocks", true, names...)
	add("names of segments", "/blocks", true, power(faultfs.OpSyncDir)...)
	return all
}

// smallEverything makes every file small and often new.
func smallEverything(cfg *core.Config) {
	cfg.BlockInterval = 50 * time.Microsecond
	cfg.SnapshotTxs, cfg.SnapshotBytesPerSec, cfg.RetainTxs = 60, 1<<40, 100
	core.SmallIndex(cfg, 40)
	core.SmallSegments(cfg, 8*store.PageBytes)
}

// Whatever fails while a node begins segments, writes snapshots, prunes and
// indexes: what the log needs stops it for good; of everything else it says what
// failed and goes on; afterwards no committed transaction is lost, none is half
// applied, the chain verifies and the index finds everything.
func TestDiskFaultsOfEveryFile(t *testing.T) {
	rounds := times(t, 2, 15)
	for _, f := range fileFaults() {
		t.Run(f.name, func(t *testing.T) {
			hits := 0
			for seed := uint64(0); seed < uint64(rounds) || hits == 0 && seed < uint64(rounds)+10; seed++ {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					hit, err := fileFaultRun(t, f, seed)
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

func fileFaultRun(t *testing.T, f fileFault, seed uint64) (hit int, err error) {
	t.Helper()
	disk := faultfs.New()
	disk.SetDirect(seed%4 < 2)
	gen, w := kindChain(crashAccounts)
	cfg := core.Config{Dir: t.TempDir(), Genesis: gen, FS: disk}
	smallEverything(&cfg)
	n := open(t, cfg)
	fault := f.fault
	fault.Skip = int(seed % 5)
	if fault.KeepSeed != 0 {
		fault.KeepSeed += seed
	}
	if fault.Power != nil {
		fault.Power = &faultfs.PowerLoss{Seed: seed, Loss: fault.Power.Loss}
	}
	disk.Inject(fault)
	l := startLoad(n, w)
	running := l.untilStopped(t, n, func() bool { return disk.Fired(fault.Op) > 0 })
	if !f.stops && !running && !errors.Is(n.Err(), store.ErrPoisoned) {
		return 1, fmt.Errorf("the node stopped: %w", n.Err())
	}
	hit = disk.Fired(fault.Op)
	if fault.Power != nil {
		hit = min(hit, 1)
	}
	disk.ClearFaults()
	l.stop()
	// What was on disk before is told after it, so the load may still have been
	// busy; but a node that has gone on would close without an error.
	closed := n.Close()
	if fault.Power != nil && running {
		// It was between two segments and opened a file after the loss: no power
		// loss leaves a process that goes on.
		return 0, nil
	}
	if f.stops && (!errors.Is(closed, store.ErrPoisoned) || fault.Err != nil && !errors.Is(closed, fault.Err)) {
		return hit, fmt.Errorf("the node ended with %w", closed)
	}
	if seed%2 == 1 {
		disk.Crash(seed)
	}
	cfg.SnapshotTxs = -1 // it changes no files but the log's
	return hit, l.survived(t, cfg, w)
}

// The name of the folder of snapshots must be on disk before blocks go on the
// strength of what is in it, however often that was tried before.
func TestPowerLossAfterAFailedSyncOfAName(t *testing.T) {
	unharmed := 0
	for seed := range uint64(20) {
		disk := faultfs.New()
		gen, w := kindChain(crashAccounts)
		cfg := core.Config{Dir: t.TempDir(), Genesis: gen, FS: disk}
		smallEverything(&cfg)
		n := open(t, cfg)
		disk.Inject(faultfs.Fault{Op: faultfs.OpSyncDir, Name: cfg.Dir, Err: syscall.EIO})
		l := startLoad(n, w)
		limit := time.Now().Add(deadline)
		for n.Snapshots().Pruned == 0 {
			if time.Now().After(limit) {
				t.Fatalf("nothing is pruned: %+v", n.Snapshots())
			}
		}
		if disk.Fired(faultfs.OpSyncDir) != 1 {
			t.Fatal("no sync of the name failed: this test tests nothing")
		}
		disk.Crash(seed)
		running := l.untilStopped(t, n, func() bool { return true })
		l.stop()
		_ = n.Close() // its disk is gone
		if running {
			// It was between two segments, and has not noticed: no power loss ends so.
			unharmed++
			continue
		}
		cfg.SnapshotTxs = -1
		if err := l.survived(t, cfg, w); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	if unharmed > 10 {
		t.Errorf("%d of 20 nodes did not notice that their disk was gone", unharmed)
	}
}

// A node that ended before the name of its snapshot was on disk leaves that to
// whoever removes blocks on the strength of it.
func TestPowerLossAfterPruneByAnUnsyncedName(t *testing.T) {
	disk := faultfs.New()
	gen, w := kindChain(crashAccounts)
	cfg := core.Config{Dir: t.TempDir(), Genesis: gen, FS: disk}
	core.SmallSegments(&cfg, 8*store.PageBytes)
	n, r := open(t, cfg), newRecorder()
	for i := range uint64(20) {
		fed(t, n, r, crashAccounts*i, w.round(crashAccounts, 1))
		r.settled(t, crashAccounts*i, crashAccounts*i+crashAccounts)
	}
	head, _ := n.Head()
	disk.Inject(faultfs.Fault{Op: faultfs.OpSyncDir, Path: "/snapshots", Err: syscall.EIO})
	closeNode(t, n) // writes the snapshot
	if res, err := core.PruneOn(disk, cfg.Dir, core.PruneRequest{Below: head.Height}); err != nil || res.First < 2 || disk.Fired(faultfs.OpSyncDir) != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	for seed := range uint64(20) {
		n := open(t, core.Config{Dir: cfg.Dir, FS: disk.CrashImage(seed), SnapshotTxs: -1})
		if h, _ := n.Head(); h != head {
			t.Errorf("the head is %+v, it was %+v", h, head)
		}
		closeNode(t, n)
	}
}

// commandDisk is a chain of all kinds in small segments with snapshots, in
// memory, and its directory for the genesis.
func commandDisk(t *testing.T) (disk *faultfs.FS, cfg core.Config, w *wallet, head uint64) {
	t.Helper()
	disk = faultfs.New()
	gen, w := kindChain(crashAccounts)
	cfg = core.Config{Dir: t.TempDir(), Genesis: gen, FS: disk, SnapshotTxs: 100}
	core.SmallSegments(&cfg, 8*store.PageBytes)
	m := newMixer(w, crashAccounts, 3)
	for range 2 { // two lives leave two snapshots
		n := open(t, cfg)
		r := newRecorder()
		for i := range uint64(8) {
			fed(t, n, r, 100*i, append(m.frame(), w.round(crashAccounts, 1)...))
		}
		closeNode(t, n)
		h, _ := n.Head()
		head = h.Height
	}
	return disk, cfg, w, head
}

// everyCall fails each call of each operation of a command in turn, and then
// once more with a power loss in its place. run does the command once and says
// what is wrong with what it leaves.
func everyCall(t *testing.T, run func(t *testing.T, f faultfs.Fault, seed uint64) (hit bool, err error)) {
	t.Helper()
	faults := []faultfs.Fault{
		{Op: faultfs.OpOpen, Err: syscall.EIO}, {Op: faultfs.OpRead, Err: syscall.EIO}, {Op: faultfs.OpWrite, Err: syscall.EIO, ShortBytes: 700},
		{Op: faultfs.OpWrite, Err: syscall.ENOSPC, ShortBytes: 100}, {Op: faultfs.OpSync, Err: syscall.EIO, KeepSeed: 3}, {Op: faultfs.OpSync, Err: syscall.EIO},
		{Op: faultfs.OpTruncate, Err: syscall.EIO}, {Op: faultfs.OpRemove, Err: syscall.EIO}, {Op: faultfs.OpSyncDir, Err: syscall.EIO},
		{Op: faultfs.OpRename, Err: syscall.EIO}, {Op: faultfs.OpPreallocate, Err: syscall.EIO},
	}
	for _, op := range []faultfs.Op{faultfs.OpWrite, faultfs.OpSync, faultfs.OpSyncDir, faultfs.OpRename} {
		faults = append(faults, faultfs.Fault{Op: op, Power: &faultfs.PowerLoss{}})
	}
	step := 7
	if times(t, 1, 2) == 2 {
		step = 1
	}
	total := 0
	for i, f := range faults {
		for skip, hit := 0, true; hit; {
			seed := uint64(i<<16 + skip)
			f.Skip = skip
			if f.Power != nil {
				f.Power = &faultfs.PowerLoss{Seed: seed}
			}
			var err error
			if hit, err = run(t, f, seed); err != nil {
				t.Fatalf("%s %d fails with %v (power %v): %v", f.Op, skip, f.Err, f.Power != nil, err)
			}
			if hit {
				total++
			}
			if skip < 8 {
				skip++
			} else {
				skip += step
			}
		}
	}
	if total == 0 {
		t.Error("no call failed: this test tests nothing")
	}
	t.Logf("%d calls failed", total)
}

// An export is whole under its name or not there at all, whatever fails and
// whenever the power goes; and what was reported as done is there afterwards.
func TestDiskFaultsOfExport(t *testing.T) {
	clean, cfg, _, _ := commandDisk(t)
	file := filepath.Join(cfg.Dir, "chain.weir")
	if _, err := core.ExportOn(t.Context(), clean, cfg.Dir, file, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := clean.ReadFile(file)
	if err == nil {
		err = clean.Remove(file)
	}
	if err == nil {
		err = clean.SyncDir(cfg.Dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	everyCall(t, func(t *testing.T, f faultfs.Fault, seed uint64) (bool, error) {
		disk := clean.CrashImage(0)
		disk.Inject(f)
		_, exportErr := core.ExportOn(t.Context(), disk, cfg.Dir, file, nil)
		hit := disk.Fired(f.Op) > 0
		disk.ClearFaults()
		for image := range uint64(4) {
			after := disk // what processes see, then what a power loss leaves of it
			if image > 0 {
				after = disk.CrashImage(seed + image)
			}
			b, err := after.ReadFile(file)
			switch {
			case err == nil && !bytes.Equal(b, whole):
				return hit, fmt.Errorf("the export said %v and left %d bytes of %d", exportErr, len(b), len(whole))
			case err != nil && exportErr == nil:
				return hit, fmt.Errorf("the export said it was done: %w", err)
			}
		}
		return hit, nil
	})
}

// An import that fails leaves a chain that is right as far as it goes, and
// another one finishes it.
func TestDiskFaultsOfImport(t *testing.T) {
	from, cfg, _, head := commandDisk(t)
	file := filepath.Join(cfg.Dir, "chain.weir")
	want, err := core.ExportOn(t.Context(), from, cfg.Dir, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := from.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	everyCall(t, func(t *testing.T, f faultfs.Fault, seed uint64) (bool, error) {
		disk, dir := faultfs.New(), t.TempDir()
		disk.Inject(f)
		_, firstErr := core.ImportOn(t.Context(), disk, dir, bytes.NewReader(whole), nil)
		hit := disk.Fired(f.Op) > 0
		disk.ClearFaults()
		if seed%2 == 1 {
			disk.Crash(seed)
		}
		if firstErr == nil {
			n, err := core.Open(core.Config{Dir: dir, FS: disk})
			if err != nil {
				return hit, err
			}
			h, hash := n.Head()
			if err := n.Close(); err != nil || h.Height != head || hash != want.Hash {
				return hit, fmt.Errorf("the import said it was done, the head is %d of %d: %w", h.Height, head, err)
			}
			return hit, nil
		}
		got, err := core.ImportOn(t.Context(), disk, dir, bytes.NewReader(whole), nil)
		if err != nil || got.Hash != want.Hash || got.Height != head {
			return hit, fmt.Errorf("the second import after %w: %+v, %w", firstErr, got, err)
		}
		checkWhole(t, copyOut(t, disk, dir), head)
		return hit, nil
	})
}

// A pruning that fails leaves a chain that starts with the same head, from its
// old beginning or the new one.
func TestDiskFaultsOfPrune(t *testing.T) {
	clean, cfg, w, head := commandDisk(t)
	pruned := 0
	everyCall(t, func(t *testing.T, f faultfs.Fault, seed uint64) (bool, error) {
		disk := clean.CrashImage(0)
		disk.Inject(f)
		res, pruneErr := core.PruneOn(disk, cfg.Dir, core.PruneRequest{Below: head})
		hit := disk.Fired(f.Op) > 0
		disk.ClearFaults()
		if seed%2 == 1 {
			disk.Crash(seed)
		}
		again := cfg
		again.FS, again.SnapshotTxs = disk, -1
		n, err := core.Open(again)
		if err != nil {
			return hit, fmt.Errorf("pruning said %w; then: %w", pruneErr, err)
		}
		defer closeNode(t, n)
		if h, _ := n.Head(); h.Height != head {
			return hit, fmt.Errorf("the head is %d of %d", h.Height, head)
		}
		if pruneErr == nil && res.First > 1 {
			pruned++
			if _, _, err := n.Block(1); !errors.Is(err, core.ErrNotFound) {
				return hit, fmt.Errorf("block 1 is back: %w", err)
			}
		}
		r := newRecorder()
		nonces := append([]uint64(nil), w.nonces...)
		fed(t, n, r, 0, w.round(crashAccounts, 1))
		copy(w.nonces, nonces) // the next one starts from the clean disk again
		r.settled(t, 0, crashAccounts)
		if len(r.committed()) != crashAccounts {
			return hit, errors.New("it does not go on")
		}
		return hit, nil
	})
	if pruned == 0 {
		t.Error("nothing was pruned once: this test tests nothing")
	}
}
