package link

import (
	"math"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tcpiOptTimestamps is TCPI_OPT_TIMESTAMPS of linux/tcp.h.
const tcpiOptTimestamps = 1

// countSegments reads TCP_INFO. Kernels before 4.19 do not count bytes sent;
// they and connections that are not TCP give zeros.
func countSegments(c net.Conn) segmentCount {
	info, err := tcpInfo(c)
	if err != nil {
		return segmentCount{}
	}
	s := segmentCount{
		bytesSent:    info.Bytes_sent,
		dataSegments: uint64(info.Data_segs_out),
		bytesRetrans: info.Bytes_retrans,
		timestamps:   info.Options&tcpiOptTimestamps != 0,
	}
	if info.Min_rtt != math.MaxUint32 { // not measured yet
		s.minRTTNS = uint64(info.Min_rtt) * 1000
	}
	return s
}

// receivedSegments is how many segments with payload came in, modulo 2^32,
// those that came twice among them.
func receivedSegments(c net.Conn) (n uint32, ok bool) {
	info, err := tcpInfo(c)
	if err != nil {
		return 0, false
	}
	return info.Data_segs_in, true
}

func tcpInfo(c net.Conn) (info *unix.TCPInfo, err error) {
	cerr := control(c, func(fd int) error {
		info, err = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err
	})
	return info, cerr
}

// limitUnsent keeps the payload that waits in the socket, unsent, near one
// chunk: otherwise megabytes stand there when the time is over, and draining
// them over a slow link takes longer than the test. Where it is refused the
// test merely ends later.
func limitUnsent(c net.Conn, bytes int) {
	_ = control(c, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
	})
}

func control(c net.Conn, fn func(fd int) error) error {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return ErrNotSupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := raw.Control(func(fd uintptr) { ferr = fn(int(fd)) }); err != nil {
		return err
	}
	return ferr
}
