package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// open reads one frame and wants nothing after it.
func open(t *rapid.T, frame []byte, want wire.Type) (flags uint8, payload []byte) {
	r := bytes.NewReader(frame)
	typ, flags, p, err := wire.ReadFrame(iotest.OneByteReader(r), nil, wire.MaxReply)
	if err != nil || typ != want || r.Len() != 0 {
		t.Fatalf("type %d, %d bytes left, %v; want type %d", typ, r.Len(), err, want)
	}
	return flags, p
}

func draw32(t *rapid.T, label string) [32]byte {
	return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
}

func TestHelloAndWelcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := wire.Hello{Version: rapid.Uint16().Draw(t, "version"), ChainID: draw32(t, "chain")}
		_, p := open(t, h.Append(nil), wire.TypeHello)
		if got, err := wire.ParseHello(p); err != nil || got != h {
			t.Fatalf("%+v, %v", got, err)
		}
		w := wire.Welcome{
			Version: rapid.Uint16().Draw(t, "version"), LinkPort: rapid.Uint16().Draw(t, "port"),
			MaxPayload: rapid.Uint32().Draw(t, "payload"), MaxTxs: rapid.Uint32().Draw(t, "txs"),
			Accounts: rapid.Uint32().Draw(t, "accounts"), ChainID: draw32(t, "chain"), Height: rapid.Uint64().Draw(t, "height"),
		}
		_, p = open(t, w.Append(nil), wire.TypeWelcome)
		if got, err := wire.ParseWelcome(p); err != nil || got != w {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestSubmit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Uint64Range(0, 1<<63).Draw(t, "base")
		count := rapid.IntRange(1, wire.MaxTxs).Draw(t, "count")
		txs := rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "txs")
		_, p := open(t, append(wire.AppendSubmitHeader(nil, base, count, len(txs)), txs...), wire.TypeSubmit)
		b, c, rest, err := wire.ParseSubmit(p)
		if err != nil || b != base || c != count || !bytes.Equal(rest, txs) {
			t.Fatalf("%d, %d, %d bytes, %v", b, c, len(rest), err)
		}
	})
}

func TestAck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Uint64().Draw(t, "base")
		status := rapid.SliceOfN(rapid.Map(rapid.Uint8Range(0, 3), func(b uint8) tx.Status { return tx.Status(b) }), 1, 40).Draw(t, "status")
		if rapid.Bool().Draw(t, "uniform") {
			status = slices.Repeat(status[:1], len(status))
		}
		frame := wire.AppendAck(nil, base, status)
		flags, p := open(t, frame, wire.TypeAck)
		a, err := wire.ParseAck(p, flags)
		if err != nil || a.Base != base || a.Count != len(status) {
			t.Fatalf("%+v, %v", a, err)
		}
		for i, s := range status {
			if a.Status(i) != s {
				t.Fatalf("status %d is %s, want %s", i, a.Status(i), s)
			}
		}
		same := len(slices.Compact(slices.Clone(status))) == 1
		if s, uniform := a.Uniform(); uniform != same || uniform && s != status[0] {
			t.Fatalf("uniform %v, want %v", uniform, same)
		}
		if same && len(frame) != wire.HeaderSize+13 {
			t.Fatalf("%d equal statuses take %d bytes", len(status), len(frame))
		}
	})
}

func TestCommitAndReject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		height, timeNS := rapid.Uint64().Draw(t, "height"), rapid.Uint64().Draw(t, "time")
		ranges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wire.Range {
			return wire.Range{Seq: rapid.Uint64().Draw(t, "seq"), Count: rapid.Uint32().Draw(t, "count"), Index: rapid.Uint32().Draw(t, "index")}
		}), 0, 20).Draw(t, "ranges")
		_, p := open(t, wire.AppendCommit(nil, height, timeNS, ranges), wire.TypeCommit)
		h, ns, got, err := wire.ParseCommit(p, make([]wire.Range, 3))
		if err != nil || h != height || ns != timeNS || !slices.Equal(got, ranges) {
			t.Fatalf("%d, %d, %v, %v", h, ns, got, err)
		}
		rejects := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wire.Rejection {
			return wire.Rejection{Seq: rapid.Uint64().Draw(t, "seq"), Status: tx.Status(rapid.Uint8().Draw(t, "status"))}
		}), 0, 20).Draw(t, "rejects")
		_, p = open(t, wire.AppendReject(nil, rejects), wire.TypeReject)
		if got, err := wire.ParseReject(p); err != nil || !slices.Equal(got, rejects) {
			t.Fatalf("%v, %v", got, err)
		}
	})
}

func TestQueryReplyPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, kind := rapid.Uint32().Draw(t, "id"), rapid.Uint8().Draw(t, "kind")
		args := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "args")
		_, p := open(t, wire.AppendQuery(nil, id, kind, args), wire.TypeQuery)
		if i, k, a, err := wire.ParseQuery(p); err != nil || i != id || k != kind || !bytes.Equal(a, args) {
			t.Fatalf("%d, %d, %x, %v", i, k, a, err)
		}
		_, p = open(t, wire.AppendReply(nil, id, kind, args), wire.TypeReply)
		if i, k, a, err := wire.ParseReply(p); err != nil || i != id || k != kind || !bytes.Equal(a, args) {
			t.Fatalf("%d, %d, %x, %v", i, k, a, err)
		}
		path := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [32]byte { return draw32(t, "node") }), 0, 64).Draw(t, "path")
		got, rest, err := wire.ParsePath(append(wire.AppendPath(nil, path), args...))
		if err != nil || !slices.Equal(got, path) || !bytes.Equal(rest, args) {
			t.Fatalf("%d nodes, %x, %v", len(got), rest, err)
		}
	})
}

// Every reserved bit, wrong length and limit is refused as a frame error.
func TestRefusals(t *testing.T) {
	hello := wire.Hello{Version: 1}
	h := hello.Append(nil)[wire.HeaderSize:]
	change := func(b []byte, at int, to byte) []byte {
		b = bytes.Clone(b)
		b[at] = to
		return b
	}
	submit := wire.AppendSubmitHeader(nil, 1, 2, 0)[wire.HeaderSize:]
	ack := wire.AppendAck(nil, 1, []tx.Status{0, 1})[wire.HeaderSize:]
	parse := map[string]func() error{
		"hello short":         func() error { _, err := wire.ParseHello(h[:39]); return err },
		"hello long":          func() error { _, err := wire.ParseHello(append(bytes.Clone(h), 0)); return err },
		"hello magic":         func() error { _, err := wire.ParseHello(change(h, 0, 'H')); return err },
		"hello reserved":      func() error { _, err := wire.ParseHello(change(h, 7, 1)); return err },
		"welcome short":       func() error { _, err := wire.ParseWelcome(make([]byte, 55)); return err },
		"welcome long":        func() error { _, err := wire.ParseWelcome(make([]byte, 57)); return err },
		"submit short":        func() error { _, _, _, err := wire.ParseSubmit(submit[:15]); return err },
		"submit of none":      func() error { _, _, _, err := wire.ParseSubmit(change(submit, 8, 0)); return err },
		"submit of too many":  func() error { _, _, _, err := wire.ParseSubmit(change(submit, 9, 0x40)); return err },
		"submit base":         func() error { _, _, _, err := wire.ParseSubmit(change(submit, 7, 0x80)); return err },
		"submit reserved":     func() error { _, _, _, err := wire.ParseSubmit(change(submit, 13, 1)); return err },
		"ack short":           func() error { _, err := wire.ParseAck(ack[:12], 0); return err },
		"ack missing one":     func() error { _, err := wire.ParseAck(ack[:13], 0); return err },
		"ack one too many":    func() error { _, err := wire.ParseAck(append(bytes.Clone(ack), 1), 0); return err },
		"ack uniform of two":  func() error { _, err := wire.ParseAck(ack, wire.FlagUniform); return err },
		"ack of too many":     func() error { _, err := wire.ParseAck(change(ack[:13], 10, 1), wire.FlagUniform); return err },
		"ack of none":         func() error { _, err := wire.ParseAck(change(ack[:13], 8, 0), 0); return err },
		"commit short":        func() error { _, _, _, err := wire.ParseCommit(make([]byte, 15), nil); return err },
		"commit half a range": func() error { _, _, _, err := wire.ParseCommit(make([]byte, 24), nil); return err },
		"reject":              func() error { _, err := wire.ParseReject(make([]byte, 10)); return err },
		"query":               func() error { _, _, _, err := wire.ParseQuery(make([]byte, 4)); return err },
		"reply":               func() error { _, _, _, err := wire.ParseReply(make([]byte, 4)); return err },
		"path short":          func() error { _, _, err := wire.ParsePath(make([]byte, 3)); return err },
		"path longer":         func() error { _, _, err := wire.ParsePath([]byte{2, 0, 0, 0, 5}); return err },
		"path of 65": func() error {
			_, _, err := wire.ParsePath(append([]byte{65, 0, 0, 0}, make([]byte, 65*32)...))
			return err
		},
		"header short":      func() error { _, _, _, err := wire.ParseHeader(make([]byte, 7), 10); return err },
		"header reserved":   func() error { _, _, _, err := wire.ParseHeader([]byte{0, 0, 0, 0, 1, 0, 0, 1}, 10); return err },
		"header over limit": func() error { _, _, _, err := wire.ParseHeader([]byte{11, 0, 0, 0, 1, 0, 0, 0}, 10); return err },
		"payload cut short": func() error {
			_, _, _, err := wire.ReadFrame(strings.NewReader("\x05\x00\x00\x00\x01\x00\x00\x00half"), nil, 10)
			return err
		},
	}
	for name, f := range parse {
		if err := f(); !errors.Is(err, wire.ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, _, err := wire.ReadFrame(strings.NewReader(""), nil, 10); !errors.Is(err, io.EOF) || errors.Is(err, wire.ErrFrame) {
		t.Errorf("a connection that ends between frames: %v", err)
	}
	if base, n, _, err := wire.ParseSubmit(submit); err != nil || base != 1 || n != 2 {
		t.Errorf("the sample itself: %d, %d, %v", base, n, err)
	}
}

func TestReadFrameReusesItsBuffer(t *testing.T) {
	buf := make([]byte, 0, 100)
	frame := append(wire.AppendHeader(nil, wire.TypeError, 7, 3), "abc"...)
	typ, flags, p, err := wire.ReadFrame(bytes.NewReader(frame), buf, 100)
	if err != nil || typ != wire.TypeError || flags != 7 || string(p) != "abc" || &p[0] != &buf[:1][0] {
		t.Errorf("%d, %d, %q, %v", typ, flags, p, err)
	}
	count := binary.LittleEndian.Uint32(frame)
	if count != 3 {
		t.Errorf("the header says %d bytes", count)
	}
}

// A busy reply tells when to ask again, and nothing else passes for one.
func TestReplyBusy(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{
		0: time.Microsecond, 1500: 2 * time.Microsecond, time.Second: time.Second, 100 * time.Hour: wire.MaxRetryAfter,
	} {
		b := wire.AppendReplyBusy(nil, 7, wait, "later")
		typ, _, p, err := wire.ReadFrame(bytes.NewReader(b), nil, 100)
		if err != nil || typ != wire.TypeReply {
			t.Fatal(typ, err)
		}
		id, code, answer, err := wire.ParseReply(p)
		if err != nil || id != 7 || code != wire.ReplyBusy {
			t.Fatal(id, code, err)
		}
		if got, text, err := wire.ParseReplyBusy(answer); err != nil || got != want || text != "later" {
			t.Errorf("%v became %v, %q, %v", wait, got, text, err)
		}
	}
	for _, bad := range [][]byte{nil, {1, 2, 3}, {0, 0, 0, 0}, {255, 255, 255, 255, 'x'}} {
		if _, _, err := wire.ParseReplyBusy(bad); !errors.Is(err, wire.ErrFrame) {
			t.Errorf("%x: %v", bad, err)
		}
	}
}
