package probe

import (
	"fmt"
	"slices"
)

// Schema of what weir probe writes.
const Schema = "weir.probe/1"

// The sources of a Watcher's values, as samples and reports name them.
const (
	SourceTracing  = "ebpf-tp_btf+iterator" // the kernel's socket counters, marked sockets
	SourceSockops  = "ebpf-sockops"         // the same by socket callbacks
	SourceSockDiag = "sock_diag"            // the same by listing
	SourceTCX      = "ebpf-tcx"             // frames at interfaces
	SourceGroupSKB = "ebpf-cgroup_skb"      // packets of a control group's sockets
	SourceNetlink  = "netlink-interface"    // an interface's own counters
	SourceEDT      = "ebpf-qdisc"           // queue delay of packets
	SourceBacklog  = "netlink-qdisc"        // queue delay by Little's law
	SourceSoftirq  = "ebpf-softirq"
	SourceProcStat = "proc-softirqs"
	SourceSched    = "ebpf-sched"
)

// WatchConfig says what to watch. Ports, PID, Cgroup and Iface choose the
// traffic; at least one is needed. Ports beside one of the others name classes.
type WatchConfig struct {
	// Ports are watched at both ends: sockets and packets from or to them.
	Ports []PortClass
	// PID watches the sockets of a process and its descendants. What no class
	// names is ClassOther.
	PID int
	// Cgroup is the folder of a control group (version 2), absolute or below
	// where cgroup2 is mounted. Its descendants are in.
	Cgroup string
	// Iface limits tier 2 to one interface, and without Ports counts all of it.
	Iface string
	// NetNS is the file of the network namespace. Empty: that of PID, or the
	// caller's own.
	NetNS string
	// Tiers to attach: 1 sockets, 2 frames, 3 diagnosis. Empty: 1.
	Tiers []int
	// Force takes one rung of the ladder or fails: "tracing" (needs BTF),
	// "sockops" (eBPF without BTF), "procfs" (no eBPF). Empty: the best.
	Force string
	// PerPeer counts tier 2 by remote address too. Tier 1 always does.
	PerPeer bool
}

// The values of WatchConfig.Force.
const (
	ForceTracing = "tracing"
	ForceSockops = "sockops"
	ForceProcfs  = "procfs"
)

// WatchReport tells what was attached, tier by tier.
type WatchReport struct {
	Parts    []PartReport `json:"parts"`
	Warnings []string     `json:"warnings"`
}

// PartReport is one kind of value: where it comes from, and what better source
// was refused.
type PartReport struct {
	Part     string    `json:"part"` // sockets, wire, rtt, qdisc, softirq, sched
	Tier     int       `json:"tier"`
	Source   string    `json:"source"` // empty: not watched at all
	Attached []string  `json:"attached"`
	Refused  []Refusal `json:"refused"`
	Accuracy string    `json:"accuracy"`
}

func (c WatchConfig) check() (WatchConfig, error) {
	if len(c.Ports) == 0 && c.PID == 0 && c.Cgroup == "" && c.Iface == "" {
		return c, fmt.Errorf("probe: %w: nothing to watch; give a port, a process, a control group or an interface", ErrTarget)
	}
	if c.PID != 0 && c.Cgroup != "" {
		return c, fmt.Errorf("probe: %w: both process %d and control group %q; give one of them", ErrTarget, c.PID, c.Cgroup)
	}
	if c.PID < 0 {
		return c, fmt.Errorf("probe: %w: process %d; ids are 1 and up", ErrTarget, c.PID)
	}
	if len(c.Tiers) == 0 {
		c.Tiers = []int{1}
	}
	for _, t := range c.Tiers {
		if t < 1 || t > 3 {
			return c, fmt.Errorf("probe: %w: tier %d; there are 1 (sockets), 2 (frames) and 3 (diagnosis)", ErrTarget, t)
		}
	}
	switch c.Force {
	case "", ForceTracing, ForceSockops, ForceProcfs:
	default:
		return c, fmt.Errorf("probe: %w: unknown source %q; use %q, %q or %q", ErrTarget, c.Force, ForceTracing, ForceSockops, ForceProcfs)
	}
	return c, nil
}

func (c WatchConfig) tier(n int) bool { return slices.Contains(c.Tiers, n) }

// all: traffic on any port counts, as ClassOther.
func (c WatchConfig) all() bool {
	return c.Cgroup != "" || c.Iface != "" && len(c.Ports) == 0 && c.PID == 0
}
