package bench

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/results"
)

// interfaceTo is the name of the network interface through which an address is
// reached; empty when that cannot be told. Nothing is sent: a datagram socket
// that is connected asks the routing table and no more.
func interfaceTo(addr netip.AddrPort) string {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return ""
	}
	local, ok := c.LocalAddr().(*net.UDPAddr)
	if cerr := c.Close(); cerr != nil || !ok {
		return ""
	}
	ifaces, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, i := range ifaces {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			// A machine's own addresses are reached by loopback, whichever
			// interface has them.
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(local.IP) {
				if local.IP.Equal(addr.Addr().AsSlice()) {
					return loopbackName(ifaces)
				}
				return i.Name
			}
		}
	}
	return ""
}

func loopbackName(ifaces []net.Interface) string {
	for _, i := range ifaces {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	return ""
}

// nicOf is the interface to look at before the run: that to the target, loopback
// for our own node, none for one behind a link that is still to be made.
func nicOf(cfg *Config) string {
	addr := "127.0.0.1:1"
	switch {
	case cfg.LinkBits != 0:
		return ""
	case cfg.Target != "":
		addr = cfg.Target
		if u, err := url.Parse(cfg.Target); err == nil && strings.Contains(cfg.Target, "://") {
			addr = u.Host
		}
	}
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return "" // whoever opens the target says so
	}
	ap := a.AddrPort()
	return interfaceTo(netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
}

// nominal notes what the interface to the node claims of itself. A shaped link
// has the rate that was asked for.
func nominal(l *results.Link, name string) {
	if l.Kind == results.LinkShaped {
		return
	}
	if name == "" {
		l.NominalReason = "the interface that leads to the node cannot be told"
		return
	}
	l.Interface = results.NullString(name)
	n, err := link.Nominal(name)
	switch {
	case l.Kind == results.LinkLoopback:
		l.NominalReason = "loopback is a memory copy: it has no speed"
	case errors.Is(err, link.ErrNotSupported):
		l.NominalReason = "this operating system does not tell"
	case err != nil:
		l.NominalReason = results.NullString(err.Error())
	default:
		l.NominalBitsPerSec, l.NominalReason = n.SpeedBitsPerSec, results.NullString(n.Reason)
	}
	if err == nil && n.MTU > 0 {
		mtu := int64(n.MTU)
		l.MTUBytes = &mtu
	}
}
