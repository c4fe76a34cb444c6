package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// Layout and numbers of the sock_diag(7) netlink family, from linux/netlink.h,
// linux/inet_diag.h and linux/tcp.h. All integers are in the machine's own
// order, ports and addresses in network order.
const (
	nlHeaderLen       = 16
	nlError           = 2
	nlDone            = 3
	nlFlagRequest     = 0x1
	nlFlagDump        = 0x300
	sockDiagByFamily  = 20
	inetDiagInfo      = 2 // the attribute that holds struct tcp_info
	inetDiagReqLen    = 56
	inetDiagMsgLen    = 72
	familyIPv4        = 2
	familyIPv6        = 10
	protocolTCP       = 6
	tcpOptTimestamps  = 1
	tcpInfoMinBytes   = 208 // up to tcpi_bytes_sent: Linux 4.19
	maxDumpSockets    = 1 << 20
	tcpEstablished    = 1
	tcpSynSent        = 2
	tcpSynRecv        = 3
	tcpFinWait1       = 4
	tcpFinWait2       = 5
	tcpTimeWait       = 6
	tcpClose          = 7
	tcpCloseWait      = 8
	tcpLastAck        = 9
	tcpListen         = 10
	tcpClosing        = 11
	liveTCPStates     = 1<<tcpEstablished | 1<<tcpSynSent | 1<<tcpSynRecv | 1<<tcpFinWait1 | 1<<tcpFinWait2 | 1<<tcpCloseWait | 1<<tcpLastAck | 1<<tcpClosing
	groupTCPDestroyed = 1<<0 | 1<<2 // SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY
)

var (
	errShortMessage = errors.New("the kernel's sock_diag answer is cut off")
	errOldKernel    = errors.New("the kernel's TCP_INFO has no bytes_sent")
)

// diagSocket is one TCP socket as the kernel describes it.
type diagSocket struct {
	cookie   uint64 // unique as long as the machine runs
	state    uint8
	src, dst netip.AddrPort
	info     tcpInfo
}

// tcpInfo is the part of struct tcp_info that counts traffic. The 32-bit
// counters wrap.
type tcpInfo struct {
	timestamps               bool
	totalRetrans             uint32
	segsOut, segsIn          uint32
	dataSegsOut, dataSegsIn  uint32
	bytesSent, bytesReceived uint64 // sent: with retransmissions; received: without
	idleMS                   uint32 // since data was last sent or received, or an acknowledgement came
}

// diagRequest asks for all live TCP sockets of one family with this local or
// remote port; 0 is any. The kernel filters.
func diagRequest(family uint8, localPort, remotePort uint16, seq uint32) []byte {
	b := make([]byte, nlHeaderLen+inetDiagReqLen)
	ne := binary.NativeEndian
	ne.PutUint32(b[0:], uint32(len(b)))
	ne.PutUint16(b[4:], sockDiagByFamily)
	ne.PutUint16(b[6:], nlFlagRequest|nlFlagDump)
	ne.PutUint32(b[8:], seq)
	req := b[nlHeaderLen:]
	req[0] = family
	req[1] = protocolTCP
	req[2] = 1 << (inetDiagInfo - 1)
	ne.PutUint32(req[4:], liveTCPStates)
	binary.BigEndian.PutUint16(req[8:], localPort)
	binary.BigEndian.PutUint16(req[10:], remotePort)
	return b
}

// eachDiagSocket calls fn for every socket with a TCP_INFO in one datagram. It
// reports done at the end of a dump. Messages with another sequence number are
// answers to a request that was given up, and are skipped (seq 0: take all).
func eachDiagSocket(datagram []byte, seq uint32, fn func(diagSocket)) (done bool, err error) {
	ne := binary.NativeEndian
	for len(datagram) > 0 {
		if len(datagram) < nlHeaderLen {
			return false, fmt.Errorf("probe: %w: %d bytes left, a header has %d", errShortMessage, len(datagram), nlHeaderLen)
		}
		size := ne.Uint32(datagram)
		if size < nlHeaderLen || uint64(size) > uint64(len(datagram)) {
			return false, fmt.Errorf("probe: %w: message of %d bytes in %d", errShortMessage, size, len(datagram))
		}
		body := datagram[nlHeaderLen:size]
		if seq == 0 || ne.Uint32(datagram[8:]) == seq {
			switch ne.Uint16(datagram[4:]) {
			case nlDone:
				return true, nil
			case nlError:
				return true, diagError(body)
			case sockDiagByFamily:
				s, ok, err := parseDiagSocket(body)
				if err != nil {
					return false, err
				}
				if ok {
					fn(s)
				}
			}
		}
		datagram = datagram[min(align4(int(size)), len(datagram)):]
	}
	return false, nil
}

func diagError(body []byte) error {
	if len(body) < 4 {
		return fmt.Errorf("probe: %w: error message of %d bytes", errShortMessage, len(body))
	}
	code := int32(binary.NativeEndian.Uint32(body))
	if code == 0 {
		return nil // an acknowledgement
	}
	return fmt.Errorf("probe: sock_diag: %w", syscall.Errno(-int64(code)))
}

// parseDiagSocket reads struct inet_diag_msg and its attributes. ok is false
// for a socket without TCP_INFO (in TIME_WAIT, for example).
func parseDiagSocket(b []byte) (s diagSocket, ok bool, err error) {
	if len(b) < inetDiagMsgLen {
		return s, false, fmt.Errorf("probe: %w: socket of %d bytes, at least %d expected", errShortMessage, len(b), inetDiagMsgLen)
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
	s.state = b[1]
	s.src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(b[4:]))
	s.dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[6:]))
	s.cookie = uint64(ne.Uint32(b[44:])) | uint64(ne.Uint32(b[48:]))<<32
	for attrs := b[inetDiagMsgLen:]; len(attrs) >= 4; {
		size := int(ne.Uint16(attrs))
		if size < 4 || size > len(attrs) {
			return s, false, fmt.Errorf("probe: %w: attribute of %d bytes in %d", errShortMessage, size, len(attrs))
		}
		if ne.Uint16(attrs[2:]) == inetDiagInfo {
			s.info, err = parseTCPInfo(attrs[4:size])
			return s, err == nil, err
		}
		attrs = attrs[min(align4(size), len(attrs)):]
	}
	return s, false, nil
}

func parseTCPInfo(b []byte) (tcpInfo, error) {
	if len(b) < tcpInfoMinBytes {
		return tcpInfo{}, fmt.Errorf("probe: %w: %d bytes, %d needed; use Linux 4.19 or later", errOldKernel, len(b), tcpInfoMinBytes)
	}
	ne := binary.NativeEndian
	return tcpInfo{
		timestamps:    b[5]&tcpOptTimestamps != 0,
		totalRetrans:  ne.Uint32(b[100:]),
		idleMS:        min(ne.Uint32(b[44:]), ne.Uint32(b[52:]), ne.Uint32(b[56:])),
		bytesReceived: ne.Uint64(b[128:]),
		segsOut:       ne.Uint32(b[136:]),
		segsIn:        ne.Uint32(b[140:]),
		dataSegsIn:    ne.Uint32(b[152:]),
		dataSegsOut:   ne.Uint32(b[156:]),
		bytesSent:     ne.Uint64(b[200:]),
	}, nil
}

func align4(n int) int { return (n + 3) &^ 3 }
