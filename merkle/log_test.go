package merkle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// logSchemes are the schemes that have logs.
func logSchemes() []*Scheme {
	return slices.DeleteFunc(Schemes(), func(s *Scheme) bool { return s.checkLog() != nil })
}

func newLog(t testing.TB, s *Scheme, sink NodeSink) *Log {
	t.Helper()
	l, err := NewLog(s, sink)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newLogReader(t testing.TB, s *Scheme, nodes NodeReader) *LogReader {
	t.Helper()
	r, err := NewLogReader(s, nodes)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustAppend(t testing.TB, l *Log, leaves [][]byte) {
	t.Helper()
	if err := l.Append(context.Background(), Leaves(leaves)); err != nil {
		t.Fatal(err)
	}
}

// One leaf after the other, and all in one batch, at every size.
func TestLogRootMatchesSpecification(t *testing.T) {
	for _, s := range logSchemes() {
		leaves := someLeaves(s, 300)
		grown := newLog(t, s, nil)
		for n := 0; n <= len(leaves); n++ {
			want := specRoot(s, leaves[:n])
			if got := grown.Root(); got != want || grown.Size() != uint64(n) {
				t.Fatalf("%s: %d leaves one by one: got %x at size %d; want %x", s.Name(), n, got, grown.Size(), want)
			}
			batch := newLog(t, s, nil)
			mustAppend(t, batch, leaves[:n])
			if got := batch.Root(); got != want {
				t.Fatalf("%s: %d leaves at once: got %x; want %x", s.Name(), n, got, want)
			}
			tree, err := Build(context.Background(), s, Leaves(leaves[:n]), 1)
			if err != nil || tree.Root() != want {
				t.Fatalf("%s: tree of %d leaves: %v", s.Name(), n, err)
			}
			if n < len(leaves) {
				if err := grown.AppendLeaf(leaves[n]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// Any batches give the same log, the same stored nodes and the same roots of
// old, in all three shapes of input.
func TestLogRandomBatches(t *testing.T) {
	t.Parallel()
	s := RFC6962
	all := someLeaves(s, 3*logBlockLeaves)
	nodes := levelZero(t, s, all)
	rapid.Check(t, func(t *rapid.T) {
		var store, single NodeList
		l, one := newLog2(s, &store), newLog2(s, &single)
		n := 0
		for n < len(all) && rapid.IntRange(0, 7).Draw(t, "more") > 0 {
			size := rapid.OneOf(rapid.IntRange(0, 9), rapid.IntRange(0, 2*logBlockLeaves)).Draw(t, "batch")
			end := min(len(all), n+size)
			in := Leaves(all[n:end])
			if rapid.Bool().Draw(t, "hashed") {
				in = Nodes(nodes[n*HashSize : end*HashSize])
			}
			if err := l.Append(context.Background(), in); err != nil {
				t.Fatal(err)
			}
			for _, leaf := range all[n:end] {
				if err := one.AppendLeaf(leaf); err != nil {
					t.Fatal(err)
				}
			}
			n = end
		}
		if l.Root() != one.Root() || l.Root() != specRFC6962(all[:n]) || l.Size() != uint64(n) {
			t.Fatalf("%d leaves: root %x; one by one %x", n, l.Root(), one.Root())
		}
		if !bytes.Equal(store.nodes, single.nodes) || uint64(len(store.nodes)) != NodeCount(uint64(n))*HashSize {
			t.Fatalf("%d leaves: stored %d nodes, one by one %d", n, len(store.nodes)/HashSize, len(single.nodes)/HashSize)
		}
		if n > 0 {
			old := rapid.IntRange(0, n).Draw(t, "old size")
			r := &LogReader{scheme: s, nodes: &store}
			if got, err := r.RootAt(uint64(old)); err != nil || got != specRFC6962(all[:old]) {
				t.Fatalf("root at %d of %d: %x, %v", old, n, got, err)
			}
		}
	})
}

func newLog2(s *Scheme, sink NodeSink) *Log { return &Log{scheme: s, sink: sink} }

// Random sizes to 100 000, held against Tree and the specification.
func TestLogLarge(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	all := someLeaves(RFC6962, 100_000)
	var store NodeList
	l := newLog(t, RFC6962, &store)
	r := newLogReader(t, RFC6962, &store)
	for n := 0; n < len(all); {
		end := min(len(all), n+1+rng.IntN(30_000))
		mustAppend(t, l, all[n:end])
		n = end
		tree, err := Build(context.Background(), RFC6962, Leaves(all[:n]), 2)
		if err != nil {
			t.Fatal(err)
		}
		if l.Root() != tree.Root() || l.Root() != specRFC6962(all[:n]) {
			t.Fatalf("%d leaves: %x; tree %x", n, l.Root(), tree.Root())
		}
		for range 50 {
			index := rng.Uint64N(uint64(n))
			got, err := r.Path(index, uint64(n))
			want, err2 := tree.Path(index)
			if err != nil || err2 != nil || !slices.Equal(got, want) {
				t.Fatalf("path of %d in %d: %v, %v", index, n, err, err2)
			}
			size := 1 + rng.Uint64N(uint64(n))
			got, err = r.ConsistencyPath(size, uint64(n))
			want, err2 = tree.ConsistencyPath(size)
			if err != nil || err2 != nil || !slices.Equal(got, want) {
				t.Fatalf("consistency of %d and %d: %v, %v", size, n, err, err2)
			}
		}
	}
}

// From the nodes of 200 leaves: every root, every inclusion and every
// consistency proof of every size up to that.
func TestLogReaderEverySize(t *testing.T) {
	t.Parallel()
	const most = 200
	for _, s := range logSchemes() {
		leaves := someLeaves(s, most)
		var store NodeList
		mustAppend(t, newLog(t, s, &store), leaves)
		r := newLogReader(t, s, &store)
		roots := make([]Hash, most+1)
		for n := range uint64(most + 1) {
			var err error
			if roots[n], err = r.RootAt(n); err != nil || roots[n] != specRoot(s, leaves[:n]) {
				t.Fatalf("%s: root at %d: %x, %v", s.Name(), n, roots[n], err)
			}
			for index := range n {
				path, err := r.Path(index, n)
				if err == nil {
					err = VerifyInclusion(s, roots[n], leaves[index], index, n, path)
				}
				if err != nil {
					t.Fatalf("%s: leaf %d of %d: %v", s.Name(), index, n, err)
				}
			}
			for m := uint64(1); m <= n; m++ {
				path, err := r.ConsistencyPath(m, n)
				if err == nil {
					err = VerifyConsistency(s, m, n, roots[m], roots[n], path)
				}
				if err != nil {
					t.Fatalf("%s: %d of %d: %v", s.Name(), m, n, err)
				}
			}
		}
	}
}

// A sink gets each node once, in the order of positions, each with its place.
func TestLogNodeOrder(t *testing.T) {
	leaves := someLeaves(RFC6962, 5000)
	next := uint64(0)
	l := newLog(t, RFC6962, NodeFunc(func(level uint, index uint64, node Hash) error {
		if got := NodePosition(level, index); got != next {
			t.Fatalf("node %d of level %d has position %d; want %d", index, level, got, next)
		}
		next++
		if lo, hi := index<<level, (index+1)<<level; hi <= 300 && node != specRFC6962(leaves[lo:hi]) {
			t.Fatalf("node %d of level %d is %x", index, level, node)
		}
		return nil
	}))
	mustAppend(t, l, leaves[:7])
	for _, leaf := range leaves[7:20] {
		if err := l.AppendLeaf(leaf); err != nil {
			t.Fatal(err)
		}
	}
	mustAppend(t, l, leaves[20:])
	if want := NodeCount(uint64(len(leaves))); next != want {
		t.Errorf("%d nodes; want %d", next, want)
	}
}

func TestNodePositionInverse(t *testing.T) {
	for position := range uint64(10_000) {
		level, index := NodeAt(position)
		if got := NodePosition(level, index); got != position {
			t.Fatalf("position %d: node %d of level %d has %d", position, index, level, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		level := rapid.UintRange(0, 61).Draw(t, "level")
		index := rapid.Uint64Range(0, MaxLogSize>>level-1).Draw(t, "index")
		position := NodePosition(level, index)
		if l, i := NodeAt(position); l != level || i != index {
			t.Fatalf("node %d of level %d: position %d is node %d of level %d", index, level, position, i, l)
		}
		if last := NodeCount(MaxLogSize); position >= last {
			t.Fatalf("position %d is not below %d", position, last)
		}
	})
}

// A sink that fails leaves the log at a whole block; going on gives the nodes
// and roots as if nothing had happened.
func TestLogSinkFailure(t *testing.T) {
	full := errors.New("disk full")
	leaves := someLeaves(RFC6962, 3*logBlockLeaves)
	for _, fails := range []int{1, 2, 3} {
		var store NodeList
		calls := 0
		l := newLog(t, RFC6962, sinkFunc(func(first uint64, nodes []byte) error {
			calls++
			if calls == fails {
				if err := store.StoreNodes(first, nodes[:HashSize]); err != nil { // half written
					t.Fatal(err)
				}
				return full
			}
			return store.StoreNodes(first, nodes)
		}))
		err := l.Append(context.Background(), Leaves(leaves))
		want := (fails - 1) * logBlockLeaves
		if !errors.Is(err, full) || l.Size() != uint64(want) || l.Root() != specRFC6962(leaves[:want]) {
			t.Fatalf("call %d fails: %v, size %d; want %d", fails, err, l.Size(), want)
		}
		mustAppend(t, l, leaves[l.Size():])
		got, err := newLogReader(t, RFC6962, &store).RootAt(l.Size())
		if err != nil || got != l.Root() || got != specRFC6962(leaves) {
			t.Errorf("call %d fails: afterwards %x, %v", fails, got, err)
		}
	}
	l := newLog(t, RFC6962, NodeFunc(func(uint, uint64, Hash) error { return full }))
	if err := l.AppendLeaf(nil); !errors.Is(err, full) || l.Size() != 0 || l.Root() != RFC6962.EmptyRoot() {
		t.Errorf("one leaf: %v, size %d", err, l.Size())
	}
}

type sinkFunc func(first uint64, nodes []byte) error

func (f sinkFunc) StoreNodes(first uint64, nodes []byte) error { return f(first, nodes) }

// A log goes on from its stored nodes, in a file, at its last size or before.
func TestLogFromFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "nodes"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	nodes := NodeFile{f}
	leaves := someLeaves(RFC6962, 400)
	mustAppend(t, newLog(t, RFC6962, nodes), leaves[:250])
	r := newLogReader(t, RFC6962, nodes)
	for _, size := range []uint64{250, 249, 128, 1, 0} {
		l, err := r.Log(size, nodes)
		if err != nil || l.Size() != size || l.Root() != specRFC6962(leaves[:size]) {
			t.Fatalf("log at %d: %v", size, err)
		}
		mustAppend(t, l, leaves[size:])
		if got, err := r.RootAt(400); err != nil || got != specRFC6962(leaves) {
			t.Fatalf("from %d to 400: %x, %v", size, got, err)
		}
	}
	for _, size := range []uint64{401, 512, 1 << 40, 1 << 60, MaxLogSize} {
		if _, err := r.Log(size, nil); !errors.Is(err, ErrNoNode) {
			t.Errorf("log at %d: %v", size, err)
		}
		if _, err := r.RootAt(size); !errors.Is(err, ErrNoNode) {
			t.Errorf("root at %d: %v", size, err)
		}
		if _, err := r.Path(0, size); !errors.Is(err, ErrNoNode) {
			t.Errorf("path at %d: %v", size, err)
		}
		if _, err := r.ConsistencyPath(3, size); !errors.Is(err, ErrNoNode) {
			t.Errorf("consistency at %d: %v", size, err)
		}
	}
	f.Close()
	if _, err := r.RootAt(400); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed file: %v", err)
	}
	if err := nodes.StoreNodes(maxFilePosition, make([]byte, HashSize)); !errors.Is(err, ErrLogSize) {
		t.Errorf("position past the end of any file: %v", err)
	}
}

func TestLogErrors(t *testing.T) {
	for _, s := range Schemes() {
		_, err := NewLog(s, nil)
		_, err2 := NewLogReader(s, &NodeList{})
		_, err3 := DecodeLog(s, nil, nil)
		if s.partner != nil && !(errors.Is(err, ErrNoLog) && errors.Is(err2, ErrNoLog) && errors.Is(err3, ErrNoLog)) {
			t.Errorf("%s: %v, %v, %v", s.Name(), err, err2, err3)
		}
	}
	if _, err := NewLog(nil, nil); !errors.Is(err, ErrScheme) {
		t.Errorf("no scheme: %v", err)
	}
	l := newLog(t, RFC6962, nil)
	if err := l.Append(context.Background(), Records(make([]byte, 5), 2)); !errors.Is(err, ErrLeafSize) {
		t.Errorf("half a record: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Append(ctx, Leaves(someLeaves(RFC6962, 3))); !errors.Is(err, context.Canceled) || l.Size() != 0 {
		t.Errorf("cancelled: %v, size %d", err, l.Size())
	}
	l.front.size = MaxLogSize
	if err := l.AppendLeaf(nil); !errors.Is(err, ErrLogSize) {
		t.Errorf("one leaf too many: %v", err)
	}
	if err := l.Append(context.Background(), Leaves(someLeaves(RFC6962, 3))); !errors.Is(err, ErrLogSize) {
		t.Errorf("three leaves too many: %v", err)
	}
	r := newLogReader(t, RFC6962, &NodeList{})
	for name, tc := range map[string]struct {
		err  func() error
		want error
	}{
		"root too large":        {func() error { _, err := r.RootAt(MaxLogSize + 1); return err }, ErrLogSize},
		"log too large":         {func() error { _, err := r.Log(MaxLogSize+1, nil); return err }, ErrLogSize},
		"path too large":        {func() error { _, err := r.Path(0, MaxLogSize+1); return err }, ErrLogSize},
		"consistency too large": {func() error { _, err := r.ConsistencyPath(1, MaxLogSize+1); return err }, ErrLogSize},
		"path of nothing":       {func() error { _, err := r.Path(0, 0); return err }, ErrEmptyTree},
		"path out of range":     {func() error { _, err := r.Path(5, 5); return err }, ErrIndexRange},
		"consistency from 0":    {func() error { _, err := r.ConsistencyPath(0, 5); return err }, ErrEmptyTree},
		"consistency backwards": {func() error { _, err := r.ConsistencyPath(6, 5); return err }, ErrSizeRange},
		"list with a gap":       {func() error { return new(NodeList).StoreNodes(1, make([]byte, 32)) }, ErrNoNode},
	} {
		if err := tc.err(); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v; want %v", name, err, tc.want)
		}
	}
}

// A scheme whose leaves are nodes and whose odd nodes move up.
func TestLogOfNodes(t *testing.T) {
	s := &Scheme{name: "nodes", node: rfc6962Node, nodes: RFC6962.nodes}
	leaves := someLeaves(Bitcoin, 100)
	l := newLog(t, s, nil)
	mustAppend(t, l, leaves)
	want, err := Root(context.Background(), s, Leaves(leaves), 1)
	if err != nil || l.Root() != want {
		t.Errorf("got %x; want %x, %v", l.Root(), want, err)
	}
	bad := append(slices.Clone(leaves), []byte{1})
	if err := l.Append(context.Background(), Leaves(bad)); !errors.Is(err, ErrLeafSize) || l.Size() != 100 {
		t.Errorf("short leaf: %v, size %d", err, l.Size())
	}
	if err := l.AppendLeaf([]byte{1}); !errors.Is(err, ErrLeafSize) || l.Size() != 100 {
		t.Errorf("short leaf: %v, size %d", err, l.Size())
	}
}

func TestLogAllocatesNothing(t *testing.T) {
	leaves := someLeaves(RFC6962, 100)
	l := newLog(t, RFC6962, sinkFunc(func(uint64, []byte) error { return nil }))
	mustAppend(t, l, someLeaves(RFC6962, 4095))
	allocs(t, "Append", func() { mustAppend(t, l, leaves) })
	allocs(t, "AppendLeaf", func() {
		if err := l.AppendLeaf(leaves[1]); err != nil {
			t.Fatal(err)
		}
	})
	allocs(t, "Root", func() { l.Root() })
}

func BenchmarkLog(b *testing.B) {
	const n = 1 << 16
	leaves := benchLeaves(n, 200)
	ctx := context.Background()
	want := specRFC6962(leaves)
	check := func(b *testing.B, l *Log, err error) {
		if err != nil || l.Root() != want {
			b.Fatalf("root %x, %v; want %x", l.Root(), err, want)
		}
	}
	for _, batch := range []int{16, 256, n} {
		for _, stored := range []bool{false, true} {
			b.Run(fmt.Sprintf("batch=%d/stored=%v", batch, stored), func(b *testing.B) {
				for b.Loop() {
					var sink NodeSink
					if stored {
						sink = sinkFunc(func(uint64, []byte) error { return nil })
					}
					l := newLog(b, RFC6962, sink)
					var err error
					for lo := 0; lo < n && err == nil; lo += batch {
						err = l.Append(ctx, Leaves(leaves[lo:lo+batch]))
					}
					check(b, l, err)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/leaf")
			})
		}
	}
	b.Run("one by one", func(b *testing.B) {
		for b.Loop() {
			l := newLog(b, RFC6962, nil)
			var err error
			for i := 0; i < n && err == nil; i++ {
				err = l.AppendLeaf(leaves[i])
			}
			check(b, l, err)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/leaf")
	})
}
