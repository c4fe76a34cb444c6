package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Schema of a Survey as JSON.
const Schema = "weir.link/1"

// Survey is all that is known about a path: claims, settings and measurements,
// each under its own name. In is towards the server, Out from it.
type Survey struct {
	Schema string `json:"schema"`
	// Kind is KindLoopback (a memory copy, not a network) or KindNetwork.
	Kind   string `json:"kind"`
	Server string `json:"server"`
	Local  string `json:"local"`
	MTU    int    `json:"path_mtu"` // what datagrams were sized for, bytes
	// Client and Remote are the claims of the two ends.
	Client Facts `json:"client_interface"`
	Remote Facts `json:"server_interface"`
	// ShaperIn holds what this side sends to a rate, ShaperOut what the server
	// sends; nil when there is none or it is unknown.
	ShaperIn  *Shaper `json:"shaper_in"`
	ShaperOut *Shaper `json:"shaper_out"`
	// Bulk is TCP; RateCapBitsPerSec is not nil when it was not to go as fast
	// as it could.
	BulkIn            *Bulk    `json:"bulk_in"`
	BulkOut           *Bulk    `json:"bulk_out"`
	RateCapBitsPerSec *float64 `json:"rate_cap_bits_per_sec"`
	TrainIn           *Train   `json:"train_in"`
	TrainOut          *Train   `json:"train_out"`
	// Small frames, one entry for each method.
	SmallIn  []SmallFrames `json:"small_in"`
	SmallOut []SmallFrames `json:"small_out"`
	// Round trips: idle, and while TCP fills one direction.
	RTTIdle *RTT `json:"rtt_idle"`
	RTTIn   *RTT `json:"rtt_loaded_in"`
	RTTOut  *RTT `json:"rtt_loaded_out"`
	// TCPRTTMinNS is the shortest that TCP saw.
	TCPRTTMinNS uint64   `json:"tcp_rtt_min_ns"`
	Warnings    []string `json:"warnings"`
}

// Bulk is a Direction with the same rate on every layer.
type Bulk struct {
	Direction
	// L1BitsPerSec counts the 24 bytes that each frame takes beside what layer
	// 2 shows, as a nominal speed does.
	L1BitsPerSec float64 `json:"l1_bits_per_sec"`
}

func newBulk(d *Direction) *Bulk {
	if d == nil {
		return nil
	}
	frames := d.PayloadBitsPerSec / 8 / d.BytesPerSegment
	return &Bulk{*d, d.L2BitsPerSec + 8*UnseenBytesPerFrame*frames}
}

func (s *Survey) warnf(format string, args ...any) {
	s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...))
}

// loadedFor bounds the tests under load, idleFor the one without.
const (
	loadedFor = 3 * time.Second
	idleFor   = time.Second
	// loopbackTrainBytes bounds trains where only the sender limits them.
	loopbackTrainBytes = 1 << 20
)

// Look measures everything about a path, one test after the other: bulk TCP
// each way, trains of datagrams, small frames, round trips idle and under
// load. step is told what comes next, and may be nil. It fails when the server
// cannot be reached, refuses or breaks off bulk TCP; that datagrams do not
// come through is a warning, and their figures are nil.
func Look(ctx context.Context, cfg Config, step func(string)) (Survey, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Survey{}, err
	}
	s := Survey{Schema: Schema, Warnings: []string{}, SmallIn: []SmallFrames{}, SmallOut: []SmallFrames{}}
	if cfg.RateCapBitsPerSec > 0 {
		limit := float64(cfg.RateCapBitsPerSec)
		s.RateCapBitsPerSec = &limit
	}
	if step == nil {
		step = func(string) {}
	}
	step("asking the server")
	if err := s.facts(ctx, cfg); err != nil {
		return s, err
	}
	step("bulk TCP, both ways")
	res, err := Measure(ctx, cfg)
	if longer := 3 * cfg.Duration; errors.Is(err, ErrTooShort) && longer <= DefaultMaxDuration && ctx.Err() == nil {
		// The machine was busy with something else for most of it.
		again := cfg
		again.Duration = longer
		if res2, err2 := Measure(ctx, again); err2 == nil {
			res, err = res2, nil
		}
	}
	s.BulkIn, s.BulkOut, s.TCPRTTMinNS = newBulk(res.In), newBulk(res.Out), res.RTTMinNS
	s.Warnings = append(s.Warnings, res.Warnings...)
	if err != nil {
		return s, err
	}
	return s, s.datagrams(ctx, cfg, step)
}

// facts reads both ends' interfaces, and what shapes the path.
func (s *Survey) facts(ctx context.Context, cfg Config) error {
	remote, ends, err := askFacts(ctx, cfg)
	if err != nil {
		return err
	}
	s.Local, s.Server, s.Remote = ends[0].String(), ends[1].String(), remote
	s.Kind = KindNetwork
	if a := ends[1].Addr(); a.IsLoopback() || a == ends[0].Addr() {
		s.Kind = KindLoopback
	}
	s.Client = FactsOf(ends[0].Addr())
	s.ShaperIn, s.ShaperOut = s.Client.shaper(), s.Remote.shaper()
	s.MTU = assumedMTU
	if n := s.Client.Nominal; n != nil && s.Kind == KindNetwork && n.MTU > 0 {
		s.MTU = n.MTU
	}
	if n := s.Remote.Nominal; n != nil && s.Kind == KindNetwork && n.MTU > 0 {
		s.MTU = min(s.MTU, n.MTU)
	}
	return nil
}

// shaper is the lowest that holds all traffic, or else the lowest of all.
func (f Facts) shaper() (low *Shaper) {
	for i := range f.Shapers {
		s := &f.Shapers[i]
		if low == nil || s.holdsAll() && !low.holdsAll() || s.holdsAll() == low.holdsAll() && s.RateBitsPerSec < low.RateBitsPerSec {
			low = s
		}
	}
	return low
}

// datagramBytes is the payload of a datagram that fills a frame.
func datagramBytes(mtu int, server netip.AddrPort) int {
	n := mtu - udpHeaderBytes - ipv4HeaderBytes
	if server.Addr().Is6() {
		n -= ipv6HeaderBytes - ipv4HeaderBytes
	}
	return min(max(n, minDatagramBytes), maxDatagramBytes)
}

// datagrams makes the tests that need UDP. Only the end of ctx, and a path
// that lets no datagram through, end them early.
func (s *Survey) datagrams(ctx context.Context, cfg Config, step func(string)) error {
	server, err := netip.ParseAddrPort(s.Server)
	if err != nil {
		return fmt.Errorf("link: the server's address: %w", err)
	}
	size := datagramBytes(s.MTU, server)
	trains := cfg
	if s.Kind == KindLoopback { // there is no bucket to outlast
		trains.MaxBytes = min(cfg.MaxBytes, loopbackTrainBytes)
	}
	for _, part := range []struct {
		name   string
		capped bool // makes sense with a rate cap
		run    func() error
	}{
		{"round trips, idle", true, func() (err error) { s.RTTIdle, err = some(ping(ctx, cfg, 0, min(idleFor, cfg.Duration))); return err }},
		{"datagram trains, in", false, func() (err error) {
			s.TrainIn, err = some(measureTrain(ctx, trains, dirIn, size, s.ShaperIn.twiceBurst()))
			return err
		}},
		{"datagram trains, out", false, func() (err error) {
			s.TrainOut, err = some(measureTrain(ctx, trains, dirOut, size, s.ShaperOut.twiceBurst()))
			return err
		}},
		{"small frames, in", false, func() (err error) { s.SmallIn, err = smallBoth(ctx, cfg, dirIn); return err }},
		{"small frames, out", false, func() (err error) { s.SmallOut, err = smallBoth(ctx, cfg, dirOut); return err }},
		{"round trips under load, in", true, func() (err error) { s.RTTIn, err = some(underLoad(ctx, shortened(cfg), dirIn)); return err }},
		{"round trips under load, out", true, func() (err error) { s.RTTOut, err = some(underLoad(ctx, shortened(cfg), dirOut)); return err }},
	} {
		if cfg.RateCapBitsPerSec > 0 && !part.capped {
			continue
		}
		step(part.name)
		err := part.run()
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if err != nil {
			s.warnf("%s: unknown: %v", part.name, err)
		}
		if errors.Is(err, ErrNoUDP) {
			s.warnf("trains, small frames and round trips need UDP and were left out")
			return nil
		}
	}
	if cfg.RateCapBitsPerSec > 0 {
		s.warnf("with a rate cap trains and small frames are left out: a sender that is held back cannot show what the link holds back")
	}
	s.judgeTrains()
	return nil
}

// judgeTrains says what makes a train less than a capacity.
func (s *Survey) judgeTrains() {
	for i, t := range []*Train{s.TrainIn, s.TrainOut} {
		name := []string{"in", "out"}[i]
		if t != nil && t.SenderLimited {
			s.warnf("train %s: the sender offered %s and was not faster than the link: the rate is a lower bound",
				name, bitRate(t.SenderBitsPerSec))
		}
	}
}

func (s *Shaper) twiceBurst() uint64 {
	if s == nil {
		return 0
	}
	return uint64(2 * s.BurstBytes)
}

func shortened(cfg Config) Config {
	cfg.Duration = min(cfg.Duration, loadedFor)
	return cfg
}

func some[T any](v T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func smallBoth(ctx context.Context, cfg Config, dir direction) ([]SmallFrames, error) {
	out := []SmallFrames{}
	for _, single := range []bool{false, true} {
		f, err := measureSmall(ctx, cfg, dir, single)
		if err != nil {
			return out, err
		}
		out = append(out, f)
	}
	return out, nil
}
