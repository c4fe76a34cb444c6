package merkle

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Nodes that no log can have are not there, although their positions, computed
// in 64 bits, would be those of others.
func TestStoresRefuseImpossibleNodes(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "nodes"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, store := range []interface {
		NodeSink
		NodeReader
	}{new(NodeList), NodeFile{f}} {
		l, err := NewLog(RFC6962, store)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(context.Background(), Leaves(someLeaves(RFC6962, 4))); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			level uint
			index uint64
		}{{1, 1 << 63}, {66, 0}, {66, 12345}, {67, 1}, {2, 1 << 62}, {0, math.MaxUint64}, {63, 1}, {63, 0}, {62, 4}, {0, 4}} {
			if h, err := store.ReadNode(c.level, c.index); !errors.Is(err, ErrNoNode) {
				t.Errorf("%T, node %d of level %d: %x, %v", store, c.index, c.level, h[:4], err)
			}
		}
	}
}

// A log that goes on from an earlier size leaves nothing of what followed it.
func TestRewoundLogForgets(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "nodes"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, store := range []interface {
		NodeSink
		NodeReader
	}{new(NodeList), NodeFile{f}} {
		leaves := someLeaves(RFC6962, 110)
		l, err := NewLog(RFC6962, store)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(context.Background(), Leaves(leaves[:100])); err != nil {
			t.Fatal(err)
		}
		r, err := NewLogReader(RFC6962, store)
		if err != nil {
			t.Fatal(err)
		}
		if l, err = r.Log(50, store); err != nil {
			t.Fatal(err)
		}
		if err := l.Append(context.Background(), Leaves(leaves[100:])); err != nil {
			t.Fatal(err)
		}
		want := mustBuild(t, RFC6962, append(slices.Clone(leaves[:50]), leaves[100:]...)).Root()
		if got, err := r.RootAt(60); got != want || err != nil {
			t.Errorf("%T: root at 60: %x, %v; want %x", store, got[:4], err, want[:4])
		}
		if h, err := r.RootAt(80); !errors.Is(err, ErrNoNode) {
			t.Errorf("%T: a log of 60 leaves has a root at 80: %x, %v", store, h[:4], err)
		}
	}
}
