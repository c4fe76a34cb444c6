package agent

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// hold makes a connection from an address of this machine, which says nothing.
func hold(t *testing.T, from, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Strangers who say nothing, many more than there are places, keep no run out:
// none of them has to reach its time limit first. They are sent away and not
// served, and the log says so.
func TestStrangersBlockNobody(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	s := serve(t, &observed{}, ServerConfig{TLS: server}, "127.0.0.1:0")
	const many = 5 * maxWaiting
	for range many {
		hold(t, "127.0.0.1", s.addr) // as near as the run
	}
	for range 3 {
		if _, err := dial(t, ClientConfig{Addr: s.addr, TLS: run}); err != nil {
			t.Errorf("our own run is kept out: %v", err)
		}
	}
	if line := s.firstLine(t); !strings.Contains(line, "gave way") {
		t.Errorf("the log does not say why a stranger was sent away: %q", line)
	}
}

// addrConn is a connection of which only the address and the end count.
type addrConn struct {
	net.Conn
	from   string
	closed bool
}

func (c *addrConn) RemoteAddr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", c.from)
	if err != nil {
		panic(err)
	}
	return a
}
func (c *addrConn) Close() error { c.closed = true; return nil }

// Whoever has the most gives way with the oldest; a stranger with more
// addresses of one network has no more places for it.
func TestDoorway(t *testing.T) {
	var d doorway
	enter := func(from string) (*visitor, *addrConn) {
		c := &addrConn{from: from}
		return d.enter(c), c
	}
	first, honest := enter("192.0.2.1:1000")
	var greedy []*addrConn
	for i := range 10 * maxWaiting {
		_, c := enter([]string{"[2001:db8::1]:5", "[2001:db8::2]:5", "[2001:db8:0:0:ffff::9]:7"}[i%3])
		greedy = append(greedy, c)
	}
	if honest.closed {
		t.Error("the one who was there first, from elsewhere, was sent away")
	}
	// The newest remain, all others went in the order in which they came.
	open := slices.IndexFunc(greedy, func(c *addrConn) bool { return !c.closed })
	if want := len(greedy) - (maxWaiting - 1); open != want {
		t.Errorf("the first that is left is number %d, want %d", open, want)
	}
	if slices.ContainsFunc(greedy[open:], func(c *addrConn) bool { return c.closed }) {
		t.Error("a newer one went before an older one")
	}
	if d.leave(first) || len(d.waiting) != maxWaiting-1 {
		t.Errorf("%d wait after one left in order", len(d.waiting))
	}
	v, c := enter("198.51.100.1:1")
	for range maxWaiting { // one address, all the places
		enter("192.0.2.7:9")
	}
	if c.closed || d.leave(v) {
		t.Error("a single one gave way to those who have many")
	}
	if v, c := enter("192.0.2.7:9"); c.closed || d.leave(v) {
		t.Error("the newest gave way")
	}
}
