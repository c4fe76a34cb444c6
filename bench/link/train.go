package link

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

const (
	// firstTrainBytes and lastTrainBytes (frames) bound the length of a train.
	firstTrainBytes = 256 << 10
	lastTrainBytes  = 64 << 20
	// trainsWanted is how many good trains make a figure, out of maxTrains.
	trainsWanted = 3
	maxTrains    = 16
	// quartersAgree is how far the rates of the third and the last quarter of
	// a train may differ: while a bucket empties they do.
	quartersAgree = 0.03
	// senderMargin is how much faster than the link the sender must be.
	senderMargin = 1.2
	// minTrainFrames leaves some in the second half.
	minTrainFrames = 32
	maxTrainTime   = 2 * time.Second
)

// Train is the capacity by the dispersion of a long train of datagrams: their
// frames, sent back to back, leave the narrowest link one behind the other.
type Train struct {
	// L2BitsPerSec is the median over the trains of the rate of the second
	// half of each, which a bucket that was full before no longer helps.
	L2BitsPerSec float64 `json:"l2_bits_per_sec"`
	// ErrorPart is half the distance between the fastest and the slowest
	// train, or by how much the quarters of a train's second half differ when
	// no longer train could be had, as a part of the rate.
	ErrorPart float64 `json:"error_part"`
	// SenderBitsPerSec is how fast frames were offered. SenderLimited: not
	// faster than they came, so that the rate is a lower bound.
	SenderBitsPerSec float64 `json:"sender_l2_bits_per_sec"`
	SenderLimited    bool    `json:"sender_limited"`
	// Trains that count, and frames sent and received in the last of them.
	Trains         int    `json:"trains"`
	FrameBytes     int    `json:"frame_bytes"`
	FramesSent     uint64 `json:"frames_sent"`
	FramesReceived uint64 `json:"frames_received"`
	// Method is MethodKernelTime or MethodUserTime, as far as this side is
	// the receiver.
	Method string `json:"method"`
}

// How the arrival of a datagram was timed.
const (
	MethodKernelTime = "kernel_rx_timestamp"
	MethodUserTime   = "read_time"
	// MethodRemoteTime: by the other side, in the best way its system has.
	MethodRemoteTime = "remote_rx_timestamp"
)

// stream runs a single stream of datagrams and returns what came.
func stream(ctx context.Context, cfg Config, h hello) (got arrived, ipv6 bool, err error) {
	u, err := openSession(ctx, cfg, h)
	if err != nil {
		return got, false, err
	}
	defer u.hangUp()
	stop := context.AfterFunc(ctx, u.hangUp)
	defer stop()
	ipv6 = u.peer.Addr().Is6()
	if h.dir == dirOut {
		got, err = u.receive()
		return got, ipv6, err
	}
	sent, err := u.send()
	if err != nil {
		return got, ipv6, err
	}
	if err := writeFrame(u.c, kindSent, sent.marshal()); err != nil {
		return got, ipv6, explain(u.c, err)
	}
	body, err := readFrame(u.c, kindReport)
	if err != nil {
		return got, ipv6, err
	}
	got.sent = sent
	if got.datagrams, got.marks, err = parseReport(body); err != nil {
		return got, ipv6, err
	}
	if got.datagrams > sent.datagrams {
		return got, ipv6, protocolErrorf("%d datagrams sent, the server counts %d", sent.datagrams, got.datagrams)
	}
	return got, ipv6, nil
}

// dispersion is the frames per second of the second half of what came, and by
// which part the last quarter's rate differs from that of the one before.
func dispersion(marks []mark) (framesPerSec, drift float64, err error) {
	if len(marks) < minTrainFrames/4 || marks[len(marks)-1].segments < minTrainFrames {
		return 0, 0, fmt.Errorf("%w: too few frames came to tell a rate", ErrTooShort)
	}
	last := marks[len(marks)-1]
	at := func(part float64) mark {
		i := sort.Search(len(marks)-1, func(i int) bool { return float64(marks[i].segments) >= part*float64(last.segments) })
		return marks[i]
	}
	half, quarter := at(0.5), at(0.75)
	rate := func(a, b mark) float64 { return float64(b.segments-a.segments) / float64(b.tNS-a.tNS) * 1e9 }
	if half.tNS >= quarter.tNS || quarter.tNS >= last.tNS {
		return 0, 0, fmt.Errorf("%w: the frames came all at once", ErrTooShort)
	}
	return rate(half, last), rate(quarter, last)/rate(half, quarter) - 1, nil
}

// measureTrain sends trains until three agree with themselves, longer ones
// while the bucket of a shaper still helps or the sender is not clearly faster
// than what comes. atLeastBytes is twice a bucket that is known, or 0.
func measureTrain(ctx context.Context, cfg Config, dir direction, datagramBytes int, atLeastBytes uint64) (Train, error) {
	var (
		t     Train
		rates []float64
		last  error
		worst float64 // drift within a train that counts though it drifts
	)
	most := min(cfg.MaxBytes, lastTrainBytes)
	size := min(max(firstTrainBytes, atLeastBytes+atLeastBytes/4), most)
	duration := min(max(cfg.Duration, minDuration), maxTrainTime)
	for n := 0; n < maxTrains && len(rates) < trainsWanted; n++ {
		got, ipv6, err := stream(ctx, cfg, hello{
			test: testTrain, dir: dir, datagramBytes: uint32(datagramBytes), duration: duration, maxBytes: size,
		})
		if err != nil && !errors.Is(err, ErrTooShort) {
			return t, err
		}
		t.FrameBytes = udpFrameBytes(datagramBytes, ipv6)
		t.FramesSent, t.FramesReceived, t.Method = got.sent.datagrams, got.datagrams, methodOf(dir, got)
		framesPerSec, drift, err := dispersion(got.marks)
		bits := framesPerSec * 8 * float64(t.FrameBytes)
		offered := got.sent.bitsPerSec(t.FrameBytes)
		limited := offered < senderMargin*bits
		atEnd := size == most || got.sent.elapsed >= duration
		last = err
		switch {
		case err == nil && (atEnd || !limited && math.Abs(drift) <= quartersAgree && got.datagrams*uint64(t.FrameBytes) >= atLeastBytes):
			rates = append(rates, bits)
			if math.Abs(drift) > quartersAgree {
				worst = max(worst, math.Abs(drift))
			}
			t.SenderBitsPerSec, t.SenderLimited = offered, t.SenderLimited || limited
		default:
			size = min(2*size, most)
			rates, t.SenderLimited = nil, false // of shorter trains
		}
	}
	if len(rates) == 0 {
		if last == nil {
			last = fmt.Errorf("%w: no two halves of a train agree", ErrTooShort)
		}
		return t, last
	}
	slices.Sort(rates)
	t.Trains = len(rates)
	t.L2BitsPerSec = rates[len(rates)/2]
	t.ErrorPart = max(worst, (rates[len(rates)-1]-rates[0])/2/t.L2BitsPerSec)
	return t, nil
}

func methodOf(dir direction, got arrived) string {
	switch {
	case dir == dirIn:
		return MethodRemoteTime
	case got.kernel:
		return MethodKernelTime
	}
	return MethodUserTime
}

// SmallFrames is how many of the smallest frames per second arrive.
type SmallFrames struct {
	// FramesPerSec that came, in the second half of the test; FrameBytes is
	// the layer-2 size of each, 60 over IPv4.
	FramesPerSec float64 `json:"frames_per_sec"`
	FrameBytes   int     `json:"frame_bytes"`
	L2BitsPerSec float64 `json:"l2_bits_per_sec"`
	// OfferedPerSec is how many the sender offered; LostPart of all that were
	// sent never reached the program.
	OfferedPerSec float64 `json:"offered_per_sec"`
	LostPart      float64 `json:"lost_part"`
	// Method is MethodBatched or MethodSingle.
	Method string `json:"method"`
}

// How small frames were sent.
const (
	// MethodBatched: the kernel cut them from larger buffers (UDP_SEGMENT),
	// where the sender's kernel can.
	MethodBatched = "udp_segment"
	// MethodSingle: one system call for each.
	MethodSingle = "one_call_per_frame"
)

// smallFor is how long small frames are sent.
const smallFor = 500 * time.Millisecond

func measureSmall(ctx context.Context, cfg Config, dir direction, single bool) (SmallFrames, error) {
	got, ipv6, err := stream(ctx, cfg, hello{
		test: testTrain, dir: dir, single: single, datagramBytes: minDatagramBytes,
		duration: min(smallFor, cfg.Duration), maxBytes: cfg.MaxBytes,
	})
	if err != nil {
		return SmallFrames{}, err
	}
	perSec, _, err := dispersion(got.marks)
	if err != nil {
		return SmallFrames{}, err
	}
	s := SmallFrames{
		FramesPerSec: perSec, FrameBytes: udpFrameBytes(minDatagramBytes, ipv6), Method: MethodBatched,
		LostPart: 1 - float64(got.datagrams)/float64(got.sent.datagrams),
	}
	if single {
		s.Method = MethodSingle
	}
	s.L2BitsPerSec = perSec * 8 * float64(s.FrameBytes)
	if e := got.sent.elapsed.Seconds(); e > 0 {
		s.OfferedPerSec = float64(got.sent.datagrams) / e
	}
	return s, nil
}
