package jsonrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// Client asks single questions on a connection of its own, which it opens when
// it is needed, and again after an error. Its methods may be called by any
// goroutine; one call runs at a time.
type Client struct {
	Endpoint Endpoint

	mu     sync.Mutex
	stream *Stream
	id     uint64
}

// Call asks one question. Result, which may be nil, is what the answer is
// decoded into; an answer that is an error is an *Error.
func (c *Client) Call(ctx context.Context, result any, method string, params ...any) error {
	ms, err := c.Batch(ctx, []Request{{method, params}})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", method, err)
	case ms[0].Error != nil:
		return fmt.Errorf("%s: %w", method, ms[0].Error)
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(ms[0].Result, result); err != nil {
		return fmt.Errorf("%s: cannot read the answer: %w: %s", method, err, short(ms[0].Result))
	}
	return nil
}

// Request is one question of a batch.
type Request struct {
	Method string
	Params []any
}

// Batch asks several questions at once and returns the answers in their order.
func (c *Client) Batch(ctx context.Context, rs []Request) ([]Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ms, err := c.ask(ctx, rs)
	if err != nil && c.stream != nil {
		err = errors.Join(err, c.stream.Close())
		c.stream = nil
	}
	return ms, err
}

func (c *Client) ask(ctx context.Context, rs []Request) ([]Message, error) {
	if c.stream == nil {
		s, err := Open(ctx, c.Endpoint, nil)
		if err != nil {
			return nil, err
		}
		c.stream = s
	}
	s := c.stream
	// A context that ends must end the call: the stream is then of no use.
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	first := c.id
	body, err := c.encode(rs)
	if err != nil {
		return nil, err
	}
	s.Queue(body)
	if err := s.Flush(0); err != nil {
		return nil, because(ctx, err)
	}
	b, err := s.Read()
	if err != nil {
		return nil, because(ctx, err)
	}
	ms, err := Messages(b)
	if err != nil {
		return nil, err
	}
	if len(ms) == 1 && len(rs) > 1 && ms[0].Error != nil {
		return nil, ms[0].Error // the batch as a whole was refused
	}
	if len(ms) != len(rs) {
		return nil, fmt.Errorf("%d answers to %d questions", len(ms), len(rs))
	}
	out := make([]Message, len(rs))
	seen := make([]bool, len(rs))
	for _, m := range ms {
		id, ok := m.Number()
		if i := id - first; !ok || i >= uint64(len(rs)) || seen[i] {
			return nil, fmt.Errorf("an answer has the id %s, which was not asked for", m.ID)
		}
		out[id-first], seen[id-first] = m, true
	}
	return out, nil
}

// encode writes the questions, as a batch when there are several.
func (c *Client) encode(rs []Request) ([]byte, error) {
	var b []byte
	for i, r := range rs {
		if i > 0 {
			b = append(b, ',')
		}
		if r.Params == nil {
			r.Params = []any{}
		}
		p, err := json.Marshal(r.Params)
		if err != nil {
			return nil, err
		}
		b = append(append(AppendCall(b, c.id, r.Method), p...), '}')
		c.id++
	}
	if len(rs) == 1 {
		return b, nil
	}
	return append(append([]byte{'['}, b...), ']'), nil
}

// Close ends the connection. The next call opens another.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream == nil {
		return nil
	}
	err := c.stream.Close()
	c.stream = nil
	return err
}

// because prefers the end of the context to what followed from it.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
