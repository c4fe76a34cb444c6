package core_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/store"
)

// flipLog is the log of a small chain with every kind of transaction in it.
func flipLog(t *testing.T) (dir string, starts []int64, segment string) {
	t.Helper()
	gen, w := kindChain(5)
	dir = t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen, SnapshotTxs: -1})
	const seed = 6 // one with which something is burnt
	m, r, mod := newMixer(w, 5, seed), newRecorder(), newModel(gen)
	for i := range uint64(3) {
		fed(t, n, r, i*100, append(m.frame(), m.frame()...))
	}
	head, _ := n.Head()
	for h := uint64(1); h <= head.Height; h++ {
		_, body, err := n.Block(h)
		if err != nil {
			t.Fatal(err)
		}
		txs, err := split(body)
		if err == nil {
			err = mod.block(h, txs)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if kinds := mod.missing(); len(kinds) > 0 {
		t.Fatalf("no %s in the log", kinds)
	}
	closeNode(t, n)
	starts = recordsOf(t, dir, gen)
	segments, err := filepath.Glob(filepath.Join(dir, "blocks", "*.log"))
	if err != nil || len(segments) != 1 || head.Height != uint64(len(starts)-1) {
		t.Fatalf("%d blocks in %d records, %v, %v", head.Height, len(starts)-1, segments, err)
	}
	return dir, starts, segments[0]
}

// Any changed byte of the log, one bit of each, is found by Check and named: the
// height of the block it is in, its file, and the offset of its record there. In
// `make test` it is one byte in 41, which one differs from record to record.
func TestCheckFindsEveryFlip(t *testing.T) {
	dir, starts, segment := flipLog(t)
	step := int64(times(t, 41, 1))
	file, err := os.OpenFile(segment, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	checkWhole(t, dir, uint64(len(starts)-1))
	at, count := 0, 0
	for off := int64(0); off < starts[len(starts)-1]; off++ {
		if off == starts[at] { // starts[0] ends the header's page
			at++
		}
		if off%step != int64(at)%step {
			continue
		}
		count++
		var b [1]byte
		if _, err := file.ReadAt(b[:], off); err != nil {
			t.Fatal(err)
		}
		good := b
		b[0] ^= 1 << (off % 8)
		if _, err := file.WriteAt(b[:], off); err != nil {
			t.Fatal(err)
		}
		record := int64(0)
		if at > 0 {
			record = starts[at-1]
		}
		if err := namesFlip(t, dir, segment, uint64(at), record); err != nil {
			t.Errorf("offset %d: %v", off, err)
		}
		if _, err := file.WriteAt(good[:], off); err != nil {
			t.Fatal(err)
		}
	}
	if at != len(starts)-1 {
		t.Fatalf("it ended in block %d", at)
	}
	t.Logf("%d of %d bytes", count, starts[len(starts)-1])
	checkWhole(t, dir, uint64(at))
}

// namesFlip wants Check to find what is wrong in the record of a height; height
// 0 is the segment's header, of which any mention will do: it may look like
// another program's.
func namesFlip(t *testing.T, dir, segment string, height uint64, record int64) error {
	t.Helper()
	res, err := core.Check(t.Context(), dir, nil)
	if height == 0 {
		if err == nil && res.Bad == nil || err != nil && !strings.Contains(err.Error(), segment) {
			return fmt.Errorf("not found or the file is not named: %+v, %w", res, err)
		}
		return nil
	}
	var damage *store.CorruptError
	switch {
	case err != nil || res.Bad == nil:
		return fmt.Errorf("not found: %+v, %w", res, err)
	case res.BadHeight != height || res.Height != height-1:
		return fmt.Errorf("in block %d: bad height %d, right up to %d: %w", height, res.BadHeight, res.Height, res.Bad)
	case !errors.As(res.Bad, &damage) || damage.Path != segment || damage.Offset != record || damage.Height != height:
		return fmt.Errorf("in the record of height %d at %d of %s: %w", height, record, segment, res.Bad)
	}
	return nil
}
