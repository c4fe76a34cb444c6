package core_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

// sequencer is what the engines of several nodes share: one order of references,
// and the batches. It forgets decisions, as a replicated log does.
type sequencer struct {
	mu        sync.Mutex
	changed   chan struct{}
	decisions []engine.Decision // from first on
	first     uint64
	timeNS    uint64
	batches   map[[32]byte][]byte
	fetched   int
	sender    engine.App // whom a member that is behind asks for a snapshot
}

func newSequencer() *sequencer {
	return &sequencer{changed: make(chan struct{}), first: 1, batches: map[[32]byte][]byte{}}
}

// event changes the sequencer and wakes all members.
func (s *sequencer) event(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// forget drops the decisions before the last one.
func (s *sequencer) forget() {
	s.event(func() {
		n := len(s.decisions) - 1
		s.first += uint64(n)
		s.decisions = s.decisions[n:]
		clear(s.batches)
	})
}

// member is the engine of one node.
type member struct {
	*sequencer
	cfg    engine.Config
	app    engine.App
	ctx    context.Context
	done   chan struct{}
	err    error
	closed bool // guarded by the sequencer's lock
	last   uint64
}

func (s *sequencer) join(cfg engine.Config) engine.Engine {
	return &member{sequencer: s, cfg: cfg, done: make(chan struct{})}
}

func (m *member) Start(ctx context.Context, app engine.App) error {
	m.app, m.ctx = app, ctx
	go func() {
		defer close(m.done)
		m.err = m.run()
	}()
	return nil
}

// run delivers every decision that is still known, those the node has seen, too.
func (m *member) run() error {
	for next := uint64(1); ; {
		m.mu.Lock()
		first, changed, end := m.first, m.changed, m.first+uint64(len(m.decisions))
		var d engine.Decision
		if next >= first && next < end {
			d = m.decisions[next-first]
		}
		behind := next < first && m.timeNS > m.cfg.TimeNS && m.decisions[0].TimeNS > m.cfg.TimeNS
		sender, closed := m.sender, m.closed
		m.mu.Unlock()
		switch {
		case behind:
			return m.catchUp(sender)
		case next < first:
			next = first
		case next < end:
			if err := m.app.Commit(m.ctx, d); err != nil {
				return err
			}
			m.event(func() { m.last = next })
			next++
		case closed:
			return nil
		default:
			select {
			case <-changed:
			case <-m.ctx.Done():
				return m.ctx.Err()
			}
		}
	}
}

// catchUp gives the node another one's snapshot.
func (m *member) catchUp(sender engine.App) error {
	r, w := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		_, err := sender.Snapshot(w)
		w.CloseWithError(err)
		sent <- err
	}()
	err := m.app.Restore(r)
	r.CloseWithError(err)
	return errors.Join(err, <-sent)
}

func (m *member) Publish(ref engine.Ref, content []byte) {
	m.event(func() { m.batches[ref.Digest] = content })
}

func (m *member) Fetch(_ context.Context, ref engine.Ref) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fetched++
	b, ok := m.batches[ref.Digest]
	if !ok {
		return nil, engine.ErrUnknown
	}
	return b, nil
}

func (m *member) Propose(ref engine.Ref) error {
	if !m.app.Check(ref) {
		return fmt.Errorf("%w: digest %x", engine.ErrUnknown, ref.Digest[:8])
	}
	m.event(func() {
		m.timeNS = max(m.timeNS+1, uint64(time.Now().UnixNano()))
		n := m.first + uint64(len(m.decisions))
		m.decisions = append(m.decisions, engine.Decision{Number: n, TimeNS: m.timeNS, Refs: []engine.Ref{ref}})
	})
	return nil
}

func (m *member) Status() engine.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return engine.Status{Name: "test", Number: m.last}
}

func (m *member) Close() error {
	m.event(func() { m.closed = true })
	<-m.done
	if errors.Is(m.err, context.Canceled) {
		return nil
	}
	return m.err
}

// seen is called with the app that an engine was started with.
type seen struct {
	engine.Carrier
	app func(engine.App)
}

func (s seen) Start(ctx context.Context, app engine.App) error {
	s.app(app)
	return s.Carrier.Start(ctx, app)
}

// replica opens a node of the sequencer's and returns it with its app.
func replica(t *testing.T, s *sequencer, dir string, gen *genesis.Genesis) (n *core.Node, app engine.App) {
	t.Helper()
	n = open(t, core.Config{Dir: dir, Genesis: gen, Index: true, NewEngine: func(c engine.Config) engine.Engine {
		return seen{s.join(c).(engine.Carrier), func(a engine.App) { app = a }}
	}})
	return n, app
}

// reached waits until a node's head is that of another one.
func reached(t *testing.T, n, of *core.Node) {
	t.Helper()
	want, hash := of.Head()
	if err := core.WaitDurable(n, want.Height); err != nil {
		t.Fatal(err)
	}
	if got, x := n.Head(); got != want || x != hash {
		t.Fatalf("the heads differ:\n%+v %x\n%+v %x", got, x, want, hash)
	}
}

// sameHeaders compares two nodes' blocks from a height on.
func sameHeaders(t *testing.T, a, b *core.Node, from uint64) {
	t.Helper()
	head, _ := a.Head()
	for h := from; h <= head.Height; h++ {
		x, bodyX, errX := a.Block(h)
		y, bodyY, errY := b.Block(h)
		if errX != nil || errY != nil || x != y || string(bodyX) != string(bodyY) {
			t.Fatalf("block %d: %+v, %v and %+v, %v", h, x, errX, y, errY)
		}
	}
}

// Two nodes take transactions and fetch each other's batches; their chains are
// one. A third that comes when the first decisions are forgotten takes a snapshot
// over and ends with the same head; so it does after a restart.
func TestReplicas(t *testing.T) {
	gen, w := memberChain(6)
	s := newSequencer()
	a, appA := replica(t, s, t.TempDir(), gen)
	b, _ := replica(t, s, t.TempDir(), gen)
	ra, rb := newRecorder(), newRecorder()
	seq, round := uint64(0), uint32(0)
	both := func(rounds int) {
		t.Helper()
		for range rounds {
			// The second node's senders are those that the first one's round leaves
			// alone, but for one transaction that both get.
			txs := w.everyKind(round)
			round++
			fed(t, a, ra, seq, txs)
			ra.settled(t, seq, seq+uint64(len(txs)))
			reached(t, b, a)
			fed(t, b, rb, seq, append([]tx.View{txs[2]}, w.transfer(3, 1, 1), w.transfer(0, 3, 2)))
			rb.settled(t, seq+1, seq+3)
			if got := rb.acks[seq]; got != tx.StatusNonceUsed {
				t.Fatalf("what the other node committed is %s here", got)
			}
			reached(t, a, b)
			seq += uint64(len(txs))
		}
	}
	both(4)
	sameHeaders(t, a, b, 1)
	if s.fetched < 8 {
		t.Errorf("%d batches were fetched", s.fetched)
	}
	s.event(func() { s.sender = appA })
	s.forget()
	dir := t.TempDir()
	c, _ := replica(t, s, dir, gen)
	<-c.Done()
	if err := c.Close(); !errors.Is(err, engine.ErrReopen) {
		t.Fatalf("the node that joined late ended with %v", err)
	}
	began, _ := a.Head()
	for life := range 3 {
		var app engine.App
		c, app = replica(t, s, dir, nil)
		if c.Restored.Height != began.Height && life == 0 || len(c.Restored.Refused) > 0 {
			t.Fatalf("%s", c.Restored)
		}
		reached(t, c, a)
		restoredQueries(t, c, a, began.Height)
		if life > 0 {
			both(2)
			reached(t, c, a)
			sameHeaders(t, a, c, began.Height+1)
		}
		indexed(t, c)
		point, err := app.Snapshot(io.Discard)
		if head, hash := a.Head(); err != nil || point.Height != head.Height || point.Hash != hash || point.TimeNS != head.TimeNS {
			t.Errorf("%+v, %v", point, err)
		}
		closeNode(t, c)
		if life == 0 { // an empty log with the snapshot that it waits for
			checkWhole(t, dir, began.Height)
		}
	}
	head, _ := a.Head()
	checkWhole(t, dir, head.Height)
	closeNode(t, b)
	closeNode(t, a)
}

// restoredQueries asks a node whose chain begins with a snapshot.
func restoredQueries(t *testing.T, n, of *core.Node, began uint64) {
	t.Helper()
	for _, h := range []uint64{1, began} {
		if _, _, err := n.Block(h); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("block %d: %v", h, err)
		}
	}
	want := ledger(t, of)
	for slot, a := range ledger(t, n) {
		if a.Record != want[slot].Record || a.Header != want[slot].Header {
			t.Errorf("account %d is %+v, elsewhere %+v", slot, a, want[slot])
		}
	}
}
