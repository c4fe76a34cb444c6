package link

import (
	"encoding/binary"
	"errors"
	"time"
)

// Datagrams: tag u64, kind u8, zero u8, sequence number u64; whatever follows
// is padding, except in a nonce datagram, where it is the nonce. With 18 bytes
// a frame over IPv4 has 60 bytes, the smallest that Ethernet carries.
const (
	minDatagramBytes = 18
	// maxDatagramBytes is what fits a frame of 9000 bytes.
	maxDatagramBytes = 9000 - ipv4HeaderBytes - udpHeaderBytes
	probeBytes       = 64
	nonceBytes       = minDatagramBytes + nonceLen // less than a probe
	udpHeaderBytes   = 8
)

type datagramKind uint8

const (
	datagramProbe datagramKind = 1 + iota // to the server: here I am
	datagramNonce                         // from it: prove that this reached you
	datagramData
	datagramPing
	datagramPong
)

// ErrNoUDP means: TCP comes through and UDP does not.
var ErrNoUDP = errors.New("no datagrams come through")

func putDatagram(b []byte, tag uint64, kind datagramKind, seq uint64) {
	binary.LittleEndian.PutUint64(b, tag)
	b[8], b[9] = byte(kind), 0
	binary.LittleEndian.PutUint64(b[10:], seq)
}

// parseDatagram reads the 18 bytes every datagram starts with; ok is false for
// one that is not of this test.
func parseDatagram(b []byte, tag uint64) (kind datagramKind, seq uint64, ok bool) {
	if len(b) < minDatagramBytes || binary.LittleEndian.Uint64(b) != tag || b[9] != 0 {
		return 0, 0, false
	}
	kind = datagramKind(b[8])
	return kind, binary.LittleEndian.Uint64(b[10:]), kind >= datagramProbe && kind <= datagramPong
}

// udpFrameBytes is the layer-2 size of a datagram, header of 14 bytes in,
// padded as Ethernet does.
func udpFrameBytes(datagramBytes int, ipv6 bool) int {
	n := EthHeaderBytes + ipv4HeaderBytes + udpHeaderBytes + datagramBytes
	if ipv6 {
		n += ipv6HeaderBytes - ipv4HeaderBytes
	}
	return max(n, minFrameBytes-ethFCSBytes)
}

// sentCount is what a sender of datagrams says afterwards.
type sentCount struct {
	datagrams uint64
	elapsed   time.Duration
	// waited is the part of it in which the socket took nothing, because the
	// queue below was full: the sender was faster than the link.
	waited time.Duration
}

func (s sentCount) marshal() []byte {
	b := make([]byte, 0, sentLen)
	for _, v := range []uint64{s.datagrams, uint64(s.elapsed), uint64(s.waited)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

func parseSentCount(b []byte) (sentCount, error) {
	if len(b) != sentLen {
		return sentCount{}, protocolErrorf("count of %d bytes, want %d", len(b), sentLen)
	}
	s := sentCount{
		binary.LittleEndian.Uint64(b),
		time.Duration(binary.LittleEndian.Uint64(b[8:])), time.Duration(binary.LittleEndian.Uint64(b[16:])),
	}
	if s.elapsed < 0 || s.waited < 0 || s.waited > s.elapsed {
		return sentCount{}, protocolErrorf("sent for %d ns, of which %d waiting", int64(s.elapsed), int64(s.waited))
	}
	return s, nil
}

// bitsPerSec is the rate of the sender while it was not waiting, when each
// datagram takes frameBytes; 0 when nothing was sent.
func (s sentCount) bitsPerSec(frameBytes int) float64 {
	if busy := s.elapsed - s.waited; busy > 0 {
		return float64(s.datagrams) * 8 * float64(frameBytes) / busy.Seconds()
	}
	return 0
}
