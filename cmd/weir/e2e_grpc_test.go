//go:build unix

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc/grpcapi/weirv1"
	"github.com/chainweir/weir/core/rpc/tlstest"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/merkle"
)

func grpcClient(t *testing.T, addr string, secure *tls.Config) (context.Context, weirv1.NodeClient) {
	t.Helper()
	creds := insecure.NewCredentials()
	if secure != nil {
		creds = credentials.NewTLS(secure)
	}
	cc, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), e2eTimeout)
	t.Cleanup(func() {
		cancel()
		if err := cc.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, weirv1.NewNodeClient(cc)
}

// signed makes one transfer from each account of a measuring chain.
func signed(n int) (chain tx.ChainID, txs []tx.View, all []byte) {
	gen := genesis.Dev(uint32(n))
	chain = gen.ChainID()
	for i, key := range gen.Derived.PrivateKeys(n) {
		f := tx.Fields{Kind: tx.KindTransfer, From: uint32(i), To: uint32((i + 1) % n), Amount: 1, Nonce: 1, Expiry: 1 << 40}
		v := tx.View(f.AppendUnsigned(nil))
		v.Sign(&chain, key)
		txs, all = append(txs, v), append(all, v...)
	}
	return chain, txs, all
}

// submitAll sends everything in one message and returns where each transaction
// stands: the height and index by number.
func submitAll(ctx context.Context, t *testing.T, c weirv1.NodeClient, chain tx.ChainID, n int, all []byte) map[uint64][2]uint64 {
	t.Helper()
	st, err := c.Submit(ctx)
	if err == nil {
		err = st.Send(&weirv1.SubmitRequest{Base: 1000, Count: uint32(n), Transactions: all, ChainId: chain[:]})
	}
	if err == nil {
		err = st.CloseSend()
	}
	if err != nil {
		t.Fatal(err)
	}
	acked, places := 0, map[uint64][2]uint64{}
	for {
		e, err := st.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if a := e.GetAck(); a != nil {
			acked += int(a.GetCount())
			if s := a.GetStatuses(); len(s) != 1 || s[0] != weirv1.Status_STATUS_OK {
				t.Errorf("acknowledged with %v", s)
			}
		}
		for _, r := range e.GetCommit().GetRanges() {
			for i := range r.GetCount() {
				places[r.GetSeq()+uint64(i)] = [2]uint64{e.GetCommit().GetHeight(), uint64(r.GetIndex() + i)}
			}
		}
	}
	if acked != n || len(places) != n {
		t.Fatalf("%d of %d transactions were acknowledged, %d committed", acked, n, len(places))
	}
	return places
}

// A client of the generated code submits, sees everything committed, and finds
// and proves each transaction; the command finds the same.
func TestNodeOverGRPC(t *testing.T) {
	t.Parallel()
	const accounts = 128
	dir := e2eTemp(t)
	n := runningNode(t, dir, "chain", "--accounts", fmt.Sprint(accounts), "--grpc-listen", "127.0.0.1:0", "--index")
	ctx, c := grpcClient(t, n.ready.GRPC, nil)
	chain, txs, all := signed(accounts)
	places := submitAll(ctx, t, c, chain, accounts, all)
	if !until(e2eTimeout, func() bool {
		h, err := c.Health(ctx, &weirv1.HealthRequest{})
		return err == nil && h.GetIndex() == weirv1.HealthResponse_INDEX_READY && h.GetState() == weirv1.HealthResponse_STATE_OK
	}) {
		t.Fatal("the index does not catch up")
	}
	for i, v := range txs {
		id, at := v.ID(&chain), places[1000+uint64(i)]
		a, err := c.GetTransaction(ctx, &weirv1.GetTransactionRequest{Key: &weirv1.GetTransactionRequest_Hash{Hash: id[:]}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.GetProof(ctx, &weirv1.GetProofRequest{Height: at[0], Index: uint32(at[1])})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*weirv1.TransactionResponse{a, b} {
			h, err := tx.ParseHeader(r.GetHeader())
			if err != nil || string(r.GetTransaction()) != string(v) || h.Height != at[0] || uint64(r.GetIndex()) != at[1] {
				t.Fatalf("transaction %d at %v: %v, %v", i, at, r, err)
			}
			path := make([][32]byte, len(r.GetPath()))
			for k, p := range r.GetPath() {
				path[k] = [32]byte(p)
			}
			if err := merkle.VerifyInclusion(merkle.RFC6962, h.TxRoot, v, at[1], uint64(h.Count), path); err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		}
	}
	if _, err := c.GetItem(ctx, &weirv1.GetItemRequest{Slot: 9}); status.Code(err) != codes.NotFound {
		t.Errorf("an item that does not exist: %v", err)
	}
	id := txs[7].ID(&chain)
	hash := fmt.Sprintf("%x", id)
	for _, q := range []queryAnswer{query(t, dir, n, "tx", hash), query(t, dir, n, "tx", "7", "1")} {
		if q.TxHash != hash || q.Height != places[1007][0] || q.Verified == nil || !*q.Verified {
			t.Errorf("%+v", q)
		}
	}
	if q := query(t, dir, n, "block", "1"); len(q.Txs) != int(q.Count) || q.Count == 0 || q.Verified == nil {
		t.Errorf("block 1 has %d transactions, %d were printed", q.Count, len(q.Txs))
	}
	if q := query(t, dir, n, "health"); q.Health == nil || q.Health.Status != "ok" || q.Health.Index != "ready" {
		t.Errorf("%+v", q.Health)
	}
	n.stop(t)
}

// With mutual TLS both ports serve members only, and the command can be one.
func TestNodeOverTLS(t *testing.T) {
	t.Parallel()
	dir := e2eTemp(t)
	ca := tlstest.New(t, "ca")
	node, member := ca.Issue(t, "node", time.Hour), ca.Issue(t, "member", time.Hour)
	n := runningNode(t, dir, "chain", "--accounts", "4", "--grpc-listen", "127.0.0.1:0",
		"--tls-cert", node.Cert, "--tls-key", node.Key, "--tls-client-ca", ca.File)
	if !n.ready.TLS || n.ready.Link != "" {
		t.Errorf("%+v", n.ready)
	}
	q := query(t, dir, n, "account", "3", "--tls-ca", ca.File, "--tls-cert", member.Cert, "--tls-key", member.Key)
	if q.Verified == nil || !*q.Verified {
		t.Errorf("%+v", q)
	}
	for _, args := range [][]string{{}, {"--tls-ca", ca.File}} {
		out := weir(t, dir, append([]string{"node", "query", "head", "--addr", n.ready.Listen}, args...)...)
		if out.code != exitUsage || out.stdout != "" || out.stderr == "" {
			t.Errorf("%q: %s", args, out)
		}
	}
	for _, c := range []struct {
		who  tlstest.Pair
		want codes.Code
	}{{member, codes.OK}, {tlstest.Pair{}, codes.Unavailable}} {
		secure, err := client.TLS(ca.File, c.who.Cert, c.who.Key, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		ctx, g := grpcClient(t, n.ready.GRPC, secure)
		if _, err := g.Head(ctx, &weirv1.HeadRequest{}); status.Code(err) != c.want {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
	n.stop(t)
}

// Flags that do not fit are refused with the value and a remedy, before anything
// is written.
func TestNodeServeFlags(t *testing.T) {
	t.Parallel()
	dir := e2eTemp(t)
	for _, c := range []struct{ args, want string }{
		{"--tls-cert a.pem", "give both or neither"},
		{"--tls-client-ca a.pem", "--tls-cert"},
		{"--tls-cert a.pem --tls-key b.pem", "a.pem"},
		{"--client-rate 0.5", "0.5"},
		{"--client-rate NaN", "NaN"},
		{"--max-conns 0", "1 to"},
		{"--max-frame-kib 9999", "9999"},
		{"--client-mib 0", "1 to"},
		{"--grpc-listen nowhere", "nowhere"},
	} {
		args := append([]string{"node", "--data", "new", "--listen", "127.0.0.1:0"}, strings.Fields(c.args)...)
		out := weir(t, dir, args...)
		if out.code != exitUsage || !strings.Contains(out.stderr, c.want) {
			t.Errorf("%s: %s", c.args, out)
		}
	}
	for _, c := range []struct{ args, want string }{ // without a node
		{"item x", "not a number"},
		{"key 0 2a", "64 hex digits"},
		{"tx 12", "64 hex digits"},
		{"tx 1 x", "not a number"},
		{"account 4294967296", "does not fit 32 bits"},
		{"block -- -1", "not a number"},
	} {
		args := append([]string{"node", "query", "--addr", "127.0.0.1:1"}, strings.Fields(c.args)...)
		out := weir(t, dir, args...)
		if out.code != exitUsage || !strings.Contains(out.stderr, c.want) {
			t.Errorf("%s: %s", c.args, out)
		}
	}
}
