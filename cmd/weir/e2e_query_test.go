//go:build unix

package main

import (
	"context"
	"encoding/hex"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
	"github.com/chainweir/weir/merkle"
)

// What is pinned is what an answer has to lead to; what is not pinned is named in
// words.
func TestQueryPins(t *testing.T) {
	t.Parallel()
	dir := e2eTemp(t)
	n := runningNode(t, dir, "chain", "--accounts", "64")
	if r, out := load(t, dir, n.target(), "--rate", "800", "--duration", "1s"); r.Committed == 0 {
		t.Fatalf("nothing was committed: %s", out)
	}
	block := query(t, dir, n, "block", "1")
	if block.HeaderHash == "" || block.HeaderHash != block.Hash || block.Anchor != anchorNode || block.ChainPinned || block.ChainID != n.ready.ChainID {
		t.Errorf("%+v", block)
	}
	pinned := query(t, dir, n, "proof", "1", "0", "--header", block.Hash, "--height", "1", "--chain", n.ready.ChainID)
	if pinned.Verified == nil || !*pinned.Verified || pinned.Anchor != anchorPinned || !pinned.ChainPinned || pinned.HeaderHash != block.Hash {
		t.Errorf("%+v", pinned)
	}
	head := query(t, dir, n, "head")
	if a := query(t, dir, n, "account", "3", "--header", head.Hash); a.Anchor != anchorPinned || a.Balance == nil {
		t.Errorf("%+v", a)
	}
	wrong := strings.Repeat("ab", 32)
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"proof 1 0", exitOK, []string{"verified only against a header that the same node sent", block.Hash, "--header"}},
		{"proof 1 0 --header " + block.Hash, exitOK, []string{"verified against block 1, whose header " + block.Hash + " you gave"}},
		{"head", exitOK, []string{"verified    nothing"}},
		{"head --header " + head.Hash, exitOK, []string{"the header is the one that you gave"}},
		{"proof 1 0 --header " + wrong, exitFailed, []string{"does not verify", block.Hash, wrong}},
		{"block 1 --header " + wrong, exitFailed, []string{"does not verify", block.Hash, wrong}},
		{"head --header " + wrong, exitFailed, []string{"does not verify", head.Hash, wrong}},
		{"account 3 --header " + wrong, exitFailed, []string{"does not verify", head.Hash, wrong}},
		{"account 3 --height 1", exitFailed, []string{"--height pins 1"}},
		{"health --chain " + wrong, exitFailed, []string{n.ready.ChainID, wrong}},
		{"proof 1 0 --chain " + wrong, exitFailed, []string{n.ready.ChainID, wrong}},
	} {
		out := weir(t, dir, append(strings.Fields("node query "+c.args), "--addr", n.ready.Listen)...)
		if out.code != c.code || !mentionsAll(out.stdout+out.stderr, c.want...) || c.code != exitOK && out.stdout != "" {
			t.Errorf("%s: want exit code %d and %q: %s", c.args, c.code, c.want, out)
		}
	}
	n.stop(t)
}

// liar proves a transaction against a header of its own making.
type liar struct {
	answer []byte
	header tx.Header
}

func (l *liar) Submit(s *rpc.Submission) { s.Done() }

func (l *liar) Query(context.Context, uint8, []byte) (uint8, []byte, int) {
	return wire.ReplyOK, l.answer, 1
}

func (l *liar) MaxAnswer(uint8) int { return len(l.answer) }

func (l *liar) RetryAfter() time.Duration { return time.Second }

func (l *liar) Welcome() wire.Welcome { return wire.Welcome{ChainID: [32]byte{1}} }

// A node that lies consistently convinces only those who do not know better, and
// they are told on what its word rests.
func TestQueryOfALiar(t *testing.T) {
	t.Parallel()
	one := (&tx.Fields{Kind: tx.KindTransfer, Amount: 1 << 40, Nonce: 1}).AppendUnsigned(nil)
	root, err := merkle.NewBuilder(merkle.RFC6962, 1).Root([][]byte{one})
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{header: tx.Header{Height: 1, Count: 1, BodyBytes: tx.Size, TxRoot: root}}
	l.answer = (&wire.TxAnswer{Header: l.header, Tx: one}).Append(nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- rpc.New(l, rpc.Config{}).Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	dir := e2eTemp(t)
	ask := []string{"node", "query", "proof", "1", "0", "--addr", ln.Addr().String()}
	if out := weir(t, dir, ask...); out.code != exitOK || !mentionsAll(out.stdout, "only against a header that the same node sent") {
		t.Errorf("%s", out)
	}
	other := l.header
	other.TxRoot[0] ^= 1
	hash := other.Hash(&tx.ChainID{1})
	out := weir(t, dir, append(ask, "--header", hex.EncodeToString(hash[:]))...)
	if out.code != exitFailed || out.stdout != "" || !mentionsAll(out.stderr, "does not verify", hex.EncodeToString(hash[:])) {
		t.Errorf("%s", out)
	}
}
