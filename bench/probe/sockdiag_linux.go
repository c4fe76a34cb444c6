package probe

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// sampleInterval is how often the sockets are listed when the kernel does
	// not tell, or lost, the end of some. A list costs half a millisecond of one
	// core (the kernel walks its whole table), so not more often.
	sampleInterval = 100 * time.Millisecond
	// dumpTimeout bounds one list; a machine with a million sockets needs less.
	dumpTimeout = 5 * time.Second
	// eventBufferBytes holds the ends of some thousand connections while the
	// reader is not scheduled. Ordinary users get what net.core.rmem_max allows.
	eventBufferBytes = 4 << 20
	datagramBytes    = 64 << 10 // larger than any the kernel sends for a dump
)

// sockDiagSource asks the kernel for the TCP_INFO of each socket of the port.
// Snapshot lists the live ones. The final state of a closed one comes as an
// event, so that short connections are counted too.
type sockDiagSource struct {
	mu     sync.Mutex // one list at a time, and the table
	table  *sockTable
	dump   *os.File
	buf    []byte
	seq    uint32
	lost   uint64
	err    error // of the background reader; Snapshot returns it
	closed bool

	events *os.File
	done   chan struct{} // closed when the reader has ended
}

func openSockDiag(t Target) (Source, Report, error) { return startSockDiag(t, groupTCPDestroyed) }

// startSockDiag opens the source with the kernel's reports of these groups; with
// none it samples.
func startSockDiag(t Target, groups uint32) (Source, Report, error) {
	s := &sockDiagSource{buf: make([]byte, datagramBytes), done: make(chan struct{})}
	rep := Report{Accuracy: "payload and segments exact to about one byte and one segment per connection; layer-2 bytes are " +
		"payload + segments × header (66 bytes for IPv4 with timestamps), which leaves out selective acknowledgements " +
		"(up to 24 bytes each); received payload leaves out what was sent twice"}
	sampling := groups == 0
	step := "open a sock_diag socket"
	err := inNetNS(t.NetNS, func() error {
		server, err := watchServerEnd(t)
		if err != nil {
			return err
		}
		if s.dump, err = diagSocketFile(0); err != nil {
			return err
		}
		step = "list TCP sockets"
		s.table = newSockTable(t, server, time.Now())
		// Twice, because a list may miss a socket while others come and go, and
		// a missed one would later be taken as new, with all it ever carried.
		// Before the events, because the end of an unlisted one would be, too.
		if err := errors.Join(s.list(s.table.baseline), s.list(s.table.baseline)); err != nil {
			return err
		}
		step = "wait for closed sockets"
		if s.events, err = diagSocketFile(groups); err != nil {
			// Not told of closed sockets: an idle socket stands in for it.
			sampling = true
			rep.Warnings = append(rep.Warnings, fmt.Sprintf("the kernel does not report closed sockets (%v): they are sampled every %v, and connections shorter than that can be missed", err, sampleInterval))
			s.events, err = diagSocketFile(0)
		}
		return err
	})
	if err != nil {
		return nil, Report{}, errors.Join(refuseSockDiag(step, err), closeFiles(s.dump, s.events))
	}
	end := "clients'"
	if s.table.server {
		end = "server's"
	}
	rep.Attached = []string{fmt.Sprintf("sock_diag: TCP_INFO of the %s sockets of port %d", end, t.Port)}
	go s.read(sampling)
	return s, rep, nil
}

func refuseSockDiag(step string, err error) Refusal {
	r := Refusal{Step: step, Reason: plain(err), Lost: sockDiagLost, err: err}
	var errno unix.Errno
	if errors.As(err, &errno) {
		r.Errno = errnoName(errno)
	}
	if !errors.Is(err, errNetNS) {
		r.Remedy = "use a kernel with CONFIG_INET_DIAG, and a sandbox that allows AF_NETLINK sockets"
	}
	return r
}

// watchServerEnd: on one machine both ends of a connection are listed, and only
// one may be counted; the server's is the node's own. Where the server is
// elsewhere there are only the clients' ends.
func watchServerEnd(t Target) (bool, error) {
	if t.PerspectiveServer || t.anyAddr() || t.Addr.IsLoopback() {
		return true, nil
	}
	index, err := holderIndex(t.Addr)
	return index != 0, err
}

// diagSocketFile opens a sock_diag socket in this thread's namespace, as a file
// so that deadlines and Close end a pending read.
func diagSocketFile(groups uint32) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, fmt.Errorf("probe: open a sock_diag socket: %w", err)
	}
	if groups != 0 {
		// The forced size needs a capability; the plain one is cut to the limit.
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, eventBufferBytes) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, eventBufferBytes)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("probe: bind a sock_diag socket to groups %#x: %w", groups, err)
	}
	return os.NewFile(uintptr(fd), "sock_diag"), nil
}

func (s *sockDiagSource) Kind() string { return KindSockDiag }

// Snapshot lists the sockets once. The last counts of a connection that was
// closed just before may come in a moment later.
func (s *sockDiagSource) Snapshot() (Counters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return Counters{}, ErrClosed
	case s.err != nil:
		return Counters{}, s.err
	}
	if err := s.list(s.table.update); err != nil {
		return Counters{}, err
	}
	c := s.table.counters()
	c.Lost = Known(s.lost)
	return c, nil
}

// list calls take for every live socket of the port. The caller holds mu, so
// that a socket's end is never processed between its listing and take.
func (s *sockDiagSource) list(take func(diagSocket, time.Time)) error {
	families := []uint8{familyIPv4, familyIPv6}
	if t := s.table.target; !t.anyAddr() && t.Addr.Is6() {
		families = families[1:] // an IPv4 address may sit in an IPv6 socket, not the reverse
	}
	now := time.Now()
	if err := s.dump.SetDeadline(now.Add(dumpTimeout)); err != nil {
		return fmt.Errorf("probe: sock_diag: %w", err)
	}
	for _, family := range families {
		if err := s.listFamily(family, now, take); err != nil {
			return err
		}
	}
	s.table.expire(now)
	return nil
}

func (s *sockDiagSource) listFamily(family uint8, now time.Time, take func(diagSocket, time.Time)) error {
	local, remote := s.table.target.Port, uint16(0)
	if !s.table.server {
		local, remote = remote, local
	}
	s.seq++
	if s.seq == 0 {
		s.seq = 1 // 0 would accept the answers to other requests
	}
	if _, err := s.dump.Write(diagRequest(family, local, remote, s.seq)); err != nil {
		return fmt.Errorf("probe: ask for TCP sockets: %w", err)
	}
	sockets := 0
	for sockets < maxDumpSockets {
		n, err := s.dump.Read(s.buf)
		if err != nil {
			return fmt.Errorf("probe: list TCP sockets: %w", err)
		}
		done, err := eachDiagSocket(s.buf[:n], s.seq, func(d diagSocket) {
			sockets++
			take(d, now)
		})
		if errors.Is(err, unix.ENOENT) && family == familyIPv6 {
			return nil // a kernel without IPv6
		}
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("probe: more than %d sockets on port %d: not listed to the end", maxDumpSockets, s.table.target.Port)
}

// read takes the ends of sockets as the kernel reports them, until Close. When
// some were lost it lists all sockets at an interval instead, so that at least
// the last listed state of a closed one is kept.
func (s *sockDiagSource) read(sampling bool) {
	defer close(s.done)
	buf := make([]byte, datagramBytes)
	var next time.Time
	for {
		if sampling && !time.Now().Before(next) {
			if !s.sample() {
				return
			}
			next = time.Now().Add(sampleInterval)
			if err := s.events.SetReadDeadline(next); err != nil {
				s.fail(err)
				return
			}
		}
		n, err := s.events.Read(buf)
		switch {
		case err == nil:
			s.closedSockets(buf[:n])
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, unix.ENOBUFS):
			s.overflow()
			sampling = true
		default: // closed by Close, or broken
			s.fail(err)
			return
		}
	}
}

// sample lists the sockets for the interval; false ends the reader.
func (s *sockDiagSource) sample() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if err := s.list(s.table.update); err != nil {
		s.err = err
		return false
	}
	return true
}

func (s *sockDiagSource) closedSockets(datagram []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if _, err := eachDiagSocket(datagram, 0, func(d diagSocket) { s.table.destroy(d, now) }); err != nil {
		s.lost++
	}
}

func (s *sockDiagSource) overflow() {
	s.mu.Lock()
	s.lost++
	s.mu.Unlock()
}

func (s *sockDiagSource) fail(err error) {
	s.mu.Lock()
	if !s.closed && s.err == nil {
		s.err = fmt.Errorf("probe: wait for closed sockets: %w", err)
	}
	s.mu.Unlock()
}

// Close ends the reader and waits for it.
func (s *sockDiagSource) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.done
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	err := closeFiles(s.dump, s.events) // ends a read that waits
	<-s.done
	return err
}

func closeFiles(files ...*os.File) error {
	var errs []error
	for _, f := range files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
