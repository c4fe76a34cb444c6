package link

import (
	"fmt"
	"math"
	"time"
)

const (
	// driftAbove is how far the rates of the window's halves may differ.
	driftAbove = 0.05
	// pauseAbove is the part of the window in which nothing may come, before
	// a direction is measured again.
	pauseAbove = 0.01
	// lossyAbove is the part of the bytes that may be sent twice.
	lossyAbove = 0.01
)

// judged is a direction with what makes it less than a capacity.
type judged struct {
	Direction
	drift    float64 // change between the window's halves, as a part: 0 is steady
	pause    float64 // part of the window in which nothing came
	surge    float64 // part of the window's bytes that came above the usual rate
	warnings []string
}

func (j *judged) unsteady() bool {
	return math.Abs(j.drift) > driftAbove || j.pause > pauseAbove || j.surge > pauseAbove
}

// steadier tells whether one attempt at a direction disturbed itself less.
func (j *judged) steadier(than judged) bool {
	return math.Abs(j.drift)+j.pause+j.surge < math.Abs(than.drift)+than.pause+than.surge
}

func (j *judged) warnf(format string, args ...any) {
	j.warnings = append(j.warnings, fmt.Sprintf(format, args...))
}

// judge turns the raw outcome of one direction into a rate.
func judge(t transferred, ipv6 bool, cfg Config) (judged, error) {
	w, err := steadyWindow(t.marks, cfg.Duration)
	if err != nil {
		return judged{}, err
	}
	perSegment, header, counted := t.segments.framing(ipv6)
	if !counted {
		w.segments = 0 // their size is not known
	}
	payload := w.payloadBitsPerSec(perSegment)
	j := judged{
		Direction: Direction{
			L2BitsPerSec:      payload * (perSegment + float64(header)) / perSegment,
			PayloadBitsPerSec: payload,
			Bytes:             t.total,
			WindowBytes:       w.bytes,
			WindowSegments:    w.segments,
			Duration:          w.duration,
			BytesPerSegment:   perSegment,
			HeaderBytes:       header,
			Method:            MethodSegments,
		},
		drift: w.drift - 1,
		pause: w.pause,
		surge: w.surge,
	}
	switch {
	case !counted:
		j.Method = MethodAssumed
		j.warnf("the sender's system does not count segments: full frames at MTU %d are assumed", assumedMTU)
	case w.segments == 0:
		j.Method = MethodPayload
	}
	if counted {
		again := t.segments.bytesRetrans
		j.RetransmittedBytes = &again
		if part := float64(again) / float64(t.segments.bytesSent); part > lossyAbove {
			j.warnf("%.1f %% of the bytes were sent again: the path loses frames, or its queue is short", 100*part)
		}
	}
	if math.Abs(j.drift) > driftAbove {
		j.warnf("the rate changed by %+.0f %% within the test: measure longer, or look for other traffic", 100*j.drift)
	}
	if j.pause > pauseAbove {
		j.warnf("the flow stood still for %.0f %% of the test: the path or a machine at its end paused", 100*j.pause)
	}
	if j.surge > pauseAbove {
		j.warnf("%.1f %% came above the usual rate: a pause let a bucket fill; the rate may be too high", 100*j.surge)
	}
	if cfg.MaxBytes-t.total <= frameHeaderLen {
		j.warnf("stopped at the limit of %d bytes, after %v of %v", cfg.MaxBytes,
			time.Duration(t.marks[len(t.marks)-1].tNS).Round(time.Millisecond), cfg.Duration)
	}
	return j, nil
}
