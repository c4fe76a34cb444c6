package cometbft

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/jsonrpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// offer runs a short schedule against the server.
func offer(t *testing.T, f *fake) loadgen.Outcome {
	t.Helper()
	tpl, err := NewTemplate(DefaultTemplate, 100, "testtest", 1)
	if err != nil {
		t.Fatal(err)
	}
	src := tpl.Source()
	const rate, length = 400, 250 * time.Millisecond
	if err := src.Extend(t.Context(), loadgen.MaxTxs(rate, length), nil); err != nil {
		t.Fatal(err)
	}
	tg := New(f.addr(), Options{})
	out, err := loadgen.Run(t.Context(), loadgen.Config{
		Target: tg, Schedule: "constant", RateTxPerSec: rate, Duration: length, Corpus: src, Conns: 1, DrainTimeout: 300 * time.Millisecond,
	})
	if err := errors.Join(err, tg.Close()); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRunCounts(t *testing.T) {
	f := newFake(t, &fake{
		answer: func(n int, _ json.RawMessage) string {
			switch n % 10 {
			case 3:
				return `"result":{"code":2,"data":"","log":"bad format of tx 123","codespace":"kvstore","hash":"00"}`
			case 5:
				return `"error":{"code":-32603,"message":"Internal error","data":"mempool is full: number of txs 5000"}`
			}
			return `"result":{"code":0,"data":"","log":"","codespace":"","hash":"00"}`
		},
		commit: func(n int) int {
			if n%10 == 3 || n%10 == 5 {
				return 0
			}
			return 1
		},
		result: func(n int) string {
			if n%10 == 7 {
				return `{"code":9,"log":"out of ink","codespace":"app"}`
			}
			return `{"code":0}`
		},
	})
	out := offer(t, f)
	c := out.Trial.Counts
	if !out.Trial.Valid {
		t.Fatal(out.Trial.InvalidReason)
	}
	want := map[string]int64{
		"checktx code 2 of kvstore: bad format of tx #":         c.Sent / 10,
		"rpc: Internal error: mempool is full: number of txs #": c.Sent / 10,
		"exec:app code 9 of app: out of ink":                    c.Sent / 10,
	}
	for name, n := range want {
		if got := c.Rejected[name]; got < n || got > n+1 {
			t.Errorf("%s: %d, want %d or one more; all: %v", name, got, n, c.Rejected)
		}
	}
	if len(c.Rejected) != len(want) || c.Lost != 0 || c.Committed != c.Sent-c.RejectedTotal() {
		t.Errorf("counts: %+v", c)
	}
}

func TestRunLost(t *testing.T) {
	f := newFake(t, &fake{commit: func(n int) int { return min(n%2, 1) }})
	out := offer(t, f)
	c := out.Trial.Counts
	if !out.Trial.Valid || c.Lost != c.Sent-c.Sent/2 || c.Committed != c.Sent/2 || c.Accepted != c.Sent {
		t.Errorf("valid %v (%s), counts %+v", out.Trial.Valid, out.Trial.InvalidReason, c)
	}
}

// Whatever a node does wrong, the run is invalid and says why; no transaction
// is counted twice.
func TestRunInvalid(t *testing.T) {
	once := func(n int, text string) string {
		if n == 20 {
			return text
		}
		return ""
	}
	for name, c := range map[string]struct {
		f    *fake
		want string
	}{
		"committed twice": {&fake{commit: func(n int) int { return 1 + n%2 }}, "committed twice"},
		"acknowledged twice": {&fake{answer: func(n int, _ json.RawMessage) string {
			if n == 1 { // the id that comes last in the object counts
				return `"result":{"code":0},"id":0`
			}
			return `"result":{"code":1}`
		}, commit: func(int) int { return 0 }}, "acknowledged twice"},
		"disconnected": {&fake{answer: func(n int, _ json.RawMessage) string {
			if n == 20 {
				return ""
			}
			return `"result":{"code":0,"data":""}`
		}}, "connection"},
		"subscription ended": {&fake{cut: func(n int) string {
			return once(n, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Server error","data":"subscription was canceled (reason: client is not pulling messages fast enough)"}}`)
		}}, "client is not pulling messages fast enough"},
		"a block left out": {&fake{cut: func(n int) string {
			return once(n, `{"jsonrpc":"2.0","id":1,"result":{"query":"q","data":{"value":{"block":{"header":{"height":"900"},"data":{"txs":[]}},"result_finalize_block":{"tx_results":[]}}}}}`)
		}}, "block 900 came after block 20"},
		"results missing": {&fake{cut: func(n int) string {
			return once(n, `{"jsonrpc":"2.0","id":1,"result":{"query":"q","data":{"value":{"block":{"header":{"height":"21"},"data":{"txs":["AAAA"]}},"result_finalize_block":{"tx_results":[]}}}}}`)
		}}, "1 transactions and 0 results"},
		"no JSON": {&fake{cut: func(n int) string { return once(n, `<html>`) }}, "no JSON-RPC"},
	} {
		t.Run(name, func(t *testing.T) {
			out := offer(t, newFake(t, c.f))
			k := out.Trial.Counts
			if out.Trial.Valid || !strings.Contains(out.Trial.InvalidReason, c.want) {
				t.Errorf("valid %v, %q, want %q", out.Trial.Valid, out.Trial.InvalidReason, c.want)
			}
			if k.Committed > k.Sent || k.Sent != k.Committed+k.RejectedTotal()+k.Expired+k.Lost {
				t.Errorf("counts: %+v", k)
			}
		})
	}
}

func TestOpenRefused(t *testing.T) {
	f := newFake(t, &fake{})
	tg := New(strings.Replace(f.addr(), "127.0.0.1", "localhost", 1), Options{})
	f.Config.Handler = nil
	f.Close()
	if _, err := tg.Open(t.Context(), loadgen.Session{}); err == nil {
		t.Error("a server that is not there was opened")
	}
	if _, err := tg.Status(t.Context()); err == nil {
		t.Error("a server that is not there has a status")
	}
}

func TestTemplate(t *testing.T) {
	for text, bad := range map[string]bool{
		DefaultTemplate: false, "k{{seq}}={{random 3}}{{fill}}": false, "{{seq}}": true, // 64 bytes are asked for
		"{{fill}}": true, "a=b": true, "{{seq}={{fill}}": true, "{{seq}}{{what}}{{fill}}": true,
		"{{seq}}{{random 0}}{{fill}}": true, "{{seq}}{{fill}}{{fill}}": true, "{{seq}}{{random 90}}{{fill}}": true,
	} {
		if _, err := NewTemplate(text, 64, "abcdefgh", 1); errors.Is(err, ErrTemplate) != bad {
			t.Errorf("%q: %v", text, err)
		}
	}
	tpl, err := NewTemplate(DefaultTemplate, 64, "abcdefgh", 1)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	src := tpl.Source()
	if err := src.Extend(context.Background(), 2000, nil); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 2000; {
		txs, n := src.Piece(i, 100, 1000)
		if n < 1 || len(txs) > 1000 {
			t.Fatalf("piece at %d: %d transactions, %d bytes", i, n, len(txs))
		}
		jsonrpc.Each(txs, func(tx []byte, key uint64) {
			key2, value, ok := strings.Cut(string(tx), "=")
			if len(tx) != 64 || !ok || value == "" || seen[key2] || keyOf(tx) != key {
				t.Fatalf("transaction %q", tx)
			}
			seen[key2] = true
		})
		i += n
	}
	if src.MeanBytes() != 64 {
		t.Errorf("mean length %v", src.MeanBytes())
	}
}
