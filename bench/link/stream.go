package link

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"
)

const (
	// recordMarks is how many arrivals a receiver remembers; when they are
	// used up it drops every other one.
	recordMarks = 1 << 15
	// socketBytes is what the sockets of a train are asked to hold: enough
	// for the program at either end to be away for some milliseconds.
	socketBytes = 4 << 20
	// batchBytes is what one call hands to the kernel to cut into datagrams,
	// and batchMost how many at most (UDP_MAX_SEGMENTS of older kernels).
	batchBytes = 12 << 10
	batchMost  = 64
)

// arrived is what a receiver of datagrams saw.
type arrived struct {
	datagrams uint64
	marks     []mark // bytes and segments both count datagrams
	sent      sentCount
	// foreign datagrams came from elsewhere, or were not of this test.
	foreign uint64
	kernel  bool // the times are the kernel's
}

// receive takes datagrams until the sender says that it is done and what was
// on its way has come, or the time or the bytes of the test are used up.
func (u *session) receive() (got arrived, err error) {
	rx, err := newPacketReader(u.pc)
	if err != nil {
		return got, err
	}
	hardEnd := time.Now().Add(u.duration + drainTimeout)
	if err := errors.Join(u.pc.SetReadDeadline(hardEnd), u.c.Conn.SetReadDeadline(hardEnd)); err != nil {
		return got, err
	}
	end := u.awaitSent()
	defer func() {
		_ = u.c.Conn.SetReadDeadline(time.Unix(1, 0)) // in case it still waits
		<-end.done
		u.c.rearm()
	}()
	rec := recorder{marks: make([]mark, 0, recordMarks), every: 1}
	for {
		n, at, from, err := rx.read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return got, fmt.Errorf("link: receiving datagrams: %w", err)
		}
		k := u.count(rx.buf[:n], from)
		if k == 0 {
			got.foreign++
			continue
		}
		got.datagrams += k
		if got.datagrams*uint64(u.datagramBytes) > u.maxBytes {
			return got, fmt.Errorf("%w: more datagrams came than the %d bytes that were announced", ErrTooLarge, u.maxBytes)
		}
		rec.add(at, got.datagrams)
		if end.ended.Load() {
			if end.err != nil || got.datagrams >= end.sent.datagrams {
				break
			}
			wait := time.Now().Add(quietTimeout)
			if wait.After(hardEnd) {
				wait = hardEnd
			}
			_ = u.pc.SetReadDeadline(wait)
		}
	}
	if !end.ended.Load() { // the datagrams stopped, or never did
		return got, fmt.Errorf("%w: the sender did not end within %v", ErrTooLarge, u.duration+drainTimeout)
	}
	<-end.done
	if end.err != nil {
		return got, end.err
	}
	got.sent, got.kernel, got.marks = end.sent, rx.kernelTimes, rec.finish(got.datagrams)
	if got.datagrams > got.sent.datagrams {
		return got, protocolErrorf("%d datagrams came, the sender counts %d", got.datagrams, got.sent.datagrams)
	}
	return got, nil
}

// count is how many datagrams of this test a read brought; 0 when any of it
// is something else.
func (u *session) count(b []byte, from netip.AddrPort) uint64 {
	size := int(u.datagramBytes)
	if len(b) == 0 || len(b)%size != 0 || !u.from(from) {
		return 0
	}
	for at := 0; at < len(b); at += size {
		if kind, _, ok := parseDatagram(b[at:], u.tag); !ok || kind != datagramData {
			return 0
		}
	}
	return uint64(len(b) / size)
}

// recorder keeps when how many datagrams had come.
type recorder struct {
	marks []mark
	start int64 // nanoseconds, of the first
	last  mark
	every int // of so many arrivals one is kept
	skip  int
}

func (r *recorder) add(atNS int64, datagrams uint64) {
	if r.last.bytes == 0 {
		r.start = atNS
	}
	t := uint64(max(0, atNS-r.start))
	if r.last.bytes != 0 && t <= r.last.tNS {
		// Came together, or the clock stood still: one moment.
		r.last.bytes, r.last.segments = datagrams, datagrams
		if n := len(r.marks); n > 0 && r.marks[n-1].tNS == r.last.tNS {
			r.marks[n-1] = r.last
		}
		return
	}
	r.last = mark{t, datagrams, datagrams}
	if r.skip++; r.skip < r.every {
		return
	}
	r.skip = 0
	if len(r.marks) == recordMarks {
		r.marks = thin(r.marks)
		r.every *= 2
	}
	r.marks = append(r.marks, r.last)
}

// thin drops every other mark.
func thin(marks []mark) []mark {
	for i := range len(marks) / 2 {
		marks[i] = marks[2*i]
	}
	return marks[:len(marks)/2]
}

// finish returns at most maxMarks marks, the last arrival among them.
func (r *recorder) finish(datagrams uint64) []mark {
	if datagrams == 0 {
		return nil
	}
	for len(r.marks) >= maxMarks {
		r.marks = thin(r.marks)
	}
	if n := len(r.marks); n > 0 && r.marks[n-1].tNS == r.last.tNS {
		r.marks[n-1] = r.last
		return r.marks
	}
	return append(r.marks, r.last)
}

// send sends datagrams back to back until the bytes or the time are used up.
func (u *session) send() (sent sentCount, err error) {
	size := int(u.datagramBytes)
	tx, err := newPacketWriter(u.pc, u.peer, size, u.single)
	if err != nil {
		return sent, err
	}
	buf := make([]byte, tx.perCall*size)
	copy(buf, payload()[:len(buf)])
	most := u.maxBytes / uint64(size)
	start := time.Now()
	for sent.datagrams < most && time.Since(start) < u.duration {
		if u.rate > 0 && !waitUntil(start, dueAfter(sent.datagrams*uint64(size), u.rate), u.duration) {
			break
		}
		n := min(uint64(tx.perCall), most-sent.datagrams)
		for i := range n {
			putDatagram(buf[int(i)*size:], u.tag, datagramData, sent.datagrams+i)
		}
		waited, err := tx.write(buf[:int(n)*size])
		if err != nil {
			return sent, fmt.Errorf("link: sending after %d datagrams: %w", sent.datagrams, err)
		}
		sent.datagrams += n
		sent.waited += waited
	}
	sent.elapsed = time.Since(start)
	sent.waited = min(sent.waited, sent.elapsed)
	return sent, nil
}
