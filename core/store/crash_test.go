package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

// errLost is what the machine below finds when a promise was broken.
var errLost = errors.New("broken promise")

// chooser makes the choices of a trial: rapid, which can shrink them, or a
// plain generator.
type chooser interface {
	pick(what string, n int) int
	seed() uint64
}

type rapidChooser struct{ t *rapid.T }

func (c rapidChooser) pick(what string, n int) int { return rapid.IntRange(0, n-1).Draw(c.t, what) }
func (c rapidChooser) seed() uint64                { return rapid.Uint64().Draw(c.t, "seed") }

type randChooser struct{ r *rand.Rand }

func (c randChooser) pick(_ string, n int) int { return c.r.IntN(n) }
func (c randChooser) seed() uint64             { return c.r.Uint64() }

// machine is a log, the disk below it, and what the log has promised.
type machine struct {
	choose     chooser
	disk       *faultfs.FS
	opts       store.Options
	log        *store.Log
	content    map[uint64][]byte // what was appended last under a height
	first      uint64
	firstMax   uint64 // what a Prune that failed may have moved it to
	next       uint64 // one above the last height that Append was tried with
	promised   uint64 // one above the last height that a Sync returned nil for
	generation uint64
}

// crashTrial runs a random history of appends, syncs, crashes, kills, faults
// and reopenings. wrap stands between the log and the disk.
func crashTrial(choose chooser, steps int, wrap func(store.FS) store.FS) error {
	disk := faultfs.New()
	m := &machine{choose: choose, disk: disk, opts: memOptions(wrap(disk)), content: map[uint64][]byte{}}
	m.first = uint64(choose.pick("first height", 3))
	m.next, m.promised, m.firstMax = m.first, m.first, m.first
	var err error
	if m.log, err = store.Open(m.opts); err != nil {
		return fmt.Errorf("opening an empty directory: %w", err)
	}
	for range steps {
		if err := m.step(); err != nil {
			if m.log != nil {
				_ = m.log.Close() // err says more
			}
			return err
		}
	}
	if err := m.log.Close(); err != nil && !errors.Is(err, store.ErrPoisoned) {
		return err
	}
	return nil
}

func (m *machine) step() error {
	switch m.choose.pick("step", 13) {
	case 0, 1, 2, 3:
		return m.tolerate(m.append())
	case 4, 5:
		return m.tolerate(m.sync())
	case 6:
		if err := m.append(); err != nil {
			return m.tolerate(err)
		}
		return m.tolerate(m.sync())
	case 7:
		m.disk.Crash(m.choose.seed())
		return m.reopen("a crash")
	case 8:
		m.disk.Kill()
		return m.reopen("kill -9")
	case 9:
		return m.restart()
	case 10:
		return m.read()
	case 11:
		return m.tolerate(m.prune())
	default:
		m.injectFault()
		return nil
	}
}

func (m *machine) append() error {
	m.generation++
	sizes := []int{0, 1, 100, store.PageBytes - store.RecordHeadBytes, 6000, 20_000}
	m.content[m.next] = payload(m.next, m.generation, sizes[m.choose.pick("size", len(sizes))])
	m.next++
	return m.log.Append(m.next-1, m.content[m.next-1])
}

func (m *machine) sync() error {
	err := m.log.Sync()
	if err == nil {
		m.promised = m.next
	}
	return err
}

// prune removes what is below a height of the log. A removal that fails is
// nobody's loss.
func (m *machine) prune() error {
	below := m.first + uint64(m.choose.pick("below", int(m.next-m.first)+1))
	m.firstMax = max(m.firstMax, below)
	err := m.log.Prune(below)
	if first, ok := m.log.First(); ok {
		if first < m.first || first > m.firstMax {
			return fmt.Errorf("%w: pruning below %d moved the first height from %d to %d", errLost, below, m.first, first)
		}
		m.first = first
	}
	if err == nil {
		m.firstMax = m.first
		return nil
	}
	if !errors.Is(err, store.ErrPoisoned) {
		return m.restart()
	}
	return err
}

// tolerate accepts the failures that injected faults cause: the log is poisoned
// then, must stay so, and is opened again.
func (m *machine) tolerate(err error) error {
	if err == nil {
		return nil
	}
	if !errors.Is(err, store.ErrPoisoned) {
		return fmt.Errorf("a failed write must poison the log: %w", err)
	}
	for range 2 {
		if err := m.log.Append(m.next, nil); !errors.Is(err, store.ErrPoisoned) {
			return fmt.Errorf("Append after a failure: %v", err)
		}
		if err := m.log.Sync(); !errors.Is(err, store.ErrPoisoned) {
			return fmt.Errorf("Sync after a failure: %v", err)
		}
	}
	return m.restart()
}

// restart ends the process orderly, with faults repaired.
func (m *machine) restart() error {
	m.disk.ClearFaults()
	m.disk.SetFreeBytes(-1)
	err := m.log.Close()
	if err == nil {
		m.promised = m.next
		if _, err := store.Verify(m.opts); err != nil {
			return fmt.Errorf("%w: after an orderly end: %w", errLost, err)
		}
	} else if !errors.Is(err, store.ErrPoisoned) {
		return fmt.Errorf("closing: %w", err)
	}
	return m.reopen("a restart")
}

// reopen checks every promise against what recovery brings back.
func (m *machine) reopen(after string) error {
	m.disk.ClearFaults()
	m.disk.SetFreeBytes(-1)
	_ = m.log.Close() // of a process that is gone: releases nothing real
	m.opts.Direct = []store.Direct{store.DirectAuto, store.DirectOn, store.DirectOff}[m.choose.pick("direct", 3)]
	var err error
	if m.log, err = store.Open(m.opts); err != nil {
		return fmt.Errorf("%w: cannot open after %s: %w", errLost, after, err)
	}
	got := m.first
	if head, ok := m.log.Head(); ok {
		got = head + 1
	}
	if got < m.promised || got > m.next {
		return fmt.Errorf("%w: after %s the log ends before height %d, synced were all below %d, appended all below %d",
			errLost, after, got, m.promised, m.next)
	}
	m.promised, m.next = got, got
	if first, ok := m.log.First(); ok {
		if first < m.first || first > m.firstMax {
			return fmt.Errorf("%w: after %s the log begins with height %d, it was pruned up to %d or %d",
				errLost, after, first, m.first, m.firstMax)
		}
		m.first, m.firstMax = first, first
	}
	return m.read()
}

// read compares everything that is visible.
func (m *machine) read() error {
	next := m.first
	err := m.log.Scan(0, func(h uint64, p []byte) error {
		if h != next || !bytes.Equal(p, m.content[h]) {
			return fmt.Errorf("%w: height %d has other bytes than were appended", errLost, h)
		}
		next++
		return nil
	})
	if err == nil && next < m.promised {
		err = fmt.Errorf("%w: Scan ended before height %d, synced were all below %d", errLost, next, m.promised)
	}
	if err == nil && next > m.first {
		h := m.first + uint64(m.choose.pick("height", int(next-m.first)))
		var p []byte
		if p, err = m.log.Read(h, nil); err == nil && !bytes.Equal(p, m.content[h]) {
			err = fmt.Errorf("%w: Read(%d) has other bytes than were appended", errLost, h)
		}
	}
	return err
}

func (m *machine) injectFault() {
	skip := m.choose.pick("skip", 3)
	switch m.choose.pick("fault", 6) {
	case 0:
		m.disk.Inject(faultfs.Fault{Op: faultfs.OpWrite, Err: syscall.EIO, Skip: skip, ShortBytes: m.choose.pick("short", 9000)})
	case 1:
		m.disk.Inject(faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO, Skip: skip, KeepSeed: m.choose.seed()})
	case 2:
		m.disk.Inject(faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO, Skip: skip})
	case 3:
		m.disk.SetFreeBytes(int64(m.choose.pick("free", 60_000)))
	case 4:
		m.disk.Inject(faultfs.Fault{Op: faultfs.OpSyncDir, Err: syscall.EIO})
	case 5:
		m.disk.Inject(faultfs.Fault{Op: faultfs.OpPreallocate, Err: errors.ErrUnsupported, Skip: skip})
	}
}

func honest(fsys store.FS) store.FS { return fsys }

func TestNothingSyncedIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		if err := crashTrial(rapidChooser{rt}, 60, honest); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestMissingSyncIsNoticed takes the syncs away and expects the same trial to
// fail: otherwise it would prove nothing about them.
func TestMissingSyncIsNoticed(t *testing.T) {
	const trials = 60
	run := func(wrap func(store.FS) store.FS) (noticed int) {
		for seed := range uint64(trials) {
			if err := crashTrial(randChooser{rand.New(rand.NewPCG(seed, 1))}, 40, wrap); err != nil {
				noticed++
			}
		}
		return noticed
	}
	if n := run(honest); n != 0 {
		t.Errorf("%d of %d trials lost data on an honest disk", n, trials)
	}
	if n := run(func(f store.FS) store.FS { return faultfs.Lying{FS: f, Files: true} }); n < trials/2 {
		t.Errorf("only %d of %d trials noticed that files were never synced", n, trials)
	}
	if n := run(func(f store.FS) store.FS { return faultfs.Lying{FS: f, Dirs: true} }); n < trials/2 {
		t.Errorf("only %d of %d trials noticed that directories were never synced", n, trials)
	}
}

// TestEveryFailureIsSurvived fails each call of each operation in turn, in a
// history with two crashes and the recoveries after them.
func TestEveryFailureIsSurvived(t *testing.T) {
	const seeds = 4
	for _, op := range []faultfs.Op{faultfs.OpOpen, faultfs.OpRead, faultfs.OpWrite, faultfs.OpSync, faultfs.OpTruncate,
		faultfs.OpPreallocate, faultfs.OpRemove, faultfs.OpSyncDir, faultfs.OpRename} {
		t.Run(op.String(), func(t *testing.T) {
			reached := 0
			for seed := range uint64(seeds) {
				for skip, hit := 0, true; hit; skip++ {
					var err error
					if hit, err = failOnce(op, skip, seed); err != nil {
						t.Fatalf("seed %d, failing call %d: %v", seed, skip, err)
					}
					if hit {
						reached++
					}
				}
			}
			if reached == 0 {
				t.Fatalf("the history never calls %s: this test tests nothing", op)
			}
			t.Logf("%d histories", reached)
		})
	}
}

// failOnce runs a history in which one call fails, and checks what is left
// after further crashes. hit is false if there was no such call.
func failOnce(op faultfs.Op, skip int, seed uint64) (hit bool, err error) {
	disk := faultfs.New()
	opts := memOptions(disk)
	disk.Inject(faultfs.Fault{Op: op, Err: syscall.EIO, Skip: skip, ShortBytes: 700, KeepSeed: seed})
	if seed%2 == 1 { // and interrupt the creation of a segment, which leaves something to remove
		disk.Inject(faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO, Skip: int(seed) / 2 * 3})
	}
	var promised uint64 = 1
	for round := range uint64(3) {
		l, err := store.Open(opts)
		if err != nil { // the process tries again
			if !errors.Is(err, syscall.EIO) {
				return true, fmt.Errorf("round %d: Open: %w", round, err)
			}
			if l, err = store.Open(opts); err != nil {
				return true, fmt.Errorf("round %d: second Open: %w", round, err)
			}
		}
		if err := checkPrefix(l, promised); err != nil && !errors.Is(err, syscall.EIO) { // a failed read loses nothing
			return true, fmt.Errorf("round %d: %w", round, err)
		}
		promised = appendSome(l, promised)
		if round == 1 {
			_ = l.Close() // it may fail: that is one of the histories
		}
		disk.Crash(seed + round<<32)
	}
	for last := range uint64(3) {
		opts.FS = disk.CrashImage(last)
		l, err := store.Open(opts)
		if err != nil && errors.Is(err, syscall.EIO) {
			l, err = store.Open(opts)
		}
		if err != nil {
			return true, fmt.Errorf("crash image %d: %w", last, err)
		}
		err = checkPrefix(l, promised)
		if err := errors.Join(err, l.Close()); err != nil {
			return true, fmt.Errorf("crash image %d: %w", last, err)
		}
	}
	return disk.Calls(op) > skip, nil
}

// appendSome appends until something fails, syncing every other record, and
// returns one above the last height a Sync returned nil for.
func appendSome(l *store.Log, promised uint64) uint64 {
	next, _ := l.Next()
	next = max(next, 1)
	for h := next; h < next+8; h++ {
		if err := l.Append(h, payload(h, 0, 7000)); err != nil {
			return promised
		}
		if h%2 == 0 {
			if err := l.Sync(); err != nil {
				return promised
			}
			promised = h + 1
		}
	}
	return promised
}

// checkPrefix checks that a log holds all heights below promised, and that
// every height it holds has the right bytes.
func checkPrefix(l *store.Log, promised uint64) error {
	next := uint64(1)
	err := l.Scan(0, func(h uint64, p []byte) error {
		if h != next || !bytes.Equal(p, payload(h, 0, 7000)) {
			return fmt.Errorf("%w: height %d has other bytes than were appended", errLost, h)
		}
		next++
		return nil
	})
	if err == nil && next < promised {
		err = fmt.Errorf("%w: the log ends before height %d, synced were all below %d", errLost, next, promised)
	}
	return err
}
