package mempool

import "time"

// SetClock gives the pool another clock, which starts now.
func (p *Pool) SetClock(now func() time.Time) { p.room.now, p.room.lastTime = now, now() }
