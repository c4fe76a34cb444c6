//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/chainweir/weir/bench/probe/bpf"
)

// rttObjects are the kernel's parts of the socket callbacks.
type rttObjects struct {
	bpf.RttPrograms
	bpf.RttMaps
	bpf.RttVariables
}

// Close frees the program and the maps.
func (o *rttObjects) Close() error { return errors.Join(o.RttPrograms.Close(), o.RttMaps.Close()) }

// callbackSockets is the socket callbacks of rtt.c: round trips, and with
// keep the counters of sockets, for kernels without BTF.
type callbackSockets struct {
	kernelSide
	objs  *rttObjects
	names []string
	keep  bool
	ring  *ringbuf.Reader
	book  *socketBook
}

// openCallbacks attaches to the watched group, or to the root of all.
func openCallbacks(t *targets, keep bool) (*callbackSockets, string, error) {
	s := &callbackSockets{names: t.classes.names, keep: keep, book: newSocketBook(t.classes)}
	group := t.group
	if group == "" {
		mount, err := cgroup2Mount()
		if err != nil {
			return nil, "", hookSockops.refuse("find cgroup2", err, readPrivileges())
		}
		group = mount
	}
	if err := s.load(t); err != nil {
		return nil, "", s.refused(hookSockops, "load the program", err)
	}
	if err := s.refresh(t); err != nil {
		return nil, "", errors.Join(err, s.Close())
	}
	if keep {
		ring, err := ringbuf.NewReader(s.objs.Events)
		if err != nil {
			return nil, "", s.refused(hookSockops, "open the ring of closed sockets", err)
		}
		s.ring = ring
		s.closers = append(s.closers, ring)
	}
	l, err := link.AttachCgroup(link.CgroupOptions{Path: group, Attach: ebpf.AttachCGroupSockOps, Program: s.objs.WeirRtt})
	if err != nil {
		return nil, "", s.refused(hookSockops, "attach to "+group, err)
	}
	s.links = append(s.links, l)
	return s, "sockops of " + group, nil
}

func (s *callbackSockets) load(t *targets) error {
	spec, err := bpf.LoadRtt()
	if err != nil {
		return fmt.Errorf("probe: read the embedded program: %w", err)
	}
	var vars bpf.RttVariableSpecs
	if err := spec.Assign(&vars); err != nil {
		return fmt.Errorf("probe: the embedded program's variables: %w", err)
	}
	var every, keep uint8
	if t.classes.all {
		every = 1
	}
	if s.keep {
		keep = 1
	}
	if err := errors.Join(vars.EveryPort.Set(every), vars.KeepSockets.Set(keep)); err != nil {
		return fmt.Errorf("probe: set the program's variables: %w", err)
	}
	s.objs = &rttObjects{}
	if err := spec.LoadAndAssign(s.objs, nil); err != nil {
		return err
	}
	s.closers = append(s.closers, s.objs)
	return nil
}

func (s *callbackSockets) refresh(t *targets) error { return s.writePorts(s.objs.Classes, t.classes) }

// openCallbackSockets is tier 1 without BTF.
func openCallbackSockets(t *targets) (part, PartReport, error) {
	s, attached, err := openCallbacks(t, true)
	if err != nil {
		return nil, PartReport{}, err
	}
	s.book.times, s.book.queues, s.book.memory, s.book.retrans = false, false, false, false
	return callbackTier1{s}, PartReport{
		Attached: []string{attached},
		Accuracy: "connections made since the start only; live values are up to a round trip old, and sent bytes are those " +
			"acknowledged (two more per closed connection: SYN and FIN); queues and limited times are not told; every network namespace",
	}, nil
}

// callbackTier1 fills the sample's sockets, and openRTT's part its round trips.
type callbackTier1 struct{ *callbackSockets }

func (s callbackTier1) sample(out *Sample) error {
	now := time.Now()
	// The table first: a socket that is no longer in it has its end in the ring.
	var sockets []Socket
	var cookie uint64
	var live bpf.RttRttRecord
	it := s.objs.Sockets.Iterate()
	for it.Next(&cookie, &live) {
		sockets = append(sockets, callbackSocket(&live))
	}
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return fmt.Errorf("probe: read the sockets: %w", err)
	}
	s.book.listing(sockets, true, now)
	s.ring.SetDeadline(now) // what is there, and no waiting
	for {
		rec, err := s.ring.Read()
		if errors.Is(err, ringbuf.ErrClosed) {
			return ErrClosed
		}
		if err != nil {
			break // the deadline
		}
		var r bpf.RttRttRecord
		if _, err := binary.Decode(rec.RawSample, binary.NativeEndian, &r); err == nil {
			s.book.close(callbackSocket(&r), now)
		}
	}
	var lost uint64
	if err := s.objs.Lost.Get(&lost); err != nil {
		return fmt.Errorf("probe: read the lost events: %w", err)
	}
	if lost > 0 {
		s.book.missing(now) // the kernel counted them
	}
	s.book.lost = lost
	out.Sockets = s.book.sample(SourceSockops)
	return nil
}

func callbackSocket(r *bpf.RttRttRecord) Socket {
	s := Socket{
		Cookie: r.Cookie, State: uint8(r.State),
		Local:       netip.AddrPortFrom(addressOf(uint16(r.Family), r.Local), r.LocalPort),
		Remote:      netip.AddrPortFrom(addressOf(uint16(r.Family), r.Remote), r.RemotePort),
		SentUnknown: true, BytesAcked: r.BytesAcked, BytesReceived: r.BytesReceived,
		SegsOut: r.SegsOut, SegsIn: r.SegsIn, DataSegsOut: r.DataSegsOut, DataSegsIn: r.DataSegsIn, RetransSegs: r.TotalRetrans,
		SRTT: time.Duration(r.SrttUs8) * time.Microsecond / 8, CwndSegments: r.Cwnd, MSSBytes: r.Mss, UnackedBytes: r.Unacked,
	}
	if r.MinRttUs != minRTTUnknown {
		s.MinRTT = time.Duration(r.MinRttUs) * time.Microsecond
	}
	return s
}

// openRTT is the round trips of tier 3.
func openRTT(t *targets) (part, PartReport, error) {
	s, attached, err := openCallbacks(t, false)
	if err != nil {
		return nil, PartReport{}, err
	}
	return callbackRTT{s}, PartReport{
		Attached: []string{attached},
		Accuracy: "TCP's own measurement, one per round trip and connection made since the start: the head of each burst, " +
			"so below what the burst's last packet sees; sums exact, quantiles right to a factor of 2",
	}, nil
}

type callbackRTT struct{ *callbackSockets }

func (s callbackRTT) sample(out *Sample) error {
	r := &RTTSample{Source: SourceSockops, Classes: []RTTClass{}}
	for class := range s.names {
		var perCPU []bpf.RttRttHistogram
		if err := s.objs.Histograms.Lookup(uint32(class), &perCPU); err != nil {
			return fmt.Errorf("probe: read the round trips: %w", err)
		}
		var sum bpf.RttRttHistogram
		for _, h := range perCPU {
			sum.SumUs += h.SumUs
			for i, n := range h.Buckets {
				sum.Buckets[i] += n
			}
		}
		name := s.names[class]
		if class == 0 {
			name = ClassOther // the group's sockets of no watched port
		}
		d := newDistribution(sum.Buckets[:], float64(sum.SumUs))
		if d.Samples.N > 0 {
			r.Classes = append(r.Classes, RTTClass{name, d})
		}
	}
	out.RTT = r
	return nil
}
