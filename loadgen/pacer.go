package loadgen

import (
	"context"
	"sync/atomic"
	"time"
)

// pacer hands out the transactions that are due. Whoever holds its token leads:
// sleeps until something is due, takes it and writes it, on one connection after
// the other, without handing anything to another thread. Only when a write has
// to wait for room does the token pass on. So a connection whose socket is full
// holds up only its own frame, and one thread wakes up per frame, however many
// connections there are.
//
// Frames leave on a grid of windowNS, counted from the first intended time, and
// carry what was intended up to their point of it, even when the thread woke up
// late. Any stretch of time that is a multiple of the window then holds exactly
// the transactions of a stretch of that length, whatever its phase; frames that
// took all that is due whenever they happen to leave would turn the jitter of
// waking up into variance of the counts, λ²·Var(delay) per end of the stretch.
type pacer struct {
	token chan struct{}
	timer *time.Timer

	// Of whoever leads.
	now      func() int64           // ns since the first intended send
	times    []int64                // intended times
	next     int                    // first transaction not yet handed out
	windowNS int64                  // 0: every transaction at its own time
	endNS    int64                  // nothing is handed out after it
	limit    func(first, n int) int // how many of n fit into one frame
	meter    *blockMeter            // told when the schedule is kept
	turn     int                    // the connection that wrote last
	writers  []*sender

	writing atomic.Pointer[sender] // whom the leader last wrote to, for yieldSlow
}

// A sender's state: who may use it.
const (
	senderFree  int32 = iota // the leader may take it
	senderLeads              // its goroutine writes and leads
	senderWaits              // its goroutine writes; the token has passed on
)

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

// claim waits until transactions are due and takes those that fit into a
// frame. It returns false when all are taken, time is up or ctx is done. Only
// the leader may call it.
func (p *pacer) claim(ctx context.Context) (first, n int, nowNS int64, ok bool) {
	for {
		now := p.now()
		if p.next == len(p.times) || now > p.endNS || ctx.Err() != nil {
			return 0, 0, now, false
		}
		wake := p.due(p.times[p.next])
		if now >= wake {
			first, n = p.next, p.count(p.point(now))
			p.next += n
			return first, n, now, true
		}
		p.meter.onSchedule(now)
		p.wait(ctx, time.Duration(min(wake, p.endNS+1)-now))
	}
}

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
// goroutine that writes holds one, and there are as many as connections.
func (p *pacer) pick() *sender {
	for {
		p.turn = (p.turn + 1) % len(p.writers)
		if s := p.writers[p.turn]; s.state.CompareAndSwap(senderFree, senderLeads) {
			return s
		}
	}
}

// yield passes the token on if s's goroutine writes and still holds it.
func (p *pacer) yield(s *sender) {
	if s.state.CompareAndSwap(senderLeads, senderWaits) {
		p.pass()
	}
}

// pass gives the token to whoever waits for it. There is one token, so that
// this never blocks.
func (p *pacer) pass() { p.token <- struct{}{} }

// slowSubmit is the time after which a Submit that waits for something else
// than room in its socket no longer keeps the others from sending.
const slowSubmit = 2 * time.Millisecond

// yieldSlow passes the token on when the leader has been writing for long. It
// may be called from any goroutine.
func (p *pacer) yieldSlow(now int64) {
	if s := p.writing.Load(); s != nil && now-s.beganNS.Load() > int64(slowSubmit) {
		p.yield(s)
	}
}

// fineWait is the last part of a wait, for which the runtime's timer is too
// coarse (an idle Go process on Linux wakes up to 1 ms late).
const fineWait = 2 * time.Millisecond

// wait returns after d, or at most fineWait after ctx is done. It never spins:
// the generator shares its cores with what it measures.
func (p *pacer) wait(ctx context.Context, d time.Duration) {
	if coarse := d - fineWait; coarse > 0 {
		p.timer.Reset(coarse)
		select {
		case <-p.timer.C:
		case <-ctx.Done():
			p.timer.Stop()
		}
		return // the caller looks at the clock again
	}
	sleepFine(d)
}
