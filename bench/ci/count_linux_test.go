package ci

import (
	"net"

	"golang.org/x/sys/unix"
)

// Headers of a TCP segment over IPv4 with timestamps, and of its frame.
const segmentHeaders = 14 + 20 + 32

// count reads the kernel's own counters of a connection: payload of both
// directions and a frame's headers for every segment.
func count(c net.Conn) (func() (float64, error), error) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	read := func() (total float64, err error) {
		cerr := raw.Control(func(fd uintptr) {
			var info *unix.TCPInfo
			if info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				total = float64(info.Bytes_acked+info.Bytes_received) + segmentHeaders*float64(info.Segs_in+info.Segs_out)
			}
		})
		if err == nil {
			err = cerr
		}
		return total, err
	}
	before, err := read()
	return func() (float64, error) {
		after, err := read()
		return after - before, err
	}, err
}
