//go:build !linux

package link

import (
	"net"
	"net/netip"
	"time"
)

// packetReader works like the one for Linux, with times taken when the
// program reads.
type packetReader struct {
	pc          *net.UDPConn
	buf         []byte
	kernelTimes bool
}

func newPacketReader(pc *net.UDPConn) (*packetReader, error) {
	_ = pc.SetReadBuffer(socketBytes) // whatever is granted will do
	return &packetReader{pc: pc, buf: make([]byte, 64<<10)}, nil
}

func (r *packetReader) read() (n int, atNS int64, from netip.AddrPort, err error) {
	n, from, err = r.pc.ReadFromUDPAddrPort(r.buf)
	return n, time.Now().UnixNano(), from, err
}

// packetWriter works like the one for Linux, one datagram per call. It cannot
// tell how long the socket was full.
type packetWriter struct {
	pc      *net.UDPConn
	to      netip.AddrPort
	perCall int
}

func newPacketWriter(pc *net.UDPConn, to netip.AddrPort, _ int, _ bool) (*packetWriter, error) {
	_ = pc.SetWriteBuffer(socketBytes)
	return &packetWriter{pc: pc, to: to, perCall: 1}, nil
}

func (w *packetWriter) write(b []byte) (waited time.Duration, err error) {
	_, err = w.pc.WriteToUDPAddrPort(b, w.to)
	return 0, err
}
