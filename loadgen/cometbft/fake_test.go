package cometbft

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
)

// fake is a server that speaks as CometBFT does and commits every transaction
// in a block of its own, right after it has answered. Its hooks change that.
type fake struct {
	*httptest.Server
	answer func(n int, id json.RawMessage) string // nil: code 0
	result func(n int) string                     // of execution; nil: code 0
	commit func(n int) (times int)                // nil: once
	cut    func(n int) string                     // sent to subscribers instead of block n

	mu     sync.Mutex
	n      int
	height int
	subs   []*peerConn
}

// peerConn serialises writes, as the real server does.
type peerConn struct {
	mu sync.Mutex
	ws *websocket.Conn
}

func (p *peerConn) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.ws.WriteMessage(websocket.TextMessage, []byte(text)) // a client that has gone is no failure
}

func newFake(t *testing.T, f *fake) *fake {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/websocket", f.websocket)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) addr() string { return strings.TrimPrefix(f.URL, "http://") }

func (f *fake) websocket(w http.ResponseWriter, r *http.Request) {
	var up websocket.Upgrader
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	p := &peerConn{ws: ws}
	for {
		_, b, err := ws.ReadMessage()
		if err != nil {
			return
		}
		var req struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				Tx []byte `json:"tx"`
			} `json:"params"`
		}
		if err := json.Unmarshal(b, &req); err != nil {
			p.write(`{"jsonrpc":"2.0","id":-1,"error":{"code":-32700,"message":"Parse error"}}`)
			continue
		}
		if req.Method == "subscribe" {
			f.mu.Lock()
			f.subs = append(f.subs, p)
			f.mu.Unlock()
			p.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{}}`, req.ID))
			continue
		}
		f.broadcast(p, req.ID, req.Params.Tx)
	}
}

func (f *fake) broadcast(p *peerConn, id json.RawMessage, tx []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.n
	f.n++
	body := `"result":{"code":0,"data":"","log":"","codespace":"","hash":"00"}`
	if f.answer != nil {
		if body = f.answer(n, id); body == "" {
			_ = p.ws.Close()
			return
		}
	}
	p.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, id, body))
	times := 1
	if f.commit != nil {
		times = f.commit(n)
	}
	result := `{"code":0}`
	if f.result != nil {
		result = f.result(n)
	}
	for range times {
		f.height++
		text := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"result":{"query":"tm.event='NewBlock'","data":{"type":"x","value":{`+
			`"block":{"header":{"height":"%d"},"data":{"txs":["%s"]}},"result_finalize_block":{"tx_results":[%s]}}}}}`,
			f.height, base64.StdEncoding.EncodeToString(tx), result)
		if f.cut != nil {
			if other := f.cut(n); other != "" {
				text = other
			}
		}
		for _, s := range f.subs {
			s.write(text)
		}
	}
}
