//go:build unix

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// recordHeadBytes is the length of a record's header in the log.
const recordHeadBytes = 64

// flipSite is a place in the log of a chain: one byte of every class that there is.
type flipSite struct {
	class  string
	offset int64
	height uint64 // of the record that holds it, 0: of none
	record int64  // where that begins
}

// flipSites lists places in a log with one segment. Every field of the record's
// and the block's headers is a class of its own.
func flipSites(t *testing.T, log []byte) []flipSite {
	t.Helper()
	var sites []flipSite
	for name, off := range map[string]int64{
		"segment magic": 0, "segment version": 8, "endianness": 12, "segment chain id": 20, "segment number": 48,
		"first height": 56, "creation time": 64, "segment nonce": 72, "CRC of the segment before": 80,
		"reserved in the segment header": 90, "segment header CRC": 125, "rest of the header's page": 3000,
	} {
		sites = append(sites, flipSite{class: name, offset: off})
	}
	record, heights := int64(store.PageBytes), uint64(0)
	for record+recordHeadBytes <= int64(len(log)) && string(log[record:record+4]) == "WREC" {
		heights++
		payload := int64(binary.LittleEndian.Uint32(log[record+8:]))
		at := func(class string, off int64) {
			sites = append(sites, flipSite{class, record + off, heights, record})
		}
		for name, off := range map[string]int64{
			"record magic": 1, "record CRC": 4, "payload length": 8, "payload length, high": 11, "record flags": 12,
			"record height": 16, "record height, high": 23, "CRC of the record before": 24, "reserved": 29,
			"durable below": 32, "record nonce": 40, "reserved at the end": 60,
		} {
			at(name, off)
		}
		const body = recordHeadBytes + tx.HeaderSize
		for off := int64(0); off < tx.HeaderSize; off += 8 {
			at(fmt.Sprintf("block header byte %d", off), recordHeadBytes+off)
		}
		for _, off := range []int64{0, 1, 4, 8, 16, 24, 40, 80, 120, 136, 168, 199} {
			at(fmt.Sprintf("transaction byte %d", off), body+off)
		}
		at("last payload byte", recordHeadBytes+payload-1)
		size := (recordHeadBytes + payload + store.PageBytes - 1) / store.PageBytes * store.PageBytes
		if recordHeadBytes+payload < size {
			at("padding", size-1)
		}
		record += size
	}
	if record < int64(len(log)) {
		sites = append(sites, flipSite{class: "space behind the last record", offset: int64(len(log)) - 1})
	}
	if heights < 3 {
		t.Fatalf("the log has %d records", heights)
	}
	return sites
}

// sampled keeps one place of every class, from different records, unless all
// are asked for.
func sampled(sites []flipSite) []flipSite {
	if os.Getenv("WEIR_FAULTS") == "1" {
		return sites
	}
	byClass := map[string][]flipSite{}
	for _, s := range sites {
		byClass[s.class] = append(byClass[s.class], s)
	}
	var out []flipSite
	for _, of := range byClass {
		out = append(out, of[len(out)%len(of)])
	}
	return out
}

// The command finds a flipped byte wherever it is, and names the height and the
// record: its file and its offset.
func TestVerifyNamesTheFlippedByte(t *testing.T) {
	t.Parallel()
	dir := e2eTemp(t)
	n := runningNode(t, dir, "chain", "--accounts", "16", "--block-interval", "1us")
	if r, out := load(t, dir, n.target(), "--rate", "60", "--duration", "250ms"); r.Committed == 0 {
		t.Fatalf("nothing was committed: %s", out)
	}
	n.stop(t)
	logs, err := filepath.Glob(filepath.Join(dir, "chain", "blocks", "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("block logs %q, %v", logs, err)
	}
	good, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(logs[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sites := sampled(flipSites(t, good))
	for _, s := range sites {
		flipped := []byte{good[s.offset] ^ 1<<(s.offset%8)}
		if _, err := file.WriteAt(flipped, s.offset); err != nil {
			t.Fatal(err)
		}
		s.check(t, dir, filepath.Base(logs[0]))
		if _, err := file.WriteAt(good[s.offset:s.offset+1], s.offset); err != nil {
			t.Fatal(err)
		}
	}
	if r, out := verifyChain(t, dir, "chain"); !r.OK || out.code != exitOK {
		t.Errorf("with every byte put back: %s", out)
	}
	t.Logf("%d flips", len(sites))
}

func (s flipSite) check(t *testing.T, dir, file string) {
	t.Helper()
	out := weir(t, dir, "node", "verify", "--json", "--data", "chain")
	if s.height == 0 { // of no record: it may look like another program's file
		if out.code == exitOK || !strings.Contains(out.stderr, file) {
			t.Errorf("%s (offset %d): not found, or the file is not named: %s", s.class, s.offset, out)
		}
		return
	}
	var r verifyReport
	oneObject(t, out.stdout, &r)
	where := fmt.Sprintf("offset %d, height %d", s.record, s.height)
	if out.code != exitFailed || r.OK || r.BadHeight == nil || *r.BadHeight != s.height || r.Height != s.height-1 {
		t.Errorf("%s (offset %d) of block %d: %s", s.class, s.offset, s.height, out)
		return
	}
	if !strings.Contains(r.Reason, file) || !strings.Contains(r.Reason, where) {
		t.Errorf("%s (offset %d): want %s and %q in %q", s.class, s.offset, file, where, r.Reason)
	}
}
