package probe

import (
	"fmt"
	"net/netip"
	"time"
)

// Socket is one TCP socket as the kernel counts it. The 32-bit counters of the
// kernel wrap; socketBook takes differences.
type Socket struct {
	Cookie        uint64 // unique as long as the machine runs
	Group         uint64 // inode of its control group, 0: not told
	NetNS         uint32 // inode of its network namespace, 0: not told
	Local, Remote netip.AddrPort
	State         uint8 // TCP state; of a closed socket the one before

	BytesSent, BytesRetrans    uint64 // payload; sent includes what was sent again
	BytesAcked, BytesReceived  uint64
	SentUnknown                bool // only BytesAcked is told
	SegsOut, SegsIn            uint32
	DataSegsOut, DataSegsIn    uint32
	RetransSegs                uint32
	SRTT, MinRTT               time.Duration // 0: no sample yet
	CwndSegments, MSSBytes     uint32
	NotSentBytes, UnackedBytes uint32 // NotSent: written and not sent; Unacked: sent and not acknowledged
	UnreadBytes                uint32 // received and not read by the application
	WmemQueuedBytes            uint32 // memory of what is queued for sending, headers included
	BacklogBytes               uint32 // received while the application held the socket
	AcceptQueue, AcceptLimit   uint32 // of a listener: connections that wait for accept
	Busy, RwndLimited          time.Duration
	SndbufLimited              time.Duration
	TimesKnown                 bool // the three above were told
	QueuesKnown, MemoryKnown   bool // NotSent and Unread; WmemQueued and Backlog
}

// minRTTUnknown is what the kernel's filter holds before the first sample.
const minRTTUnknown = ^uint32(0)

// appSent is what the application gave the kernel to send and the kernel sent:
// payload without what was sent again. A packet that the host's own queue drops
// is sent anew and not as a retransmission, so the kernel counts it twice in
// BytesSent; then what is acknowledged or in flight is the right number, to the
// two sequence numbers of SYN and FIN.
func (s *Socket) appSent() uint64 {
	inSequence := s.BytesAcked + uint64(s.UnackedBytes)
	if s.SentUnknown {
		return s.BytesAcked
	}
	return min(s.BytesSent-s.BytesRetrans, inSequence)
}

// PortClass names the traffic of one port.
type PortClass struct {
	Name string
	Port uint16
}

// ClassOther is the class of watched traffic on ports that no class names.
const ClassOther = "other"

// maxClasses: the kernel's tables hold 15 classes, and the last is ClassOther.
const maxClasses = 14

// classTable maps ports to classes. Class 0 is "not watched".
type classTable struct {
	names []string         // names[0] is "", the last is ClassOther
	ports map[uint16]uint8 // of the configuration
	local map[uint16]uint8 // found with a process: watched at their own end only
	all   bool             // what matches no port is ClassOther
}

func newClassTable(ports []PortClass, all bool) (*classTable, error) {
	t := &classTable{names: []string{""}, ports: make(map[uint16]uint8), local: make(map[uint16]uint8), all: all}
	index := make(map[string]uint8)
	for _, p := range ports {
		name := p.Name
		if name == "" {
			name = fmt.Sprintf("port %d", p.Port)
		}
		switch {
		case p.Port == 0:
			return nil, fmt.Errorf("probe: %w: class %q has port 0; ports are 1 to 65535", ErrTarget, name)
		case t.ports[p.Port] != 0:
			return nil, fmt.Errorf("probe: %w: port %d is in the classes %q and %q; a port has one class", ErrTarget, p.Port, t.names[t.ports[p.Port]], name)
		}
		if name == ClassOther {
			continue // the last one, added below
		}
		if index[name] == 0 {
			if len(t.names) > maxClasses {
				return nil, fmt.Errorf("probe: %w: class %q is one too many; at most %d", ErrTarget, name, maxClasses)
			}
			index[name] = uint8(len(t.names))
			t.names = append(t.names, name)
		}
		t.ports[p.Port] = index[name]
	}
	t.names = append(t.names, ClassOther)
	for _, p := range ports {
		if p.Name == ClassOther {
			t.ports[p.Port] = t.other()
		}
	}
	return t, nil
}

func (t *classTable) other() uint8 { return uint8(len(t.names) - 1) }

// End says whose port is the watched one.
type End string

// The ends of a connection.
const (
	EndLocal  End = "local"  // the port is this host's, or this process's
	EndRemote End = "remote" // the port is the peer's
)

// of is the class of a socket between two ports; false: not watched.
func (t *classTable) of(local, remote uint16) (uint8, End, bool) {
	if c := t.ports[local]; c != 0 {
		return c, EndLocal, true
	}
	if c := t.local[local]; c != 0 {
		return c, EndLocal, true
	}
	if c := t.ports[remote]; c != 0 {
		return c, EndRemote, true
	}
	return t.other(), EndLocal, t.all
}
