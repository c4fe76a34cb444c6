package loadgen

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// freezing is a target that takes everything at once, but stands still for the
// last part of every period.
type freezing struct {
	period, freeze time.Duration
	began          time.Time // of the first period
}

// thaw is when what arrives at the given time since the beginning is answered.
func (f *freezing) thaw(at time.Duration) time.Duration {
	if in := at % f.period; in >= f.period-f.freeze {
		return at - in + f.period
	}
	return at
}

// wait returns when the target does not stand still.
func (f *freezing) wait() {
	at := time.Since(f.began)
	<-time.After(f.thaw(at) - at)
}

func (f *freezing) Reason(uint8) string { return "refused" }

func (f *freezing) Open(_ context.Context, s Session) (Conn, error) {
	c := &freezingConn{frames: make(chan [2]uint64, 1<<16), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for fr := range c.frames {
			f.wait()
			s.Events.Ack(fr[0], int(fr[1]), CodeOK)
			s.Events.Commit(fr[0], int(fr[1]))
		}
	}()
	return c, nil
}

type freezingConn struct {
	frames chan [2]uint64
	done   chan struct{}
	closed bool
}

func (c *freezingConn) Limits() Limits          { return Limits{} }
func (c *freezingConn) Bytes() (in, out uint64) { return 0, 0 }
func (c *freezingConn) Submit(seq uint64, count int, _ []byte) error {
	c.frames <- [2]uint64{seq, uint64(count)}
	return nil
}

func (c *freezingConn) Close() error {
	if !c.closed {
		c.closed = true
		close(c.frames)
	}
	<-c.done
	return nil
}

// blank is a source of transactions that nobody reads.
type blank int

func (b blank) Len() int                                                 { return int(b) }
func (b blank) Extend(context.Context, int, func(done, total int)) error { return nil }
func (b blank) Piece(i, n, _ int) (txs []byte, count int) {
	return nil, max(0, min(n, int(b)-i))
}

// omission is what a run against a freezing target should and did give.
type omission struct {
	exactP99, exactP999   time.Duration // from the schedule and the freezes alone
	p99, p999             time.Duration // recorded
	closedP99, closedP999 time.Duration // by a client that waits for answers
}

// quantile takes the smallest value that at least a share q does not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	i := int(q * float64(len(sorted)))
	return sorted[min(i, len(sorted)-1)]
}

// measureOmission runs load for two periods of 10 s with a freeze of 1 s each.
func measureOmission(t *testing.T, rate float64, fine func(time.Duration)) omission {
	t.Helper()
	f := &freezing{period: 10 * time.Second, freeze: time.Second}
	cfg, err := Config{
		Target: f, Schedule: Poisson, RateTxPerSec: rate, Duration: 20 * time.Second, Seed: 3,
		Corpus: blank(MaxTxs(rate, 20*time.Second)), BatchWindow: autoBatchWindow,
		OnStart: func() { f.began = time.Now() },
	}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRun(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.pacer.fine = fine
	out, err := r.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, out)
	if c := out.Trial.Counts; !out.Trial.Valid || c.Committed != c.Offered {
		t.Fatalf("%+v %s", c, out.Trial.InvalidReason)
	}
	var exact []time.Duration
	for _, at := range r.times {
		exact = append(exact, f.thaw(time.Duration(at))-time.Duration(at))
	}
	slices.Sort(exact)
	closed := closedLoop(f, rate, 20*time.Second)
	return omission{
		exactP99: quantile(exact, 0.99), exactP999: quantile(exact, 0.999),
		p99: time.Duration(out.Commit.P99), p999: time.Duration(out.Commit.P999),
		closedP99: quantile(closed, 0.99), closedP999: quantile(closed, 0.999),
	}
}

// closedLoop is what must not be done: eight workers that each wait for the
// answer before they go on at their pace, and time from their own sends.
func closedLoop(f *freezing, rate float64, d time.Duration) []time.Duration {
	const workers = 8
	pause := time.Duration(workers / rate * 1e9)
	var all [workers][]time.Duration
	done := make(chan struct{})
	f.began = time.Now()
	for w := range all {
		go func() {
			for time.Since(f.began) < d {
				sent := time.Now()
				f.wait()
				all[w] = append(all[w], time.Since(sent))
				<-time.After(pause)
			}
			done <- struct{}{}
		}()
	}
	for range all {
		<-done
	}
	sum := slices.Concat(all[:]...)
	slices.Sort(sum)
	return sum
}

func (o omission) check(t *testing.T) {
	t.Helper()
	t.Logf("p99 %v, exact %v, closed loop %v; p99.9 %v, exact %v, closed loop %v", o.p99, o.exactP99, o.closedP99, o.p999, o.exactP999, o.closedP999)
	for _, c := range []struct {
		name               string
		got, exact, closed time.Duration
	}{{"p99", o.p99, o.exactP99, o.closedP99}, {"p99.9", o.p999, o.exactP999, o.closedP999}} {
		if off := float64(c.got)/float64(c.exact) - 1; off < -0.05 || off > 0.05 {
			t.Errorf("%s %v is %+.1f %% off the exact %v", c.name, c.got, 100*off, c.exact)
		}
		if c.closed > c.exact/20 {
			t.Errorf("%s of a closed loop is %v: it does not show what it hides of %v", c.name, c.closed, c.exact)
		}
	}
}

// A target that stands still for 1 s in 10 delays a tenth of all transactions,
// by up to 1 s: p99 is 0.9 s. The recorder must find that, in virtual time to
// within its own resolution; a client that waits for answers sends only a few
// transactions into a freeze and finds nothing.
func TestFreezesShowInTheQuantiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := measureOmission(t, 1000, func(d time.Duration) { <-time.After(d) })
		o.check(t)
		if o.exactP99 < 850*time.Millisecond || o.exactP99 > 950*time.Millisecond {
			t.Errorf("the exact p99 is %v, by theory 900 ms", o.exactP99)
		}
	})
}
