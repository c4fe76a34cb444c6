package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// pacer hands out the transactions that are due. Whoever holds one of its
// tokens drives: sleeps until something is due, takes it and writes it, on one
// connection after the other, without handing anything to another thread. When
// a write has to wait for room, its token passes on, so that a connection whose
// socket is full holds up only its own frame. Few threads wake up per frame,
// however many connections there are.
//
// There are two tokens where there are two processors, each bound to its own:
// both drivers wake up for every frame and the first takes it. A processor that
// is inside the kernel, or not run by its host, keeps its thread waiting for
// milliseconds; two of them rarely do so at once. It costs a second wake-up
// per frame, some 5 µs.
//
// Frames leave on a grid of windowNS, counted from the first intended time, and
// carry what was intended up to their point of it, even when a thread woke up
// late. Any stretch of time that is a multiple of the window then holds exactly
// the transactions of a stretch of that length, whatever its phase; frames that
// took all that is due whenever they happen to leave would turn the jitter of
// waking up into variance of the counts, λ²·Var(delay) per end of the stretch.
type pacer struct {
	tokens  chan int // number of a driver, from 0
	drivers int      // how many tokens there are

	now      func() int64           // ns since the first intended send
	times    []int64                // intended times
	windowNS int64                  // 0: every transaction at its own time
	endNS    int64                  // nothing is handed out after it
	limit    func(first, n int) int // how many of n fit into one frame
	meter    *blockMeter            // told when the schedule is kept
	fine     func(d time.Duration)  // sleepFine, but in virtual time
	writers  []*sender              // one per connection, as many as goroutines

	last atomic.Int32 // the token whose driver took the last frame

	mu   sync.Mutex
	next int // first transaction not yet handed out
	turn int // the connection that wrote last
}

// A sender's state: who may use it. Above senderFree its goroutine writes and has
// the token state − 1: one word holds both, so that who takes a token away gets
// the one that is there at that moment.
const (
	senderWaits int32 = -1 // its goroutine writes; the token has passed on
	senderFree  int32 = 0  // a driver may take it
)

// frame is what one write carries.
type frame struct {
	to       *sender
	first, n int
	nowNS    int64 // when it was taken
}

// point is the time up to which transactions may leave at time now.
func (p *pacer) point(now int64) int64 {
	if p.windowNS <= 0 {
		return now
	}
	return now - now%p.windowNS
}

// due is when a transaction with the given intended time may leave.
func (p *pacer) due(intended int64) int64 {
	if p.windowNS <= 0 {
		return intended
	}
	return (intended + p.windowNS - 1) / p.windowNS * p.windowNS
}

// take takes the next frame if one is due. Otherwise it returns when to try
// again, or false when all are taken, time is up or ctx is done.
func (p *pacer) take(ctx context.Context, token int) (f frame, wakeNS int64, ok bool) {
	// Whoever does not get the lock at once leaves the frame to the other one: a
	// goroutine that is parked comes back through the scheduler's queues.
	if !p.mu.TryLock() {
		now := p.now()
		return frame{}, p.due(now + int64(retryTake)), true
	}
	defer p.mu.Unlock()
	now := p.now()
	if p.next == len(p.times) || now > p.endNS || ctx.Err() != nil {
		return frame{}, 0, false
	}
	if wake := p.due(p.times[p.next]); now < wake {
		p.meter.onSchedule(now) // only whoever has looked knows that nothing is due
		return frame{}, min(wake, p.endNS+1), true
	}
	f = frame{to: p.pick(token, now), first: p.next, n: p.count(p.point(now)), nowNS: now}
	p.next += f.n
	p.last.Store(int32(token))
	return f, 0, true
}

// retryTake is when a driver that found the other one taking a frame looks
// again, to the next point of the grid.
const retryTake = 50 * time.Microsecond

// count is how many transactions go into the next frame, which takes those
// intended up to the given time.
func (p *pacer) count(upTo int64) int {
	most := p.limit(p.next, min(MaxFrameTxs, len(p.times)-p.next))
	n := 1
	for n < most && p.times[p.next+n] <= upTo {
		n++
	}
	return n
}

// pick takes the next free connection in turn. There is one: every other
// goroutine holds at most one, and there are as many as connections.
func (p *pacer) pick(token int, now int64) *sender {
	for {
		p.turn = (p.turn + 1) % len(p.writers)
		s := p.writers[p.turn]
		if s.state.Load() == senderFree { // only a driver that holds the lock takes it
			s.beganNS.Store(now)
			s.state.Store(int32(token) + 1)
			return s
		}
	}
}

// yield passes on the token of whoever writes on s, if it has not yet been.
func (p *pacer) yield(s *sender) {
	if state := s.state.Load(); state > senderFree && s.state.CompareAndSwap(state, senderWaits) {
		p.tokens <- int(state - 1) // never blocks: there is room for every token
	}
}

// slowSubmit is the time after which a Submit that waits for something else
// than room in its socket no longer keeps its token.
const slowSubmit = 2 * time.Millisecond

// yieldSlow passes on the tokens of those that have been writing for long. It
// may be called from any goroutine.
func (p *pacer) yieldSlow(now int64) {
	for _, s := range p.writers {
		if s.state.Load() > senderFree && now-s.beganNS.Load() > int64(slowSubmit) {
			p.yield(s)
		}
	}
}

// driver is a thread that may hold a token.
type driver struct {
	p      *pacer
	timer  *time.Timer
	token  int
	leadNS int64 // how long before its time to wake up for a transaction
}

func newDriver(p *pacer) *driver {
	d := &driver{p: p, timer: time.NewTimer(time.Hour)}
	d.timer.Stop()
	return d
}

// claim waits until a frame is due and takes it. It returns false when there
// will be no more.
func (d *driver) claim(ctx context.Context) (frame, bool) {
	for {
		f, wake, ok := d.p.take(ctx, d.token)
		if !ok || f.to != nil {
			return f, ok
		}
		d.wait(ctx, d.p.now(), wake)
	}
}

// Waiting.
const (
	// fineWait is the last part of a wait, for which the runtime's timer is too
	// coarse (an idle Go process on Linux wakes up to 1 ms late).
	fineWait = 2 * time.Millisecond
	// maxLead bounds how long before a transaction's time a driver wakes up.
	maxLead = 100 * time.Microsecond
)

// wait returns at the given time, or some time before it.
//
// Without a batch window the driver that did not write last wakes up ahead of
// time, by twice as long as it lately woke up late, and looks at the clock for
// the rest. The other one, whose processor may still be busy with what its write
// set off (on loopback the kernel likes to run the reader right there), is to
// wake up at that time, in case its fellow is not run. That is done at low rates
// only (aloneTxPerSec), where it costs maxLead of a processor per transaction at
// most and usually a third of it. With a window none ever spins, because the
// generator shares its cores with what it measures.
func (d *driver) wait(ctx context.Context, now, untilNS int64) {
	if d.p.windowNS > 0 {
		d.sleep(ctx, time.Duration(untilNS-now))
		return
	}
	leads := d.p.drivers == 1 || d.p.last.Load() != int32(d.token)
	asked := untilNS - d.leadNS
	if !leads {
		asked = untilNS - d.leadNS/2
	}
	if asked > now {
		length := time.Duration(asked - now)
		d.sleep(ctx, length)
		if now = d.p.now(); length > fineWait || now < asked {
			return // a coarse wait, or a signal: the caller looks at the clock again
		}
		d.leadNS = min(d.leadNS+(2*(now-asked)-d.leadNS)/8, int64(maxLead))
	}
	for leads && now < untilNS {
		now = d.p.now()
	}
}

// sleep sleeps for about length, or at most fineWait after ctx is done.
func (d *driver) sleep(ctx context.Context, length time.Duration) {
	coarse := length - fineWait
	if coarse <= 0 {
		d.p.fine(length)
		return
	}
	d.timer.Reset(coarse)
	select {
	case <-d.timer.C:
	case <-ctx.Done():
		d.timer.Stop()
	}
}
