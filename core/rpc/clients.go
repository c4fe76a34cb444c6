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
	MaxAllFlight int64   // the same of all clients together, default 1 GiB; nobody loses a MaxConns-th part to others
	TxPerSec     float64 // transactions per second that a client may submit, 0: any number
	TxBurst      int     // how many of them at once after a rest, default and at least a second's

	// Of questions. Beyond MaxAsked and QueriesPerSec they are answered with busy
	// and a hint; up to there they wait for their turn.
	MaxQueries    int     // answered at the same time, all clients together, default 8
	MaxAsking     int     // of those, one client's, default half
	MaxAsked      int     // one client's, with those that wait, default 16
	QueriesPerSec float64 // one client's, those that read large blocks count more; 0: any number

	// Of what clients have yet to read.
	MaxAnswers int64 // bytes of large answers to one client, or one answer, default 8 MiB
	MaxUnread  int64 // bytes for all clients, half of them large answers, default 256 MiB
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
	if l.MaxAllFlight <= 0 {
		l.MaxAllFlight = 1 << 30
	}
	if l.MaxQueries <= 0 {
		l.MaxQueries = 8
	}
	if l.MaxAsking <= 0 {
		l.MaxAsking = max(1, l.MaxQueries/2)
	}
	if l.MaxAsked <= 0 {
		l.MaxAsked = 16
	}
	if l.MaxAnswers <= 0 {
		l.MaxAnswers = 8 << 20
	}
	if l.MaxUnread <= 0 {
		l.MaxUnread = 256 << 20
	}
	l.TxBurst = max(l.TxBurst, int(min(l.TxPerSec, 1<<30)), 1)
}

// Clients knows who is connected. Servers that share one hold a client to its
// limits over all of them.
type Clients struct {
	limits    Limits
	now       func() time.Time
	questions questions
	unread    atomic.Int64 // bytes of frames that clients have yet to read
	inFlight  atomic.Int64 // of all clients

	mu      sync.Mutex
	total   int
	numbers uint64             // clients and loopback connections numbered so far
	hosts   map[string]int     // connections by address
	clients map[string]*client // by key or address, while it has a connection
	local   map[string]*asker  // by address and port, on loopback
}

// client is what the connections of one client share.
type client struct {
	number   uint64
	refs     int       // guarded by Clients.mu
	left     time.Time // when the last connection ended; guarded by Clients.mu
	inFlight atomic.Int64
	unread   atomic.Int64
	calls    atomic.Int64
	bucket   bucket
	asker    asker
}

// rememberFor is how long an absent client keeps its number, and with it what the
// node holds against it: coming back at once is no way to a clean name.
const rememberFor = 30 * time.Second

// idle tells whether forgetting an absent client gives it nothing.
func (c *client) idle(now time.Time) bool {
	return now.Sub(c.left) >= rememberFor && c.inFlight.Load() == 0 && c.bucket.full(now) && c.asker.bucket.full(now)
}

// NewClients returns an empty registry.
func NewClients(l Limits) *Clients {
	l.setDefaults()
	cs := &Clients{
		limits: l, now: time.Now, hosts: make(map[string]int), clients: make(map[string]*client), local: make(map[string]*asker),
	}
	cs.questions.limits = &cs.limits
	cs.questions.now = func() time.Time { return cs.now() }
	return cs
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
		c.asker.init(cs)
		cs.clients[id] = c
	}
	c.refs++
	s := &Session{cs: cs, client: c, number: c.number, asker: &c.asker}
	if state == nil && loopback(addr) {
		cs.numbers++
		s.number, s.local = cs.numbers, addr.String()
		if s.asker = cs.local[s.local]; s.asker == nil {
			s.asker = new(asker)
			s.asker.init(cs)
			cs.local[s.local] = s.asker
		}
		s.asker.refs++
	}
	return s
}

// init sets the rate; the burst is a second's.
func (a *asker) init(cs *Clients) {
	rate := cs.limits.QueriesPerSec
	a.bucket.init(rate, max(1, int(min(rate, 1<<30))), cs.now())
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
	asker    *asker // the client's, on loopback the connection's
	local    string // key of asker, if it is the connection's
	number   uint64
	inFlight atomic.Int64
}

// Close ends the account and withdraws the questions that wait. What is still in
// flight is settled by Submission.Done.
// A client is forgotten when all that it sent is settled and its bucket is full;
// until then coming back gives it nothing.
func (s *Session) Close() {
	cs := s.cs
	cs.questions.withdraw(s)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if s.local != "" {
		if s.asker.refs--; s.asker.refs == 0 {
			delete(cs.local, s.local)
		}
	}
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

// admit takes count transactions. Where the rate does not allow them it tells how
// long it is until it does.
func (s *Session) admit(count int) (retryAfter time.Duration, ok bool) {
	if s.cs.limits.TxPerSec <= 0 {
		return 0, true
	}
	wait := s.client.bucket.take(s.cs.now(), count)
	return wait, wait == 0
}

// reserve takes n bytes in flight, or none if that is over a limit. One submission
// may always be, however large. The bytes are given back by add(-n).
func (s *Session) reserve(n int) bool {
	l := &s.cs.limits
	s.add(n)
	over := func(now, most int64) bool { return now > most && now != int64(n) }
	own := s.client.inFlight.Load()
	if over(s.inFlight.Load(), l.MaxInFlight) || over(own, l.MaxPerClient) ||
		s.cs.inFlight.Load() > l.MaxAllFlight && own > l.MaxAllFlight/int64(l.MaxConns) {
		s.add(-n)
		return false
	}
	return true
}

func (s *Session) add(n int) {
	s.inFlight.Add(int64(n))
	s.client.inFlight.Add(int64(n))
	s.cs.inFlight.Add(int64(n))
}

// CallsPerClient is how many calls with messages of so many bytes one client may
// have at the same time, and in any case as many as given.
func (cs *Clients) CallsPerClient(bytes, atLeast int) int {
	return int(max(cs.limits.MaxPerClient/int64(bytes), int64(atLeast)))
}

// Begin counts a call of this client, if it has fewer than most at the same time.
// End ends that.
func (s *Session) Begin(most int) bool {
	if s.client.calls.Add(1) > int64(most) {
		s.End()
		return false
	}
	return true
}

// End ends what Begin counted.
func (s *Session) End() { s.client.calls.Add(-1) }

// Hold counts n more bytes of frames that wait for the client, whose queue has so
// many already; ways is how many queues one connection may have. Half of what all
// may hold is divided among the places for connections: nobody's part can be used
// up by others. The other half is lent to those who need more than their part, an
// eighth to one client at most. False means that the queue has to end; then
// nothing is counted.
func (s *Session) Hold(have, n, ways int) bool {
	cs := s.cs
	frames := cs.limits.MaxUnread / 2
	total, own := cs.unread.Add(int64(n)), s.client.unread.Add(int64(n))
	part := frames / 2 / int64(cs.limits.MaxConns) / int64(ways)
	if int64(have+n) <= part || total <= frames/2 && own <= max(frames/16, part) {
		return true
	}
	s.Release(n)
	return false
}

// Release ends what Hold counted.
func (s *Session) Release(n int) {
	s.cs.unread.Add(int64(-n))
	s.client.unread.Add(int64(-n))
}

// Unread is how many bytes wait for clients to read them: of frames, and of large
// answers or the room for them.
func (cs *Clients) Unread() (frames, answers int64) {
	cs.questions.mu.Lock()
	defer cs.questions.mu.Unlock()
	return cs.unread.Load(), cs.questions.held
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

// charge takes n tokens that were used already.
func (b *bucket) charge(now time.Time, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	b.left -= float64(n)
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
