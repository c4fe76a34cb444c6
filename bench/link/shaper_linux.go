package link

import (
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	netlinkTimeout = 5 * time.Second
	// pschedNS is the kernel's unit of queueing time, 64 ns (PSCHED_SHIFT).
	pschedNS = 64
	// noRate is how fq says that a flow has no limit (~0).
	noRate = 1<<32 - 1
)

// Shapers reads what holds the traffic that leaves an interface of this
// thread's namespace to a rate: TBF, HTB and HFSC classes, netem with a rate,
// fq with a limit per flow. Any user may ask. None is an empty list; policers at ingress and
// filters written by others are not looked at. It fails with ErrNoInterface.
func Shapers(iface string) ([]Shaper, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("link: open netlink: %w", err)
	}
	defer h.Close()
	if err := h.SetSocketTimeout(netlinkTimeout); err != nil {
		return nil, fmt.Errorf("link: netlink timeout: %w", err)
	}
	dev, err := h.LinkByName(iface)
	if err != nil {
		return nil, fmt.Errorf("link: %w: %q: %w", ErrNoInterface, iface, err)
	}
	qdiscs, err := h.QdiscList(dev)
	if err != nil {
		return nil, fmt.Errorf("link: list the queueing disciplines of %s: %w", iface, err)
	}
	out := []Shaper{}
	classful := false
	for _, q := range qdiscs {
		if s, ok := shaperOf(q); ok {
			out = append(out, s)
		}
		classful = classful || q.Type() == "htb" || q.Type() == "hfsc"
	}
	if !classful {
		return out, nil
	}
	classes, err := h.ClassList(dev, netlink.HANDLE_NONE)
	if err != nil {
		return out, fmt.Errorf("link: list the classes of %s: %w", iface, err)
	}
	for _, c := range classes {
		if htb, ok := c.(*netlink.HtbClass); ok && htb.Ceil > 0 {
			out = append(out, Shaper{
				Kind: "htb", Handle: netlink.HandleStr(htb.Handle), Parent: netlink.HandleStr(htb.Parent),
				RateBitsPerSec: 8 * float64(htb.Ceil), BurstBytes: bucketBytes(htb.Ceil, htb.Cbuffer), Source: SourceNetlink,
			})
		}
	}
	return out, nil
}

// shaperOf reads a discipline; ok is false for one that limits no rate.
func shaperOf(q netlink.Qdisc) (s Shaper, ok bool) {
	s = Shaper{
		Kind: q.Type(), Handle: netlink.HandleStr(q.Attrs().Handle), Parent: netlink.HandleStr(q.Attrs().Parent),
		Source: SourceNetlink,
	}
	switch q := q.(type) {
	case *netlink.Tbf:
		limit := float64(q.Limit)
		s.RateBitsPerSec, s.LimitBytes, s.BurstBytes = 8*float64(q.Rate), &limit, bucketBytes(q.Rate, q.Buffer)
		if q.Peakrate > 0 {
			peak := 8 * float64(q.Peakrate)
			s.PeakBitsPerSec = &peak
		}
	case *netlink.Netem:
		s.RateBitsPerSec = 8 * float64(q.Rate64)
	case *netlink.Fq:
		if q.FlowMaxRate != noRate {
			s.RateBitsPerSec, s.PerFlow = 8*float64(q.FlowMaxRate), true
		}
	}
	return s, s.RateBitsPerSec > 0
}

// bucketBytes undoes the kernel's way of giving a bucket as the time that it
// takes at the rate.
func bucketBytes(rateBytesPerSec uint64, ticks uint32) float64 {
	return float64(rateBytesPerSec) * float64(ticks) * pschedNS / 1e9
}
