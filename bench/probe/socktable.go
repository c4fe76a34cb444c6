package probe

import "time"

// keepUnseen is how long a socket that no dump shows any more stays in the
// table, still counted. One dump may miss a live socket (the kernel walks a
// changing hash table), and a closed one is reported a moment after it left it;
// only after this is its entry folded into the sums to free memory.
const keepUnseen = 10 * time.Second

// slowestTick is the resolution of the kernel's idle times at 100 Hz.
const slowestTick = 10 * time.Millisecond

// flow is one direction of one socket, or of many.
type flow struct {
	packets, l2Bytes, payloadBytes, dataPackets, retransSegments uint64
}

func (f *flow) add(o flow) {
	f.packets += o.packets
	f.l2Bytes += o.l2Bytes
	f.payloadBytes += o.payloadBytes
	f.dataPackets += o.dataPackets
	f.retransSegments += o.retransSegments
}

// sockTable sums up what the sockets of one server port have sent and received
// since the table was made. It has no lock: its owner does.
type sockTable struct {
	target   Target
	opened   time.Time
	server   bool // the sockets are the node's; else the clients'
	live     map[uint64]*sockEntry
	sent     flow // of sockets that are gone
	received flow
}

// sockEntry is one socket, by cookie.
type sockEntry struct {
	last           diagSocket
	sent, received flow
	seen           time.Time
}

func newSockTable(t Target, server bool, now time.Time) *sockTable {
	return &sockTable{target: t, opened: now, server: server, live: map[uint64]*sockEntry{}}
}

// matches: the socket belongs to the watched port, on the watched end.
func (t *sockTable) matches(s diagSocket) bool {
	end := s.dst
	if t.server {
		end = s.src
	}
	// A destroyed listener has no remote end and no traffic of its own.
	if s.dst.Port() == 0 || end.Port() != t.target.Port {
		return false
	}
	return t.target.anyAddr() || end.Addr().WithZone("") == t.target.Addr.WithZone("")
}

// baseline takes a socket that existed before the table: what it carried until
// now is not counted.
func (t *sockTable) baseline(s diagSocket, now time.Time) {
	if t.matches(s) && t.live[s.cookie] == nil {
		t.live[s.cookie] = &sockEntry{last: s, seen: now}
	}
}

// update takes a socket's newer state.
func (t *sockTable) update(s diagSocket, now time.Time) {
	if !t.matches(s) {
		return
	}
	e := t.live[s.cookie]
	if e == nil {
		e = &sockEntry{}
		e.sent, e.received = t.handshake(s)
		t.live[s.cookie] = e
	}
	e.advance(s)
	e.seen = now
}

// destroy takes a socket's last state and forgets the socket. One that was
// never listed and was idle since before the table was made had ended by then,
// and only its program kept it open: its traffic is not ours. (The kernel does
// not tell when a socket was made.)
func (t *sockTable) destroy(s diagSocket, now time.Time) {
	idle := time.Duration(s.info.idleMS) * time.Millisecond
	if !t.matches(s) || t.live[s.cookie] == nil && idle > now.Sub(t.opened)+slowestTick {
		return
	}
	t.update(s, now)
	t.fold(s.cookie)
}

// expire folds the entries that were not seen for a long time.
func (t *sockTable) expire(now time.Time) {
	for cookie, e := range t.live {
		if now.Sub(e.seen) > keepUnseen {
			t.fold(cookie)
		}
	}
}

func (t *sockTable) fold(cookie uint64) {
	e := t.live[cookie]
	t.sent.add(e.sent)
	t.received.add(e.received)
	delete(t.live, cookie)
}

// headerBytes are the Ethernet, IP and TCP headers of an ordinary segment of s.
// Selective acknowledgements carry more and are not known here.
func headerBytes(s diagSocket) uint64 {
	h := uint64(ethernetHeader + 20 + 20)
	if !s.dst.Addr().Is4() {
		h += 20
	}
	if s.info.timestamps {
		h += 12
	}
	return h
}

// handshake is what the kernel's counters of a new socket leave out. SYN and
// SYN-ACK carry 20 bytes of options with timestamps (RFC 9293 MSS, RFC 7323,
// RFC 2018), which is 8 more than other segments, and 12 without, where those
// have none. Both ends count both segments, but for one: the SYN-ACK leaves
// before the server's socket exists.
func (t *sockTable) handshake(s diagSocket) (sent, received flow) {
	extra := uint64(12)
	if s.info.timestamps {
		extra = 8
	}
	sent, received = flow{l2Bytes: extra}, flow{l2Bytes: extra}
	if t.server {
		sent = flow{packets: 1, l2Bytes: headerBytes(s) + extra}
	}
	return sent, received
}

// advance adds the difference between two states of one socket.
func (e *sockEntry) advance(s diagSocket) {
	old, now := e.last.info, s.info
	h := headerBytes(s)
	sent := flow{
		packets:         uint64(now.segsOut - old.segsOut), // wraps as the counter does
		dataPackets:     uint64(now.dataSegsOut - old.dataSegsOut),
		payloadBytes:    increase(now.bytesSent, old.bytesSent),
		retransSegments: uint64(now.totalRetrans - old.totalRetrans),
	}
	received := flow{
		packets:      uint64(now.segsIn - old.segsIn),
		dataPackets:  uint64(now.dataSegsIn - old.dataSegsIn),
		payloadBytes: increase(payloadReceived(s), payloadReceived(e.last)),
	}
	sent.l2Bytes = sent.payloadBytes + sent.packets*h
	received.l2Bytes = received.payloadBytes + received.packets*h
	e.sent.add(sent)
	e.received.add(received)
	e.last = s
}

// payloadReceived takes back the sequence number that a received FIN occupies
// and the kernel counts as a byte. A destroyed socket is taken to have ended
// by FIN: of one that was reset, the last byte is lost.
func payloadReceived(s diagSocket) uint64 {
	switch s.state {
	case tcpCloseWait, tcpLastAck, tcpClosing, tcpClose:
		return s.info.bytesReceived - min(s.info.bytesReceived, 1)
	}
	return s.info.bytesReceived
}

func increase(now, old uint64) uint64 {
	if now < old {
		return 0
	}
	return now - old
}

// counters sums up, seen from the node.
func (t *sockTable) counters() Counters {
	sent, received := t.sent, t.received
	for _, e := range t.live {
		sent.add(e.sent)
		received.add(e.received)
	}
	out, in := sent.direction(true), received.direction(false)
	if !t.server {
		in, out = sent.direction(true), received.direction(false)
	}
	return Counters{In: in, Out: out}
}

// direction leaves retransmissions unknown where only the receiver is seen.
func (f flow) direction(sender bool) Direction {
	d := Direction{
		Packets:      Known(f.packets),
		L2Bytes:      Known(f.l2Bytes),
		PayloadBytes: Known(f.payloadBytes),
		DataPackets:  Known(f.dataPackets),
	}
	if sender {
		d.RetransSegments = Known(f.retransSegments)
	}
	return d
}
