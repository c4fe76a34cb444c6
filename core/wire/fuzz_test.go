package wire_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// FuzzParsers gives the same bytes to every parser: none may panic, keep more
// than it was given, or fail with anything but ErrFrame; and what one accepts
// it writes again as the same bytes.
func FuzzParsers(f *testing.F) {
	hello := wire.Hello{Version: 1}
	f.Add(hello.Append(nil)[wire.HeaderSize:], uint8(0))
	welcome := wire.Welcome{Version: 1, Height: 5}
	f.Add(welcome.Append(nil)[wire.HeaderSize:], uint8(0))
	f.Add(wire.AppendSubmitHeader(nil, 3, 4, 0)[wire.HeaderSize:], uint8(0))
	f.Add(wire.AppendAck(nil, 3, []tx.Status{1, 2})[wire.HeaderSize:], uint8(0))
	f.Add(wire.AppendAck(nil, 3, []tx.Status{1, 1})[wire.HeaderSize:], uint8(1))
	f.Add(wire.AppendCommit(nil, 1, 2, []wire.Range{{Seq: 1, Count: 2, Index: 3}})[wire.HeaderSize:], uint8(0))
	f.Add(wire.AppendReject(nil, []wire.Rejection{{Seq: 1, Status: 2}})[wire.HeaderSize:], uint8(0))
	f.Add(wire.AppendQuery(nil, 1, 2, []byte{3})[wire.HeaderSize:], uint8(0))
	f.Add(wire.AppendPath(nil, make([][32]byte, 2)), uint8(0))
	f.Add(wire.AppendBusy(nil, 3, 2, time.Second)[wire.HeaderSize:], uint8(0))
	p := wire.Proof{Tree: wire.TreeKeys, Slot: 7, Path: make([][32]byte, 3)}
	f.Add(p.Append(nil), uint8(0))
	rec := wire.RecordAnswer{Record: []byte("record"), Proof: p}
	f.Add(rec.Append(nil), uint8(0))
	key := wire.KeyAnswer{RecordAnswer: rec, HasValue: true, Value: []byte("value")}
	f.Add(key.Append(nil), uint8(0))
	one := wire.TxAnswer{Index: 5, Tx: (&tx.Fields{Kind: tx.KindPut, Tail: []byte("v")}).AppendUnsigned(nil), Path: p.Path}
	f.Add(one.Append(nil), uint8(0))
	f.Add(one.AppendPlaced(nil), uint8(0))
	health := wire.Health{Status: wire.HealthFailed, Index: wire.IndexReady, Height: 3, Text: "disk"}
	f.Add(health.Append(nil), uint8(0))
	f.Add((&tx.Header{Height: 1, BodyBytes: 2}).Append(nil), uint8(0))
	f.Add([]byte{255, 255, 255, 255, 1, 2}, uint8(255))
	f.Fuzz(func(t *testing.T, p []byte, flags uint8) {
		same := func(what string, frame []byte, err error) {
			t.Helper()
			switch {
			case err != nil && !errors.Is(err, wire.ErrFrame):
				t.Errorf("%s: %v does not wrap ErrFrame", what, err)
			case err == nil && !bytes.Equal(frame[wire.HeaderSize:], p):
				t.Errorf("%s: %x was read and is written as %x", what, p, frame[wire.HeaderSize:])
			}
		}
		h, err := wire.ParseHello(p)
		same("hello", h.Append(nil), err)
		w, err := wire.ParseWelcome(p)
		same("welcome", w.Append(nil), err)
		base, n, rest, err := wire.ParseSubmit(p)
		if n < 0 || n > wire.MaxTxs {
			t.Errorf("submit of %d", n)
		}
		same("submit", append(wire.AppendSubmitHeader(nil, base, n, len(rest)), rest...), err)
		height, ns, ranges, err := wire.ParseCommit(p, nil)
		same("commit", wire.AppendCommit(nil, height, ns, ranges), err)
		rejects, err := wire.ParseReject(p)
		same("reject", wire.AppendReject(nil, rejects), err)
		id, kind, args, err := wire.ParseQuery(p)
		same("query", wire.AppendQuery(nil, id, kind, args), err)
		id, code, answer, err := wire.ParseReply(p)
		same("reply", wire.AppendReply(nil, id, code, answer), err)
		path, rest, err := wire.ParsePath(p)
		same("path", append(append(make([]byte, wire.HeaderSize), wire.AppendPath(nil, path)...), rest...), err)
		base, n, wait, err := wire.ParseBusy(p)
		same("busy", wire.AppendBusy(nil, base, n, wait), err)
		whole := func(what string, b []byte, err error) { // answers have no frame of their own
			t.Helper()
			same(what, append(make([]byte, wire.HeaderSize), b...), err)
		}
		proof, rest, err := wire.ParseProof(p)
		whole("proof", append(proof.Append(nil), rest...), err)
		rec, err := wire.ParseRecordAnswer(p)
		whole("record", rec.Append(nil), err)
		if len(rec.Record) > wire.MaxRecord {
			t.Errorf("a record of %d bytes", len(rec.Record))
		}
		key, err := wire.ParseKeyAnswer(p)
		whole("key", key.Append(nil), err)
		one, err := wire.ParseTxAnswer(p, 9)
		whole("transaction", one.Append(nil), err)
		if one, err = wire.ParsePlaced(p); err == nil {
			whole("placed", one.AppendPlaced(nil), nil)
		}
		hl, err := wire.ParseHealth(p)
		whole("health", hl.Append(nil), err)
		hd, body, err := wire.ParseBlock(p)
		whole("block", append(hd.Append(nil), body...), err)
		a, err := wire.ParseAck(p, flags)
		if err == nil {
			if a.Count < 0 || a.Count > wire.MaxTxs {
				t.Errorf("ack of %d", a.Count)
			}
			a.Uniform()
			for i := range a.Count {
				a.Status(i)
			}
		}
		same("ack", append(make([]byte, wire.HeaderSize), p...), err)
	})
}

// FuzzReadFrame reads frames from arbitrary bytes until they end.
func FuzzReadFrame(f *testing.F) {
	hello := wire.Hello{Version: 1}
	f.Add(hello.Append(nil))
	f.Add([]byte{3, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4})
	f.Add([]byte{255, 255, 255, 255, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 12
		r := bytes.NewReader(b)
		var buf []byte
		for range len(b)/wire.HeaderSize + 1 {
			_, _, p, err := wire.ReadFrame(r, buf, limit)
			if len(p) > limit || cap(p) > limit {
				t.Fatalf("a payload of %d bytes (capacity %d) over the limit of %d", len(p), cap(p), limit)
			}
			if err != nil {
				return
			}
			buf = p
		}
		t.Fatal("more frames than the bytes hold")
	})
}
