package link

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// packetReader reads datagrams with the time at which the kernel took each
// from the device, several at once where the kernel joins them (UDP_GRO).
type packetReader struct {
	pc          *net.UDPConn
	buf, oob    []byte
	kernelTimes bool
}

func newPacketReader(pc *net.UDPConn) (*packetReader, error) {
	err := control(pc, func(fd int) error {
		enlarge(fd, unix.SO_RCVBUF, unix.SO_RCVBUFFORCE)
		_ = unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1) // kernels before 5.0 give one at a time
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	return &packetReader{pc: pc, buf: make([]byte, 64<<10), oob: make([]byte, 256), kernelTimes: true}, err
}

// enlarge asks for a large socket buffer, beyond the system's limit where that
// is allowed. Whatever is granted will do.
func enlarge(fd, option, force int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, socketBytes) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, socketBytes)
	}
}

// read returns when a datagram (or several of one flow) came, in nanoseconds
// of the wall clock.
func (r *packetReader) read() (n int, atNS int64, from netip.AddrPort, err error) {
	n, oobn, _, from, err := r.pc.ReadMsgUDPAddrPort(r.buf, r.oob)
	if err != nil {
		return 0, 0, from, err
	}
	atNS, ok := timestampOf(r.oob[:oobn])
	if !ok {
		r.kernelTimes = false
		atNS = time.Now().UnixNano()
	}
	return n, atNS, from, nil
}

// timestampOf finds SCM_TIMESTAMPNS among control messages. Each starts with
// its length (a word), its level and its type (32 bits each) and is padded to
// words, which are 4 or 8 bytes long.
func timestampOf(oob []byte) (ns int64, ok bool) {
	const word = unix.SizeofCmsghdr - 8
	le := binary.NativeEndian
	for len(oob) >= unix.SizeofCmsghdr {
		length := uint64(le.Uint32(oob))
		if word == 8 {
			length = le.Uint64(oob)
		}
		if length < unix.SizeofCmsghdr || length > uint64(len(oob)) {
			return 0, false
		}
		data := oob[unix.SizeofCmsghdr:length]
		if le.Uint32(oob[word:]) == unix.SOL_SOCKET && le.Uint32(oob[word+4:]) == unix.SCM_TIMESTAMPNS {
			switch len(data) {
			case 16:
				return int64(le.Uint64(data))*1e9 + int64(le.Uint64(data[8:])), true
			case 8:
				return int64(int32(le.Uint32(data)))*1e9 + int64(le.Uint32(data[4:])), true
			}
		}
		oob = oob[min(uint64(len(oob)), (length+word-1)/word*word):]
	}
	return 0, false
}

// packetWriter hands datagrams to the kernel, many per call where it cuts them
// itself (UDP_SEGMENT), and counts the time in which it took none.
type packetWriter struct {
	raw     syscall.RawConn
	to      unix.Sockaddr
	perCall int
}

func newPacketWriter(pc *net.UDPConn, to netip.AddrPort, size int, single bool) (*packetWriter, error) {
	raw, err := pc.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &packetWriter{raw: raw, perCall: 1, to: sockaddr(to)}
	cerr := raw.Control(func(fd uintptr) {
		enlarge(int(fd), unix.SO_SNDBUF, unix.SO_SNDBUFFORCE)
		if !single && unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT, size) == nil {
			w.perCall = max(1, min(batchMost, batchBytes/size))
		}
	})
	return w, cerr
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Unmap().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().Unmap().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if ifi, err := net.InterfaceByName(a.Addr().Zone()); err == nil {
		sa.ZoneId = uint32(ifi.Index)
	}
	return sa
}

// write sends one batch and returns how long the socket was full.
func (w *packetWriter) write(b []byte) (waited time.Duration, err error) {
	var from time.Time
	werr := w.raw.Write(func(fd uintptr) bool {
		_, err = unix.SendmsgN(int(fd), b, nil, w.to, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			if from.IsZero() {
				from = time.Now()
			}
			return false
		}
		return true
	})
	if !from.IsZero() {
		waited = time.Since(from)
	}
	if errors.Is(err, unix.ENOBUFS) { // the queue below dropped it
		err = nil
	}
	return waited, errors.Join(werr, err)
}
