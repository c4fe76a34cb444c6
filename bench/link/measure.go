package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// direction is seen from the node, where the server is.
type direction uint8

const (
	dirIn  direction = 1 // towards the server
	dirOut direction = 2 // from the server
)

func (d direction) String() string {
	if d == dirIn {
		return "in"
	}
	return "out"
}

// Kinds of path.
const (
	// KindLoopback: both ends are one machine. The rate is that of copying
	// memory, not of a network.
	KindLoopback = "loopback"
	// KindNetwork: two addresses.
	KindNetwork = "network"
	// KindShaped: a shaped link inside one machine. It looks like KindNetwork
	// from here; the caller that built it puts this in the Result.
	KindShaped = "shaped"
)

// Config says how to reach the server and how much to send.
type Config struct {
	// Dial connects to the server; it is called once per direction.
	Dial func(ctx context.Context) (net.Conn, error)
	// Duration of each direction; 0 means DefaultDuration.
	Duration time.Duration
	// MaxBytes of each direction; 0 means DefaultMaxBytes.
	MaxBytes uint64
	// RateCapBitsPerSec of payload, for a test that must not take all the path
	// gives; 0: no cap. What is measured is then the cap, if the path holds it.
	RateCapBitsPerSec uint64
	// Token, if the server wants one. It is proven, not sent.
	Token string
	// ListenPacket opens a socket for datagrams, "udp4" or "udp6", at an
	// address of this side; nil means the net package's.
	ListenPacket func(ctx context.Context, network, addr string) (net.PacketConn, error)
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Duration == 0 {
		cfg.Duration = DefaultDuration
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.ListenPacket == nil {
		cfg.ListenPacket = listenPacket
	}
	if cfg.Dial == nil {
		return cfg, fmt.Errorf("link: %w: no Dial function", ErrConfig)
	}
	return cfg, checkLimits(cfg.Duration, cfg.MaxBytes, cfg.RateCapBitsPerSec, cfg.Token)
}

// Direction is the capacity of one direction.
type Direction struct {
	// L2BitsPerSec is the rate of frame bytes with their 14-byte header,
	// without FCS and gap, in bits per second.
	L2BitsPerSec float64 `json:"l2_bits_per_sec"`
	// PayloadBitsPerSec is the part of it that is TCP payload.
	PayloadBitsPerSec float64 `json:"payload_bits_per_sec"`
	// Bytes of TCP payload that the receiver got in the whole test.
	Bytes uint64 `json:"bytes"`
	// WindowBytes and WindowSegments (0: not counted) are what came in the
	// time the rates are taken from, Duration.
	WindowBytes    uint64        `json:"window_bytes"`
	WindowSegments uint64        `json:"window_segments"`
	Duration       time.Duration `json:"window_ns"`
	// BytesPerSegment is the payload of a segment, on average, and
	// HeaderBytes what layer 2 adds to each.
	BytesPerSegment float64 `json:"bytes_per_segment"`
	HeaderBytes     int     `json:"header_bytes_per_segment"`
	// RetransmittedBytes is the payload sent again; nil when unknown.
	RetransmittedBytes *uint64 `json:"retransmitted_bytes"`
	// Method tells how layer 2 was counted: MethodSegments, MethodPayload or
	// MethodAssumed.
	Method string `json:"method"`
}

// Result is the capacity of a path.
type Result struct {
	// Kind is KindLoopback or KindNetwork.
	Kind string `json:"kind"`
	// In is towards the server (the node), Out from it; nil if not measured.
	In  *Direction `json:"in"`
	Out *Direction `json:"out"`
	// RTTMinNS is the shortest round trip seen, in nanoseconds: the kernel's,
	// or that of the first question and answer.
	RTTMinNS uint64   `json:"rtt_min_ns"`
	Warnings []string `json:"warnings"`
}

// Measure measures both directions, one after the other. It does not pace: for
// the duration it takes all the path gives. A direction that was disturbed (a
// pause above 1 % of the window, a change of the rate above 5 %) is measured
// again, at most three times in all, and the steadiest counts. Refusals are
// ErrBusy, ErrToken, ErrTooLarge; ErrTooShort says that too little came
// through to tell a rate. When the second direction fails, the first is in the
// result beside the error.
func Measure(ctx context.Context, cfg Config) (Result, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Result{}, err
	}
	res := Result{Warnings: []string{}}
	for _, dir := range []direction{dirIn, dirOut} {
		best, err := res.steadiest(ctx, cfg, dir)
		if err != nil {
			if ctx.Err() != nil {
				err = errors.Join(ctx.Err(), err)
			}
			return res, fmt.Errorf("link: measuring %s: %w", dir, err)
		}
		if dir == dirIn {
			res.In = &best.Direction
		} else {
			res.Out = &best.Direction
		}
		for _, w := range best.warnings {
			res.Warnings = append(res.Warnings, dir.String()+": "+w)
		}
	}
	return res, nil
}

// maxAttempts bounds how often a disturbed direction is measured.
const maxAttempts = 3

func (r *Result) steadiest(ctx context.Context, cfg Config, dir direction) (best judged, err error) {
	for attempt := range maxAttempts {
		j, err := r.measure(ctx, cfg, dir)
		if err != nil {
			return judged{}, err
		}
		if attempt == 0 || j.steadier(best) {
			best = j
		}
		if !best.unsteady() {
			break
		}
	}
	return best, nil
}

// measure runs one direction on a connection of its own.
func (r *Result) measure(ctx context.Context, cfg Config, dir direction) (judged, error) {
	conn, err := cfg.Dial(ctx)
	if err != nil {
		return judged{}, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	ipv6, loopback := endpoints(conn)
	r.Kind = KindNetwork
	if loopback {
		r.Kind = KindLoopback
	}
	c := newBoundedConn(conn, cfg.Duration+graceTimeout)
	asked := time.Now()
	yes, err := greet(c, hello{
		test: testBulk, dir: dir, duration: cfg.Duration, maxBytes: cfg.MaxBytes, rateBitsPerSec: cfg.RateCapBitsPerSec,
	}, cfg.Token)
	if err != nil {
		return judged{}, explain(c, err)
	}
	r.seenRTT(uint64(time.Since(asked)) / 2) // two questions, two answers
	cfg.RateCapBitsPerSec = yes.rateBitsPerSec
	got, err := transfer(c, dir, cfg)
	if err != nil {
		return judged{}, err
	}
	r.seenRTT(countSegments(conn).minRTTNS)
	r.seenRTT(got.segments.minRTTNS)
	return judge(got, ipv6, cfg)
}

func (r *Result) seenRTT(ns uint64) {
	if ns > 0 && (r.RTTMinNS == 0 || ns < r.RTTMinNS) {
		r.RTTMinNS = ns
	}
}

// transferred is the raw outcome of one direction.
type transferred struct {
	total    uint64
	marks    []mark
	segments segmentCount // of the sender
}

func transfer(c *boundedConn, dir direction, cfg Config) (t transferred, err error) {
	if dir == dirOut {
		if t.total, t.marks, err = receiveBulk(c, cfg.Duration, cfg.MaxBytes); err != nil {
			return t, err
		}
		if err := writeFrame(c, kindReport, marshalReport(t.total, nil)); err != nil {
			return t, explain(c, err)
		}
		body, err := readFrame(c, kindDone)
		if err != nil {
			return t, err
		}
		t.segments, err = parseSegmentCount(body)
		return t, err
	}
	before := countSegments(c.Conn)
	sent, err := sendBulk(c, cfg.Duration, cfg.MaxBytes, cfg.RateCapBitsPerSec)
	if err != nil {
		return t, explain(c, err)
	}
	body, err := readFrame(c, kindReport)
	if err != nil {
		return t, err
	}
	if t.total, t.marks, err = parseReport(body); err != nil {
		return t, err
	}
	if t.total != sent {
		return t, fmt.Errorf("%w: %d bytes sent, the server counts %d", ErrProtocol, sent, t.total)
	}
	t.segments = countSegments(c.Conn).since(before)
	return t, nil
}

// explain looks for the server's reason behind a failed write: it refuses and
// closes while this side is still sending.
func explain(c *boundedConn, cause error) error {
	if refused := (*refusedError)(nil); errors.As(cause, &refused) || errors.Is(cause, ErrUnproven) {
		return cause
	}
	_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTimeout))
	_, err := readFrame(c.Conn, kindRefuse)
	if refused := (*refusedError)(nil); errors.As(err, &refused) {
		return refused
	}
	return cause
}
