package agent

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/chainweir/weir/results"
)

// ErrAgent is wrapped by every failure to get an answer from an agent.
var ErrAgent = errors.New("no answer from the agent")

// ErrClosed means: the client was closed.
var ErrClosed = errors.New("the agent's client is closed")

// clockQuestions are asked at the start, to have the offset before the first
// reading.
const clockQuestions = 8

// ClientConfig says which agent to ask.
type ClientConfig struct {
	Addr string // host:port
	// TLS must name the authority and have a certificate. Its ServerName is the
	// host of Addr unless given.
	TLS *tls.Config
	// Dial makes the connection; nil: TCP from here.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// OnReading gets each reading of the stream, one at a time. May be nil: then
	// there is no stream.
	OnReading func(Reading)
	// Now is the run's clock, as ServerConfig.Now.
	Now func() time.Time
}

// Client asks one agent. Its methods may be called by many goroutines. When the
// connection is lost, the next Snapshot makes a new one.
type Client struct {
	cfg ClientConfig

	dialing sync.Mutex // one dial at a time
	mu      sync.Mutex // guards what follows
	link    *link
	closed  bool
	hello   Watched
	clock   clockFilter
	wg      sync.WaitGroup
}

// link is one connection.
type link struct {
	conn    *tls.Conn
	writing sync.Mutex

	mu     sync.Mutex
	nextID int64
	wait   map[int64]chan reply // answers that somebody waits for
	err    error                // why the connection ended
}

type reply struct {
	answer
	t4 int64
}

// Dial connects to an agent, learns what it watches and how far its clock is
// from ours.
func Dial(ctx context.Context, cfg ClientConfig) (*Client, error) {
	if err := secureClient(cfg.TLS); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %q has no port, as in 10.0.0.5:7153: %w", ErrAgent, cfg.Addr, err)
	}
	cfg.TLS = cfg.TLS.Clone()
	if cfg.TLS.ServerName == "" {
		cfg.TLS.ServerName = host
	}
	if cfg.Dial == nil {
		cfg.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		}
	}
	if cfg.Now == nil {
		cfg.Now = steadyClock()
	}
	c := &Client{cfg: cfg}
	if _, err := c.connected(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// connected returns the connection, a new one when the last one ended.
func (c *Client) connected(ctx context.Context) (*link, error) {
	c.dialing.Lock()
	defer c.dialing.Unlock()
	c.mu.Lock()
	l, closed := c.link, c.closed
	c.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	if l != nil && l.ended() == nil {
		return l, nil
	}
	l, err := c.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrAgent, c.cfg.Addr, err)
	}
	return l, nil
}

func (c *Client) connect(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	raw, err := c.cfg.Dial(ctx, c.cfg.Addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, c.cfg.TLS)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	l := &link{conn: conn, wait: map[int64]chan reply{}}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		raw.Close()
		return nil, ErrClosed
	}
	c.link = l
	c.clock = clockFilter{} // of another agent, perhaps
	c.wg.Add(1)
	c.mu.Unlock()
	go func() {
		defer c.wg.Done()
		c.read(l)
	}()
	// A refused certificate shows here: a TLS 1.3 client is done with its
	// handshake before the server has looked at it.
	h, err := c.ask(ctx, l, opHello)
	if err != nil {
		l.end(err)
		return nil, err
	}
	if h.Hello == nil {
		err = fmt.Errorf("%w: an empty greeting", ErrProtocol)
		l.end(err)
		return nil, err
	}
	c.mu.Lock()
	c.hello = *h.Hello
	c.mu.Unlock()
	for range clockQuestions {
		if _, err := c.ask(ctx, l, opClock); err != nil {
			l.end(err)
			return nil, err
		}
	}
	if c.cfg.OnReading != nil {
		if _, err := c.ask(ctx, l, opStream); err != nil {
			l.end(err)
			return nil, err
		}
	}
	return l, nil
}

// What tells what the agent watches.
func (c *Client) What() Watched {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hello
}

// Clock is the agent's clock against ours, by the best of the last round trips;
// nil before the first.
func (c *Client) Clock() *results.Clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock.best(c.cfg.Now().UnixNano())
}

// Snapshot asks the agent to read every counter now.
func (c *Client) Snapshot(ctx context.Context) (Reading, error) {
	l, err := c.connected(ctx)
	if err != nil {
		return Reading{}, err
	}
	a, err := c.ask(ctx, l, opSnapshot)
	switch {
	case err != nil:
		return Reading{}, fmt.Errorf("%w at %s: %w", ErrAgent, c.cfg.Addr, err)
	case a.Reading == nil:
		return Reading{}, fmt.Errorf("%w at %s: %w: no reading in the answer", ErrAgent, c.cfg.Addr, ErrProtocol)
	}
	return *a.Reading, nil
}

// ask sends one question and waits for its answer.
func (c *Client) ask(ctx context.Context, l *link, op string) (reply, error) {
	got := make(chan reply, 1)
	id, err := l.expect(got)
	if err != nil {
		return reply{}, err
	}
	defer l.forget(id)
	t1 := c.cfg.Now().UnixNano()
	if err := l.send(question{ID: id, Op: op, SentUnixNS: t1}); err != nil {
		l.end(err)
		return reply{}, l.ended() // the reader may know the reason behind it
	}
	select {
	case r, ok := <-got:
		if !ok {
			return reply{}, l.ended()
		}
		if r.Error != "" {
			return reply{}, fmt.Errorf("%w: the agent says: %.200s", ErrProtocol, r.Error)
		}
		c.mu.Lock()
		c.clock.add(exchange{t1, r.ReceivedUnixNS, r.SentUnixNS, r.t4})
		c.mu.Unlock()
		return r, nil
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

// read takes answers until the connection ends.
func (c *Client) read(l *link) {
	in := newLines(l.conn, maxAnswerBytes)
	for {
		var r reply
		err := in.next(&r.answer)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("the agent ended the connection: %w", err)
			}
			l.end(err)
			return
		}
		r.t4 = c.cfg.Now().UnixNano()
		if r.ID == 0 {
			if r.Reading != nil && c.cfg.OnReading != nil {
				c.cfg.OnReading(*r.Reading)
			}
			continue
		}
		l.deliver(r)
	}
}

func (l *link) expect(got chan reply) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	l.nextID++
	l.wait[l.nextID] = got
	return l.nextID, nil
}

func (l *link) forget(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.wait, id)
}

// deliver hands an answer to whoever waits; nobody does after a timeout.
func (l *link) deliver(r reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if got, ok := l.wait[r.ID]; ok {
		delete(l.wait, r.ID)
		got <- r // its buffer is for just this one
	}
}

func (l *link) send(q question) error {
	line, err := json.Marshal(q)
	if err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err = l.conn.Write(append(line, '\n'))
	return err
}

// end closes the connection and tells everybody who waits. The first reason
// stays.
func (l *link) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	l.conn.NetConn().Close()
	for id, got := range l.wait {
		delete(l.wait, id)
		close(got)
	}
}

func (l *link) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close ends the connection and waits for its reader.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	l := c.link
	c.mu.Unlock()
	if l != nil {
		l.end(ErrClosed)
	}
	c.wg.Wait()
	return nil
}
