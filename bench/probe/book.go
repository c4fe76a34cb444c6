package probe

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// socketBook adds up sockets: those that closed, once, and the live ones as they
// were last listed. What a socket had counted before it was watched is its base.
type socketBook struct {
	classes *classTable
	match   func(*Socket) bool // nil: every socket that a class matches
	live    map[uint64]*openSocket
	closed  map[groupKey]*tally
	peers   map[peerKey]*tally
	ended   map[uint64]time.Time // closed a short while ago: a late listing must not bring them back
	lost    uint64
	times   bool
	queues  bool
	memory  bool
	retrans bool
}

type openSocket struct {
	base, last Socket
	gone       time.Time // since when listings do not have it; zero: the last one did
	key        groupKey
	existing   bool
}

type groupKey struct {
	class uint8
	end   End
}

type peerKey struct {
	groupKey
	address netip.Addr
}

// maxPeers bounds the per-peer table; further peers are in the classes only.
const maxPeers = 4096

// tally is what sockets counted, added up.
type tally struct {
	opened, closed, failed           uint64
	appSent, appReceived             uint64
	segsOut, segsIn, dataOut, dataIn uint64
	retransSegs, retransBytes        uint64
	busy, rwnd, sndbuf               time.Duration
}

func newSocketBook(classes *classTable) *socketBook {
	return &socketBook{
		classes: classes, live: make(map[uint64]*openSocket), closed: make(map[groupKey]*tally),
		peers: make(map[peerKey]*tally), ended: make(map[uint64]time.Time),
		times: true, queues: true, memory: true, retrans: true,
	}
}

// existing takes a socket that was there before: only what it counts from here
// on is ours.
func (b *socketBook) existing(s Socket) {
	if o := b.open(s); o != nil {
		o.base, o.existing = s, true
	}
}

// open finds or adds a socket. nil: not watched, or closed already.
func (b *socketBook) open(s Socket) *openSocket {
	if o := b.live[s.Cookie]; o != nil {
		o.last = s
		return o
	}
	if _, gone := b.ended[s.Cookie]; gone {
		return nil
	}
	key, ok := b.keyOf(&s)
	if !ok {
		return nil
	}
	o := &openSocket{last: s, key: key}
	b.live[s.Cookie] = o
	return o
}

func (b *socketBook) keyOf(s *Socket) (groupKey, bool) {
	class, end, ok := b.classes.of(s.Local.Port(), s.Remote.Port())
	if b.match != nil {
		ok = b.match(s) // by process or group: every port, in class other
	}
	return groupKey{class, end}, ok
}

// listing takes all live sockets at once. told: closings are reported, and the
// report of one that is missing here is on its way, with what the socket did
// since it was listed last; otherwise a missing one has closed without a word.
func (b *socketBook) listing(sockets []Socket, told bool, now time.Time) {
	listed := make(map[uint64]bool, len(sockets))
	for i := range sockets {
		listed[sockets[i].Cookie] = true
		b.open(sockets[i])
	}
	for cookie, o := range b.live {
		switch {
		case listed[cookie]:
			o.gone = time.Time{}
		case !told:
			b.end(cookie, o, now)
		case o.gone.IsZero():
			o.gone = now
		}
	}
	for cookie, at := range b.ended {
		if now.Sub(at) > endedMemory {
			delete(b.ended, cookie)
		}
	}
}

// missing ends the sockets that no listing had for a while although no report of
// their end came, and returns how many these are.
func (b *socketBook) missing(now time.Time) (n uint64) {
	for cookie, o := range b.live {
		if !o.gone.IsZero() && now.Sub(o.gone) >= reportWait {
			n++
			b.end(cookie, o, now)
		}
	}
	return n
}

// reportWait is longer than the report of a closed socket takes.
const reportWait = time.Second

// endedMemory is longer than a listing takes.
const endedMemory = 10 * time.Second

// close takes the last state of a socket.
func (b *socketBook) close(s Socket, now time.Time) {
	o := b.live[s.Cookie]
	if o == nil {
		if o = b.open(s); o == nil {
			return
		}
	}
	state := s.State
	if s.Remote.Port() == 0 { // some kernels clear it first
		s.Remote = o.last.Remote
	}
	o.last = s
	o.last.State = state
	b.end(s.Cookie, o, now)
}

func (b *socketBook) end(cookie uint64, o *openSocket, now time.Time) {
	delete(b.live, cookie)
	b.ended[cookie] = now
	if o.last.State == tcpListen {
		return
	}
	t := b.closed[o.key]
	if t == nil {
		t = &tally{}
		b.closed[o.key] = t
	}
	t.add(o)
	t.close(o)
	key := peerKey{o.key, o.last.Remote.Addr()}
	p := b.peers[key]
	if p == nil {
		if len(b.peers) >= maxPeers {
			return
		}
		p = &tally{}
		b.peers[key] = p
	}
	p.add(o)
}

func (t *tally) close(o *openSocket) {
	if o.last.State == tcpSynSent {
		t.failed++
		return
	}
	t.closed++
}

// add adds what the socket counted since its base.
func (t *tally) add(o *openSocket) {
	a, b := &o.last, &o.base
	if !o.existing && a.State != tcpSynSent {
		t.opened++
	}
	t.appSent += max(a.appSent(), b.appSent()) - b.appSent()
	t.appReceived += a.BytesReceived - b.BytesReceived
	t.segsOut += uint64(a.SegsOut - b.SegsOut)
	t.segsIn += uint64(a.SegsIn - b.SegsIn)
	t.dataOut += uint64(a.DataSegsOut - b.DataSegsOut)
	t.dataIn += uint64(a.DataSegsIn - b.DataSegsIn)
	t.retransSegs += uint64(a.RetransSegs - b.RetransSegs)
	t.retransBytes += a.BytesRetrans - b.BytesRetrans
	t.busy += a.Busy - b.Busy
	t.rwnd += a.RwndLimited - b.RwndLimited
	t.sndbuf += a.SndbufLimited - b.SndbufLimited
}

// sample is the state of the book.
func (b *socketBook) sample(source string) *SocketSample {
	sum := make(map[groupKey]*tally)
	gauges := make(map[groupKey]*gauge)
	peers := make(map[peerKey]*tally)
	livePeers := make(map[peerKey]uint64)
	for k, t := range b.closed {
		sum[k] = new(*t)
	}
	for k, t := range b.peers {
		peers[k] = new(*t)
	}
	for _, o := range b.live {
		g := gauges[o.key]
		if g == nil {
			g = &gauge{}
			gauges[o.key] = g
		}
		if sum[o.key] == nil {
			sum[o.key] = &tally{}
		}
		g.add(&o.last)
		if o.last.State == tcpListen {
			continue
		}
		sum[o.key].add(o)
		pk := peerKey{o.key, o.last.Remote.Addr()}
		if peers[pk] == nil && len(peers) < maxPeers {
			peers[pk] = &tally{}
		}
		if p := peers[pk]; p != nil {
			p.add(o)
			livePeers[pk]++
		}
	}
	out := &SocketSample{Source: source, Classes: []SocketClass{}, Peers: []SocketPeer{}, LostEvents: Known(b.lost)}
	for k, t := range sum {
		out.Classes = append(out.Classes, b.class(k, t, gauges[k]))
	}
	slices.SortFunc(out.Classes, func(x, y SocketClass) int {
		return cmp.Or(cmp.Compare(b.order(x.Class), b.order(y.Class)), cmp.Compare(x.End, y.End))
	})
	for k, t := range peers {
		out.Peers = append(out.Peers, SocketPeer{
			Class: b.classes.names[k.class], End: k.end, Address: k.address.String(), Connections: Known(livePeers[k]),
			AppSentBytes: Known(t.appSent), AppReceivedBytes: Known(t.appReceived), RetransSegments: Known(t.retransSegs),
		})
	}
	slices.SortFunc(out.Peers, func(x, y SocketPeer) int {
		return cmp.Or(cmp.Compare(b.order(x.Class), b.order(y.Class)), cmp.Compare(x.End, y.End), cmp.Compare(x.Address, y.Address))
	})
	return out
}

func (b *socketBook) order(class string) int { return slices.Index(b.classes.names, class) }

func (b *socketBook) class(k groupKey, t *tally, g *gauge) SocketClass {
	c := SocketClass{
		Class: b.classes.names[k.class], End: k.end,
		Opened: Known(t.opened), Closed: Known(t.closed), Failed: Known(t.failed),
		AppSentBytes: Known(t.appSent), AppReceivedBytes: Known(t.appReceived),
		SegmentsOut: Known(t.segsOut), SegmentsIn: Known(t.segsIn),
		DataSegmentsOut: Known(t.dataOut), DataSegmentsIn: Known(t.dataIn),
		RetransSegments: Known(t.retransSegs),
	}
	if b.retrans {
		c.RetransBytes = Known(t.retransBytes)
	}
	if b.times {
		c.BusyUS, c.RwndLimitedUS, c.SndbufLimitedUS = micros(t.busy), micros(t.rwnd), micros(t.sndbuf)
	}
	if g == nil {
		g = &gauge{}
	}
	c.Live = g.gauges(b)
	return c
}

func micros(d time.Duration) Count { return Known(uint64(max(d, 0) / time.Microsecond)) }
