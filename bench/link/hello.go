package link

import (
	"encoding/binary"
	"fmt"
	"time"
)

// testKind is what a connection is for.
type testKind uint8

const (
	testBulk  testKind = 1 + iota // TCP as fast as it goes
	testTrain                     // datagrams back to back, and when each came
	testPing                      // datagrams that are sent back one by one
	testFacts                     // what the server's interface claims
)

func (k testKind) String() string {
	switch k {
	case testBulk:
		return "bulk"
	case testTrain:
		return "train"
	case testPing:
		return "ping"
	case testFacts:
		return "facts"
	}
	return fmt.Sprintf("test %d", uint8(k))
}

func (k testKind) datagrams() bool { return k == testTrain || k == testPing }

// hello is what a client asks for: 48 bytes, test u8, direction u8, alone u8,
// zero u8, datagram bytes u32, duration in ns u64, bytes u64, bits per second
// u64 and the client's nonce.
type hello struct {
	test testKind
	dir  direction
	// single asks the sender for one system call per datagram.
	single bool
	// datagramBytes is the UDP payload of each datagram; 0 for TCP.
	datagramBytes uint32
	duration      time.Duration
	maxBytes      uint64
	// rateBitsPerSec caps the sender, payload; 0: no cap.
	rateBitsPerSec uint64
	nonce          [nonceLen]byte
}

func (h hello) marshal() []byte {
	b := make([]byte, 4, helloLen)
	b[0], b[1] = byte(h.test), byte(h.dir)
	if h.single {
		b[2] = 1
	}
	b = binary.LittleEndian.AppendUint32(b, h.datagramBytes)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.duration))
	b = binary.LittleEndian.AppendUint64(b, h.maxBytes)
	b = binary.LittleEndian.AppendUint64(b, h.rateBitsPerSec)
	return append(b, h.nonce[:]...)
}

func parseHello(b []byte) (hello, error) {
	if len(b) != helloLen {
		return hello{}, fmt.Errorf("%w: hello of %d bytes, want %d", ErrProtocol, len(b), helloLen)
	}
	durationNS := binary.LittleEndian.Uint64(b[8:])
	h := hello{
		test: testKind(b[0]), dir: direction(b[1]), single: b[2] == 1,
		datagramBytes:  binary.LittleEndian.Uint32(b[4:]),
		duration:       time.Duration(durationNS),
		maxBytes:       binary.LittleEndian.Uint64(b[16:]),
		rateBitsPerSec: binary.LittleEndian.Uint64(b[24:]),
		nonce:          [nonceLen]byte(b[32:]),
	}
	switch {
	case h.test < testBulk || h.test > testFacts:
		return hello{}, fmt.Errorf("%w: %v", ErrProtocol, h.test)
	case h.dir != dirIn && h.dir != dirOut:
		return hello{}, fmt.Errorf("%w: direction %d", ErrProtocol, b[1])
	case b[2] > 1 || b[3] != 0 || h.single && h.test != testTrain:
		return hello{}, fmt.Errorf("%w: reserved bytes of the hello are set", ErrProtocol)
	case h.duration <= 0:
		return hello{}, fmt.Errorf("%w: duration of %d ns", ErrProtocol, durationNS)
	case h.maxBytes < minChunkBytes:
		return hello{}, fmt.Errorf("%w: byte limit %d is under the smallest, %d", ErrProtocol, h.maxBytes, minChunkBytes)
	case h.rateBitsPerSec != 0 && h.rateBitsPerSec < minRateBitsPerSec:
		return hello{}, fmt.Errorf("%w: rate of %d bit/s is under the smallest, %d", ErrProtocol, h.rateBitsPerSec, minRateBitsPerSec)
	case h.test.datagrams() != (h.datagramBytes != 0),
		h.test.datagrams() && (h.datagramBytes < minDatagramBytes || h.datagramBytes > maxDatagramBytes):
		return hello{}, fmt.Errorf("%w: datagrams of %d bytes for a %v test", ErrProtocol, h.datagramBytes, h.test)
	}
	return h, nil
}

// accepted is the server's consent.
type accepted struct {
	mac            [macLen]byte // proof that the server has the token too
	rateBitsPerSec uint64       // the cap that holds, 0: none
	tag            uint64       // of this test's datagrams
	port           uint16       // where the server takes them; 0: no datagrams
}

func (a accepted) marshal() []byte {
	b := make([]byte, 0, acceptLen)
	b = append(b, a.mac[:]...)
	b = binary.LittleEndian.AppendUint64(b, a.rateBitsPerSec)
	b = binary.LittleEndian.AppendUint64(b, a.tag)
	return binary.LittleEndian.AppendUint64(b, uint64(a.port))
}

func parseAccepted(b []byte) (accepted, error) {
	if len(b) != acceptLen {
		return accepted{}, fmt.Errorf("%w: accept of %d bytes, want %d", ErrProtocol, len(b), acceptLen)
	}
	port := binary.LittleEndian.Uint64(b[macLen+16:])
	if port > 65535 {
		return accepted{}, fmt.Errorf("%w: port %d", ErrProtocol, port)
	}
	return accepted{
		mac:            [macLen]byte(b),
		rateBitsPerSec: binary.LittleEndian.Uint64(b[macLen:]),
		tag:            binary.LittleEndian.Uint64(b[macLen+8:]),
		port:           uint16(port),
	}, nil
}
