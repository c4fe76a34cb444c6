//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/chainweir/weir/bench/probe/bpf"
)

// Layout of the counters of traffic.h.
const (
	wireProtocols = 3
	wireClasses   = 16
	wireCounters  = wireClasses * 2 * 2 * wireProtocols
)

var wireProtocolNames = [wireProtocols]string{"tcp", "udp", "other"}

// wireTraffic counts frames with the programs of device.c or group.c.
type wireTraffic struct {
	kernelSide
	source  string
	names   []string
	shared  map[string]*ebpf.Map
	perPeer bool
}

// load loads one object; all objects of a part share the first one's maps.
func (w *wireTraffic) load(spec *ebpf.CollectionSpec, t *targets, linkHeader int) (*ebpf.Collection, error) {
	unmatched := uint8(0)
	if t.classes.all {
		unmatched = t.classes.other()
	}
	peers := uint8(0)
	if t.cfg.PerPeer {
		peers = 1
	}
	for name, v := range map[string]any{"unmatched": unmatched, "per_peer": peers, "link_header": uint32(linkHeader)} {
		variable, ok := spec.Variables[name]
		if !ok {
			return nil, fmt.Errorf("probe: the embedded program has no variable %s", name)
		}
		if err := variable.Set(v); err != nil {
			return nil, fmt.Errorf("probe: set %s: %w", name, err)
		}
	}
	shared := make(map[string]*ebpf.Map)
	for name, m := range w.shared {
		if _, ok := spec.Maps[name]; ok {
			shared[name] = m
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: shared})
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, closerFunc(func() error { coll.Close(); return nil }))
	if w.shared == nil {
		w.shared = make(map[string]*ebpf.Map)
		for _, name := range []string{"classes", "counters", "losses", "peers", "fragments"} {
			w.shared[name] = coll.Maps[name]
		}
	}
	return coll, nil
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }

// openDeviceWire watches one interface, or every one that holds an address:
// traffic enters and leaves the host there, and is not seen twice as it would be
// on the ports of a bridge.
func openDeviceWire(t *targets) (part, PartReport, error) {
	w := &wireTraffic{source: SourceTCX, names: t.classes.names, perPeer: t.cfg.PerPeer}
	rep := PartReport{Accuracy: "every frame once, segmented packets (GSO, GRO, BIG TCP, UDP_SEGMENT) counted as their frames; " +
		"layer-2 bytes exact (14-byte header, no FCS); sent is seen before the queue, so frames that the queue drops are in"}
	err := inNetNS(t.cfg.NetNS, func() error {
		devices, err := watchedDevices(t.cfg.Iface)
		if err != nil {
			return err
		}
		for _, d := range devices {
			if err := w.attachDevice(t, d, &rep); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errNetNS) {
		err = hookTCX.refuse("enter the network namespace", err, readPrivileges())
	}
	if err == nil {
		err = w.refresh(t)
	}
	if err != nil {
		return nil, PartReport{}, errors.Join(err, w.Close())
	}
	return w, rep, nil
}

func (w *wireTraffic) attachDevice(t *targets, d iface, rep *PartReport) error {
	spec, err := bpf.LoadDevice()
	if err != nil {
		return fmt.Errorf("probe: read the embedded program: %w", err)
	}
	coll, err := w.load(spec, t, d.linkHeader)
	if err != nil {
		return hookTCX.refuse("load the program", classified(err), readPrivileges())
	}
	type place struct {
		at            ebpf.AttachType
		name, program string
	}
	hooks := []place{{ebpf.AttachTCXIngress, "ingress", "weir_ingress"}, {ebpf.AttachTCXEgress, "egress", "weir_egress"}}
	if d.loopback {
		hooks = []place{{ebpf.AttachTCXIngress, "ingress", "weir_loopback"}}
	}
	for _, h := range hooks {
		// First in the chain: a program before ours could take frames away.
		l, err := link.AttachTCX(link.TCXOptions{Interface: d.index, Program: coll.Programs[h.program], Attach: h.at, Anchor: link.Head()})
		if err != nil {
			return hookTCX.refuse(fmt.Sprintf("attach to %s of %s", h.name, d.name), classified(err), readPrivileges())
		}
		w.links = append(w.links, l)
		rep.Attached = append(rep.Attached, fmt.Sprintf("tcx %s on %s", h.name, d.name))
	}
	return nil
}

// maxDevices keeps a host with thousands of containers from thousands of hooks.
const maxDevices = 32

func watchedDevices(name string) ([]iface, error) {
	if name != "" {
		d, err := findIface(Target{Iface: name})
		return []iface{d}, err
	}
	links, err := netlink.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("probe: list interfaces: %w", err)
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("probe: list addresses: %w", err)
	}
	var out []iface
	for _, l := range links {
		a := l.Attrs()
		holds := slices.ContainsFunc(addrs, func(x netlink.Addr) bool { return x.LinkIndex == a.Index })
		if !holds || a.Flags&net.FlagUp == 0 {
			continue
		}
		d, err := findIface(Target{Iface: a.Name})
		if err != nil {
			continue // of a link type that is not understood
		}
		out = append(out, d)
	}
	switch {
	case len(out) == 0:
		return nil, hookTCX.refuse("find the interfaces", fmt.Errorf("%w: no interface is up and has an address", ErrTarget), readPrivileges())
	case len(out) > maxDevices:
		return nil, hookTCX.refuse("find the interfaces", fmt.Errorf("%w: %d interfaces have an address, more than %d; name one", ErrTarget, len(out), maxDevices), readPrivileges())
	}
	return out, nil
}

// openGroupWire watches the sockets of a control group.
func openGroupWire(t *targets) (part, PartReport, error) {
	w := &wireTraffic{source: SourceGroupSKB, names: t.classes.names, perPeer: t.cfg.PerPeer}
	spec, err := bpf.LoadGroup()
	if err != nil {
		return nil, PartReport{}, fmt.Errorf("probe: read the embedded program: %w", err)
	}
	coll, err := w.load(spec, t, 0)
	if err != nil {
		return nil, PartReport{}, w.refused(hookGroup, "load the program", err)
	}
	rep := PartReport{Accuracy: "every packet of the group's sockets, segmented ones counted as their frames, with 14 bytes of Ethernet " +
		"header each; datagrams larger than the MTU count as one frame, and answers without a socket (resets, TIME_WAIT) are not seen"}
	for _, h := range []struct {
		at            ebpf.AttachType
		name, program string
	}{{ebpf.AttachCGroupInetIngress, "ingress", "weir_group_in"}, {ebpf.AttachCGroupInetEgress, "egress", "weir_group_out"}} {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: t.group, Attach: h.at, Program: coll.Programs[h.program]})
		if err != nil {
			return nil, PartReport{}, w.refused(hookGroup, "attach to "+h.name+" of "+t.group, err)
		}
		w.links = append(w.links, l)
		rep.Attached = append(rep.Attached, "cgroup_skb "+h.name+" of "+t.group)
	}
	if err := w.refresh(t); err != nil {
		return nil, PartReport{}, errors.Join(err, w.Close())
	}
	return w, rep, nil
}

func (w *wireTraffic) refresh(t *targets) error { return w.writePorts(w.shared["classes"], t.classes) }

func (w *wireTraffic) sample(out *Sample) error {
	s := &WireSample{Source: w.source, Classes: []WireClass{}, Peers: []WirePeer{}}
	for class := 1; class < len(w.names); class++ {
		for end := range 2 {
			for protocol := range wireProtocols {
				c := WireClass{Class: w.names[class], End: endOf(end), Protocol: wireProtocolNames[protocol]}
				var err error
				if c.Received, err = w.read((class*2+end)*2*wireProtocols + protocol); err != nil {
					return err
				}
				if c.Sent, err = w.read(((class*2+end)*2+1)*wireProtocols + protocol); err != nil {
					return err
				}
				if c.Received.Frames.N+c.Sent.Frames.N > 0 {
					s.Classes = append(s.Classes, c)
				}
			}
		}
	}
	var lost []bpf.DeviceLost
	if err := w.shared["losses"].Lookup(uint32(0), &lost); err != nil {
		return fmt.Errorf("probe: read the eBPF counters: %w", err)
	}
	s.Unclassified, s.PeersLost = Known(0), Known(0)
	for _, l := range lost {
		s.Unclassified.N += l.Unclassified
		s.PeersLost.N += l.Peers
	}
	if err := w.samplePeers(s); err != nil {
		return err
	}
	out.Wire = s
	return nil
}

func endOf(i int) End {
	if i == 0 {
		return EndLocal
	}
	return EndRemote
}

func (w *wireTraffic) read(index int) (WireCounts, error) {
	var perCPU []bpf.DeviceTraffic
	if err := w.shared["counters"].Lookup(uint32(index), &perCPU); err != nil {
		return WireCounts{}, fmt.Errorf("probe: read the eBPF counters: %w", err)
	}
	return sumTraffic(perCPU), nil
}

func sumTraffic(perCPU []bpf.DeviceTraffic) WireCounts {
	var sum bpf.DeviceTraffic
	for _, t := range perCPU {
		sum.Frames += t.Frames
		sum.L2Bytes += t.L2Bytes
		sum.PayloadBytes += t.PayloadBytes
		sum.DataFrames += t.DataFrames
	}
	return WireCounts{Known(sum.Frames), Known(sum.L2Bytes), Known(sum.PayloadBytes), Known(sum.DataFrames)}
}

func (w *wireTraffic) samplePeers(s *WireSample) error {
	if !w.perPeer {
		return nil
	}
	type key struct {
		class, end, protocol int
		address              netip.Addr
	}
	at := make(map[key]int)
	var k bpf.DevicePeerKey
	var perCPU []bpf.DeviceTraffic
	it := w.shared["peers"].Iterate()
	for it.Next(&k, &perCPU) {
		i := int(k.Index)
		protocol, sent, end, class := i%wireProtocols, i/wireProtocols&1, i/wireProtocols>>1&1, i/wireProtocols>>2
		if class >= len(w.names) {
			continue
		}
		id := key{class, end, protocol, peerAddress(k)}
		n, ok := at[id]
		if !ok {
			n = len(s.Peers)
			at[id] = n
			zero := WireCounts{Known(0), Known(0), Known(0), Known(0)}
			s.Peers = append(s.Peers, WirePeer{WireClass{w.names[class], endOf(end), wireProtocolNames[protocol], zero, zero}, id.address.String()})
		}
		if sent == 1 {
			s.Peers[n].Sent = sumTraffic(perCPU)
		} else {
			s.Peers[n].Received = sumTraffic(perCPU)
		}
	}
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return fmt.Errorf("probe: read the counters of peers: %w", err)
	}
	slices.SortFunc(s.Peers, func(a, b WirePeer) int {
		return strings.Compare(a.Class+" "+string(a.End)+" "+a.Address+" "+a.Protocol, b.Class+" "+string(b.End)+" "+b.Address+" "+b.Protocol)
	})
	return nil
}

func peerAddress(k bpf.DevicePeerKey) netip.Addr {
	words := [4]uint32{uint32(k.Address[0]), uint32(k.Address[0] >> 32), uint32(k.Address[1]), uint32(k.Address[1] >> 32)}
	if k.Family == 4 {
		return addressOf(familyIPv4, words)
	}
	return addressOf(familyIPv6, words)
}
