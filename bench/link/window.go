package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ErrTooShort means: too little arrived, over too short a time, to tell a rate.
var ErrTooShort = errors.New("link test too short")

// mark is a moment at the receiver: how long after the first bytes, how many
// bytes had been read by then, and how many data segments had come in. All are
// taken right after one read, so a rate between two marks is not off by what
// was on its way at a slot's border.
//
// Segments are the better count: they include what came twice, and what waits
// in the kernel for a lost segment before it. On a path that loses frames the
// bytes stand still and then come in a heap, at a rate no link ever had.
type mark struct {
	tNS      uint64
	bytes    uint64
	segments uint64 // 0: the receiver's system does not count them
}

// marker takes a mark about every slot, and at most maxMarks: when they are
// used up it drops every other one and doubles the slot.
type marker struct {
	start  time.Time
	slotNS uint64
	nextNS uint64
	last   mark
	marks  []mark
}

// Slots of 25 ms resolve the shape of a one-second test; shorter tests get
// forty slots.
const (
	slotsPerTest = 40
	maxSlot      = 25 * time.Millisecond
	minSlot      = time.Millisecond
)

func newMarker(duration time.Duration) *marker {
	slot := min(max(duration/slotsPerTest, minSlot), maxSlot)
	return &marker{slotNS: uint64(slot), marks: make([]mark, 0, 64)}
}

// add is called after each read, with the time and all bytes so far; segments
// is asked when a mark is taken.
func (m *marker) add(now time.Time, bytes uint64, segments func() uint64) {
	if m.start.IsZero() {
		m.start = now
	}
	m.last = mark{tNS: uint64(max(0, now.Sub(m.start))), bytes: bytes}
	if m.last.tNS < m.nextNS {
		return
	}
	m.last.segments = segments()
	m.push(m.last)
	m.nextNS = (m.last.tNS/m.slotNS + 1) * m.slotNS
}

func (m *marker) push(k mark) {
	if len(m.marks) == maxMarks-1 { // one place stays for the last mark
		for i := range len(m.marks) / 2 {
			m.marks[i] = m.marks[2*i]
		}
		m.marks = m.marks[:len(m.marks)/2]
		m.slotNS *= 2
	}
	m.marks = append(m.marks, k)
}

// finish returns the marks, the last read among them.
func (m *marker) finish(segments func() uint64) []mark {
	m.last.segments = segments()
	if n := len(m.marks); n > 0 && m.marks[n-1].tNS == m.last.tNS {
		m.marks[n-1] = m.last
	} else {
		m.marks = append(m.marks, m.last)
	}
	return m.marks
}

// The window leaves out the first 30 % of a test, in which TCP finds its rate
// and a shaper's bucket empties, and the last 5 %, in which a lost last
// segment may leave a pause.
const (
	windowFrom = 0.30
	windowTo   = 0.95
	// minWindowMarks is how many intervals a window needs to be one.
	minWindowMarks = 4
)

// window is the part of a test that counts.
type window struct {
	bytes    uint64 // read
	segments uint64 // that came in; 0 when not counted
	duration time.Duration
	// drift is the rate of the window's second half over that of its first; 0
	// when nothing arrived in the first.
	drift float64
	// pause is how far the rate is below the median of its slots, as a part:
	// what a standstill in the middle of a steady flow took away.
	pause float64
	// surge is how far it is above: a flow that stood still right before the
	// window lets the bucket of a shaper fill, which then passes above the rate.
	surge float64
}

// payloadBitsPerSec is the rate at which payload came in, when each segment
// brought as much as bytesPerSegment.
func (w window) payloadBitsPerSec(bytesPerSegment float64) float64 {
	bytes := float64(w.bytes)
	if w.segments > 0 {
		bytes = float64(w.segments) * bytesPerSegment
	}
	return bytes * 8 / w.duration.Seconds()
}

// steadyWindow picks the window from the marks of a test that was to last as
// long as duration, or ended earlier at its byte limit.
func steadyWindow(marks []mark, duration time.Duration) (window, error) {
	if len(marks) == 0 {
		return window{}, fmt.Errorf("%w: nothing arrived", ErrTooShort)
	}
	last := marks[len(marks)-1]
	active := math.Min(float64(last.tNS), float64(duration))
	var in []mark
	for _, k := range marks {
		if t := float64(k.tNS); t >= windowFrom*active && t <= windowTo*active {
			in = append(in, k)
		}
	}
	if len(in) <= minWindowMarks {
		return window{}, fmt.Errorf("%w: %d bytes in %v leave %d moments to measure between, want more than %d; "+
			"raise the duration or the byte limit",
			ErrTooShort, last.bytes, time.Duration(last.tNS), len(in), minWindowMarks)
	}
	first, mid, end := in[0], in[len(in)/2], in[len(in)-1]
	w := window{
		bytes:    end.bytes - first.bytes,
		segments: end.segments - first.segments,
		duration: time.Duration(end.tNS - first.tNS),
	}
	if w.bytes == 0 || w.duration <= 0 {
		return window{}, fmt.Errorf("%w: nothing arrived between %v and %v",
			ErrTooShort, time.Duration(first.tNS), time.Duration(end.tNS))
	}
	if before := w.rate(first, mid); before > 0 {
		w.drift = w.rate(mid, end) / before
	}
	w.pause, w.surge = w.unevenness(in)
	return w, nil
}

// unevenness compares the whole window with the median of its slots. With few
// slots the median says little, and nothing is claimed.
func (w window) unevenness(in []mark) (pause, surge float64) {
	const minSlots = 16
	if len(in) <= minSlots {
		return 0, 0
	}
	rates := make([]float64, len(in)-1)
	for i := range rates {
		rates[i] = w.rate(in[i], in[i+1])
	}
	slices.Sort(rates)
	off := w.rate(in[0], in[len(in)-1])/rates[len(rates)/2] - 1
	return max(0, -off), max(0, off)
}

// rate is segments, or else bytes, per nanosecond between two marks of the
// window; the marks differ in time.
func (w window) rate(a, b mark) float64 {
	n := b.bytes - a.bytes
	if w.segments > 0 {
		n = b.segments - a.segments
	}
	return float64(n) / float64(b.tNS-a.tNS)
}

// marshalReport is what a receiver tells the sender: all bytes, and the marks.
func marshalReport(total uint64, marks []mark) []byte {
	b := make([]byte, 0, reportLen+len(marks)*markLen)
	b = binary.LittleEndian.AppendUint64(b, total)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(marks)))
	for _, k := range marks {
		b = binary.LittleEndian.AppendUint64(b, k.tNS)
		b = binary.LittleEndian.AppendUint64(b, k.bytes)
		b = binary.LittleEndian.AppendUint64(b, k.segments)
	}
	return b
}

// parseReport checks that the marks are ones a receiver could have taken: time
// goes forward, counts never back, and no bytes beyond the total.
func parseReport(b []byte) (total uint64, marks []mark, err error) {
	if len(b) < reportLen {
		return 0, nil, fmt.Errorf("%w: report of %d bytes, want at least %d", ErrProtocol, len(b), reportLen)
	}
	total = binary.LittleEndian.Uint64(b)
	n := binary.LittleEndian.Uint32(b[8:])
	if n > maxMarks || len(b) != reportLen+int(n)*markLen {
		return 0, nil, fmt.Errorf("%w: report of %d bytes for %d marks", ErrProtocol, len(b), n)
	}
	marks = make([]mark, n)
	for i := range marks {
		at := b[reportLen+i*markLen:]
		k := mark{binary.LittleEndian.Uint64(at), binary.LittleEndian.Uint64(at[8:]), binary.LittleEndian.Uint64(at[16:])}
		marks[i] = k
		if k.tNS > math.MaxInt64 || k.bytes > total || i > 0 && !k.follows(marks[i-1]) {
			return 0, nil, fmt.Errorf("%w: mark %d of the report, %d bytes at %d ns, does not follow", ErrProtocol, i, k.bytes, k.tNS)
		}
	}
	return total, marks, nil
}

func (k mark) follows(before mark) bool {
	return k.tNS > before.tNS && k.bytes >= before.bytes && k.segments >= before.segments
}
