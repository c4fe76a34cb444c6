package core

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

// Whatever stands in the first page of a snapshot file, it is refused or gives
// the same fields again.
func FuzzSnapshotHead(f *testing.F) {
	chain := tx.ChainID{1, 2, 3}
	h := snapshotHead{chain: chain, height: 9, txs: 70, header: tx.Header{Height: 9, Count: 3}, marks: []mark{{2, 5}, {7, 60}}}
	h.hash = h.header.Hash(&chain)
	f.Add(h.encode()[:snapshotMarksAt+32], true)
	f.Add(h.encode(), false)
	if _, err := decodeSnapshotHead(h.encode(), chain); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, sum bool) {
		page := make([]byte, snapshotHeadBytes)
		copy(page, b)
		if sum { // or hardly any input would get past it
			binary.LittleEndian.PutUint32(page[snapshotCRCAt:], crc32.Checksum(page[:snapshotCRCAt], castagnoli))
		}
		h, err := decodeSnapshotHead(page, chain)
		if err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatalf("%v does not wrap ErrSnapshot", err)
			}
			return
		}
		again := h.encode()
		if !bytes.Equal(again[:256], page[:256]) || !bytes.Equal(again[snapshotMarksAt:snapshotMarksAt+16*len(h.marks)], page[snapshotMarksAt:][:16*len(h.marks)]) {
			t.Fatalf("%+v is another page", h)
		}
	})
}

// An export file of any bytes ends with a complaint or with its last record, and
// takes no more memory than it has bytes.
func FuzzExportReader(f *testing.F) {
	var file bytes.Buffer
	w := exportWriter{w: bufio.NewWriter(&file)}
	gen := genesis.Dev(2)
	w.fileHead(gen.ChainID())
	w.record(exportGenesis, 0, gen.JSON())
	w.record(exportBlock, 1, make([]byte, 400))
	w.record(exportEnd, 1, make([]byte, 32))
	if err := errors.Join(w.err, w.w.Flush()); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:200])
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newExportReader(bytes.NewReader(b))
		_, err := r.genesis()
		for err == nil {
			var kind uint32
			var payload []byte
			if kind, _, payload, err = r.next(1 << 30); err == nil && kind == exportEnd {
				return
			}
			if len(payload) > len(b) {
				t.Fatalf("a payload of %d bytes in a file of %d", len(payload), len(b))
			}
		}
		if !errors.Is(err, ErrExportFile) {
			t.Fatalf("%v does not wrap ErrExportFile", err)
		}
	})
}

// Marks thin out evenly and stay in order, and never promise more than there is.
func TestMarks(t *testing.T) {
	var s snapshotter
	for i := range uint64(1000) {
		s.addMark(mark{10 * (i + 1), 100 * (i + 1)})
	}
	if n := len(s.marks); n > snapshotMarksMax || n < snapshotMarksMax/2 {
		t.Fatalf("%d marks", n)
	}
	for i := 1; i < len(s.marks); i++ {
		if s.marks[i].height <= s.marks[i-1].height {
			t.Fatalf("%v", s.marks)
		}
	}
	const total = 100_000
	for _, keep := range []uint64{1, 99, 5000, total - 100, total} {
		below := keepsTxs(s.marks, total, keep)
		if below > 0 && total-10*(below-1) < keep {
			t.Errorf("to keep %d, %d are left behind height %d", keep, total-10*(below-1), below)
		}
	}
	if below := keepsTxs(s.marks, total, 5000); below < 9000 {
		t.Errorf("to keep 5000 everything from height %d stays", below)
	}
}
