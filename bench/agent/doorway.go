package agent

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// maxWaiting is how many connections may be in their handshake at a time. They
// take no session's place.
const maxWaiting = 8

// doorway holds the connections that have not proved yet who they are. When it
// is full, one gives way to the newcomer: the oldest of the address that has the
// most. A stranger who holds connections open, or makes new ones without end,
// shuts out only himself.
type doorway struct {
	mu      sync.Mutex
	waiting []*visitor // the oldest first
}

// visitor is one connection in its handshake.
type visitor struct {
	conn   net.Conn
	source netip.Prefix
	gone   bool // gave way
}

// enter adds a connection; another one may be closed for it.
func (d *doorway) enter(conn net.Conn) *visitor {
	v := &visitor{conn: conn, source: sourceOf(conn.RemoteAddr())}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = append(d.waiting, v)
	if len(d.waiting) <= maxWaiting {
		return v
	}
	most, of := 0, map[netip.Prefix]int{}
	for _, w := range d.waiting {
		of[w.source]++
		most = max(most, of[w.source])
	}
	i := slices.IndexFunc(d.waiting, func(w *visitor) bool { return of[w.source] == most })
	out := d.waiting[i]
	d.waiting = slices.Delete(d.waiting, i, i+1)
	out.gone = true
	out.conn.Close()
	return v
}

// leave ends a connection's handshake, whatever came of it. It tells whether the
// connection had to give way.
func (d *doorway) leave(v *visitor) (gaveWay bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = slices.DeleteFunc(d.waiting, func(w *visitor) bool { return w == v })
	return v.gone
}

// sourceOf is what one stranger can have many connections from: an IPv4 address,
// or a /64 of IPv6, in which every host has as many addresses as it likes.
func sourceOf(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{} // not from a network: all such are one source
	}
	ip, bits := ap.Addr().Unmap().WithZone(""), 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
