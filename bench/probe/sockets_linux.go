//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/chainweir/weir/bench/probe/bpf"
)

// socketObjects are the kernel's parts of tier 1.
type socketObjects struct {
	bpf.SocketsPrograms
	bpf.SocketsMaps
	bpf.SocketsVariables
}

// Close frees programs and maps.
func (o *socketObjects) Close() error {
	return errors.Join(o.SocketsPrograms.Close(), o.SocketsMaps.Close())
}

// tracedSockets reads the counters of marked sockets: live ones when asked,
// the last state of each as it closes.
type tracedSockets struct {
	kernelSide
	objs    *socketObjects
	live    *link.Iter
	ring    *ringbuf.Reader
	flushed chan struct{}
	done    chan struct{}

	mu      sync.Mutex // book and err
	book    *socketBook
	err     error
	hz      uint64 // kernel ticks per second, 0: not known yet
	pids    map[uint32]bool
	cookies map[uint64]bool
	groups  map[uint64]bool
}

func openTracedSockets(t *targets) (part, PartReport, error) {
	s := &tracedSockets{book: newSocketBook(t.classes), flushed: make(chan struct{}, 1), done: make(chan struct{})}
	if t.cfg.PID != 0 || t.cfg.Cgroup != "" {
		s.book.match = func(*Socket) bool { return true } // the kernel's side chose them
	}
	if err := s.load(t); err != nil {
		return nil, PartReport{}, s.refused(hookTracing, "load the program", err)
	}
	if err := s.refresh(t); err != nil {
		return nil, PartReport{}, errors.Join(err, s.Close())
	}
	l, err := link.AttachTracing(link.TracingOptions{Program: s.objs.WeirState})
	if err != nil {
		return nil, PartReport{}, s.refused(hookTracing, "attach to tp_btf/inet_sock_set_state", err)
	}
	s.links = append(s.links, l)
	if s.live, err = link.AttachIter(link.IterOptions{Program: s.objs.WeirLive, Map: s.objs.Marks}); err != nil {
		return nil, PartReport{}, s.refused(hookTracing, "attach iter/bpf_sk_storage_map", err)
	}
	s.links = append(s.links, s.live)
	// New sockets are marked from here on; now those that were there before.
	if err := inNetNS(t.cfg.NetNS, s.takeExisting); err != nil {
		return nil, PartReport{}, s.refused(hookTracing, "list the sockets that are there (iter/tcp)", err)
	}
	if s.ring, err = ringbuf.NewReader(s.objs.Events); err != nil {
		return nil, PartReport{}, s.refused(hookTracing, "open the ring of closed sockets", err)
	}
	go s.readClosed()
	return s, PartReport{
		Attached: []string{"tp_btf/inet_sock_set_state", "iter/bpf_sk_storage_map", "iter/tcp (once)"},
		Accuracy: "the kernel's own counters: application bytes exact (received: one more per connection that was closed, the FIN); " +
			"segments of handshakes by a listener (SYN-ACK) are not in; connections that existed before count from now; " +
			"those of other network namespaces only if made after",
	}, nil
}

func (s *tracedSockets) load(t *targets) error {
	spec, err := bpf.LoadSockets()
	if err != nil {
		return fmt.Errorf("probe: read the embedded program: %w", err)
	}
	var vars bpf.SocketsVariableSpecs
	if err := spec.Assign(&vars); err != nil {
		return fmt.Errorf("probe: the embedded program's variables: %w", err)
	}
	flag := func(on bool) uint8 {
		if on {
			return 1
		}
		return 0
	}
	netns := t.netns
	if t.cfg.Cgroup != "" || t.cfg.PID != 0 {
		netns = 0 // processes and groups may have several
	}
	err = errors.Join(
		vars.Netns.Set(netns),
		vars.ByPort.Set(flag(t.cfg.PID == 0 && t.cfg.Cgroup == "" && len(t.cfg.Ports) > 0)),
		vars.ByProcess.Set(flag(t.cfg.PID != 0)),
		vars.ByGroup.Set(flag(t.cfg.Cgroup != "")))
	if err != nil {
		return fmt.Errorf("probe: set the program's variables: %w", err)
	}
	s.objs = &socketObjects{}
	if err := spec.LoadAndAssign(s.objs, nil); err != nil {
		return err
	}
	s.closers = append(s.closers, s.objs)
	return nil
}

func (s *tracedSockets) refresh(t *targets) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.writePorts(s.objs.Classes, t.classes)
	var errs [3]error
	s.pids, errs[0] = writeSet(s.objs.Pids, s.pids, t.pids)
	s.cookies, errs[1] = writeSet(s.objs.Cookies, s.cookies, t.cookies)
	s.groups, errs[2] = writeSet(s.objs.Groups, s.groups, t.groups)
	return errors.Join(err, errs[0], errs[1], errs[2])
}

// takeExisting marks the sockets of this thread's namespace, and keeps what
// they counted so far as their base.
func (s *tracedSockets) takeExisting() error {
	it, err := link.AttachIter(link.IterOptions{Program: s.objs.WeirExisting})
	if err != nil {
		return err
	}
	defer it.Close() //nolint:errcheck // only read
	sockets, err := s.readIter(it)
	for i := range sockets {
		s.book.existing(sockets[i])
	}
	return err
}

func (s *tracedSockets) readIter(it *link.Iter) ([]Socket, error) {
	r, err := it.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	return s.decodeAll(r)
}

// iterRead is how much is asked of an iterator at once. The kernel stops when
// it has so much, and runs the program again for a record that overflows its
// buffer of eight pages: a socket that weir_existing has marked already would
// then be left out, and its whole past would count.
const iterRead = 16 << 10

func (s *tracedSockets) decodeAll(r io.Reader) ([]Socket, error) {
	size := binary.Size(bpf.SocketsSocketRecord{})
	var out []Socket
	buf, have := make([]byte, iterRead), 0
	for {
		n, err := r.Read(buf[have:])
		have += n
		at := 0
		for ; have-at >= size; at += size {
			out = append(out, s.decode(buf[at:at+size]))
		}
		have = copy(buf, buf[at:have])
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// decode turns a record of sockets.c into a Socket.
func (s *tracedSockets) decode(b []byte) Socket {
	var r bpf.SocketsSocketRecord
	if err := binary.Read(bytes.NewReader(b), binary.NativeEndian, &r); err != nil {
		return Socket{} // shorter than a record: no cookie, in no class
	}
	if s.hz == 0 {
		s.hz = ticksPerSecond(r.Jiffies, r.TimeNs)
	}
	out := Socket{
		Cookie: r.Cookie, Group: r.Group, NetNS: r.Netns, State: r.State,
		Local:     netip.AddrPortFrom(addressOf(r.Family, r.Local), r.LocalPort),
		Remote:    netip.AddrPortFrom(addressOf(r.Family, r.Remote), r.RemotePort),
		BytesSent: r.BytesSent, BytesRetrans: r.BytesRetrans, BytesAcked: r.BytesAcked, BytesReceived: r.BytesReceived,
		SegsOut: r.SegsOut, SegsIn: r.SegsIn, DataSegsOut: r.DataSegsOut, DataSegsIn: r.DataSegsIn, RetransSegs: r.TotalRetrans,
		SRTT: time.Duration(r.SrttUs8) * time.Microsecond / 8, CwndSegments: r.Cwnd, MSSBytes: r.Mss,
		NotSentBytes: r.Notsent, UnackedBytes: r.Unacked, UnreadBytes: r.Unread,
		WmemQueuedBytes: r.WmemQueued, BacklogBytes: r.Backlog, AcceptQueue: r.AcceptQueue, AcceptLimit: r.AcceptLimit,
		QueuesKnown: true, MemoryKnown: true,
	}
	if r.MinRttUs != minRTTUnknown {
		out.MinRTT = time.Duration(r.MinRttUs) * time.Microsecond
	}
	out.Busy, out.RwndLimited, out.SndbufLimited, out.TimesKnown = chronoTimes(&r, s.hz)
	return out
}

// chronoTimes are the times of TCP's stopwatches: one runs at a time (1 busy,
// 2 limited by the peer's window, 3 by the send buffer), and busy is their sum.
func chronoTimes(r *bpf.SocketsSocketRecord, hz uint64) (busy, rwnd, sndbuf time.Duration, known bool) {
	if hz == 0 {
		return 0, 0, 0, false
	}
	stat := r.ChronoStat
	if r.ChronoType >= 1 && r.ChronoType <= 3 {
		if running := uint32(r.Jiffies) - r.ChronoStart; running < 1<<31 {
			stat[r.ChronoType-1] += running
		}
	}
	d := func(ticks uint32) time.Duration { return time.Duration(uint64(ticks) * uint64(time.Second) / hz) }
	return d(stat[0]) + d(stat[1]) + d(stat[2]), d(stat[1]), d(stat[2]), true
}

func addressOf(family uint16, words [4]uint32) netip.Addr {
	var b [16]byte
	for i, w := range words {
		binary.NativeEndian.PutUint32(b[4*i:], w)
	}
	if family == familyIPv4 {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16(b).Unmap()
}

// readClosed takes the last states of closed sockets until the ring is closed.
func (s *tracedSockets) readClosed() {
	defer close(s.done)
	for {
		rec, err := s.ring.Read()
		switch {
		case err == nil:
			s.mu.Lock()
			s.book.close(s.decode(rec.RawSample), time.Now())
			s.mu.Unlock()
		case errors.Is(err, ringbuf.ErrFlushed):
			s.flushed <- struct{}{}
		case errors.Is(err, ringbuf.ErrClosed):
			return
		default:
			s.mu.Lock()
			s.err = fmt.Errorf("probe: read the ring of closed sockets: %w", err)
			s.mu.Unlock()
			return
		}
	}
}

// sample lists the live sockets, then waits until every end reported before the
// list's own end was taken, so that no socket is in neither or in both.
func (s *tracedSockets) sample(out *Sample) error {
	s.mu.Lock()
	now := time.Now()
	sockets, err := s.readIter(s.live)
	if err == nil {
		err = s.err
	}
	if err != nil {
		s.mu.Unlock()
		return fmt.Errorf("probe: list sockets: %w", err)
	}
	s.book.listing(sockets, true, now)
	s.mu.Unlock()
	if err := s.ring.Flush(); err != nil {
		return fmt.Errorf("probe: read the ring of closed sockets: %w", err)
	}
	select {
	case <-s.flushed:
	case <-s.done:
		return ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var lost uint64
	if err := s.objs.Lost.Get(&lost); err != nil {
		return fmt.Errorf("probe: read the lost events: %w", err)
	}
	if lost > 0 {
		s.book.missing(now) // the kernel counted them
	}
	s.book.lost = lost
	s.book.times = s.hz != 0
	out.Sockets = s.book.sample(SourceTracing)
	return nil
}

// Close detaches, and waits for the reader.
func (s *tracedSockets) Close() error {
	if s.ring == nil {
		return s.kernelSide.Close()
	}
	err := s.ring.Close()
	<-s.done
	return errors.Join(err, s.kernelSide.Close())
}
