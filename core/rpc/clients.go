package rpc

import (
	"crypto/sha256"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what one client can cost, over all its connections. A client is
// whoever holds the key of a verified certificate or, without one, an address.
type Limits struct {
	MaxConns     int     // of all clients, default 1024
	MaxPerHost   int     // connections from one address, default half of MaxConns
	MaxInFlight  int64   // bytes of unfinished submissions per connection, default 32 MiB
	MaxPerClient int64   // the same per client, default 256 MiB
	TxPerSec     float64 // transactions per second that a client may submit, 0: any number
	TxBurst      int     // how many of them at once after a rest, default and at least a second's
}

func (l *Limits) setDefaults() {
	if l.MaxConns <= 0 {
		l.MaxConns = 1024
	}
	if l.MaxPerHost <= 0 {
		l.MaxPerHost = max(1, l.MaxConns/2)
	}
	if l.MaxInFlight <= 0 {
		l.MaxInFlight = 32 << 20
	}
	if l.MaxPerClient <= 0 {
		l.MaxPerClient = 256 << 20
	}
	l.TxBurst = max(l.TxBurst, int(min(l.TxPerSec, 1<<30)), 1)
}

// Clients knows who is connected. Servers that share one hold a client to its
// limits over all of them.
type Clients struct {
	limits Limits
	now    func() time.Time

	mu      sync.Mutex
	total   int
	numbers uint64             // clients and loopback connections numbered so far
	hosts   map[string]int     // connections by address
	clients map[string]*client // by key or address, while it has a connection
}

// client is what the connections of one client share.
type client struct {
	number   uint64
	refs     int       // guarded by Clients.mu
	left     time.Time // when the last connection ended; guarded by Clients.mu
	inFlight atomic.Int64
	bucket   bucket
}

// rememberFor is how long an absent client keeps its number, and with it what the
// node holds against it: coming back at once is no way to a clean name.
const rememberFor = 30 * time.Second

// idle tells whether forgetting an absent client gives it nothing.
func (c *client) idle(now time.Time) bool {
	return now.Sub(c.left) >= rememberFor && c.inFlight.Load() == 0 && c.bucket.full(now)
}

// NewClients returns an empty registry.
func NewClients(l Limits) *Clients {
	l.setDefaults()
	return &Clients{limits: l, now: time.Now, hosts: make(map[string]int), clients: make(map[string]*client)}
}

// Connect takes a place for a connection from an address, false if there is none
// left. The place is given back by Disconnect.
func (cs *Clients) Connect(addr net.Addr) bool {
	host := hostOf(addr)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	// One address cannot take every place: the others are still served.
	if cs.total >= cs.limits.MaxConns || cs.hosts[host] >= cs.limits.MaxPerHost {
		return false
	}
	cs.total++
	cs.hosts[host]++
	return true
}

// Disconnect gives a place of Connect back.
func (cs *Clients) Disconnect(addr net.Addr) {
	host := hostOf(addr)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.total--
	if cs.hosts[host]--; cs.hosts[host] == 0 {
		delete(cs.hosts, host)
	}
}

// Session begins a connection's (or stream's) account with the limits. The caller
// closes it.
func (cs *Clients) Session(addr net.Addr, state *tls.ConnectionState) *Session {
	id := hostOf(addr)
	if state != nil && len(state.VerifiedChains) > 0 {
		key := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
		id = "key " + string(key[:])
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.clients[id]
	if c == nil {
		cs.sweep()
		cs.numbers++
		c = &client{number: cs.numbers}
		c.bucket.init(cs.limits.TxPerSec, cs.limits.TxBurst, cs.now())
		cs.clients[id] = c
	}
	c.refs++
	number := c.number
	if state == nil && loopback(addr) {
		cs.numbers++
		number = cs.numbers
	}
	return &Session{cs: cs, client: c, id: id, number: number}
}

// loopback tells whether an address is this machine's own: there, one address
// is many programs.
func loopback(a net.Addr) bool {
	ip := net.ParseIP(hostOf(a))
	return ip != nil && ip.IsLoopback()
}

// Session is one connection's account with the limits.
type Session struct {
	cs       *Clients
	client   *client
	id       string
	number   uint64
	inFlight atomic.Int64
}

// Close ends the account. What is still in flight is settled by Submission.Done.
// A client is forgotten when all that it sent is settled and its bucket is full;
// until then coming back gives it nothing.
func (s *Session) Close() {
	cs := s.cs
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if s.client.refs--; s.client.refs > 0 {
		return
	}
	s.client.left = cs.now()
	cs.sweep()
}

// sweepAbove is from how many clients on the absent ones are looked through.
const sweepAbove = 64

// sweep forgets absent clients that are idle. What is left is bounded
// by the addresses that connected within the time that a bucket needs to fill,
// and in any case by sixteen times MaxConns.
func (cs *Clients) sweep() {
	if len(cs.clients) < sweepAbove {
		return
	}
	now, limit := cs.now(), 16*cs.limits.MaxConns
	for id, c := range cs.clients {
		if c.refs == 0 && (c.idle(now) || len(cs.clients) > limit) {
			delete(cs.clients, id)
		}
	}
}

// admit takes n bytes of count transactions in flight. Where a limit does not
// allow them it tells how long it is until it does; zero: nobody knows.
func (s *Session) admit(n, count int) (retryAfter time.Duration, ok bool) {
	l := &s.cs.limits
	if s.inFlight.Load() > l.MaxInFlight || s.client.inFlight.Load() > l.MaxPerClient {
		return 0, false
	}
	if l.TxPerSec <= 0 {
		return 0, true
	}
	wait := s.client.bucket.take(s.cs.now(), count)
	return wait, wait == 0
}

// room tells whether n more bytes may be in flight. One submission may always be,
// however large.
func (s *Session) room(n int) bool {
	l := &s.cs.limits
	fits := func(have, most int64) bool { return have == 0 || have+int64(n) <= most }
	return fits(s.inFlight.Load(), l.MaxInFlight) && fits(s.client.inFlight.Load(), l.MaxPerClient)
}

func (s *Session) add(n int) {
	s.inFlight.Add(int64(n))
	s.client.inFlight.Add(int64(n))
}

// bucket is a token bucket. A frame larger than the bucket passes when the bucket
// is full and leaves it in debt, so that no frame size is locked out and the
// rate still holds.
type bucket struct {
	mu          sync.Mutex
	ratePerSec  float64
	burst, left float64
	at          time.Time
}

func (b *bucket) init(ratePerSec float64, burst int, now time.Time) {
	b.ratePerSec, b.burst, b.left, b.at = ratePerSec, float64(burst), float64(burst), now
}

func (b *bucket) fill(now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.left = min(b.burst, b.left+b.ratePerSec*d.Seconds())
		b.at = now
	}
}

// take takes n tokens, or none and returns how long it is until they are there.
func (b *bucket) take(now time.Time, n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	need := min(float64(n), b.burst)
	if b.left >= need {
		b.left -= float64(n)
		return 0
	}
	wait := (need - b.left) / b.ratePerSec * float64(time.Second)
	return max(time.Duration(min(wait, float64(24*time.Hour))), time.Microsecond)
}

func (b *bucket) full(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	return b.left >= b.burst
}

// hostOf is an address without its port. Of a public IPv6 address it is the first
// half: whoever has one address there has 2^64 of them.
func hostOf(a net.Addr) string {
	addr := a.String()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		return netip.PrefixFrom(ip, 64).Masked().String()
	}
	return ip.String()
}
