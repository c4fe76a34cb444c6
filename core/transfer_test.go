package core_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
)

// exported is a chain of all kinds and its export.
func exported(t *testing.T) (dir string, file []byte, res core.TransferResult) {
	t.Helper()
	gen, w := memberChain(6)
	dir = t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	r := newRecorder()
	seq := uint64(0)
	for round := range uint32(8) {
		txs := w.everyKind(round)
		fed(t, n, r, seq, txs)
		seq += uint64(len(txs))
		r.settled(t, 0, seq)
	}
	head, hash := n.Head()
	closeNode(t, n)
	path := filepath.Join(t.TempDir(), "chain.weir")
	res, err := core.Export(t.Context(), dir, path, nil)
	if err != nil || res.Height != head.Height || res.Hash != hash || res.Txs != seq-8 || res.ChainID != gen.ChainID() {
		t.Fatalf("%+v, %v; the head is %d, %x", res, err, head.Height, hash)
	}
	if file, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return dir, file, res
}

// What is exported and imported is the same chain, and starts from a snapshot.
func TestExportImport(t *testing.T) {
	_, file, want := exported(t)
	dir := filepath.Join(t.TempDir(), "new")
	var seen []uint64
	got, err := core.Import(t.Context(), dir, bytes.NewReader(file), func(h uint64) { seen = append(seen, h) })
	if err != nil || got != want || len(seen) != int(want.Blocks) {
		t.Fatalf("%+v, %v, want %+v; progress %v", got, err, want, seen)
	}
	checkWhole(t, dir, want.Height)
	n := open(t, core.Config{Dir: dir})
	if h, x := n.Head(); h.Height != want.Height || x != want.Hash || n.Restored.Height != want.Height {
		t.Errorf("the head is %d, %x: %s", h.Height, x, n.Restored)
	}
	closeNode(t, n)
	// Once more there is nothing to do.
	got, err = core.Import(t.Context(), dir, bytes.NewReader(file), nil)
	if err != nil || got.Blocks != 0 || got.Hash != want.Hash {
		t.Errorf("again: %+v, %v", got, err)
	}
	// And what was imported can be exported: byte for byte the same.
	again := filepath.Join(t.TempDir(), "again.weir")
	if _, err := core.Export(t.Context(), dir, again, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(again)
	if err != nil || !bytes.Equal(b, file) {
		t.Errorf("the export of the import is another file (%d and %d bytes): %v", len(b), len(file), err)
	}
	if _, err := core.Export(t.Context(), dir, again, nil); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("over a file that exists: %v", err)
	}
}

// An import that ends early leaves a chain that is right, and goes on when it is
// done again.
func TestImportResumes(t *testing.T) {
	_, file, want := exported(t)
	dir := filepath.Join(t.TempDir(), "new")
	last := uint64(0)
	for _, n := range []int{0, 10, 64, 70, 300, len(file) / 3, len(file) / 2, len(file) - 100, len(file) - 1} {
		got, err := core.Import(t.Context(), dir, bytes.NewReader(file[:n]), nil)
		if !errors.Is(err, core.ErrExportFile) || got.Height < last {
			t.Fatalf("%d bytes: %+v, %v", n, got, err)
		}
		if _, statErr := os.Stat(dir); n < 300 && !os.IsNotExist(statErr) {
			t.Errorf("%d bytes leave a directory: %v", n, statErr)
		}
		if last = got.Height; last > 0 {
			checkWhole(t, dir, last)
		}
	}
	if last != want.Height {
		t.Fatalf("all but the last byte gave %d blocks of %d", last, want.Height)
	}
	ctx, cancel := context.WithCancel(t.Context())
	part := filepath.Join(t.TempDir(), "part")
	got, err := core.Import(ctx, part, bytes.NewReader(file), func(h uint64) {
		if h == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || got.Height != 3 || !strings.Contains(err.Error(), "blocks 1 to 3 are right") {
		t.Fatalf("cancelled: %+v, %v", got, err)
	}
	if got, err = core.Import(t.Context(), part, bytes.NewReader(file), nil); err != nil || got.Blocks != want.Blocks-3 || got.Hash != want.Hash {
		t.Errorf("then: %+v, %v", got, err)
	}
	checkWhole(t, part, want.Height)
}

// No flipped bit gets through.
func TestImportFindsEveryFlip(t *testing.T) {
	_, file, _ := exported(t)
	for off := 0; off < len(file); off += 1 + off/10 {
		b := bytes.Clone(file)
		b[off] ^= 1 << (off % 8)
		dir := filepath.Join(t.TempDir(), "new")
		if _, err := core.Import(t.Context(), dir, bytes.NewReader(b), nil); !errors.Is(err, core.ErrExportFile) {
			t.Errorf("bit flipped at %d: %v", off, err)
		}
	}
	if _, err := core.Import(t.Context(), t.TempDir(), bytes.NewReader(append(file, 0)), nil); !errors.Is(err, core.ErrExportFile) {
		t.Errorf("a byte more: %v", err)
	}
}

// The checksums may be right: a block that is not is found all the same.
func TestImportVerifies(t *testing.T) {
	for what, c := range map[string]struct {
		want        string
		early, late func(d *draft)
	}{
		"signature":        {"bad_signature", func(d *draft) { d.txs[1].Signature()[7] ^= 1 }, nil},
		"transaction root": {"transactions have the root", nil, func(d *draft) { d.h.TxRoot[3] ^= 1 }},
		"state root":       {"state root", nil, func(d *draft) { d.h.StateRoot[3] ^= 1 }},
		"execution":        {"nonce_used", func(d *draft) { d.txs = append(d.txs, d.txs[0]) }, nil},
	} {
		f := newForger(t)
		f.block(nil, nil)
		f.block(nil, nil)
		f.block(c.early, c.late)
		f.block(nil, nil)
		f.close()
		path := filepath.Join(t.TempDir(), "chain.weir")
		if _, err := core.Export(t.Context(), f.dir, path, nil); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		res, err := core.Import(t.Context(), dir, bytes.NewReader(b), nil)
		if !errors.Is(err, core.ErrBadChain) || res.Height != 2 || !strings.Contains(err.Error(), "block 3 of the file") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v", what, res, err)
		}
		checkWhole(t, dir, 2)
	}
}

// An import never mixes with what is there already.
func TestImportRefusesDirectories(t *testing.T) {
	_, file, _ := exported(t)
	other := t.TempDir()
	closeNode(t, open(t, core.Config{Dir: other, Genesis: genesis.Dev(3)}))
	if _, err := core.Import(t.Context(), other, bytes.NewReader(file), nil); !errors.Is(err, core.ErrChainMismatch) {
		t.Errorf("another chain's directory: %v", err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "letter.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := core.Import(t.Context(), full, bytes.NewReader(file), nil); err == nil || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("a directory of something else: %v", err)
	}
	if e, err := os.ReadDir(full); err != nil || len(e) != 1 {
		t.Errorf("it has %v, %v", e, err)
	}
	// The same genesis, but it went another way.
	gen, w := memberChain(6)
	fork := t.TempDir()
	n := open(t, core.Config{Dir: fork, Genesis: gen})
	fed(t, n, newRecorder(), 0, w.round(2, 77))
	closeNode(t, n)
	if _, err := core.Import(t.Context(), fork, bytes.NewReader(file), nil); !errors.Is(err, core.ErrChainMismatch) || !strings.Contains(err.Error(), "block 1") {
		t.Errorf("a fork: %v", err)
	}
	checkWhole(t, fork, 1)
}
