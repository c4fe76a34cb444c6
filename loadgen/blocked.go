package loadgen

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// blockMeter measures for how long full sockets held the senders up. It tells
// two things apart that look alike from outside: a generator that is too slow,
// and a system that does not take what it is given.
type blockMeter struct {
	mu      sync.Mutex
	now     func() int64
	conns   int
	blocked int   // connections that wait for room now
	lastNS  int64 // when blocked last changed

	sumNS int64 // over all connections
	allNS int64 // while every connection waited, so that nothing could be sent

	onScheduleNS int64 // when the schedule was last kept
	allThenNS    int64 // allNS at that time
}

// change counts a connection in (+1) or out (−1).
func (m *blockMeter) change(by int) {
	m.mu.Lock()
	m.advance(m.now())
	m.blocked += by
	m.mu.Unlock()
}

func (m *blockMeter) advance(now int64) {
	d := now - m.lastNS
	m.sumNS += d * int64(m.blocked)
	if m.blocked == m.conns {
		m.allNS += d
	}
	m.lastNS = now
}

// onSchedule notes that nothing is due at this time.
func (m *blockMeter) onSchedule(now int64) {
	if !m.mu.TryLock() {
		return // another sender notes something newer, and this one must not wait
	}
	m.advance(max(now, m.lastNS))
	m.onScheduleNS, m.allThenNS = now, m.allNS
	m.mu.Unlock()
}

// heldBack is the share of the time since the schedule was last kept in which
// full sockets kept all senders from sending. The rest is the generator's own.
func (m *blockMeter) heldBack() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.advance(now)
	if now <= m.onScheduleNS {
		return 0
	}
	return float64(m.allNS-m.allThenNS) / float64(now-m.onScheduleNS)
}

// totalNS is the time that connections waited for room, all summed.
func (m *blockMeter) totalNS() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(m.now())
	return m.sumNS
}

// everyNS is the time in which every connection waited for room.
func (m *blockMeter) everyNS() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(m.now())
	return m.allNS
}

// meteredConn is a connection that tells the meter when a write has to wait
// because the socket is full. The time that a write takes otherwise is the
// generator's own work: copying, and on loopback the receiver's share too.
type meteredConn struct {
	net.Conn
	meter *blockMeter
	stuck func()          // called when a write begins to wait
	raw   syscall.RawConn // nil: the socket cannot be looked into
}

func newMeteredConn(c net.Conn, m *blockMeter, stuck func()) *meteredConn {
	mc := &meteredConn{Conn: c, meter: m, stuck: stuck}
	if sc, ok := c.(syscall.Conn); ok && canWriteRaw {
		if raw, err := sc.SyscallConn(); err == nil {
			mc.raw = raw
		}
	}
	return mc
}

// Write sends b, as net.Conn does.
func (c *meteredConn) Write(b []byte) (int, error) {
	if c.raw != nil {
		return c.writeRaw(b)
	}
	return c.writeTimed(b)
}

// slowWrite is the time from which on a write counts as held up where the
// socket cannot be looked into. Copying a full frame takes a tenth of it.
const slowWrite = time.Millisecond

// writeTimed counts a write as held up from the moment it has taken long.
func (c *meteredConn) writeTimed(b []byte) (int, error) {
	var mu sync.Mutex
	var slow, done bool
	t := time.AfterFunc(slowWrite, func() {
		mu.Lock()
		defer mu.Unlock()
		if !done {
			slow = true
			c.meter.change(+1)
			c.stuck()
		}
	})
	n, err := c.Conn.Write(b)
	t.Stop()
	mu.Lock()
	done = true
	if slow {
		c.meter.change(-1)
	}
	mu.Unlock()
	return n, err
}
