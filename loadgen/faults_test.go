package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// reset ends a connection the hard way: the other side gets a reset and no end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // an error means that it is closed already
	}
	_ = c.Close()
}

// mustNot wants a run that is not valid, for a reason that has one of the words.
func mustNot(t *testing.T, o Outcome, words ...string) {
	t.Helper()
	mustAddUp(t, o)
	for _, w := range words {
		if !o.Trial.Valid && strings.Contains(o.Trial.InvalidReason, w) {
			return
		}
	}
	t.Errorf("valid %v, %q has none of %q", o.Trial.Valid, o.Trial.InvalidReason, words)
}

// A node that dies takes the run with it; the next run, against the node started
// again on the same address, knows nothing of it.
func TestNodeDiesAndComesBack(t *testing.T) {
	var n *fakeNode
	var frames atomic.Int64
	n = startFake(t, func(c *fakeConn, base uint64, count int) {
		if frames.Add(1) == 3 {
			n.ln.Close()
			n.mu.Lock()
			defer n.mu.Unlock()
			for _, c := range n.conns {
				reset(c)
			}
			return
		}
		behaviours["commit"](c, base, count)
	})
	cfg := testConfig(n)
	cfg.RateTxPerSec, cfg.Duration, cfg.Corpus = 2000, 10*time.Second, repeated{sharedCorpus()}
	o, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustNot(t, o, "broke", "cannot send")
	if o.EndNS >= int64(cfg.Duration) {
		t.Errorf("the run went on for %d ns without a node", o.EndNS)
	}
	ln, err := net.Listen("tcp", n.addr())
	if err != nil {
		t.Fatal(err)
	}
	again := serveFake(t, ln, behaviours["commit"])
	o, err = Run(context.Background(), testConfig(again))
	if err != nil {
		t.Fatal(err)
	}
	if mustAddUp(t, o); o.Trial.Counts.Committed != o.Trial.Counts.Sent {
		t.Errorf("%+v", o.Trial.Counts)
	}
}

// A node that answers for a while and then never again: what it was sent is lost,
// and the run ends with its drain.
func TestNodeHangs(t *testing.T) {
	hung := make(chan struct{})
	var frames atomic.Int64
	n := startFake(t, func(c *fakeConn, base uint64, count int) {
		if frames.Add(1) > 4 {
			<-hung
		}
		behaviours["commit"](c, base, count)
	})
	cfg := testConfig(n)
	cfg.Conns, cfg.DrainTimeout = 1, 20*time.Millisecond
	cfg.RateTxPerSec, cfg.Duration = 2000, 100*time.Millisecond
	cfg.OnEnd = func() { close(hung) }
	o, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, o)
	if c := o.Trial.Counts; !o.Trial.Valid || c.Lost+c.Committed != c.Sent {
		t.Errorf("%+v %s", c, o.Trial.InvalidReason)
	}
}

// Connections that are reset while they are opened, and all of them at once while
// load is offered.
func TestResetStorm(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			reset(c)
		}
	})
	for range 20 {
		if _, err := Run(context.Background(), testConfig(&fakeNode{ln: ln})); err == nil {
			t.Error("a run without a connection")
		}
	}
	ln.Close()
	wg.Wait()
	n := startFake(t, func(c *fakeConn, _ uint64, _ int) { reset(c.Conn) })
	cfg := testConfig(n)
	cfg.Conns = 16
	o, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if o.Trial.Counts.Sent > 0 || o.Frames > 0 {
		mustNot(t, o, "broke", "cannot send")
	}
}

// vanished is a connection whose far side is gone without a word: what is written
// disappears, and nothing comes.
type vanished struct {
	net.Conn
	gone atomic.Bool
	end  chan struct{}
	once sync.Once
}

func (v *vanished) Write(b []byte) (int, error) {
	if v.gone.Load() {
		return len(b), nil
	}
	return v.Conn.Write(b)
}

func (v *vanished) Read(b []byte) (int, error) {
	n, err := v.Conn.Read(b)
	if v.gone.Load() {
		<-v.end
		return 0, io.EOF
	}
	return n, err
}

func (v *vanished) Close() error {
	v.once.Do(func() { close(v.end) })
	return v.Conn.Close()
}

func TestHalfOpenConnections(t *testing.T) {
	var conns []*vanished
	n := startFake(t, behaviours["commit"])
	cfg := testConfig(n)
	cfg.DrainTimeout = 20 * time.Millisecond
	cfg.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		v := &vanished{Conn: c, end: make(chan struct{})}
		conns = append(conns, v)
		return v, nil
	}
	cfg.OnStart = func() {
		for _, v := range conns {
			v.gone.Store(true)
		}
	}
	o, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, o)
	if c := o.Trial.Counts; c.Lost != c.Sent || c.Committed != 0 {
		t.Errorf("%+v", c)
	}
}

// A wall clock that is set by an hour in mid-run changes no latency and is said.
func TestClockStep(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, -time.Hour, 0} {
		readings := 0
		cfg := testConfig(startFake(t, behaviours["commit"]))
		cfg.wall = func() time.Time {
			if readings++; readings > 1 {
				return time.Now().Add(step)
			}
			return time.Now()
		}
		o, err := Run(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		mustAddUp(t, o)
		if o.Commit != nil && o.Commit.Max > int64(time.Minute) {
			t.Errorf("step %s: a commit latency of %d ns", step, o.Commit.Max)
		}
		off := time.Duration(*o.Trial.ClockStepNS) - step
		if warned := strings.Contains(strings.Join(o.Warnings, " "), "wall clock moved"); off.Abs() > time.Minute || step != 0 && !warned {
			t.Errorf("step %s: recorded %d ns, warned %v", step, *o.Trial.ClockStepNS, warned)
		}
	}
}

// memoryTarget commits everything at once, without sockets.
type memoryTarget struct{}

type memoryConn struct{ ev Events }

func (memoryTarget) Open(_ context.Context, s Session) (Conn, error) {
	return memoryConn{s.Events}, nil
}
func (memoryTarget) Reason(uint8) string   { return "none" }
func (memoryConn) Limits() Limits          { return Limits{Txs: 4} }
func (memoryConn) Bytes() (in, out uint64) { return 0, 0 }
func (memoryConn) Close() error            { return nil }
func (c memoryConn) Submit(seq uint64, count int, _ []byte) error {
	c.ev.Ack(seq, count, CodeOK)
	c.ev.Commit(seq, count)
	return nil
}

func TestThousandsOfConnections(t *testing.T) {
	o, err := Run(context.Background(), Config{
		Target: memoryTarget{}, Corpus: sharedCorpus(), Conns: 3000, Schedule: Constant, RateTxPerSec: 20_000, Duration: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, o)
	if c := o.Trial.Counts; c.Committed != c.Sent || o.Conns != 3000 {
		t.Errorf("%+v over %d connections", c, o.Conns)
	}
}

func TestTooManyConnectionsForTheFileLimit(t *testing.T) {
	err := allowFiles(1 << 30) // more than any kernel allows
	if err == nil {
		t.Skip("this system does not limit open files")
	}
	if !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), "ulimit -n") || !strings.Contains(err.Error(), fmt.Sprint(1<<30)) {
		t.Error(err)
	}
	if err := allowFiles(1); err != nil {
		t.Error(err)
	}
}

// Ctrl-C at any moment: every transaction is accounted for, and the outcome says
// that it is not whole.
func TestInterruptedAtAnyMoment(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := rapid.Int64Range(1, 60).Draw(rt, "frame")
		behaviour := rapid.SampledFrom([]string{"commit", "acceptOnly", "mixed", "early"}).Draw(rt, "behaviour")
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var frames atomic.Int64
		n := startFake(t, func(c *fakeConn, base uint64, count int) {
			if frames.Add(1) == at {
				cancel()
			}
			behaviours[behaviour](c, base, count)
		})
		defer n.stop()
		cfg := testConfig(n)
		cfg.RateTxPerSec, cfg.Duration = 2000, time.Minute
		cfg.Corpus = repeated{sharedCorpus()}
		o, err := Run(ctx, cfg)
		if err != nil {
			rt.Fatal(err)
		}
		mustAddUp(rt, o)
		if !o.Interrupted || o.Trial.Valid {
			rt.Fatalf("interrupted %v, valid %v", o.Interrupted, o.Trial.Valid)
		}
	})
}

// repeated is a corpus without an end, for runs that end early.
type repeated struct{ *Corpus }

func (r repeated) Len() int { return 1 << 30 }
func (r repeated) Piece(i, n, maxBytes int) ([]byte, int) {
	return r.Corpus.Piece(i%(r.Corpus.Len()-MaxFrameTxs), n, maxBytes)
}
