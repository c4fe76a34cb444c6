package mempool

import (
	"sync"
	"sync/atomic"
	"time"
)

// room counts the bytes that wait and how fast they leave.
type room struct {
	maxBytes int64
	bytes    atomic.Int64
	left     atomic.Int64 // bytes that have left since the start

	mu       sync.Mutex // of what follows
	now      func() time.Time
	lastTime time.Time
	lastLeft int64
	rate     float64 // bytes per second, smoothed
}

// Bounds of the hint: below, asking again costs more than waiting; above, the
// node may be free long before.
const (
	minRetry = time.Millisecond
	maxRetry = time.Second
	// rateEvery is over which time the rate is measured at least.
	rateEvery = 20 * time.Millisecond
)

func (r *room) init(maxBytes int64) {
	r.maxBytes, r.now = maxBytes, time.Now
	r.lastTime = r.now()
}

// Reserve takes room for n bytes, or reports that there is none.
func (r *room) Reserve(n int) bool {
	if r.bytes.Add(int64(n)) > r.maxBytes {
		r.bytes.Add(-int64(n))
		return false
	}
	return true
}

// Free gives the room of transactions back that have left the node's queues.
func (r *room) Free(n int) {
	r.bytes.Add(-int64(n))
	r.left.Add(int64(n))
}

// Cancel gives room back that was not used after all. Unlike Free it does not
// count as progress.
func (r *room) Cancel(n int) { r.bytes.Add(-int64(n)) }

// Bytes is how much waits now.
func (r *room) Bytes() int64 { return r.bytes.Load() }

// RetryAfter estimates when a client that was told StatusBusy will find room:
// the time that an eighth of the whole needs to become free, at the rate at
// which bytes have left lately. It is between 1 ms and 1 s; a pool that nothing
// leaves says 1 s.
func (r *room) RetryAfter() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if dt := now.Sub(r.lastTime); dt >= rateEvery {
		left := r.left.Load()
		rate := float64(left-r.lastLeft) / dt.Seconds()
		if r.rate == 0 || dt >= time.Second {
			r.rate = rate // what was measured long ago says nothing
		} else {
			r.rate += (rate - r.rate) / 4
		}
		r.lastTime, r.lastLeft = now, left
	}
	over := r.bytes.Load() - (r.maxBytes - r.maxBytes/8)
	if over <= 0 {
		return minRetry
	}
	if r.rate <= 0 {
		return maxRetry
	}
	seconds := float64(over) / r.rate
	if seconds >= maxRetry.Seconds() {
		return maxRetry
	}
	return max(minRetry, time.Duration(seconds*float64(time.Second)))
}
