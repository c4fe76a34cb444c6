package probe

import "sync/atomic"

// appSource turns the caller's own byte counts into counters. It is the last
// resort: no packets, no acknowledgements, no retransmissions.
type appSource struct {
	count  func() (in, out uint64)
	first  [2]uint64
	closed atomic.Bool
	header uint64
}

func openApp(t Target) (Source, Report, error) {
	if t.CounterFunc == nil {
		return nil, Report{}, Refusal{
			Step:   "take the caller's counts",
			Reason: "the caller gave no CounterFunc",
			Remedy: "set Target.CounterFunc to a function that returns payload bytes in and out",
			err:    ErrTarget,
		}
	}
	s := &appSource{count: t.CounterFunc, header: headersIPv4TS}
	if t.Addr.Is6() {
		s.header = headersIPv6TS
	}
	s.first[0], s.first[1] = s.count()
	return s, Report{
		Attached: []string{"the application's own byte counts"},
		Accuracy: "payload as the application counted it; layer 2 is an estimate for full frames at MTU 1500: " +
			"acknowledgements, handshakes, retransmissions and frames that were not full are missing",
		Warnings: []string{"the wire was not observed: layer-2 bytes are a lower bound"},
	}, nil
}

func (s *appSource) Kind() string { return KindApp }

func (s *appSource) Snapshot() (Counters, error) {
	if s.closed.Load() {
		return Counters{}, ErrClosed
	}
	in, out := s.count()
	return Counters{
		In:  s.direction(Known(in).sub(Known(s.first[0]))),
		Out: s.direction(Known(out).sub(Known(s.first[1]))),
	}, nil
}

func (s *appSource) Close() error {
	s.closed.Store(true)
	return nil
}

// direction adds the headers of the fewest frames that carry the payload at
// MTU 1500. The number of packets that were really sent stays unknown.
func (s *appSource) direction(payload Count) Direction {
	if !payload.Known {
		return Direction{}
	}
	mss := mtu + ethernetHeader - s.header
	frames := payload.N / mss
	if payload.N%mss != 0 {
		frames++
	}
	l2 := Known(payload.N + frames*s.header)
	return Direction{PayloadBytes: payload, L2Bytes: l2, CutPackets: Known(frames), CutL2Bytes: l2}
}
