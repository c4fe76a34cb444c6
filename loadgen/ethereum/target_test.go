package ethereum

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/chainweir/weir/loadgen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake answers as an Ethereum node does over HTTP, and over WebSocket with
// subscriptions. Every batch of transactions becomes a block; its hooks change
// that.
type fake struct {
	refuse func(n int) string // words of an error for transaction n; empty: taken
	twice  func(n int) bool   // in the next block again
	gas    uint64             // of each transaction, 0: a transfer's
	fail   bool               // receipts say so
	reorg  int                // this block has another parent; 0: none
	hide   int                // so many questions for a new block are too early

	mu     sync.Mutex
	n      int
	early  int        // of those for the newest block
	blocks [][]string // hashes
	heads  []func(n int)
}

type request struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if websocket.IsWebSocketUpgrade(r) {
		f.serveSocket(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	text, _, err := f.answer(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, text+"\n") // a client that has gone is no failure
}

// answer answers one message, and tells whether it subscribes to heads. Other
// subscribers hear of a new block first, as they may.
func (f *fake) answer(body []byte) (text string, subscribes bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rs []request
	batch := body[0] == '['
	if batch {
		err = json.Unmarshal(body, &rs)
	} else {
		rs = make([]request, 1)
		err = json.Unmarshal(body, &rs[0])
	}
	if err != nil {
		return "", false, err
	}
	var mined, out []string
	for _, q := range rs {
		subscribes = subscribes || q.Method == "eth_subscribe"
		out = append(out, `{"jsonrpc":"2.0","id":`+string(q.ID)+","+f.one(q, &mined)+"}")
	}
	if len(mined) > 0 {
		f.blocks, f.early = append(f.blocks, mined), f.hide
		for _, tell := range f.heads {
			tell(len(f.blocks))
		}
	}
	text = strings.Join(out, ",")
	if batch {
		text = "[" + text + "]"
	}
	return text, subscribes, nil
}

func (f *fake) serveSocket(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	var mu sync.Mutex // of writing; a client that has gone is no failure
	say := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		_ = ws.WriteMessage(websocket.TextMessage, []byte(text))
	}
	for {
		_, body, err := ws.ReadMessage()
		if err != nil {
			return
		}
		text, subscribes, err := f.answer(body)
		if err != nil {
			return
		}
		if subscribes {
			f.mu.Lock()
			f.heads = append(f.heads, func(n int) {
				say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{"number":"0x%x"}}}`, n))
			})
			f.mu.Unlock()
		}
		say(text)
	}
}

func (f *fake) one(q request, mined *[]string) string {
	switch q.Method {
	case "eth_chainId":
		return `"result":"0x539"`
	case "web3_clientVersion":
		return `"result":"fake/1"`
	case "eth_maxPriorityFeePerGas", "eth_getTransactionCount":
		return `"result":"0x0"`
	case "eth_getBalance":
		return `"result":"0xffffffffffffffffffff"`
	case "eth_blockNumber":
		return fmt.Sprintf(`"result":"0x%x"`, len(f.blocks))
	case "eth_getBlockByNumber":
		return `"result":` + f.block(q)
	case "eth_getBlockReceipts":
		n := len(f.blocks[f.number(q)-1])
		status := map[bool]string{false: "0x1", true: "0x0"}[f.fail]
		return `"result":[` + strings.TrimSuffix(strings.Repeat(`{"status":"`+status+`"},`, n), ",") + `]`
	case "eth_sendRawTransaction":
		return f.send(q, mined)
	case "eth_subscribe":
		return `"result":"0x1"`
	}
	return `"error":{"code":-32601,"message":"no such method"}`
}

func (f *fake) number(q request) int {
	var tag string
	if json.Unmarshal(q.Params[0], &tag) != nil || tag == "latest" {
		return len(f.blocks)
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(tag, "0x"), 16, 32)
	if err != nil {
		return -1
	}
	return int(n)
}

func (f *fake) block(q request) string {
	n := f.number(q)
	if n < 0 || n > len(f.blocks) {
		return "null"
	}
	if n == len(f.blocks) && f.early > 0 {
		f.early--
		return "null"
	}
	var txs []string
	if n > 0 {
		txs = f.blocks[n-1]
	}
	gas := f.gas
	if gas == 0 {
		gas = transferGas
	}
	parent := n - 1
	if f.reorg != 0 && n >= f.reorg {
		parent += 1000
	}
	list, err := json.Marshal(append([]string{}, txs...))
	if err != nil {
		return "null"
	}
	return fmt.Sprintf(`{"number":"0x%x","hash":"0x%064x","parentHash":"0x%064x","gasUsed":"0x%x","baseFeePerGas":"0x7","transactions":%s}`,
		n, n, parent, gas*uint64(len(txs)), list)
}

func (f *fake) send(q request, mined *[]string) string {
	var text string
	if err := json.Unmarshal(q.Params[0], &text); err != nil {
		return `"error":{"code":-32602,"message":"no text"}`
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		return `"error":{"code":-32602,"message":"no hex"}`
	}
	h := keccak(raw)
	n := f.n
	f.n++
	if f.refuse != nil {
		if words := f.refuse(n); words != "" {
			return `"error":{"code":-32000,"message":"` + words + `"}`
		}
	}
	hash := "0x" + hex.EncodeToString(h[:])
	*mined = append(*mined, hash)
	if f.twice != nil && f.twice(n) {
		*mined = append(*mined, hash)
	}
	return `"result":"` + hash + `"`
}

func offer(t *testing.T, f *fake) loadgen.Outcome { return offerBy(t, f, false) }

func offerBy(t *testing.T, f *fake, webSocket bool) loadgen.Outcome {
	t.Helper()
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	key, err := ParseKey(strings.Repeat("46", 32))
	if err != nil {
		t.Fatal(err)
	}
	tg := New(strings.TrimPrefix(srv.URL, "http://"), Options{Key: key, Accounts: 8, HeadPoll: time.Millisecond, WebSocket: webSocket})
	if err := tg.Prepare(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const rate, length = 400, 250 * time.Millisecond
	src := tg.Source()
	if err := src.Extend(t.Context(), loadgen.MaxTxs(rate, length), nil); err != nil {
		t.Fatal(err)
	}
	out, err := loadgen.Run(t.Context(), loadgen.Config{
		Target: tg, Schedule: "constant", RateTxPerSec: rate, Duration: length, Corpus: src, DrainTimeout: 20 * time.Second,
	})
	if err := errors.Join(err, tg.Close()); err != nil {
		t.Fatal(err)
	}
	c := out.Trial.Counts
	if c.Sent != c.Committed+c.RejectedTotal()+c.Expired+c.Lost {
		t.Errorf("counts: %+v", c)
	}
	return out
}

func TestRunCounts(t *testing.T) {
	out := offer(t, &fake{refuse: func(n int) string {
		if n%10 == 3 {
			return "txpool is full"
		}
		return ""
	}})
	c := out.Trial.Counts
	if !out.Trial.Valid || c.Committed == 0 || c.Rejected["rpc: txpool is full"] != c.Sent-c.Committed || c.Lost != 0 {
		t.Errorf("valid %v (%s), counts %+v", out.Trial.Valid, out.Trial.InvalidReason, c)
	}
}

// Over WebSocket every block counts, the last one too: no later head would bring
// it up again when it cannot be read as soon as it is announced.
func TestRunOverWebSocket(t *testing.T) {
	for name, f := range map[string]*fake{"at once": {}, "announced too early": {hide: 3}} {
		out := offerBy(t, f, true)
		c := out.Trial.Counts
		if !out.Trial.Valid || c.Sent == 0 || c.Committed != c.Sent || out.BytesIn == 0 {
			t.Errorf("%s: valid %v (%s), counts %+v", name, out.Trial.Valid, out.Trial.InvalidReason, c)
		}
	}
}

// A block whose gas is not that of transfers is looked into.
func TestRunReverted(t *testing.T) {
	c := offer(t, &fake{gas: transferGas + 1, fail: true}).Trial.Counts
	if c.Committed != 0 || c.Rejected["exec:reverted"] != c.Sent {
		t.Errorf("failed receipts: %+v", c)
	}
	c = offer(t, &fake{gas: transferGas + 1}).Trial.Counts
	if c.Committed != c.Sent {
		t.Errorf("good receipts: %+v", c)
	}
}

func TestRunInvalid(t *testing.T) {
	for want, f := range map[string]*fake{
		"committed twice": {twice: func(n int) bool { return n == 20 }},
		"reorganised":     {reorg: 3},
	} {
		if out := offer(t, f); out.Trial.Valid || !strings.Contains(out.Trial.InvalidReason, want) {
			t.Errorf("valid %v, %q, want %q", out.Trial.Valid, out.Trial.InvalidReason, want)
		}
	}
}

func TestMissing(t *testing.T) {
	tg := &Target{keys: make([]*Key, 3), first: []uint64{10, 0, 5}}
	next, done := tg.missing([]uint64{12, 1, 5}, 7) // accounts have 3, 2, 2 of the first seven
	if fmt.Sprint(next, done) != "[6 4 2] 3" {
		t.Errorf("missing %v, done %d", next, done)
	}
	if next, done := tg.missing([]uint64{13, 2, 7}, 7); len(next) != 0 || done != 7 {
		t.Errorf("missing %v, done %d", next, done)
	}
}
