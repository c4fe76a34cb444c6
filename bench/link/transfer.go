package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"
)

const (
	// ioTimeout is how long the other side may stand still.
	ioTimeout = 10 * time.Second
	// graceTimeout is what a test may take beyond its duration: connecting,
	// draining what is on its way, reporting.
	graceTimeout = 20 * time.Second
)

// boundedConn gives every read and write a deadline: ioTimeout from now, and
// never beyond the end of the whole test.
type boundedConn struct {
	net.Conn
	end   time.Time
	armed time.Time
}

func newBoundedConn(c net.Conn, total time.Duration) *boundedConn {
	return &boundedConn{Conn: c, end: time.Now().Add(total)}
}

// arm moves the deadline when it has come near; each move costs a timer.
func (c *boundedConn) arm() error {
	now := time.Now()
	if c.armed.Sub(now) > ioTimeout/2 {
		return nil
	}
	c.armed = now.Add(ioTimeout)
	if c.armed.After(c.end) {
		c.armed = c.end
	}
	return c.Conn.SetDeadline(c.armed)
}

// rearm forgets a deadline that was set past arm.
func (c *boundedConn) rearm() { c.armed = time.Time{} }

func (c *boundedConn) Read(b []byte) (int, error) {
	if err := c.arm(); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *boundedConn) Write(b []byte) (int, error) {
	if err := c.arm(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// payload is what is sent: bytes without pattern, so that a path that
// compresses gains nothing. The seed is fixed; the content is not secret.
func payload() []byte {
	b := make([]byte, maxChunkBytes)
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b
}

// A write should take long enough to be worth its system call and short enough
// for the test to end in time: the chunk doubles below the first and halves
// above the second.
const (
	growBelow   = 20 * time.Millisecond
	shrinkAbove = 100 * time.Millisecond
)

// A capped sender sends chunks of 20 ms, but no smaller ones than a full frame.
const (
	pacedChunksPerSec = 50
	minPacedBytes     = 1448
)

// dueAfter is when, after the start, a sender of a capped rate may go on that
// has sent so many bytes.
func dueAfter(sent, rateBitsPerSec uint64) time.Duration {
	return time.Duration(float64(sent) * 8 / float64(rateBitsPerSec) * 1e9)
}

// waitUntil sleeps until a moment after start, unless that is at or after the
// end: then it returns false at once.
func waitUntil(start time.Time, due, end time.Duration) bool {
	if due >= end {
		return false
	}
	time.Sleep(due - time.Since(start))
	return true
}

// sendBulk sends as fast as the connection takes it until the time or the
// bytes are used up, then says how much it was. The count is of data frames,
// headers included: all of it is payload to TCP. With a rate above 0 (bits of
// payload per second) no chunk is sent before it is due.
func sendBulk(c *boundedConn, duration time.Duration, maxBytes, rate uint64) (sent uint64, err error) {
	buf := payload()
	chunk, largest := minChunkBytes, maxChunkBytes
	if rate > 0 {
		largest = min(max(int(rate/8/pacedChunksPerSec), minPacedBytes), maxChunkBytes)
		chunk = min(chunk, largest)
	}
	limitUnsent(c.Conn, chunk)
	start := time.Now()
	for at := start; at.Sub(start) < duration; {
		n := min(uint64(chunk), maxBytes-sent)
		if n <= frameHeaderLen {
			break
		}
		if rate > 0 && !waitUntil(start, dueAfter(sent, rate), duration) {
			break
		}
		putFrameHeader(buf, frameHeader{kindData, uint32(n - frameHeaderLen)})
		if _, err := c.Write(buf[:n]); err != nil {
			return sent, fmt.Errorf("sending after %d bytes: %w", sent, err)
		}
		sent += n
		now := time.Now()
		switch took := now.Sub(at); {
		case rate == 0 && took < growBelow && chunk < largest:
			chunk *= 2
			limitUnsent(c.Conn, chunk)
		case rate == 0 && took > shrinkAbove && chunk > minChunkBytes:
			chunk /= 2
			limitUnsent(c.Conn, chunk)
		}
		at = now
	}
	return sent, writeFrame(c, kindEnd, binary.LittleEndian.AppendUint64(nil, sent))
}

// receiver takes data frames apart as they come, keeping no more than one
// buffer.
type receiver struct {
	buf      []byte
	r, w     int // unread part of buf
	bodyLeft int // of the current data frame
	total    uint64
	marks    *marker
}

// receiveBulk reads data frames up to the end frame, and returns how many
// bytes they had and when they came. More than maxBytes is an error, and so is
// an end frame that counts differently.
func receiveBulk(c *boundedConn, duration time.Duration, maxBytes uint64) (total uint64, marks []mark, err error) {
	rx := receiver{buf: make([]byte, maxChunkBytes), marks: newMarker(duration)}
	segments := segmentsIn(c.Conn)
	for {
		n, rerr := c.Read(rx.buf[rx.w:])
		rx.w += n
		if n > 0 {
			claimed, done, err := rx.parse()
			if err != nil {
				return 0, nil, err
			}
			if rx.total > maxBytes {
				return 0, nil, fmt.Errorf("%w: %d bytes came, %d were announced", ErrTooLarge, rx.total, maxBytes)
			}
			if rx.total > 0 && !done {
				rx.marks.add(time.Now(), rx.total, segments)
			}
			if done {
				if claimed != rx.total {
					return 0, nil, fmt.Errorf("%w: %d bytes came, the sender counts %d", ErrProtocol, rx.total, claimed)
				}
				// Bytes that came in the same read as the end frame have no
				// time of their own: they are in the total only.
				return rx.total, rx.marks.finish(segments), nil
			}
		}
		if rerr != nil {
			if errors.Is(rerr, io.EOF) {
				rerr = io.ErrUnexpectedEOF
			}
			return 0, nil, fmt.Errorf("%w: receiving after %d bytes: %w", ErrProtocol, rx.total, rerr)
		}
	}
}

// parse consumes what was read. It returns done with the end frame's count.
func (rx *receiver) parse() (claimed uint64, done bool, err error) {
	for rx.r < rx.w {
		if rx.bodyLeft > 0 {
			k := min(rx.bodyLeft, rx.w-rx.r)
			rx.r += k
			rx.bodyLeft -= k
			rx.total += uint64(k)
			continue
		}
		if rx.w-rx.r < frameHeaderLen {
			break
		}
		h, err := parseFrameHeader(rx.buf[rx.r:rx.w])
		if err != nil {
			return 0, false, err
		}
		if h.kind == kindData {
			rx.r += frameHeaderLen
			rx.total += frameHeaderLen
			rx.bodyLeft = int(h.length)
			continue
		}
		size := frameHeaderLen + int(h.length)
		if h.kind != kindEnd && h.kind != kindRefuse || h.kind == kindEnd && h.length != endLen {
			return 0, false, fmt.Errorf("%w: frame kind %d of %d bytes between data", ErrProtocol, h.kind, h.length)
		}
		if rx.w-rx.r < size {
			break
		}
		body := rx.buf[rx.r+frameHeaderLen : rx.r+size]
		if h.kind == kindRefuse {
			return 0, false, parseRefusal(body)
		}
		if rx.w-rx.r != size {
			return 0, false, fmt.Errorf("%w: %d bytes after the end", ErrProtocol, rx.w-rx.r-size)
		}
		return binary.LittleEndian.Uint64(body), true, nil
	}
	rx.w = copy(rx.buf, rx.buf[rx.r:rx.w])
	rx.r = 0
	return 0, false, nil
}
