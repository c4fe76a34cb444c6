package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// FuzzReceiver feeds the data phase arbitrary bytes in arbitrary pieces: it
// either counts exactly what a sender could have sent, or says why not.
func FuzzReceiver(f *testing.F) {
	var good bytes.Buffer
	_ = writeFrame(&good, kindData, make([]byte, 100))
	_ = writeFrame(&good, kindEnd, binary.LittleEndian.AppendUint64(nil, 112))
	f.Add(good.Bytes(), uint8(7))
	f.Add(good.Bytes()[:50], uint8(1))
	var refused bytes.Buffer
	_ = writeFrame(&refused, kindRefuse, marshalRefusal(ErrBusy))
	f.Add(refused.Bytes(), uint8(200))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		const limit = 1 << 16
		c := newBoundedConn(&scriptConn{in: in, piece: int(piece) + 1}, time.Minute)
		total, marks, err := receiveBulk(c, time.Second, limit)
		if err != nil {
			if !errors.Is(err, ErrProtocol) && !errors.Is(err, ErrTooLarge) && !isRefusal(err) {
				t.Fatalf("unexplained error %v", err)
			}
			return
		}
		if total > limit || total != uint64(len(in)-frameHeaderLen-endLen) {
			t.Fatalf("counted %d of %d bytes", total, len(in))
		}
		if _, _, err := parseReport(marshalReport(total, marks)); err != nil {
			t.Fatalf("the receiver's own report is refused: %v", err)
		}
	})
}

func isRefusal(err error) bool {
	refused := (*refusedError)(nil)
	return errors.As(err, &refused)
}

// scriptConn plays fixed input in pieces and takes any output.
type scriptConn struct {
	net.Conn
	in    []byte
	piece int
}

func (c *scriptConn) SetDeadline(time.Time) error { return nil }
func (c *scriptConn) Read(b []byte) (int, error) {
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), c.piece)], c.in)
	c.in = c.in[n:]
	return n, nil
}

// FuzzServer lets an arbitrary client talk to the server: the connection ends,
// the server is free again, and a client that said nothing sensible gets a
// refusal that reads.
func FuzzServer(f *testing.F) {
	frame := func(kind frameKind, body []byte) []byte {
		var b bytes.Buffer
		_ = writeFrame(&b, kind, body)
		return b.Bytes()
	}
	ask := frame(kindHello, hello{test: testBulk, dir: dirIn, duration: time.Millisecond, maxBytes: 1 << 16}.marshal())
	ask = append(ask, frame(kindAuth, make([]byte, macLen))...) // no token is wanted
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(ask)
	f.Add(append(bytes.Clone(ask), frame(kindEnd, make([]byte, 8))...))
	f.Add(append(bytes.Clone(ask), frame(kindData, make([]byte, 1<<15))...))
	f.Add(frame(kindHello, hello{test: testBulk, dir: dirOut, duration: time.Hour, maxBytes: 1 << 62}.marshal()))
	for _, kind := range []testKind{testTrain, testPing, testFacts} {
		h := hello{test: kind, dir: dirIn, duration: time.Millisecond, maxBytes: 1 << 16}
		if kind.datagrams() {
			h.datagramBytes = 64
		}
		f.Add(append(frame(kindHello, h.marshal()), frame(kindAuth, make([]byte, macLen))...))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		cfg, err := ServerConfig{MaxDuration: 30 * time.Millisecond, MaxBytes: 1 << 20}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		s := &server{cfg: cfg}
		here, there := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer there.Close()
			if err := s.handle(t.Context(), there); err != nil {
				refuse(there, err)
			}
		}()
		answered := make(chan []byte, 1)
		go func() {
			out, _ := io.ReadAll(io.LimitReader(here, 4<<20))
			answered <- out
		}()
		_ = here.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = here.Write(in)
		_ = here.Close() // the client hangs up, whatever the server says
		<-done
		if s.busy.Load() || s.socketBusy.Load() {
			t.Fatal("the server stays busy after its client is gone")
		}
		out := <-answered
		if len(out) == 0 {
			return
		}
		h, err := parseFrameHeader(out)
		if err != nil {
			t.Fatalf("the server's first frame does not read: %v", err)
		}
		if h.kind != kindChallenge && h.kind != kindRefuse {
			t.Fatalf("the server's first frame is of kind %d", h.kind)
		}
	})
}
