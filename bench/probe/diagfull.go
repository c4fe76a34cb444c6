package probe

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Requests and answers of sock_diag beyond those of diagmsg.go: every state,
// UDP, and the fields of TCP_INFO that are not counters.
const (
	protocolUDP     = 17
	inetDiagMemInfo = 1
	allStates       = 1<<tcpEstablished | 1<<tcpSynSent | 1<<tcpFinWait1 | 1<<tcpFinWait2 | 1<<tcpClose | 1<<tcpCloseWait | 1<<tcpLastAck | 1<<tcpListen | 1<<tcpClosing
)

// diagRequestAll asks for every socket of a family and protocol, with TCP_INFO
// and memory use.
func diagRequestAll(family, protocol uint8, seq uint32) []byte {
	b := diagRequest(family, 0, 0, seq)
	req := b[nlHeaderLen:]
	req[1] = protocol
	req[2] |= 1 << (inetDiagMemInfo - 1)
	binary.NativeEndian.PutUint32(req[4:], allStates)
	return b
}

// listedSocket is a socket with the number of its file.
type listedSocket struct {
	Socket
	inode uint32 // 0: no file (yet)
}

// parseListed reads struct inet_diag_msg and its attributes; ok is false for
// another family. Without TCP_INFO the counters stay 0.
func parseListed(b []byte) (s listedSocket, ok bool, err error) {
	if len(b) < inetDiagMsgLen {
		return s, false, errShortMessage
	}
	ne := binary.NativeEndian
	var src, dst netip.Addr
	switch b[0] {
	case familyIPv4:
		src, dst = netip.AddrFrom4([4]byte(b[8:12])), netip.AddrFrom4([4]byte(b[24:28]))
	case familyIPv6:
		src, dst = netip.AddrFrom16([16]byte(b[8:24])).Unmap(), netip.AddrFrom16([16]byte(b[24:40])).Unmap()
	default:
		return s, false, nil
	}
	s.State = b[1]
	s.Local = netip.AddrPortFrom(src, binary.BigEndian.Uint16(b[4:]))
	s.Remote = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[6:]))
	s.Cookie = uint64(ne.Uint32(b[44:])) | uint64(ne.Uint32(b[48:]))<<32
	s.inode = ne.Uint32(b[68:])
	if s.State == tcpListen {
		s.AcceptQueue, s.AcceptLimit = ne.Uint32(b[56:]), ne.Uint32(b[60:])
	} else {
		s.UnreadBytes = ne.Uint32(b[56:])
	}
	for attrs := b[inetDiagMsgLen:]; len(attrs) >= 4; {
		size := int(ne.Uint16(attrs))
		if size < 4 || size > len(attrs) {
			return s, false, errShortMessage
		}
		value := attrs[4:size]
		switch ne.Uint16(attrs[2:]) {
		case inetDiagInfo:
			if s.State != tcpListen {
				if err := parseFullInfo(value, &s.Socket); err != nil {
					return s, false, err
				}
			}
		case inetDiagMemInfo:
			if len(value) >= 8 && s.State != tcpListen {
				s.WmemQueuedBytes = ne.Uint32(value[4:])
			}
		}
		attrs = attrs[min(align4(size), len(attrs)):]
	}
	return s, true, nil
}

// parseFullInfo reads struct tcp_info (linux/tcp.h) up to tcpi_bytes_retrans.
func parseFullInfo(b []byte, s *Socket) error {
	info, err := parseTCPInfo(b)
	if err != nil {
		return err
	}
	ne := binary.NativeEndian
	s.MSSBytes = ne.Uint32(b[16:])
	s.SRTT = time.Duration(ne.Uint32(b[68:])) * time.Microsecond
	s.CwndSegments = ne.Uint32(b[80:])
	s.RetransSegs = info.totalRetrans
	s.BytesAcked = ne.Uint64(b[120:])
	s.BytesReceived = info.bytesReceived
	s.SegsOut, s.SegsIn = info.segsOut, info.segsIn
	s.DataSegsOut, s.DataSegsIn = info.dataSegsOut, info.dataSegsIn
	s.NotSentBytes = ne.Uint32(b[144:])
	if rtt := ne.Uint32(b[148:]); rtt != minRTTUnknown {
		s.MinRTT = time.Duration(rtt) * time.Microsecond
	}
	s.Busy = time.Duration(ne.Uint64(b[168:])) * time.Microsecond
	s.RwndLimited = time.Duration(ne.Uint64(b[176:])) * time.Microsecond
	s.SndbufLimited = time.Duration(ne.Uint64(b[184:])) * time.Microsecond
	s.BytesSent = info.bytesSent
	if len(b) >= tcpInfoMinBytes+8 {
		s.BytesRetrans = ne.Uint64(b[208:])
	}
	// Sent and not acknowledged: in segments here, so in full ones.
	s.UnackedBytes = ne.Uint32(b[24:]) * s.MSSBytes
	s.TimesKnown, s.QueuesKnown = true, true
	return nil
}
