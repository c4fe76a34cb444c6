package core_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// rawDial opens a connection that speaks whatever the test writes.
func rawDial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return nc.(*net.TCPConn)
}

// lastError reads what the node sends until it closes the connection and
// returns the text of its error frame.
func lastError(r io.Reader) (string, error) {
	for {
		typ, _, p, err := wire.ReadFrame(r, nil, 1<<20)
		if err != nil {
			return "", fmt.Errorf("no error frame came: %w", err)
		}
		if typ != wire.TypeError {
			continue
		}
		if _, _, _, err := wire.ReadFrame(r, nil, 1<<20); err == nil {
			return "", errors.New("the connection went on after an error frame")
		}
		return string(p), nil
	}
}

// Whoever breaks the protocol is told how and cut off; others do not notice.
func TestBrokenClients(t *testing.T) {
	gen := genesis.Dev(16)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{MaxPayload: 64 << 10})
	good, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	hello := (&wire.Hello{Version: 1}).Append(nil)
	frame := func(typ wire.Type, payload ...byte) []byte {
		return append(wire.AppendHeader(nil, typ, 0, len(payload)), payload...)
	}
	after := func(bs ...[]byte) []byte { return bytes.Join(append([][]byte{hello}, bs...), nil) }
	other := (&wire.Hello{Version: 1, ChainID: [32]byte{9}}).Append(nil)
	newer := (&wire.Hello{Version: 2}).Append(nil)
	for i, c := range []struct {
		name, want string
		send       []byte
	}{
		{"another protocol", "bad frame", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
		{"zeros", "instead of a hello", make([]byte, 64)},
		{"wrong magic", "does not speak weir", frame(wire.TypeHello, make([]byte, 40)...)},
		{"another chain", "this node is on chain", other},
		{"another version", "version 2", newer},
		{"no hello", "instead of a hello", frame(wire.TypeSubscribe, 1)},
		{"half a hello", "unexpected EOF", hello[:20]},
		{"half a header", "unexpected EOF", after(hello[:5])},
		{"half a submission", "unexpected EOF", after(wire.AppendSubmitHeader(nil, 0, 1, 200))},
		{"oversize frame", "limit is 65536", after(wire.AppendHeader(nil, wire.TypeSubmit, 0, 64<<10+1))},
		{"a frame of 4 GiB", "limit is 65536", after([]byte{255, 255, 255, 255, 3, 0, 0, 0})},
		{"reserved bytes", "not zero", after([]byte{0, 0, 0, 0, 3, 0, 1, 0})},
		{"unknown type", "unexpected type 77", after(frame(77))},
		{"a type of the node's", "unexpected type", after(frame(wire.TypeCommit))},
		{"a second hello", "unexpected type", after(hello)},
		{"long query", "with 65 bytes", after(frame(wire.TypeQuery, make([]byte, 65)...))},
		{"short query", "query has 3 bytes", after(frame(wire.TypeQuery, 1, 2, 3))},
		{"subscription", "subscription", after(frame(wire.TypeSubscribe, 8))},
		{"empty submission", "submit has 0 bytes", after(frame(wire.TypeSubmit))},
		{"submission of none", "submit of 0", after(wire.AppendSubmitHeader(nil, 0, 0, 0))},
		{"too few bytes", "199 bytes left, a transaction has 200", after(wire.AppendSubmitHeader(nil, 0, 1, 199), make([]byte, 199))},
		{"too many bytes", "1 bytes after 1 transactions", after(wire.AppendSubmitHeader(nil, 0, 1, 201), make([]byte, 201))},
	} {
		nc := rawDial(t, addr)
		if _, err := nc.Write(c.send); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := nc.CloseWrite(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		text, err := lastError(nc)
		if err != nil || !strings.Contains(text, c.want) {
			t.Errorf("%s: told %q, %v; want %q", c.name, text, err, c.want)
		}
		submit(t, good, r, uint64(i), w.transfer(uint32(i%16), 0, 1))
		if s, _ := r.outcome(uint64(i)); s != tx.StatusOK {
			t.Fatalf("after %s the others' transaction is %s", c.name, s)
		}
	}
	if _, err := client.Dial(t.Context(), addr, client.Options{ChainID: tx.ChainID{9}}); !errors.Is(err, client.ErrRefused) {
		t.Errorf("dialling another chain: %v", err)
	}
	var out bytes.Buffer // a wrong query is answered, and the connection goes on
	out.Write(after(wire.AppendQuery(nil, 7, 99, nil), wire.AppendQuery(nil, 8, wire.QueryAccount, []byte{1})))
	nc := rawDial(t, addr)
	if _, err := nc.Write(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	if typ, _, _, err := wire.ReadFrame(nc, nil, 1<<20); err != nil || typ != wire.TypeWelcome {
		t.Fatalf("type %d, %v", typ, err)
	}
	for range 2 {
		_, _, p, err := wire.ReadFrame(nc, nil, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if _, code, text, err := wire.ParseReply(p); err != nil || code != wire.ReplyBad || !bytes.Contains(text, []byte("does not take")) {
			t.Errorf("reply code %d, %q, %v", code, text, err)
		}
	}
}

// A submission that no block has room for never gets near one.
func TestSubmissionLargerThanABlock(t *testing.T) {
	gen := genesis.Dev(8)
	gen.Rules = genesis.Rules{MaxBlockTxs: 5, MaxBlockBytes: 4 * tx.Size}
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	if n.MaxTxs() != 4 {
		t.Fatalf("MaxTxs is %d", n.MaxTxs())
	}
	addr, stop := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	if c.Welcome().MaxTxs != 4 {
		t.Errorf("the node tells clients %d", c.Welcome().MaxTxs)
	}
	w := newWallet(gen)
	if err := c.Submit(0, 5, joined(w.round(5, 1))); err != nil {
		t.Fatal(err)
	}
	r.until(t, "the end of the connection", func() bool { return r.closed || len(r.acks) > 0 })
	local := newRecorder()
	fed(t, n, local, 0, w.round(5, 1)) // in the node's own process, too
	for seq := range uint64(5) {
		if local.acks[seq] != tx.StatusMalformed {
			t.Errorf("transaction %d of a batch of 5: %s", seq, local.acks[seq])
		}
	}
	c, r = dial(t, addr, client.Options{})
	for i := range uint64(6) {
		submit(t, c, r, 4*i, w.round(4, 1)...)
	}
	if got := r.committed(); len(got) != 24 {
		t.Errorf("%d of 24 were committed", len(got))
	}
	stop()
	head, _ := n.Head()
	closeNode(t, n)
	if head.Height != 6 {
		t.Errorf("6 full blocks have the height %d", head.Height)
	}
	checkWhole(t, dir, head.Height)
}

// A client that asks and does not read is cut off; others are served.
func TestSlowReader(t *testing.T) {
	gen := genesis.Dev(4)
	for i := range 1000 { // so that each answer about the genesis has 120 KB
		gen.Accounts = append(gen.Accounts, genesis.Account{PublicKey: genesis.Key{byte(i), byte(i >> 8), 1}})
	}
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{MaxQueued: 64 << 10})
	nc := rawDial(t, addr)
	if err := nc.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	cut := make(chan error, 1)
	go func() {
		b := (&wire.Hello{Version: 1}).Append(nil)
		for id := range uint32(100_000) { // 12 GB of answers, if nobody stops it
			if _, err := nc.Write(b); err != nil {
				cut <- err
				return
			}
			b = wire.AppendQuery(b[:0], id, wire.QueryGenesis, nil)
		}
		cut <- nil
	}()
	good, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	sent := uint64(0)
	for {
		v := tx.Fields{From: gen.FirstDerivedSlot() + uint32(sent%4), Nonce: sent + 1, Amount: 1, Kind: tx.KindTransfer, Expiry: never}
		one := tx.View(v.AppendUnsigned(nil))
		one.Sign(&w.chain, w.keys[sent%4])
		submit(t, good, r, sent, one)
		if s, _ := r.outcome(sent); s != tx.StatusOK {
			t.Fatalf("beside a slow reader a transaction is %s", s)
		}
		sent++
		select {
		case err := <-cut:
			var timeout net.Error
			if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatalf("the slow reader was not cut off: %v", err)
			}
			return
		default:
		}
	}
}

// A full node says so at once, for whole frames, and accounts for everything.
func TestBusy(t *testing.T) {
	gen := genesis.Dev(16)
	disk := newGate()
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen, FS: disk, MempoolBytes: 16 * tx.Size})
	w := newWallet(gen)
	r := newRecorder()
	disk.shut()
	first := feed(n, r, 0, w.round(10, 1))
	second := w.round(10, 1)
	fed(t, n, r, 10, second) // the first ten fill the pool until they are on disk
	for seq := uint64(10); seq < 20; seq++ {
		if s, _ := r.outcome(seq); s != tx.StatusBusy {
			t.Errorf("transaction %d with a full pool: %s", seq, s)
		}
	}
	if got := r.committed(); len(got) != 0 {
		t.Errorf("%d transactions were committed before they were on disk", len(got))
	}
	disk.open()
	letGo(t, first)
	fed(t, n, r, 20, second)
	r.settled(t, 0, 30)
	if got := r.committed(); len(got) != 20 {
		t.Errorf("%d of 20 were committed", len(got))
	}
	if s := n.Stats(); s.Busy != 10 || s.Submitted != 30 || s.Accepted != 20 || s.Committed != 20 || s.MempoolBytes != 0 {
		t.Errorf("counters %+v", s)
	}
	// Through a socket: as much as the client can write, nothing unaccounted.
	addr, _ := serve(t, n, rpc.Config{})
	c, cr := dial(t, addr, client.Options{})
	const frames = 200
	for i := range uint64(frames) {
		if err := c.Submit(i*8, 8, joined(w.round(8, 1))); err != nil {
			t.Fatal(err)
		}
	}
	cr.settled(t, 0, frames*8)
	count := map[tx.Status]int{}
	for seq := range uint64(frames * 8) {
		s, _ := cr.outcome(seq)
		count[s]++
	}
	// Numbers may be 128 behind when a later frame got in first.
	if count[tx.StatusOK] == 0 || count[tx.StatusOK]+count[tx.StatusBusy]+count[tx.StatusNonceUsed] != frames*8 {
		t.Errorf("outcomes %v", count)
	}
	fed(t, n, r, 100, w.round(16, 1)) // exactly the pool
	fed(t, n, r, 200, append(w.round(16, 1), w.transfer(0, 1, 1)))
	if s, _ := r.outcome(200); s != tx.StatusBusy || r.acks[100] != tx.StatusOK {
		t.Errorf("a batch as large as the pool: %s, a larger one: %s", r.acks[100], s)
	}
}
