package probe

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"
)

// message builds one netlink message around a body.
func message(typ uint16, seq uint32, body []byte) []byte {
	b := make([]byte, align4(nlHeaderLen+len(body)))
	binary.NativeEndian.PutUint32(b, uint32(nlHeaderLen+len(body)))
	binary.NativeEndian.PutUint16(b[4:], typ)
	binary.NativeEndian.PutUint32(b[8:], seq)
	copy(b[nlHeaderLen:], body)
	return b
}

func attribute(typ uint16, value []byte) []byte {
	b := make([]byte, align4(4+len(value)))
	binary.NativeEndian.PutUint16(b, uint16(4+len(value)))
	binary.NativeEndian.PutUint16(b[2:], typ)
	copy(b[4:], value)
	return b
}

// encodeSocket is the kernel's side of parseDiagSocket.
func encodeSocket(family uint8, s diagSocket, infoLen int) []byte {
	b := make([]byte, inetDiagMsgLen)
	b[0], b[1] = family, s.state
	binary.BigEndian.PutUint16(b[4:], s.src.Port())
	binary.BigEndian.PutUint16(b[6:], s.dst.Port())
	if family == familyIPv4 {
		copy(b[8:], s.src.Addr().AsSlice())
		copy(b[24:], s.dst.Addr().AsSlice())
	} else {
		src, dst := s.src.Addr().As16(), s.dst.Addr().As16()
		copy(b[8:], src[:])
		copy(b[24:], dst[:])
	}
	binary.NativeEndian.PutUint32(b[44:], uint32(s.cookie))
	binary.NativeEndian.PutUint32(b[48:], uint32(s.cookie>>32))
	info := make([]byte, 280)
	if s.info.timestamps {
		info[5] = tcpOptTimestamps
	}
	ne := binary.NativeEndian
	ne.PutUint32(info[44:], s.info.idleMS+7)
	ne.PutUint32(info[52:], s.info.idleMS)
	ne.PutUint32(info[56:], s.info.idleMS+9)
	ne.PutUint32(info[100:], s.info.totalRetrans)
	ne.PutUint64(info[128:], s.info.bytesReceived)
	ne.PutUint32(info[136:], s.info.segsOut)
	ne.PutUint32(info[140:], s.info.segsIn)
	ne.PutUint32(info[152:], s.info.dataSegsIn)
	ne.PutUint32(info[156:], s.info.dataSegsOut)
	ne.PutUint64(info[200:], s.info.bytesSent)
	msg := slices.Concat(b, attribute(5, []byte{1})) // another attribute first, of odd length
	if infoLen > 0 {
		msg = append(msg, attribute(inetDiagInfo, info[:infoLen])...)
	}
	return msg
}

func sampleSocket() diagSocket {
	return diagSocket{
		cookie: 0x1234567890, state: tcpEstablished,
		src: netip.MustParseAddrPort("127.0.0.1:8545"), dst: netip.MustParseAddrPort("127.0.0.2:40000"),
		info: tcpInfo{
			timestamps: true, totalRetrans: 3, segsOut: 10, segsIn: 20, dataSegsOut: 5, dataSegsIn: 15,
			bytesSent: 1 << 40, bytesReceived: 1 << 41, idleMS: 42,
		},
	}
}

func TestParseDiagSocket(t *testing.T) {
	want := sampleSocket()
	want6 := want
	want6.src, want6.dst = netip.MustParseAddrPort("[2001:db8::1]:8545"), netip.MustParseAddrPort("[2001:db8::2]:40000")
	for name, c := range map[string]struct {
		family uint8
		in     diagSocket
		info   int
	}{
		"v4": {familyIPv4, want, 280}, "v6": {familyIPv6, want6, 248},
		"v4 in a v6 socket": {familyIPv6, want, 280}, "shortest TCP_INFO": {familyIPv4, want, tcpInfoMinBytes},
	} {
		got, ok, err := parseDiagSocket(encodeSocket(c.family, c.in, c.info))
		if err != nil || !ok || got != c.in {
			t.Errorf("%s: %+v, %v, %v; want %+v", name, got, ok, err, c.in)
		}
	}
	if _, ok, err := parseDiagSocket(encodeSocket(familyIPv4, want, 0)); ok || err != nil {
		t.Errorf("a socket without TCP_INFO: %v, %v", ok, err)
	}
	if _, _, err := parseDiagSocket(encodeSocket(familyIPv4, want, tcpInfoMinBytes-8)); !errors.Is(err, errOldKernel) {
		t.Errorf("TCP_INFO of an old kernel: %v", err)
	}
	if _, ok, err := parseDiagSocket(encodeSocket(1, want, 280)); ok || err != nil {
		t.Errorf("a socket of another family: %v, %v", ok, err)
	}
	if _, _, err := parseDiagSocket(make([]byte, inetDiagMsgLen-1)); !errors.Is(err, errShortMessage) {
		t.Errorf("a short message: %v", err)
	}
}

func TestEachDiagSocket(t *testing.T) {
	sock := encodeSocket(familyIPv4, sampleSocket(), 280)
	datagram := append(message(sockDiagByFamily, 7, sock), message(sockDiagByFamily, 6, sock)...)
	datagram = append(datagram, message(sockDiagByFamily, 7, sock)...)
	count := func(b []byte, seq uint32) (n int, done bool, err error) {
		done, err = eachDiagSocket(b, seq, func(diagSocket) { n++ })
		return n, done, err
	}
	if n, done, err := count(datagram, 7); n != 2 || done || err != nil {
		t.Errorf("answers to request 7: %d, %v, %v", n, done, err)
	}
	if n, done, err := count(datagram, 0); n != 3 || done || err != nil {
		t.Errorf("all messages: %d, %v, %v", n, done, err)
	}
	if n, done, err := count(append(datagram, message(nlDone, 7, make([]byte, 4))...), 7); n != 2 || !done || err != nil {
		t.Errorf("end of a dump: %d, %v, %v", n, done, err)
	}
	code := make([]byte, 4)
	eperm := -int32(syscall.EPERM)
	binary.NativeEndian.PutUint32(code, uint32(eperm))
	if _, done, err := count(message(nlError, 7, code), 7); !done || !errors.Is(err, syscall.EPERM) {
		t.Errorf("an error: %v, %v", done, err)
	}
	if _, done, err := count(message(nlError, 7, make([]byte, 4)), 7); !done || err != nil {
		t.Errorf("an acknowledgement: %v, %v", done, err)
	}
	for name, b := range map[string][]byte{
		"header cut off": datagram[:10], "message cut off": datagram[:40], "error without a code": message(nlError, 7, nil),
		"size below a header": {4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		if _, _, err := count(b, 7); !errors.Is(err, errShortMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDiagRequest(t *testing.T) {
	b := diagRequest(familyIPv6, testServerPort, 0x0102, 9)
	if len(b) != 72 || binary.NativeEndian.Uint32(b) != 72 || binary.NativeEndian.Uint32(b[8:]) != 9 {
		t.Fatalf("header % x", b[:16])
	}
	req := b[nlHeaderLen:]
	if req[0] != familyIPv6 || req[1] != protocolTCP || req[2] != 2 {
		t.Errorf("family, protocol, extensions = %v", req[:3])
	}
	if states := binary.NativeEndian.Uint32(req[4:]); states&(1<<tcpListen|1<<tcpTimeWait|1<<tcpClose) != 0 || states&(1<<tcpEstablished) == 0 {
		t.Errorf("states %#x", states)
	}
	if binary.BigEndian.Uint16(req[8:]) != testServerPort || req[10] != 1 || req[11] != 2 {
		t.Errorf("ports % x", req[8:12])
	}
}

func FuzzEachDiagSocket(f *testing.F) {
	sock := encodeSocket(familyIPv4, sampleSocket(), 280)
	f.Add(append(message(sockDiagByFamily, 7, sock), message(nlDone, 7, make([]byte, 4))...), uint32(7))
	f.Add(message(nlError, 0, []byte{1, 0, 0, 0}), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, seq uint32) {
		table := newSockTable(Target{Port: testServerPort}, true, time.Now())
		sockets := 0
		_, err := eachDiagSocket(b, seq, func(s diagSocket) {
			sockets++
			table.update(s, time.Now())
		})
		if sockets*inetDiagMsgLen > len(b) {
			t.Errorf("%d sockets in %d bytes (%v)", sockets, len(b), err)
		}
	})
}
