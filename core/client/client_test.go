package client_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deadline = 30 * time.Second

// script plays a node on the other end of a pipe: it reads hello and
// subscription, then runs f.
func script(t *testing.T, f func(nc net.Conn) error) func(context.Context, string) (net.Conn, error) {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() {
		defer far.Close()
		err := far.SetDeadline(time.Now().Add(deadline))
		for _, want := range []wire.Type{wire.TypeHello, wire.TypeSubscribe} {
			if err != nil {
				break
			}
			var typ wire.Type
			if typ, _, _, err = wire.ReadFrame(far, nil, 64); err == nil && typ != want {
				err = fmt.Errorf("type %d, want %d", typ, want)
			}
		}
		if err == nil {
			err = f(far)
		}
		done <- err
	}()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("the node's side: %v", err)
		}
	})
	return func(context.Context, string) (net.Conn, error) { return near, nil }
}

func write(nc net.Conn, bs ...[]byte) error {
	_, err := nc.Write(bytes.Join(bs, nil))
	return err
}

var welcome = (&wire.Welcome{Version: 1, MaxTxs: 3}).Append(nil)

func TestHandshakeFailures(t *testing.T) {
	refusal := append(wire.AppendHeader(nil, wire.TypeError, 0, 4), "full"...)
	for _, c := range []struct {
		name string
		send []byte
		want error
		text string
	}{
		{"refused", refusal, client.ErrRefused, "full"},
		{"nothing", nil, io.EOF, "no answer"},
		{"half", welcome[:20], wire.ErrFrame, "cut short"},
		{"another type", wire.AppendReply(nil, 1, 0, nil), wire.ErrFrame, "instead of a welcome"},
		{"short welcome", wire.AppendHeader(nil, wire.TypeWelcome, 0, 0), wire.ErrFrame, "welcome has 0 bytes"},
		{"huge", []byte{255, 255, 255, 255, 2, 0, 0, 0}, wire.ErrFrame, "limit"},
	} {
		_, err := client.Dial(t.Context(), "addr", client.Options{Dial: script(t, func(nc net.Conn) error { return write(nc, c.send) })})
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) || !strings.Contains(fmt.Sprint(err), "addr") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	boom := errors.New("boom")
	if _, err := client.Dial(t.Context(), "addr", client.Options{
		Dial: func(context.Context, string) (net.Conn, error) { return nil, boom },
	}); !errors.Is(err, boom) {
		t.Error(err)
	}
}

// Whatever a node sends that is no protocol ends the connection, once, and
// tells whoever waits.
func TestBrokenNodes(t *testing.T) {
	frame := func(typ wire.Type, p ...byte) []byte { return append(wire.AppendHeader(nil, typ, 0, len(p)), p...) }
	for name, sends := range map[string][]byte{
		"unknown type": frame(99), "short ack": frame(wire.TypeAck, 1), "commit": frame(wire.TypeCommit, 1, 2, 3),
		"reject": frame(wire.TypeReject, 1), "block": frame(wire.TypeBlock, 1), "reply": frame(wire.TypeReply, 1),
		"error": frame(wire.TypeError, 'x'), "end": nil, "busy": frame(wire.TypeBusy, make([]byte, 16)...),
	} {
		closed := make(chan error, 2)
		c, err := client.Dial(t.Context(), "addr", client.Options{
			Handler: client.Handler{Closed: func(err error) { closed <- err }},
			Dial: script(t, func(nc net.Conn) error {
				if err := write(nc, welcome); err != nil {
					return err
				}
				if _, _, _, err := wire.ReadFrame(nc, nil, 64); err != nil { // a query that is never answered
					return err
				}
				return write(nc, sends)
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Head(t.Context()); !errors.Is(err, client.ErrClosed) {
			t.Errorf("%s: the waiting query ends with %v", name, err)
		}
		if _, err := c.Head(t.Context()); !errors.Is(err, client.ErrClosed) {
			t.Errorf("%s: a later query ends with %v", name, err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-closed; err == nil || len(closed) != 0 {
			t.Errorf("%s: Closed was told %v, and %d times more", name, err, len(closed))
		}
	}
}

// Answers that are too short or too long are errors, not panics.
func TestBrokenAnswers(t *testing.T) {
	head := (&tx.Header{Height: 3}).Append(nil)
	ask := map[string]func(c *client.Client) error{
		"head":    func(c *client.Client) error { _, err := c.Head(t.Context()); return err },
		"account": func(c *client.Client) error { _, err := c.Account(t.Context(), 1); return err },
		"item":    func(c *client.Client) error { _, err := c.Item(t.Context(), 1); return err },
		"key":     func(c *client.Client) error { _, err := c.Key(t.Context(), 1, [32]byte{2}); return err },
		"proof":   func(c *client.Client) error { _, err := c.Proof(t.Context(), 1, 2); return err },
		"nonce":   func(c *client.Client) error { _, err := c.TxByNonce(t.Context(), 1, 2); return err },
		"hash":    func(c *client.Client) error { _, err := c.TxByHash(t.Context(), tx.ID{1}); return err },
		"block":   func(c *client.Client) error { _, _, err := c.Block(t.Context(), 3); return err },
	}
	record := wire.RecordAnswer{Header: tx.Header{Height: 3}, Record: make([]byte, 64), Proof: wire.Proof{Path: make([][32]byte, 2)}}
	placed := wire.TxAnswer{Tx: make([]byte, tx.Size), Path: make([][32]byte, 2)}
	full := map[string][]byte{
		"head":    append(bytes.Clone(head), make([]byte, 32)...),
		"account": record.Append(nil),
		"item":    record.Append(nil),
		"key":     (&wire.KeyAnswer{RecordAnswer: record}).Append(nil),
		"nonce":   placed.AppendPlaced(nil),
		"hash":    placed.AppendPlaced(nil),
		"block":   append((&tx.Header{BodyBytes: 9}).Append(nil), make([]byte, 9)...),
		"proof":   wire.AppendPath(append(bytes.Clone(head), make([]byte, tx.Size)...), make([][32]byte, 2)),
	}
	for name, f := range ask {
		whole := full[name]
		for n := 0; n <= len(whole)+1; n += 1 + n/40*7 {
			checkAnswer(t, name, f, append(bytes.Clone(whole), 0)[:n], n == len(whole))
		}
		checkAnswer(t, name, f, whole, true)
		checkAnswer(t, name, f, append(bytes.Clone(whole), 0), false)
	}
}

func checkAnswer(t *testing.T, name string, ask func(*client.Client) error, answer []byte, good bool) {
	t.Helper()
	c, err := client.Dial(t.Context(), "addr", client.Options{Dial: script(t, func(nc net.Conn) error {
		if err := write(nc, welcome); err != nil {
			return err
		}
		_, _, p, err := wire.ReadFrame(nc, nil, 64)
		if err != nil {
			return err
		}
		return write(nc, wire.AppendReply(nil, binary.LittleEndian.Uint32(p), wire.ReplyOK, answer))
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := ask(c); (err == nil) != good {
		t.Errorf("%s of %d bytes: %v", name, len(answer), err)
	}
}

// A query that is given up leaves nothing behind: its late answer is dropped
// and the next one gets its own.
func TestGivenUpQuery(t *testing.T) {
	asked, late := make(chan struct{}), make(chan struct{})
	c, err := client.Dial(t.Context(), "addr", client.Options{Dial: script(t, func(nc net.Conn) error {
		if err := write(nc, welcome); err != nil {
			return err
		}
		_, _, p, err := wire.ReadFrame(nc, nil, 64)
		if err != nil {
			return err
		}
		first := binary.LittleEndian.Uint32(p)
		close(asked)
		<-late
		if _, _, p, err = wire.ReadFrame(nc, nil, 64); err != nil {
			return err
		}
		second := binary.LittleEndian.Uint32(p)
		own := wire.AppendReply(nil, second, 0, []byte("own"))
		if err := write(nc, wire.AppendReply(nil, first, 0, []byte("late")),
			wire.AppendReply(nil, 4711, 0, []byte("nobody's")), own, own, own, own); err != nil {
			return err
		}
		if _, _, p, err = wire.ReadFrame(nc, nil, 64); err != nil {
			return err
		}
		return write(nc, wire.AppendReply(nil, binary.LittleEndian.Uint32(p), 0, []byte("third")))
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := c.Genesis(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a query that was given up: %v", err)
	}
	close(late)
	if b, err := c.Genesis(t.Context()); err != nil || string(b) != "own" {
		t.Errorf("the next query got %q, %v", b, err)
	}
	if b, err := c.Genesis(t.Context()); err != nil || string(b) != "third" {
		t.Errorf("after an answer that came four times: %q, %v", b, err)
	}
	if in, out := c.Bytes(); in == 0 || out == 0 {
		t.Errorf("%d bytes in, %d out", in, out)
	}
}

// A client with a Busy handler asks for hints, but only nodes that give them.
func TestHintsAreNegotiated(t *testing.T) {
	type busy struct {
		seq   uint64
		count int
		wait  time.Duration
	}
	told := make(chan busy, 1)
	acked := make(chan tx.Status, 1)
	c, err := client.Dial(t.Context(), "addr", client.Options{
		Handler: client.Handler{
			Busy: func(seq uint64, count int, wait time.Duration) { told <- busy{seq, count, wait} },
			Ack:  func(_ uint64, _ int, s tx.Status) { acked <- s },
		},
		Dial: script(t, func(nc net.Conn) error {
			if err := write(nc, welcome); err != nil {
				return err
			}
			typ, _, p, err := wire.ReadFrame(nc, nil, 64)
			if err != nil || typ != wire.TypeSubscribe || len(p) != 1 || p[0] != wire.SubscribeOwn|wire.SubscribeHints {
				return fmt.Errorf("type %d, %x, %w", typ, p, err)
			}
			return write(nc, wire.AppendBusy(nil, 7, 3, 1500*time.Microsecond), wire.AppendAck(nil, 7, []tx.Status{7, 7, 7}))
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s := <-acked; s != tx.StatusBusy {
		t.Errorf("acknowledged with %s", s)
	}
	if b := <-told; b != (busy{7, 3, 1500 * time.Microsecond}) {
		t.Errorf("hint %+v", b)
	}
	older := bytes.Clone(welcome)
	older[5] = 0 // no flags
	quiet, err := client.Dial(t.Context(), "addr", client.Options{
		Handler: client.Handler{Busy: func(uint64, int, time.Duration) {}},
		Dial: script(t, func(nc net.Conn) error {
			if err := write(nc, older); err != nil {
				return err
			}
			if typ, _, _, err := wire.ReadFrame(nc, nil, 64); err != nil || typ != wire.TypeQuery {
				return fmt.Errorf("type %d, %w, want a query", typ, err)
			}
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	if _, err := quiet.Head(t.Context()); !errors.Is(err, client.ErrClosed) {
		t.Error(err)
	}
}

// A node that has no time says for how long, and the connection goes on.
func TestBusyAnswer(t *testing.T) {
	c, err := client.Dial(t.Context(), "addr", client.Options{Dial: script(t, func(nc net.Conn) error {
		if err := write(nc, welcome); err != nil {
			return err
		}
		for _, answer := range []func(id uint32) []byte{
			func(id uint32) []byte { return wire.AppendReplyBusy(nil, id, 3*time.Millisecond, "later") },
			func(id uint32) []byte { return wire.AppendReply(nil, id, wire.ReplyBusy, []byte("x")) },
			func(id uint32) []byte { return wire.AppendReply(nil, id, wire.ReplyOK, []byte("now")) },
		} {
			_, _, p, err := wire.ReadFrame(nc, nil, 64)
			if err != nil {
				return err
			}
			if err := write(nc, answer(binary.LittleEndian.Uint32(p))); err != nil {
				return err
			}
		}
		return nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var busy *client.BusyError
	if _, err := c.Genesis(t.Context()); !errors.As(err, &busy) || busy.RetryAfter != 3*time.Millisecond || !strings.Contains(err.Error(), "later") {
		t.Errorf("%v", err)
	}
	if _, err := c.Genesis(t.Context()); !errors.Is(err, wire.ErrFrame) {
		t.Errorf("a busy answer without a hint: %v", err)
	}
	if b, err := c.Genesis(t.Context()); err != nil || string(b) != "now" {
		t.Errorf("%q, %v", b, err)
	}
}

// A node that answers for another chain than the client wants is not believed.
func TestNodeOfAnotherChain(t *testing.T) {
	c, err := client.Dial(t.Context(), "addr", client.Options{
		ChainID: tx.ChainID{99},
		Dial:    script(t, func(nc net.Conn) error { return write(nc, welcome) }),
	})
	if !errors.Is(err, client.ErrOtherChain) {
		t.Errorf("%v, %v", c, err)
	}
}
