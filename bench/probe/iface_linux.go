package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// iface is the interface to watch.
type iface struct {
	name       string
	index      int
	loopback   bool
	linkHeader int // bytes in front of the IP header: 14, or 0 on tunnels
}

// findIface picks the interface that carries the target's traffic; it must run
// inside the target's namespace.
//
//	named            → that one
//	loopback address → the loopback interface
//	node's side      → the interface that holds the server's address
//	client's side    → the route to the server (loopback when it is local)
func findIface(t Target) (iface, error) {
	link, err := findLink(t)
	if err != nil {
		return iface{}, err
	}
	a := link.Attrs()
	i := iface{name: a.Name, index: a.Index, loopback: a.Flags&net.FlagLoopback != 0}
	switch a.EncapType {
	case "ether", "loopback":
		i.linkHeader = ethernetHeader
	case "none": // tun, wireguard: IP packets only
		i.linkHeader = 0
	default:
		return iface{}, fmt.Errorf("probe: %w: interface %s has link type %q; Ethernet, loopback and plain IP tunnels are understood", ErrNotSupported, a.Name, a.EncapType)
	}
	return i, nil
}

func findLink(t Target) (netlink.Link, error) {
	switch {
	case t.Iface != "":
		link, err := netlink.LinkByName(t.Iface)
		if err != nil {
			return nil, fmt.Errorf("probe: %w: interface %q: %w; see ip link", ErrTarget, t.Iface, err)
		}
		return link, nil
	case t.anyAddr():
		return nil, fmt.Errorf("probe: %w: no interface follows from address %v; name one, or give the address clients connect to", ErrTarget, t.Addr)
	case t.Addr.IsLoopback():
		return loopbackLink()
	case t.PerspectiveServer:
		return linkHolding(t.Addr)
	}
	routes, err := netlink.RouteGet(t.Addr.AsSlice())
	if err != nil {
		return nil, fmt.Errorf("probe: no route to the server %v: %w; name the interface", t.Addr, err)
	}
	if len(routes) == 0 {
		return nil, fmt.Errorf("probe: no route to the server %v; name the interface", t.Addr)
	}
	link, err := netlink.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		return nil, fmt.Errorf("probe: interface of the route to %v: %w", t.Addr, err)
	}
	return link, nil
}

func loopbackLink() (netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("probe: list interfaces: %w", err)
	}
	for _, l := range links {
		if l.Attrs().Flags&net.FlagLoopback != 0 {
			return l, nil
		}
	}
	return nil, fmt.Errorf("probe: %w: no loopback interface in this network namespace", ErrTarget)
}

// linkHolding is the interface to which addr belongs.
func linkHolding(addr netip.Addr) (netlink.Link, error) {
	index, err := holderIndex(addr)
	if err != nil {
		return nil, err
	}
	if index == 0 {
		return nil, fmt.Errorf("probe: %w: no interface here holds %v; watch from the client's side, or name the interface (behind address translation)", ErrTarget, addr)
	}
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return nil, fmt.Errorf("probe: interface that holds %v: %w", addr, err)
	}
	return link, nil
}

// holderIndex is the index of the interface that holds addr, 0 for none.
func holderIndex(addr netip.Addr) (int, error) {
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return 0, fmt.Errorf("probe: list addresses: %w", err)
	}
	for _, a := range addrs {
		if ip, ok := netip.AddrFromSlice(a.IP); ok && ip.Unmap() == addr.WithZone("") {
			return a.LinkIndex, nil
		}
	}
	return 0, nil
}
