package link

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
)

// segmentCount is what the sender's kernel knows about one connection. All
// zero when the system does not tell.
type segmentCount struct {
	bytesSent    uint64 // payload, with what was sent again
	dataSegments uint64 // segments that carried payload
	bytesRetrans uint64
	timestamps   bool
	minRTTNS     uint64 // 0: unknown
}

// since is what was counted after an earlier reading. The kernel's 32-bit
// count of segments may have wrapped in between.
func (s segmentCount) since(before segmentCount) segmentCount {
	s.bytesSent -= min(before.bytesSent, s.bytesSent)
	s.bytesRetrans -= min(before.bytesRetrans, s.bytesRetrans)
	s.dataSegments = uint64(uint32(s.dataSegments) - uint32(before.dataSegments))
	return s
}

// assumedMTU is used where the kernel tells nothing about segments.
const assumedMTU = 1500

// How Direction.L2BitsPerSec was found, best first.
const (
	// MethodSegments: the receiver's kernel counted the segments that came,
	// the sender's how large they were.
	MethodSegments = "tcp_info"
	// MethodPayload: the receiver counted payload, the sender's kernel how
	// large its segments were.
	MethodPayload = "tcp_info_sender"
	// MethodAssumed: the receiver counted payload; full frames at MTU 1500
	// with TCP timestamps were assumed.
	MethodAssumed = "assumed_mtu_1500"
)

// framing is how payload was cut into frames: payload bytes and layer-2
// header bytes in each segment; counted is false when that was assumed.
func (s segmentCount) framing(ipv6 bool) (bytesPerSegment float64, header int, counted bool) {
	if s.dataSegments > 0 && s.bytesSent >= s.dataSegments {
		return float64(s.bytesSent) / float64(s.dataSegments), headerBytes(ipv6, s.timestamps), true
	}
	return float64(TCPPayloadBytes(assumedMTU, ipv6, true)), headerBytes(ipv6, true), false
}

// segmentsIn returns a function that counts the data segments that came in on
// a connection from now on, in spite of the kernel's counter being 32 bits
// wide; it always returns 0 where the system does not count.
func segmentsIn(c net.Conn) func() uint64 {
	var total uint64
	last, counts := receivedSegments(c)
	return func() uint64 {
		if !counts {
			return 0
		}
		if now, ok := receivedSegments(c); ok {
			total += uint64(now - last)
			last = now
		}
		return total
	}
}

// endpoints tells of a connection whether it is IPv6 and whether both of its
// ends are this machine.
func endpoints(c net.Conn) (ipv6, loopback bool) {
	remote, local := addrOf(c.RemoteAddr()), addrOf(c.LocalAddr())
	ipv6 = remote.Is6()
	loopback = remote.IsValid() && (remote.IsLoopback() || remote == local)
	return ipv6, loopback
}

// addrOf is the IP address of a network address, an IPv4 address in IPv6
// clothes undressed; invalid when it has none.
func addrOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp == nil {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// marshal is the body of a done frame.
func (s segmentCount) marshal() []byte {
	var flags uint64
	if s.timestamps {
		flags = 1
	}
	b := make([]byte, 0, doneLen)
	for _, v := range []uint64{s.bytesSent, s.dataSegments, s.bytesRetrans, s.minRTTNS, flags} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

func parseSegmentCount(b []byte) (segmentCount, error) {
	if len(b) != doneLen {
		return segmentCount{}, fmt.Errorf("%w: segment counts of %d bytes, want %d", ErrProtocol, len(b), doneLen)
	}
	u := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	if u(4) > 1 {
		return segmentCount{}, fmt.Errorf("%w: segment flags %#x", ErrProtocol, u(4))
	}
	return segmentCount{bytesSent: u(0), dataSegments: u(1), bytesRetrans: u(2), minRTTNS: u(3), timestamps: u(4) == 1}, nil
}
