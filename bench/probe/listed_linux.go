package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// listSockets calls fn for every socket of a protocol in this thread's network
// namespace. It needs no privilege.
func listSockets(protocol uint8, fn func(*listedSocket)) error {
	f, err := diagSocketFile(0)
	if err != nil {
		return err
	}
	defer f.Close()
	return dumpSockets(f, make([]byte, datagramBytes), protocol, fn)
}

func dumpSockets(f *os.File, buf []byte, protocol uint8, fn func(*listedSocket)) error {
	if err := f.SetDeadline(time.Now().Add(dumpTimeout)); err != nil {
		return fmt.Errorf("probe: sock_diag: %w", err)
	}
	for i, family := range []uint8{familyIPv4, familyIPv6} {
		seq := uint32(i + 1)
		if _, err := f.Write(diagRequestAll(family, protocol, seq)); err != nil {
			return fmt.Errorf("probe: ask for sockets: %w", err)
		}
		for done := false; !done; {
			n, err := f.Read(buf)
			if err != nil {
				return fmt.Errorf("probe: list sockets: %w", err)
			}
			done, err = eachListed(buf[:n], seq, fn)
			if errors.Is(err, unix.ENOENT) {
				break // a kernel without this family or protocol
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// eachListed is eachDiagSocket with all of a socket's fields; seq 0 takes all.
func eachListed(datagram []byte, seq uint32, fn func(*listedSocket)) (done bool, err error) {
	ne := binary.NativeEndian
	for len(datagram) > 0 {
		if len(datagram) < nlHeaderLen {
			return false, errShortMessage
		}
		size := ne.Uint32(datagram)
		if size < nlHeaderLen || uint64(size) > uint64(len(datagram)) {
			return false, errShortMessage
		}
		body := datagram[nlHeaderLen:size]
		if seq == 0 || ne.Uint32(datagram[8:]) == seq {
			switch ne.Uint16(datagram[4:]) {
			case nlDone:
				return true, nil
			case nlError:
				return true, diagError(body)
			case sockDiagByFamily:
				s, ok, err := parseListed(body)
				if err != nil {
					return false, err
				}
				if ok {
					fn(&s)
				}
			}
		}
		datagram = datagram[min(align4(int(size)), len(datagram)):]
	}
	return false, nil
}

// listedSockets is tier 1 without eBPF: the sockets are listed for each sample,
// and the last state of closed ones comes as a message where the kernel allows
// it.
type listedSockets struct {
	mu      sync.Mutex
	book    *socketBook
	dump    *os.File
	events  *os.File // nil: closed sockets are not reported
	buf     []byte
	cookies map[uint64]bool // of the watched processes; nil: every socket
	err     error
	lost    uint64
	done    chan struct{}
}

func openListedSockets(t *targets) (part, PartReport, error) {
	if t.cfg.Cgroup != "" {
		return nil, PartReport{}, Refusal{
			Step: "choose sockets", Reason: "sock_diag's listing does not tell a socket's control group on every kernel",
			Remedy: "watch the processes of the group with --pid, or its ports", Lost: "tier 1 of this control group", err: ErrNotSupported,
		}
	}
	s := &listedSockets{book: newSocketBook(t.classes), buf: make([]byte, datagramBytes), done: make(chan struct{})}
	s.book.memory = false
	rep := PartReport{
		Attached: []string{"sock_diag: TCP_INFO of every TCP socket, at each sample"},
		Accuracy: "the kernel's own counters; a connection that opens and closes between two samples is seen by its last report only; " +
			"data in flight in whole segments; the receive backlog is not told",
	}
	if t.cfg.PID != 0 {
		s.cookies = t.cookies
		s.book.match = func(*Socket) bool { return true }
		rep.Accuracy += "; of a process only connections that were open at a sample"
	}
	err := inNetNS(t.cfg.NetNS, func() (err error) {
		if s.dump, err = diagSocketFile(0); err != nil {
			return err
		}
		err = dumpSockets(s.dump, s.buf, protocolTCP, func(l *listedSocket) {
			if s.wanted(&l.Socket) {
				s.book.existing(l.Socket)
			}
		})
		if err != nil {
			return err
		}
		if s.events, err = diagSocketFile(groupTCPDestroyed); err != nil {
			s.events = nil
			rep.Accuracy += fmt.Sprintf("; the kernel does not report closed sockets (%v): what they did after the last sample is missing", err)
		}
		return nil
	})
	if err != nil {
		return nil, PartReport{}, errors.Join(refuseSockDiag("list TCP sockets", err), closeFiles(s.dump, s.events))
	}
	if s.events == nil {
		close(s.done)
	} else {
		rep.Attached = append(rep.Attached, "sock_diag: reports of closed sockets")
		go s.readClosed()
	}
	return s, rep, nil
}

// wanted: the processes' own sockets, and those that their listeners accepted
// and that the next refresh will find.
func (s *listedSockets) wanted(l *Socket) bool { return s.cookies == nil || s.cookies[l.Cookie] }

func (s *listedSockets) refresh(t *targets) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.cfg.PID != 0 {
		s.cookies = t.cookies
	}
	return nil
}

func (s *listedSockets) sample(out *Sample) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	now := time.Now()
	var sockets []Socket
	err := dumpSockets(s.dump, s.buf, protocolTCP, func(l *listedSocket) {
		if s.wanted(&l.Socket) || s.book.live[l.Cookie] != nil {
			sockets = append(sockets, l.Socket)
		}
	})
	if err != nil {
		return err
	}
	s.book.listing(sockets, s.events != nil, now)
	s.lost += s.book.missing(now)
	s.book.lost = s.lost
	out.Sockets = s.book.sample(SourceSockDiag)
	return nil
}

// readClosed takes the last states of closed sockets until Close.
func (s *listedSockets) readClosed() {
	defer close(s.done)
	buf := make([]byte, datagramBytes)
	for {
		n, err := s.events.Read(buf)
		s.mu.Lock()
		switch {
		case err == nil:
			if _, perr := eachListed(buf[:n], 0, s.ended); perr != nil {
				s.lost++
			}
		case errors.Is(err, unix.ENOBUFS):
			s.lost++
		default:
			if !errors.Is(err, os.ErrClosed) {
				s.err = fmt.Errorf("probe: wait for closed sockets: %w", err)
			}
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

func (s *listedSockets) ended(l *listedSocket) {
	// Without a file any more: of a process only if it was listed before.
	if s.cookies != nil && s.book.live[l.Cookie] == nil && !s.cookies[l.Cookie] {
		return
	}
	s.book.close(l.Socket, time.Now())
}

// Close ends the reader and waits for it.
func (s *listedSockets) Close() error {
	err := closeFiles(s.dump, s.events)
	<-s.done
	return err
}
