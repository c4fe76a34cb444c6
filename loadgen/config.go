package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/chainweir/weir/core/tx"
)

// ErrBadConfig says that a run cannot be started as asked.
var ErrBadConfig = errors.New("bad load settings")

// Limits and defaults of a run.
const (
	// MaxFrameTxs is the most transactions in one frame: 205 kB, which fits
	// into a socket's buffer and keeps one frame from delaying the next for long.
	MaxFrameTxs = 1024
	// SendGrace is how long after the schedule's end transactions that are due
	// may still be sent. What is left then is dropped.
	SendGrace = 20 * time.Millisecond

	MaxConns       = 4096 // connections of one run
	maxTallies     = 8    // more connections share them
	maxBatchWindow = SendGrace / 2
	maxDuration    = 24 * time.Hour
	dialTimeout    = 10 * time.Second
	maxWindows     = 1 << 12
)

// Config describes one run. Target or Addr, Schedule and Corpus are required,
// and RateTxPerSec and Duration where the schedule has none of its own.
type Config struct {
	// Target is what load is offered to. Nil: the weir node at Addr, reached by
	// Dial (nil: TCP), on the chain that the corpus is signed for.
	Target Target
	Addr   string
	Dial   func(ctx context.Context, addr string) (net.Conn, error)

	// Conns is the number of connections, default 2. Frames are batched, so
	// few are needed; two let the node read one while it parses the other.
	Conns int

	Schedule     Schedule
	RateTxPerSec float64
	Duration     time.Duration
	Seed         uint64

	Corpus  Source
	FirstTx int // index of the corpus's first transaction to send

	// BatchWindow is the grid on which frames leave: transactions that fall due
	// between two points of it travel together. It is part of every latency,
	// because these count from the intended time. 0 chooses by the schedule's
	// highest rate: none up to 2 500 tx/s, where every transaction leaves at its
	// own time, 250 µs above. Negative: none at any rate.
	BatchWindow time.Duration
	// DrainTimeout is how long to wait for outcomes after the schedule's end,
	// default 5 s. What has none by then is lost.
	DrainTimeout time.Duration
	// Window is the length of the intervals of Outcome.Windows; 0 chooses 250 ms
	// up to 10 s of load, and 1 s up to an hour.
	Window time.Duration

	// OnStart is called right before the first intended send, OnEnd right after
	// the last outcome (or the end of the drain), while the connections are
	// still open: for counters that belong to the load and to nothing else.
	OnStart, OnEnd func()
	// Progress is called about four times a second from one goroutine.
	Progress func(Live)

	plan Plan             // of the schedule, with the settings that withDefaults chose
	wall func() time.Time // the wall clock; nil: time.Now
}

// Live is the state of a run while it goes on.
type Live struct {
	Elapsed   time.Duration // since the first intended send
	Offered   int64         // in the whole schedule
	Sent      int64
	Accepted  int64
	Committed int64
	Failed    int64 // rejected or expired
	Draining  bool  // the schedule has ended
}

// withDefaults fills what was left out and checks the rest.
func (c Config) withDefaults() (Config, error) {
	if c.wall == nil {
		c.wall = time.Now
	}
	if c.Conns == 0 {
		c.Conns = 2
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 5 * time.Second
	}
	switch {
	case c.Corpus == nil:
		return c, fmt.Errorf("%w: no corpus, make one with NewCorpus", ErrBadConfig)
	case c.FirstTx < 0:
		return c, fmt.Errorf("%w: first transaction %d, give 0 or more", ErrBadConfig, c.FirstTx)
	case c.Conns < 1 || c.Conns > MaxConns:
		return c, fmt.Errorf("%w: %d connections, give 1 to %d", ErrBadConfig, c.Conns, MaxConns)
	case c.Duration < 0 || c.Duration > maxDuration:
		return c, fmt.Errorf("%w: duration %s, give up to %s", ErrBadConfig, c.Duration, maxDuration)
	case c.BatchWindow > maxBatchWindow:
		return c, fmt.Errorf("%w: batch window %s, give up to %s", ErrBadConfig, c.BatchWindow, maxBatchWindow)
	case c.DrainTimeout < 0 || c.DrainTimeout > maxDuration:
		return c, fmt.Errorf("%w: drain timeout %s, give up to %s", ErrBadConfig, c.DrainTimeout, maxDuration)
	}
	var err error
	if c, err = c.withPlan(); err != nil {
		return c, err
	}
	switch {
	case c.Duration > maxDuration: // a trace's own
		return c, fmt.Errorf("%w: the schedule lasts %s, give a duration of up to %s", ErrBadConfig, c.Duration, maxDuration)
	case c.Window < 0 || (c.Duration+c.DrainTimeout)/c.Window > maxWindows:
		return c, fmt.Errorf("%w: windows of %s, give a length that makes at most %d of them", ErrBadConfig, c.Window, maxWindows)
	}
	if c.Target == nil {
		t := &WeirTarget{Addr: c.Addr, Dial: c.Dial}
		if of, ok := c.Corpus.(interface{ Chain() tx.ChainID }); ok {
			t.Chain = of.Chain()
		}
		c.Target = t
	}
	return c, nil
}

// withPlan works the schedule out and takes over what it determines.
func (c Config) withPlan() (Config, error) {
	p, err := c.Schedule.Plan(c.RateTxPerSec, c.Duration)
	if err != nil {
		return c, err
	}
	c.plan, c.Schedule, c.RateTxPerSec, c.Duration = p, p.Schedule, p.RateTxPerSec, p.Duration
	if p.Seed != nil {
		c.Seed = *p.Seed
	}
	switch {
	case c.BatchWindow == 0:
		c.BatchWindow = batchWindow(p.PeakTxPerSec())
	case c.BatchWindow < 0:
		c.BatchWindow = 0
	}
	if c.Window == 0 {
		c.Window = autoWindow(c.Duration)
	}
	return c, nil
}

// autoWindow is 1 s wherever that does not make too many windows, and less
// where it would make few.
func autoWindow(duration time.Duration) time.Duration {
	switch {
	case duration <= 10*time.Second:
		return 250 * time.Millisecond
	case duration <= time.Hour:
		return time.Second
	}
	return (duration/3600 + time.Second - 1).Truncate(time.Second)
}
