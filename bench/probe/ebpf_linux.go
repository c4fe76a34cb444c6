//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/chainweir/weir/bench/probe/bpf"
)

// wireObjects are the kernel's parts of one instance.
type wireObjects struct {
	bpf.WirePrograms
	bpf.WireMaps
}

// Close frees the program and the map.
func (o *wireObjects) Close() error {
	return errors.Join(o.WirePrograms.Close(), o.WireMaps.Close())
}

// ebpfSource counts frames with a program at the interface's tcx hooks. Links
// are not pinned, so that the kernel detaches them when the process ends,
// however it ends.
type ebpfSource struct {
	mu     sync.RWMutex // Close against Snapshot
	objs   *wireObjects
	links  []link.Link
	closed bool
}

func openEBPF(t Target) (Source, Report, error) {
	s := &ebpfSource{}
	var rep Report
	err := inNetNS(t.NetNS, func() error {
		dev, err := findIface(t)
		if err != nil && t.Iface != "" {
			return err // a wrong name is a mistake, not a reason for another source
		}
		if err != nil {
			return Refusal{Step: "find the interface", Reason: err.Error(), Lost: ebpfLost, err: err}
		}
		rep, err = s.attach(t, dev)
		return err
	})
	if errors.Is(err, errNetNS) {
		err = Refusal{Step: "enter the network namespace", Reason: err.Error(), Lost: ebpfLost, err: err}
	}
	if err != nil {
		return nil, Report{}, errors.Join(err, s.Close())
	}
	return s, rep, nil
}

// loadWire loads the program for one server port. addr matches every address
// when it is invalid or unspecified.
func loadWire(port uint16, addr netip.Addr, linkHeader int) (*wireObjects, error) {
	spec, err := bpf.LoadWire()
	if err != nil {
		return nil, fmt.Errorf("probe: read the embedded program: %w", err)
	}
	var vars bpf.WireVariableSpecs
	if err := spec.Assign(&vars); err != nil {
		return nil, fmt.Errorf("probe: the embedded program's variables: %w", err)
	}
	family, words := addressWords(addr)
	// The program compares the bytes as they stand in the packet.
	networkPort := binary.NativeEndian.Uint16([]byte{byte(port >> 8), byte(port)})
	err = errors.Join(
		vars.Port.Set(networkPort),
		vars.Family.Set(family),
		vars.Address.Set(words),
		vars.LinkHeader.Set(uint32(linkHeader)))
	if err != nil {
		return nil, fmt.Errorf("probe: set the program's variables: %w", err)
	}
	objs := &wireObjects{}
	if err := spec.LoadAndAssign(objs, nil); err != nil {
		return nil, err
	}
	return objs, nil
}

// addressWords is an address as the program keeps it: family 4 or 6 and the
// bytes in network order, or family 0 for every address.
func addressWords(addr netip.Addr) (family uint8, words [2]uint64) {
	switch {
	case !addr.IsValid() || addr.IsUnspecified():
		return 0, words
	case addr.Is4():
		b := addr.As4()
		words[0] = uint64(binary.NativeEndian.Uint32(b[:]))
		return 4, words
	}
	b := addr.As16()
	words[0], words[1] = binary.NativeEndian.Uint64(b[:8]), binary.NativeEndian.Uint64(b[8:])
	return 6, words
}

// attach loads the program and hangs it into the interface.
func (s *ebpfSource) attach(t Target, dev iface) (Report, error) {
	objs, err := loadWire(t.Port, t.Addr, dev.linkHeader)
	if err != nil {
		return Report{}, refuseEBPF("load the program", unsupported(err), readPrivileges())
	}
	s.objs = objs
	hooks := []struct {
		at   ebpf.AttachType
		name string
	}{{ebpf.AttachTCXIngress, "ingress"}, {ebpf.AttachTCXEgress, "egress"}}
	if dev.loopback {
		hooks = hooks[:1] // every packet passes both: one hook sees each once
	}
	rep := Report{Accuracy: "every frame once, segmented packets counted as their frames; layer-2 bytes exact " +
		"(14-byte header, no FCS); egress is seen before the queue, so frames that the queue drops are counted"}
	for _, h := range hooks {
		// First in the chain: a program before ours could take frames away.
		l, err := link.AttachTCX(link.TCXOptions{Interface: dev.index, Program: objs.WeirWire, Attach: h.at, Anchor: link.Head()})
		if err != nil {
			return Report{}, refuseEBPF(fmt.Sprintf("attach to %s of %s", h.name, dev.name), unsupported(err), readPrivileges())
		}
		s.links = append(s.links, l)
		rep.Attached = append(rep.Attached, fmt.Sprintf("tcx %s on %s", h.name, dev.name))
	}
	switch {
	case dev.loopback:
		rep.Warnings = append(rep.Warnings, "loopback is a memory copy with an MTU of 65536: plan with the MTU-1500 equivalent")
	case t.PerspectiveServer:
		rep.Warnings = append(rep.Warnings, "clients on the node's own machine use loopback and are not seen on "+dev.name)
	}
	if dev.linkHeader == 0 {
		rep.Warnings = append(rep.Warnings, dev.name+" carries no Ethernet header: 14 bytes per frame are added, as if it did")
	}
	return rep, nil
}

// unsupported joins our sentinel to the library's, which callers do not import.
func unsupported(err error) error {
	if errors.Is(err, ebpf.ErrNotSupported) {
		return fmt.Errorf("%w: %w", ErrNotSupported, err)
	}
	return err
}

func (s *ebpfSource) Kind() string { return KindEBPF }

// Snapshot is one map read: a copy of each processor's counters.
func (s *ebpfSource) Snapshot() (Counters, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return Counters{}, ErrClosed
	}
	var perCPU []bpf.WireCounters
	if err := s.objs.Wire.Lookup(uint32(0), &perCPU); err != nil {
		return Counters{}, fmt.Errorf("probe: read the eBPF counters: %w", err)
	}
	return sumCounters(perCPU), nil
}

// sumCounters adds up what each processor counted.
func sumCounters(perCPU []bpf.WireCounters) Counters {
	sum := bpf.WireCounters{}
	for i := range perCPU {
		c := &perCPU[i]
		addFlow(&sum.In, &c.In)
		addFlow(&sum.Out, &c.Out)
		sum.Unclassified += c.Unclassified
	}
	return Counters{In: direction(&sum.In), Out: direction(&sum.Out), Exact: true, Lost: Known(sum.Unclassified)}
}

func addFlow(a, b *bpf.WireFlow) {
	a.Packets += b.Packets
	a.L2Bytes += b.L2Bytes
	a.PayloadBytes += b.PayloadBytes
	a.DataPackets += b.DataPackets
	a.Mtu1500Packets += b.Mtu1500Packets
	a.Mtu1500L2Bytes += b.Mtu1500L2Bytes
}

// direction leaves retransmissions unknown: a program at the interface would
// have to keep sequence numbers of every connection to tell them.
func direction(f *bpf.WireFlow) Direction {
	return Direction{
		Packets:      Known(f.Packets),
		L2Bytes:      Known(f.L2Bytes),
		PayloadBytes: Known(f.PayloadBytes),
		DataPackets:  Known(f.DataPackets),
		CutPackets:   Known(f.Mtu1500Packets),
		CutL2Bytes:   Known(f.Mtu1500L2Bytes),
	}
}

// Close detaches from the interface and frees the program and its map. The
// kernel frees them after the last packet in them is through, a moment later.
func (s *ebpfSource) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, l := range s.links {
		errs = append(errs, l.Close())
	}
	if s.objs != nil {
		errs = append(errs, s.objs.Close())
	}
	return errors.Join(errs...)
}
