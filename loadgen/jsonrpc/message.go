package jsonrpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Message is a response, or a notification when it has a method.
type Message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Error is what a server answers instead of a result.
type Error struct {
	Code    int64           `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Error is the server's words.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (JSON-RPC error %d)", e.Words(), e.Code)
}

// Words are the message, with the data where that is a text.
func (e *Error) Words() string {
	var data string
	if json.Unmarshal(e.Data, &data) == nil && data != "" {
		return e.Message + ": " + data
	}
	return e.Message
}

// Number is the id of a response as a number.
func (m *Message) Number() (uint64, bool) {
	n, err := strconv.ParseUint(string(m.ID), 10, 64)
	return n, err == nil
}

// errEmptyBatch: JSON-RPC 2.0, section 6, allows none.
var errEmptyBatch = errors.New("no JSON-RPC: a batch of no messages")

// Messages reads one message, or the messages of a batch: at least one.
func Messages(body []byte) ([]Message, error) {
	b := bytes.TrimSpace(body)
	if len(b) > 0 && b[0] == '[' {
		var ms []Message
		if err := json.Unmarshal(b, &ms); err != nil {
			return nil, fmt.Errorf("no JSON-RPC: %w: %s", err, short(b))
		}
		if len(ms) == 0 {
			return nil, errEmptyBatch
		}
		return ms, nil
	}
	var m Message
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("no JSON-RPC: %w: %s", err, short(b))
	}
	return []Message{m}, nil
}

// respHead is how the servers that are known begin a response; one that writes
// it otherwise is read by Messages, at more cost.
var respHead = []byte(`{"jsonrpc":"2.0","id":`)

// CutResponse takes the id and the part from "result": on off a response that
// was written without blanks. It allocates nothing.
func CutResponse(b []byte) (id uint64, rest []byte, ok bool) {
	b, ok = bytes.CutPrefix(b, respHead)
	if !ok {
		return 0, nil, false
	}
	n := 0
	for n < len(b) && n < 19 && b[n] >= '0' && b[n] <= '9' {
		id = id*10 + uint64(b[n]-'0')
		n++
	}
	if n == 0 {
		return 0, nil, false
	}
	rest, ok = bytes.CutPrefix(b[n:], []byte(`,"result":`))
	return id, rest, ok
}

// AppendCall appends a request up to its params, which the caller adds with
// the closing brace.
func AppendCall(dst []byte, id uint64, method string) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `,"method":"`...)
	dst = append(dst, method...)
	return append(dst, `","params":`...)
}
