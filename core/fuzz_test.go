package core_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// FuzzConnection writes anything to a real node, with a hello before it or not.
// The node must answer, hang up or wait for more, and serve others meanwhile.
func FuzzConnection(f *testing.F) {
	gen := genesis.Dev(4)
	n := open(f, core.Config{Dir: f.TempDir(), Genesis: gen, FS: faultfs.New()})
	addr, _ := serve(f, n, rpc.Config{MaxPayload: 64 << 10})
	w := newWallet(gen)
	frame := func(typ wire.Type, payload ...byte) []byte {
		return append(wire.AppendHeader(nil, typ, 0, len(payload)), payload...)
	}
	submission := append(wire.AppendSubmitHeader(nil, 7, 2, 2*tx.Size), joined([]tx.View{w.transfer(0, 1, 1), w.transfer(1, 1, 1)})...)
	for _, seed := range [][]byte{
		nil, frame(wire.TypeSubscribe, 3), submission, submission[:100],
		wire.AppendQuery(nil, 1, wire.QueryAccount, []byte{1, 0, 0, 0}), wire.AppendQuery(nil, 2, wire.QueryHead, nil),
		append(frame(wire.TypeSubscribe, 1), append(submission, submission...)...), frame(wire.TypeError, 'x'),
		binary.LittleEndian.AppendUint32(nil, 1<<31),
	} {
		f.Add(true, seed)
		f.Add(false, seed)
	}
	good, r := dial(f, addr, client.Options{})
	seq := uint64(0)
	f.Fuzz(func(t *testing.T, hello bool, b []byte) {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if err := nc.SetDeadline(time.Now().Add(deadline)); err != nil {
			t.Fatal(err)
		}
		if hello {
			b = append((&wire.Hello{Version: wire.ProtocolVersion}).Append(nil), b...)
		}
		_, _ = nc.Write(b) // the node may have hung up
		_ = nc.(*net.TCPConn).CloseWrite()
		answered := 0 // what comes back are frames, to the last one
		for {
			_, _, _, err := wire.ReadFrame(nc, nil, wire.MaxReply)
			var reset *net.OpError
			if errors.Is(err, io.EOF) && !errors.Is(err, wire.ErrFrame) || errors.As(err, &reset) && !reset.Timeout() {
				break // a reset: it hung up before it had read everything
			}
			if err != nil {
				t.Fatalf("after %d frames: %v", answered, err)
			}
			answered++
		}
		submit(t, good, r, seq, w.transfer(2, 3, 0))
		if s := r.final(seq); s != tx.StatusOK {
			t.Fatalf("the others' transaction is %s", s)
		}
		seq++
		if n.Err() != nil {
			t.Fatal(n.Err())
		}
	})
}

// FuzzBlock opens a chain whose first block is anything in an intact record. The
// start must refuse it or take it as a whole.
func FuzzBlock(f *testing.F) {
	gen := genesis.Dev(4)
	dir := f.TempDir()
	disk := faultfs.New()
	n := open(f, core.Config{Dir: dir, Genesis: gen, FS: disk})
	w, r := newWallet(gen), newRecorder()
	fed(f, n, r, 0, w.round(4, 1))
	_, _, err := n.Block(1)
	if err != nil {
		f.Fatal(err)
	}
	closeNode(f, n)
	opts := store.Options{Dir: dir, ChainID: gen.ChainID(), FS: disk}
	log, err := store.Open(opts)
	if err != nil {
		f.Fatal(err)
	}
	good, err := log.Read(1, nil)
	if err != nil {
		f.Fatal(err)
	}
	if err := log.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:tx.HeaderSize])
	f.Add(good[:len(good)-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		fresh := faultfs.New()
		log, err := store.Open(store.Options{Dir: dir, ChainID: gen.ChainID(), FS: fresh})
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Commit(1, payload); err != nil {
			_ = log.Close()
			return // too large for a record
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		n, err := core.Open(core.Config{Dir: dir, FS: fresh, Workers: 1})
		if err != nil {
			return
		}
		head, hash := n.Head()
		chain := n.ChainID()
		if head.Height != 1 || hash != head.Hash(&chain) {
			t.Errorf("a block was taken, the head is %d", head.Height)
		}
		for i := range head.Count {
			// The start does not check roots and signatures (verify does), so a
			// proof may fail; it must not succeed for something else.
			if a, err := n.Transaction(context.Background(), 1, i); err == nil && a.Header != head {
				t.Error("an answer with another header")
			}
		}
		closeNode(t, n)
	})
}
