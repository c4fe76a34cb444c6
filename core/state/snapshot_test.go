package state_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// busyLock lets the ledger go on whenever the writer lets go of it.
type busyLock struct {
	sync.Mutex
	work func()
}

func (l *busyLock) Unlock() {
	l.work()
	l.Mutex.Unlock()
}

// A snapshot that is written while blocks are executed, of any size and on any
// number of workers, is the ledger as it was.
func TestSnapshotWhileRunning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		accounts := rapid.IntRange(1, 5000).Draw(t, "accounts")
		workers := rapid.SampledFrom([]int{1, 2, 8}).Draw(t, "workers")
		s := adminLedger(t, accounts)
		height := uint64(0)
		block := func() {
			height++
			txs := anyBlock(t, rng, rng.IntN(400), accounts, height)
			s.ExecuteOn(workers, height, txs, make([]tx.Status, len(txs)))
		}
		s.SetWorkers(workers)
		for range rng.IntN(4) {
			block()
		}
		want := snapshot(t, s)
		root := s.Root()
		first := s.Freeze()
		block()
		later := snapshot(t, s)
		second := s.Freeze() // two at once
		var got, gotLater bytes.Buffer
		lock := &busyLock{work: block}
		if _, err := first.WriteTo(&got, lock); err != nil {
			t.Fatal(err)
		}
		if _, err := second.WriteTo(&gotLater, lock); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) || !bytes.Equal(gotLater.Bytes(), later) {
			t.Fatal("the snapshot is not the ledger as it was")
		}
		back, err := state.ReadSnapshot(&got)
		if err != nil {
			t.Fatal(err)
		}
		if back.Root() != root {
			t.Fatal("the snapshot has another root")
		}
	})
}

type failingWriter struct{ left int }

var errDisk = errors.New("disk is full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left < len(p) {
		return w.left, errDisk
	}
	w.left -= len(p)
	return len(p), nil
}

func TestSnapshotRelease(t *testing.T) {
	s := newState(t, 3000, 10)
	var lock sync.Mutex
	for _, room := range []int{0, 10, 100, 70_000, 150_000} {
		f := s.Freeze()
		if n, err := f.WriteTo(&failingWriter{room}, &lock); !errors.Is(err, errDisk) || n > int64(room) {
			t.Errorf("room for %d bytes: %d, %v", room, n, err)
		}
		if _, err := f.WriteTo(io.Discard, &lock); !errors.Is(err, state.ErrReleased) {
			t.Error(err)
		}
		f.Release(&lock)
	}
	f := s.Freeze()
	f.Release(&lock)
	if _, err := f.WriteTo(io.Discard, &lock); !errors.Is(err, state.ErrReleased) {
		t.Error(err)
	}
}

// smallSnapshot has a record of every sort.
func smallSnapshot(t testing.TB) []byte {
	t.Helper()
	s, a := newState(t, 3, 100), senders(3)
	txs := []tx.View{a[0].collection("c", 9), a[0].mint(0, "x", 1), a[0].mint(0, "y", 1), a[1].burn(1), a[2].put("k", "v"), transfer(1, 2, 3, 50)}
	status := make([]tx.Status, len(txs))
	s.Execute(1, txs, status)
	for i, st := range status {
		if st != tx.StatusOK {
			t.Fatalf("transaction %d: %s", i, st)
		}
	}
	return snapshot(t, s)
}

// Any damage is found, by the checksums.
func TestSnapshotDamage(t *testing.T) {
	data := smallSnapshot(t)
	if _, err := state.ReadSnapshot(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		if _, err := state.ReadSnapshot(bytes.NewReader(bad)); !errors.Is(err, state.ErrSnapshot) {
			t.Errorf("byte %d: %v", i, err)
		}
		if _, err := state.ReadSnapshot(bytes.NewReader(data[:i])); !errors.Is(err, state.ErrSnapshot) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := state.ReadSnapshot(bytes.NewReader(append(bytes.Clone(data), 0))); !errors.Is(err, state.ErrSnapshot) {
		t.Error(err)
	}
	if _, err := state.ReadSnapshot(io.MultiReader(bytes.NewReader(data[:70]), &brokenReader{})); !errors.Is(err, errDisk) || errors.Is(err, state.ErrSnapshot) {
		t.Error(err)
	}
}

type brokenReader struct{}

func (*brokenReader) Read([]byte) (int, error) { return 0, errDisk }

// resum makes the checksums of a snapshot with one chunk per tree right.
func resum(data []byte) {
	table := crc32.MakeTable(crc32.Castagnoli)
	le := binary.LittleEndian
	const head = 8 + 4 + 4 + 24
	le.PutUint32(data[head:], crc32.Checksum(data[:head], table))
	at := head + 4
	for tree, size := range []int{state.RecordSize, state.ItemSize, state.KeySize} {
		n := le.Uint64(data[16+8*tree:])
		if n == 0 || n > 1024 || at+int(n)*size+4 > len(data) {
			return
		}
		end := at + int(n)*size
		sum := crc32.Update(crc32.Checksum([]byte{byte(tree), 0, 0, 0, 0}, table), table, data[at:end])
		le.PutUint32(data[end:], sum)
		at = end + 4
	}
}

// What no ledger can hold is refused even with right checksums.
func TestSnapshotRules(t *testing.T) {
	const acc, it, key = 44, 44 + 3*64 + 4, 44 + 3*64 + 4 + 3*128 + 4
	for _, c := range []struct {
		at    int
		value byte
		want  string
	}{
		{8, 2, "version 2"}, {12, 1, "chunks of"}, {16 + 5, 1, "at most"}, {0, 'x', "begins with"},
		{acc + 46, 9, "role 9"}, {acc + 47, 2, "validator flag 2"}, {acc + 47, 1, ""},
		{acc + 40, 0, "nonce bitmap"}, {acc + 48, 2, "nonce bitmap"},
		{acc + 64 + 4, '0', "public key"},
		{it + 96, 3, "owner 3"}, {it + 111, 1, "reserved"}, {it + 110, 7, "sort 7"}, {it + 100, 1, "says it is slot 1"},
		{it + 112, 1, "2 items of at most 1"}, {it + 120, 3, "a collection of 3 items"},
		{it + 128 + 100, 1, "no collection"}, {it + 128 + 120, 2, "number 2"}, {it + 128 + 104, 9, ""},
		{key + 64, 9, "owner 9"}, {key + 70, 1, "value of"}, {key + 72, 0, "version 0"}, {key + 90, 1, "reserved"},
	} {
		data := smallSnapshot(t)
		data[c.at] = c.value
		resum(data)
		_, err := state.ReadSnapshot(bytes.NewReader(data))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("byte %d = %d: %v", c.at, c.value, err)
		case c.want != "" && (!errors.Is(err, state.ErrSnapshot) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("byte %d = %d: %v, want %q", c.at, c.value, err, c.want)
		}
	}
	data := smallSnapshot(t)
	binary.LittleEndian.PutUint64(data[acc+32:], 1<<64-100)
	resum(data)
	if _, err := state.ReadSnapshot(bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), "exceed") {
		t.Error(err)
	}
	data = smallSnapshot(t)
	copy(data[it+2*128:], data[it+128:][:32])
	resum(data)
	if _, err := state.ReadSnapshot(bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), "content is that of") {
		t.Error(err)
	}
}

// A header that promises four thousand million accounts costs nothing.
func TestSnapshotPromise(t *testing.T) {
	data := smallSnapshot(t)
	binary.LittleEndian.PutUint64(data[16:], 1<<32-1)
	resum(data)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := state.ReadSnapshot(bytes.NewReader(data))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, state.ErrSnapshot) {
		t.Error(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("it took %d bytes", took)
	}
}

// FuzzReadSnapshot: whatever is accepted is the one encoding of its ledger.
func FuzzReadSnapshot(f *testing.F) {
	f.Add(smallSnapshot(f))
	f.Add(snapshot(f, newState(f, 0, 0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 44 {
			resum(data)
		}
		s, err := state.ReadSnapshot(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, state.ErrSnapshot) {
				t.Fatal(err)
			}
			return
		}
		if again := snapshot(t, s); !bytes.Equal(again, data) {
			t.Fatal("accepted another encoding")
		}
		back, err := state.ReadSnapshot(bytes.NewReader(data))
		if err != nil || back.Root() != s.Root() {
			t.Fatal("the same bytes, another ledger", err)
		}
	})
}
