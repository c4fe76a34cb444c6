package jsonrpc

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/loadgen"
)

func TestMessagesHasAtLeastOne(t *testing.T) {
	for _, text := range []string{"", "[]", " [ ] ", "[", "{", "7", `"x"`} {
		if ms, err := Messages([]byte(text)); err == nil {
			t.Errorf("%q reads as %d messages", text, len(ms))
		}
	}
	ms, err := Messages([]byte(` [{"id":3,"result":"0x1"},{"id":4,"error":{"code":-32000,"message":"no","data":"why"}}]`))
	if err != nil || len(ms) != 2 || ms[1].Error.Error() != "no: why (JSON-RPC error -32000)" {
		t.Errorf("%+v, %v", ms, err)
	}
	if n, ok := ms[0].Number(); !ok || n != 3 {
		t.Errorf("id %d, %v", n, ok)
	}
}

// FuzzMessages: the quick reader of a response says what the thorough one says.
func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":18,"result":"0x1"}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":9999999999999999999,"result":{}}`))
	f.Add([]byte(`[{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"x","data":[]}}]`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, rest, quick := CutResponse(b)
		ms, err := Messages(b)
		if err != nil {
			return
		}
		if len(ms) == 0 {
			t.Fatal("no messages and no error")
		}
		for i := range ms {
			if ms[i].Error != nil {
				_ = ms[i].Error.Error()
			}
		}
		if !quick || bytes.Count(b, []byte(`"id"`)) > 1 || bytes.Contains(b, []byte(`\u`)) {
			return // a key that comes twice counts as it comes last
		}
		if n, ok := ms[0].Number(); !ok || n != id {
			if !bytes.Contains(bytes.ToLower(rest), []byte(`"id"`)) { // keys match in any case
				t.Fatalf("%q has the id %d or %d (%v)", b, id, n, ok)
			}
		}
	})
}

// What a stream frames is what RFC 6455 reads, at every border of the lengths.
func TestFrameIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(0, 300), rapid.SampledFrom([]int{125, 126, 127, 65535, 65536, 65537})).Draw(t, "length")
		body := bytes.Repeat([]byte("weir, "), n/6+1)[:n]
		b := appendFrame([]byte("x"), body, rapid.Uint32().Draw(t, "mask"))[1:]
		if b[0] != 0x81 || b[1]&0x80 == 0 {
			t.Fatalf("starts with %x: not one final, masked text frame", b[:2])
		}
		size, head := uint64(b[1]&0x7f), 2
		switch size {
		case 126:
			size, head = uint64(binary.BigEndian.Uint16(b[2:])), 4
		case 127:
			size, head = binary.BigEndian.Uint64(b[2:]), 10
		}
		mask, got := b[head:head+4], slices.Clone(b[head+4:])
		for i := range got {
			got[i] ^= mask[i%4]
		}
		if size != uint64(n) || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes of body read as %d", n, size)
		}
	})
}

// A piece holds whole transactions, in their order, with their keys.
func TestPackedPieces(t *testing.T) {
	p := NewPacked(func(dst []byte, i int) ([]byte, uint64, error) {
		return append(append(dst, "tx "...), strconv.Itoa(i)...), uint64(i) * 7, nil
	})
	if err := p.Extend(t.Context(), chunkTxs+1, nil); err != nil || p.Len() != 2*chunkTxs {
		t.Fatalf("%d transactions, %v", p.Len(), err)
	}
	rapid.Check(t, func(t *rapid.T) {
		first, want := rapid.IntRange(0, p.Len()-1).Draw(t, "from"), rapid.IntRange(1, 600).Draw(t, "most")
		limit := rapid.IntRange(0, 200).Draw(t, "bytes")
		txs, n := p.Piece(first, want, limit)
		if n < 1 || n > want || limit > 0 && n > 1 && len(txs) > limit {
			t.Fatalf("%d transactions of %d bytes", n, len(txs))
		}
		i := first
		Each(txs, func(tx []byte, key uint64) {
			if string(tx) != fmt.Sprintf("tx %d", i) || key != uint64(i)*7 {
				t.Fatalf("transaction %d is %q with key %d", i, tx, key)
			}
			i++
		})
		if i != first+n {
			t.Fatalf("%d transactions in a piece of %d", i-first, n)
		}
	})
	if _, n := p.Piece(p.Len(), 1, 0); n != 0 {
		t.Error("a piece from beyond the end")
	}
	bad := NewPacked(func(dst []byte, _ int) ([]byte, uint64, error) { return dst, 0, ErrSource })
	if err := bad.Extend(t.Context(), 1, nil); !errors.Is(err, ErrSource) || bad.Len() != 0 {
		t.Errorf("a source that fails: %d transactions, %v", bad.Len(), err)
	}
}

func TestCodesMeanTheSameReason(t *testing.T) {
	var c Codes
	a := c.Code("rpc", "nonce too low: have 17, want 0x1f")
	b := c.Code("rpc", "nonce too low: have 3, want 0xab")
	if a == loadgen.CodeOK || a != b {
		t.Errorf("codes %d and %d for one reason", a, b)
	}
	seen := map[uint8]bool{a: true}
	for i := range 300 {
		words := strings.Repeat("x", i+1)
		code := c.Code("rpc", words)
		switch {
		case code == loadgen.CodeOK || code == loadgen.CodeExpired:
			t.Fatalf("reason %d has the code %d, which means something else", i, code)
		case code == otherCode && c.Name(code) != "other":
			t.Fatalf("too many reasons are called %q", c.Name(code))
		case code != otherCode && i < maxReason-10 && (seen[code] || c.Name(code) != "rpc: "+words):
			t.Fatalf("reason %d has the code %d: %q", i, code, c.Name(code))
		}
		seen[code] = true
	}
	if c.Name(c.Code("rpc", "nonce too low: have 9, want 0")) != c.Name(a) {
		t.Error("the first reason has lost its code")
	}
}

// events writes down what it is told.
type events struct{ said []string }

func (e *events) note(format string, args ...any) {
	e.said = append(e.said, fmt.Sprintf(format, args...))
}
func (e *events) Ack(seq uint64, n int, code uint8) { e.note("ack %d+%d %d", seq, n, code) }
func (e *events) Commit(seq uint64, n int)          { e.note("commit %d+%d", seq, n) }
func (e *events) Reject(seq uint64, code uint8)     { e.note("reject %d %d", seq, code) }
func (e *events) Closed(err error)                  { e.note("closed %v", err) }

func TestHubTellsTheOwner(t *testing.T) {
	h := NewHub()
	var one, two events
	a, b := h.Join(&one), h.Join(&two)
	a.Sending(0, []uint64{10, 11, 12})
	b.Sending(0, []uint64{20})
	refuse := func(i int) uint8 {
		if i == 4 {
			return 9
		}
		return loadgen.CodeOK
	}
	if ours := h.Block([]uint64{10, 11, 99, 20, 12}, refuse); ours != 4 {
		t.Errorf("%d are ours, want 4", ours)
	}
	h.Block([]uint64{10}, nil) // once more: the owner is told, and will say so
	a.Leave()
	h.Block([]uint64{11}, nil)
	h.Fail(errors.New("gone"))
	if want := []string{"commit 0+2", "reject 2 9", "commit 0+1"}; !slices.Equal(one.said, want) {
		t.Errorf("the first was told %q, want %q", one.said, want)
	}
	if want := []string{"commit 0+1", "closed gone"}; !slices.Equal(two.said, want) {
		t.Errorf("the second was told %q, want %q", two.said, want)
	}
}

// A request is JSON, and its id reads back.
func TestAppendCall(t *testing.T) {
	b := append(AppendCall(nil, 7, "status"), `[]}`...)
	var m Message
	if err := json.Unmarshal(b, &m); err != nil || m.Method != "status" || string(m.ID) != "7" || string(m.Params) != "[]" {
		t.Errorf("%s: %+v, %v", b, m, err)
	}
}
