package loadgen

import (
	"context"
	"sync"
	"time"
)

// pacer hands out the transactions that are due. One sender at a time holds it:
// that one sleeps until something is due and takes it, the others write or wait
// for their turn. So a connection whose socket is full holds up only its own
// frame, and there is one goroutine that wakes up per frame, however many
// connections there are.
type pacer struct {
	mu    sync.Mutex
	timer *time.Timer

	now      func() int64 // ns since the first intended send
	times    []int64      // intended times
	next     int          // first transaction not yet handed out
	lastNS   int64        // when the last frame was handed out
	behind   bool         // the last frame was full, and more was due
	windowNS int64
	endNS    int64                  // nothing is handed out after it
	limit    func(first, n int) int // how many of n fit into one frame
	meter    *blockMeter            // told when the schedule is kept
}

// claim waits until transactions are due and takes those that fit into a
// frame. It returns false when all are taken, time is up or ctx is done.
func (p *pacer) claim(ctx context.Context) (first, n int, nowNS int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := p.now()
		if p.next == len(p.times) || now > p.endNS || ctx.Err() != nil {
			return 0, 0, now, false
		}
		wake := p.times[p.next]
		if !p.behind {
			wake = max(wake, p.lastNS+p.windowNS)
		}
		if now >= wake {
			first, n = p.next, p.due(now)
			p.next += n
			p.lastNS = now
			return first, n, now, true
		}
		p.meter.onSchedule(now)
		p.wait(ctx, time.Duration(min(wake, p.endNS+1)-now))
	}
}

// due is how many transactions can go into the next frame.
func (p *pacer) due(now int64) int {
	most := p.limit(p.next, min(MaxFrameTxs, len(p.times)-p.next))
	n := 1
	for n < most && p.times[p.next+n] <= now {
		n++
	}
	after := p.next + n
	p.behind = n == most && after < len(p.times) && p.times[after] <= now
	return n
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
