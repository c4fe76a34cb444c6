package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
)

// queueDevice is the interface whose queue is watched: the one named, or that
// of the default route.
func queueDevice(name string) (iface, error) {
	if name != "" {
		return findIface(Target{Iface: name})
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return iface{}, fmt.Errorf("probe: list routes: %w", err)
	}
	for _, r := range routes {
		if (r.Dst == nil || r.Dst.IP.IsUnspecified()) && r.LinkIndex != 0 {
			l, err := netlink.LinkByIndex(r.LinkIndex)
			if err != nil {
				return iface{}, fmt.Errorf("probe: interface of the default route: %w", err)
			}
			return findIface(Target{Iface: l.Attrs().Name})
		}
	}
	return iface{}, fmt.Errorf("probe: %w: no default route tells the interface; name one", ErrTarget)
}

// interfaceTotals is tier 2 without eBPF: an interface's own counters. They do
// not know classes, and behind segmentation offload they count too few packets.
type interfaceTotals struct {
	netNS, name string
	class       string
	first       [2]WireCounts
}

func openInterfaceTotals(t *targets) (part, PartReport, error) {
	if t.cfg.Iface == "" || len(t.cfg.Ports) > 0 || t.cfg.PID != 0 || t.cfg.Cgroup != "" {
		return nil, PartReport{}, Refusal{
			Step: "choose counters", Reason: "without eBPF only an interface as a whole can be counted",
			Remedy: "watch an interface, or allow eBPF", Lost: "frames and layer-2 bytes", err: ErrNotSupported,
		}
	}
	p := &interfaceTotals{netNS: t.cfg.NetNS, name: t.cfg.Iface, class: ClassOther}
	in, out, err := p.read()
	if err != nil {
		return nil, PartReport{}, Refusal{Step: "read the interface's counters", Reason: plain(err), Lost: "frames and layer-2 bytes", err: err}
	}
	p.first = [2]WireCounts{in, out}
	return p, PartReport{
		Attached: []string{"rtnetlink statistics of " + p.name},
		Accuracy: "the driver's own counters: a packet that offload segments later counts once and with one set of headers " +
			"(1 % low in bytes, 23 % in packets, on a veth pair)",
	}, nil
}

func (p *interfaceTotals) read() (in, out WireCounts, err error) {
	err = inNetNS(p.netNS, func() error {
		l, err := netlink.LinkByName(p.name)
		if err != nil {
			return fmt.Errorf("probe: interface %q: %w", p.name, err)
		}
		s := l.Attrs().Statistics
		if s == nil {
			return fmt.Errorf("probe: %w: interface %q has no statistics", ErrNotSupported, p.name)
		}
		in = WireCounts{Frames: Known(s.RxPackets), L2Bytes: Known(s.RxBytes)}
		out = WireCounts{Frames: Known(s.TxPackets), L2Bytes: Known(s.TxBytes)}
		if l.Attrs().Flags&net.FlagLoopback != 0 {
			out = WireCounts{Frames: Known(0), L2Bytes: Known(0)} // the same packets again
		}
		return nil
	})
	return in, out, err
}

func (p *interfaceTotals) refresh(*targets) error { return nil }
func (p *interfaceTotals) Close() error           { return nil }

func (p *interfaceTotals) sample(s *Sample) error {
	in, out, err := p.read()
	if err != nil {
		return err
	}
	s.Wire = &WireSample{
		Source: SourceNetlink, Peers: []WirePeer{},
		Classes: []WireClass{{p.class, EndLocal, "all", in.sub(p.first[0]), out.sub(p.first[1])}},
	}
	return nil
}

// procSoftirqs counts softirqs without eBPF; their time is unknown.
type procSoftirqs struct{ first map[string]uint64 }

func openProcSoftirqs(*targets) (part, PartReport, error) {
	first, err := readProcSoftirqs()
	if err != nil {
		return nil, PartReport{}, Refusal{Step: "read /proc/softirqs", Reason: err.Error(), Lost: "softirqs", err: err}
	}
	return &procSoftirqs{first}, PartReport{
		Attached: []string{"/proc/softirqs"}, Accuracy: "number of softirqs, exact; their time is unknown",
	}, nil
}

func readProcSoftirqs() (map[string]uint64, error) {
	f, err := os.Open("/proc/softirqs")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseSoftirqs(f)
}

// parseSoftirqs sums the columns of /proc/softirqs, one per processor.
func parseSoftirqs(r io.Reader) (map[string]uint64, error) {
	out := make(map[string]uint64)
	sc := bufio.NewScanner(io.LimitReader(r, 1<<20))
	sc.Buffer(nil, 1<<18)
	for sc.Scan() {
		name, columns, ok := strings.Cut(sc.Text(), ":")
		if !ok {
			continue // the header
		}
		var sum uint64
		for _, c := range strings.Fields(columns) {
			n, err := strconv.ParseUint(c, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("probe: /proc/softirqs: %q of %s is not a number", c, strings.TrimSpace(name))
			}
			sum += n
		}
		out[strings.TrimSpace(name)] = sum
	}
	return out, sc.Err()
}

func (p *procSoftirqs) refresh(*targets) error { return nil }
func (p *procSoftirqs) Close() error           { return nil }

func (p *procSoftirqs) sample(s *Sample) error {
	now, err := readProcSoftirqs()
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	out := &SoftirqSample{Source: SourceProcStat}
	for _, name := range []string{"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"} {
		if n, ok := now[name]; ok {
			out.Vectors = append(out.Vectors, SoftirqVector{Name: name, Runs: Known(n - p.first[name])})
		}
	}
	s.Softirq = out
	return nil
}
