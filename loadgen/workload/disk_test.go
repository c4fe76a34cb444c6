package workload

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"math"
	"os"
	"testing"

	"pgregory.net/rapid"
)

var fuzzKeys = func() []ed25519.PrivateKey {
	keys := make([]ed25519.PrivateKey, 60)
	for i := range keys {
		keys[i] = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, ed25519.SeedSize))
	}
	return keys
}()

func small(t testing.TB, name string) *Workload {
	t.Helper()
	w, _, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	w.Accounts.Count = 60
	return w
}

// What comes from the disk is what would be in memory, wherever readers begin,
// and the file has no name while it is used and is gone at the end.
func TestSpilledSourceIsTheSame(t *testing.T) {
	w := small(t, "kv")
	at := Chain{Keys: fuzzKeys}
	whole := mustOpen(t, w, at, 3, Options{chunkTxs: 64})
	defer whole.Close()
	dir := t.TempDir()
	s := mustOpen(t, w, at, 3, Options{chunkTxs: 64, MemoryBytes: 100 << 10, Dir: dir})
	const n = 64 * 60
	for _, grow := range []int{10, 64 * 5, 64 * 30, n} {
		if err := errors.Join(whole.Extend(t.Context(), grow, nil), s.Extend(t.Context(), grow, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if s.shelf.file == nil {
		t.Fatal("it was kept in memory")
	}
	for _, first := range []int{0, n / 2, 5, n - 1, 0} {
		if err := s.Prepare(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		for i := first; i < n; {
			a, have := s.Piece(i, 50, 3000)
			if have == 0 { // not in memory yet: a run would drop these
				if err := s.Prepare(t.Context(), i); err != nil {
					t.Fatal(err)
				}
				continue
			}
			b, want := whole.Piece(i, 50, 3000)
			if have != want || !bytes.Equal(a, b) {
				t.Fatalf("transactions %d: %d and %d, or not equal", i, have, want)
			}
			i += have
		}
	}
	in := 0
	for _, sl := range s.shelf.slots {
		if sl.at.Load() != nil {
			in++
		}
	}
	if in > s.shelf.window() {
		t.Errorf("%d chunks in memory, the window is %d", in, s.shelf.window())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

// A reader that asks for what is not there gets nothing, and later, when it has
// been read, it does.
func TestMissingChunksCome(t *testing.T) {
	s := mustOpen(t, small(t, "transfer"), Chain{Keys: fuzzKeys}, 3, Options{chunkTxs: 16, MemoryBytes: 1, Dir: t.TempDir()})
	defer s.Close()
	if err := s.Extend(t.Context(), 16*100, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Prepare(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, n := s.Piece(0, 16, 0); n != 16 {
		t.Fatal(n)
	}
	if _, n := s.Piece(16*90, 16, 0); n != 0 || s.Missed() != 1 {
		t.Fatal(n, s.Missed())
	}
	for n := 0; n == 0; { // the reading goroutine was told; the test's time limit is the limit
		_, n = s.Piece(16*90, 16, 0)
	}
}

// A file that is changed, and a folder that cannot be written, are told.
func TestDiskFaults(t *testing.T) {
	w := small(t, "transfer")
	s := mustOpen(t, w, Chain{Keys: fuzzKeys}, 3, Options{chunkTxs: 16, MemoryBytes: 1, Dir: t.TempDir()})
	defer s.Close()
	if err := s.Extend(t.Context(), 16*100, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.shelf.file.WriteAt([]byte{0xff}, s.shelf.slots[50].off+100); err != nil {
		t.Fatal(err)
	}
	if err := s.Prepare(t.Context(), 16*50); !errors.Is(err, ErrCorpusFile) {
		t.Error(err)
	}
	if err := s.Extend(t.Context(), 16*101, nil); !errors.Is(err, ErrCorpusFile) {
		t.Error(err)
	}
	none := mustOpen(t, w, Chain{Keys: fuzzKeys}, 3, Options{chunkTxs: 16, MemoryBytes: 1, Dir: t.TempDir() + "/none"})
	defer none.Close()
	if err := none.Extend(t.Context(), 99, nil); !errors.Is(err, ErrCorpusFile) {
		t.Error(err)
	}
}

func TestPieces(t *testing.T) {
	s := mustOpen(t, small(t, "kv"), Chain{Keys: fuzzKeys}, 1, Options{chunkTxs: 64})
	defer s.Close()
	if err := s.Extend(t.Context(), 100, nil); err != nil || s.Len() != 128 {
		t.Fatal(err, s.Len())
	}
	rapid.Check(t, func(t *rapid.T) {
		i, n := rapid.IntRange(-3, 140).Draw(t, "i"), rapid.IntRange(-2, 80).Draw(t, "n")
		limit := rapid.IntRange(0, 9000).Draw(t, "limit")
		b, have := s.Piece(i, n, limit)
		if i < 0 || i >= 128 || n <= 0 {
			if have != 0 {
				t.Fatalf("%d outside", have)
			}
			return
		}
		most := min(n, 64-i%64)
		if have < 1 || have > most || limit > 0 && len(b) > limit && have > 1 {
			t.Fatalf("%d of %d, %d bytes of %d", have, most, len(b), limit)
		}
		if have < most {
			if more, _ := s.Piece(i, have+1, 0); len(more) <= limit {
				t.Fatalf("one more had fitted: %d bytes of %d", len(more), limit)
			}
		}
	})
}

func FuzzChunk(f *testing.F) {
	c := &chunk{ends: []uint32{3, 5}, data: []byte("abcde")}
	f.Add(c.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseChunk(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.append(nil), b) {
			t.Error("another encoding of the same chunk")
		}
		for i := 0; i < len(c.ends); {
			_, n := c.piece(i, math.MaxInt32, 7)
			i += n
		}
	})
}

// An interrupted Extend goes on where it was.
func TestInterruptedExtend(t *testing.T) {
	w := small(t, "transfer")
	a := mustOpen(t, w, Chain{Keys: fuzzKeys}, 1, Options{chunkTxs: 64})
	defer a.Close()
	b := mustOpen(t, w, Chain{Keys: fuzzKeys}, 1, Options{chunkTxs: 64})
	defer b.Close()
	ctx, cancel := context.WithCancel(t.Context())
	err := a.Extend(ctx, 640, func(done, _ int) {
		if done == 128 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || a.Len() != 128 {
		t.Fatal(err, a.Len())
	}
	if err := errors.Join(a.Extend(t.Context(), 640, nil), b.Extend(t.Context(), 640, nil)); err != nil {
		t.Fatal(err)
	}
	if digest(t, a) != digest(t, b) {
		t.Error("the interruption changed the transactions")
	}
}

// Limits are told before anything is sent.
func TestUsedUp(t *testing.T) {
	w := small(t, "collection")
	w.Mix[0].Collection.Burn, w.Mix[0].Collection.Burnable = 100, 50
	s := mustOpen(t, w, Chain{Keys: fuzzKeys}, 1, Options{chunkTxs: 64})
	defer s.Close()
	if err := s.Extend(t.Context(), 1000, nil); !errors.Is(err, ErrUsedUp) || s.Len() == 0 {
		t.Error(err, s.Len())
	}
	w = small(t, "transfer")
	w.Accounts.Balance = 500
	s = mustOpen(t, w, Chain{Keys: fuzzKeys}, 1, Options{chunkTxs: 64})
	defer s.Close()
	if err := s.Extend(t.Context(), 1000, nil); !errors.Is(err, ErrUsedUp) {
		t.Error(err)
	}
	w.AccountsGiven, w.Accounts.Count = true, 61
	if _, err := Open(w, Chain{Keys: fuzzKeys}, 1, Options{}); !errors.Is(err, ErrChain) {
		t.Error(err)
	}
}
