package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// netlinkTimeout bounds each request to the kernel.
const netlinkTimeout = 5 * time.Second

// sideMAC are locally administered addresses, fixed so that each end knows the
// other's from the start.
var sideMAC = [sideCount]net.HardwareAddr{
	NodeSide:   {0x02, 0x77, 0x65, 0x69, 0x72, 0x01},
	ClientSide: {0x02, 0x77, 0x65, 0x69, 0x72, 0x02},
}

const (
	// pschedNS is the kernel's unit of queueing time, 64 ns (PSCHED_SHIFT).
	pschedNS = 64
	// addrGenModeNone is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
	addrGenModeNone = 1
)

// withNetlink runs fn with a netlink socket that belongs to the namespace of
// one side.
func (e *end) withNetlink(fn func(*netlink.Handle) error) error {
	return inNamespace(e.ns, func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("netlab: open netlink: %w", err)
		}
		defer h.Close()
		if err := h.SetSocketTimeout(netlinkTimeout); err != nil {
			return fmt.Errorf("netlab: netlink timeout: %w", err)
		}
		return fn(h)
	})
}

// buildLink creates the veth pair from inside the node's namespace, with the
// peer born in the client's, so that it never exists in the host's.
func (l *Lab) buildLink(ctx context.Context) error {
	node, client := &l.ends[NodeSide], &l.ends[ClientSide]
	err := node.withNetlink(func(h *netlink.Handle) error {
		return h.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{
				Name: sideIface[NodeSide], MTU: MTU, HardwareAddr: sideMAC[NodeSide],
			},
			PeerName:         sideIface[ClientSide],
			PeerHardwareAddr: sideMAC[ClientSide],
			PeerMTU:          MTU,
			PeerNamespace:    netlink.NsFd(int(client.ns.Fd())),
		})
	})
	if err != nil {
		return openError("create the veth pair", err)
	}
	for side := range sideCount {
		if err := l.ends[side].withNetlink(func(h *netlink.Handle) error { return l.setUpEnd(h, side) }); err != nil {
			return err
		}
	}
	for side := range sideCount {
		if err := l.ends[side].withNetlink(func(h *netlink.Handle) error { return awaitUp(ctx, h, side) }); err != nil {
			return err
		}
	}
	return nil
}

// awaitUp waits until one end carries frames. The end that came up first gets
// its carrier, and with it its shaper, from a kernel worker: until then it
// drops what is sent, and the first connection would wait a second for its
// repeated SYN.
func awaitUp(ctx context.Context, h *netlink.Handle, side Side) error {
	ctx, cancel := context.WithTimeout(ctx, netlinkTimeout)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		link, err := h.LinkByName(sideIface[side])
		if err != nil {
			return openError("find "+sideIface[side], err)
		}
		if link.Attrs().OperState == netlink.OperUp {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("netlab: %s is %v, not up: %w", sideIface[side], link.Attrs().OperState, ctx.Err())
		case <-tick.C:
		}
	}
	// Listing takes the lock that the worker holds while it activates the
	// shaper, and proves that the shaper is the root of this end.
	_, err := tbfStatistics(h, side)
	return err
}

// setUpEnd configures one namespace: loopback, address, neighbour, shaper, up.
// Neighbours are fixed and IPv6 addresses are not generated, so that no ARP or
// router solicitation frame ever crosses the link: the shaper's counters then
// count the traffic under test and nothing else.
func (l *Lab) setUpEnd(h *netlink.Handle, side Side) error {
	lo, err := h.LinkByName("lo")
	if err != nil {
		return openError("find lo", err)
	}
	if err := h.LinkSetUp(lo); err != nil {
		return openError("bring lo up", err)
	}
	link, err := h.LinkByName(sideIface[side])
	if err != nil {
		return openError("find "+sideIface[side], err)
	}
	// Refused where the kernel has no IPv6, which is as quiet.
	_ = h.LinkSetIP6AddrGenMode(link, addrGenModeNone)
	// Refused by kernels that fix it at creation: there the shaper cuts the
	// segments itself, and a slow link loses more frames.
	_ = h.LinkSetGSOMaxSize(link, int(l.Shaper().SegmentBytes))
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: sideAddr[side].AsSlice(), Mask: net.CIDRMask(30, 32)}}
	if err := h.AddrAdd(link, addr); err != nil {
		return openError("set the address of "+sideIface[side], err)
	}
	if err := h.QdiscAdd(l.Shaper().qdisc(link.Attrs().Index)); err != nil {
		return openError("put a tbf shaper on "+sideIface[side], err)
	}
	if l.cfg.Delay > 0 {
		if err := h.QdiscAdd(l.cfg.netem(link.Attrs().Index)); err != nil {
			return delayError(l.cfg.Delay, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return openError("bring up "+sideIface[side], err)
	}
	err = h.NeighSet(&netlink.Neigh{
		LinkIndex: link.Attrs().Index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT,
		IP: sideAddr[side.other()].AsSlice(), HardwareAddr: sideMAC[side.other()],
	})
	if err != nil {
		return openError("set the neighbour of "+sideIface[side], err)
	}
	return nil
}

// qdisc translates the shaper to the kernel's terms: the bucket is given as
// the time it takes at the rate, in psched units.
func (s Shaper) qdisc(linkIndex int) *netlink.Tbf {
	bucketNS := float64(s.BurstBytes) / float64(s.RateBytesPerSec) * 1e9
	return &netlink.Tbf{
		QdiscAttrs: netlink.QdiscAttrs{
			LinkIndex: linkIndex,
			Handle:    netlink.MakeHandle(1, 0),
			Parent:    netlink.HANDLE_ROOT,
		},
		Rate:   s.RateBytesPerSec,
		Limit:  s.LimitBytes,
		Buffer: uint32(bucketNS / pschedNS),
	}
}

// netem is the queue inside the shaper that holds every frame back. It is as
// long as the shaper's own queue and the frames under way together.
func (c Config) netem(linkIndex int) *netlink.Netem {
	const smallFrame = 64 // an acknowledgement: the most frames for the bytes
	shaper := ShaperFor(c.RateBitsPerSec)
	underWay := float64(shaper.RateBytesPerSec) * c.Delay.Seconds()
	return netlink.NewNetem(
		netlink.QdiscAttrs{LinkIndex: linkIndex, Handle: netlink.MakeHandle(10, 0), Parent: netlink.MakeHandle(1, 1)},
		netlink.NetemQdiscAttrs{
			Latency: uint32(c.Delay / time.Microsecond),
			Limit:   uint32(min((underWay+float64(shaper.LimitBytes))/smallFrame, 1<<24)),
		})
}

func delayError(delay time.Duration, err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT) {
		return fmt.Errorf("netlab: a delay of %v is not available on this kernel: %w: it has no netem (%w); "+
			"load it with `modprobe sch_netem`, use a kernel with CONFIG_NET_SCH_NETEM, or leave the delay out",
			delay, ErrKernelFeature, err)
	}
	return openError("add a delay", err)
}

// ShaperCounters returns what the shaper on one side's egress has sent since
// Open, in layer-2 bytes (14-byte header in, FCS and gap out) and frames, and
// the frames it dropped because the queue was full. Segments that the kernel
// handed down as one are counted apart, as they are on a wire. The kernel
// keeps frames and drops in 32 bits, so they wrap at 2^32.
func (l *Lab) ShaperCounters(side Side) (bytes, packets, drops uint64, err error) {
	e, err := l.side(side)
	if err != nil {
		return 0, 0, 0, err
	}
	err = e.withNetlink(func(h *netlink.Handle) error {
		st, err := tbfStatistics(h, side)
		if err != nil {
			return err
		}
		bytes, packets, drops = st.Basic.Bytes, uint64(st.Basic.Packets), uint64(st.Queue.Drops)
		return nil
	})
	return bytes, packets, drops, err
}

func tbfStatistics(h *netlink.Handle, side Side) (*netlink.QdiscStatistics, error) {
	link, err := h.LinkByName(sideIface[side])
	if err != nil {
		return nil, fmt.Errorf("netlab: find %s: %w", sideIface[side], err)
	}
	list, err := h.QdiscList(link)
	if err != nil {
		return nil, fmt.Errorf("netlab: list the shapers of %s: %w", sideIface[side], err)
	}
	for _, q := range list {
		st := q.Attrs().Statistics
		if q.Type() == "tbf" && q.Attrs().Parent == netlink.HANDLE_ROOT && st != nil && st.Basic != nil && st.Queue != nil {
			return st, nil
		}
	}
	return nil, fmt.Errorf("netlab: %w: %s has no tbf shaper with statistics", ErrKernelFeature, sideIface[side])
}

// openError adds to an error of the kernel what it means and what to do.
func openError(what string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("netlab: cannot %s: %w (%w); %s", what, ErrNotPermitted, err, remedyPermission)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV),
		errors.Is(err, unix.EPROTONOSUPPORT):
		return fmt.Errorf("netlab: cannot %s: %w (%w); load it with `modprobe veth sch_tbf`, "+
			"or use a kernel built with CONFIG_VETH and CONFIG_NET_SCH_TBF", what, ErrKernelFeature, err)
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return fmt.Errorf("netlab: cannot %s: %w; the limit on namespaces is reached: "+
			"see /proc/sys/user/max_net_namespaces and max_user_namespaces", what, err)
	}
	return fmt.Errorf("netlab: cannot %s: %w", what, err)
}
