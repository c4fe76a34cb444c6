package knee

import (
	"math"
	"slices"
	"time"

	"github.com/chainweir/weir/bench/stat"
)

// runMM1 runs every transaction of a trial through the textbook's queue:
// Poisson arrivals, exponential service, one server, first in first out. A
// transaction begins when it has come and the one before it has left.
func (s *simulator) runMM1(spec TrialSpec) Observation {
	end := spec.Duration.Seconds()
	room := int(1.1*end*spec.RateTxPerSec) + 1000
	arrivals, departures := make([]float64, 0, room), make([]float64, 0, room)
	var free float64
	for at := s.rng.ExpFloat64() / spec.RateTxPerSec; at < end; at += s.rng.ExpFloat64() / spec.RateTxPerSec {
		free = max(free, at) + s.rng.ExpFloat64()/s.capacity
		arrivals, departures = append(arrivals, at), append(departures, free)
	}
	left := max(0, free-end)
	drained := min(left, s.drainS)
	committed, _ := slices.BinarySearch(departures, end+drained)
	n := int64(len(arrivals))
	o := Observation{Offered: n, Sent: n, Accepted: n, Committed: int64(committed), Lost: n - int64(committed)}
	var times, backlog []float64
	in, out := 0, 0
	const every = 0.01
	for k := 1; float64(k)*every <= end; k++ {
		t := float64(k) * every
		for in < len(arrivals) && arrivals[in] <= t {
			in++
		}
		for out < len(departures) && departures[out] <= t {
			out++
		}
		times, backlog = append(times, t), append(backlog, float64(in-out))
	}
	cut := len(times) / 5
	if slope, err := stat.SlopePerSec(times[cut:], backlog[cut:]); err == nil {
		o.Backlog = &Growth{TxPerSec: slope.PerSec, StdErrTxPerSec: slope.StdErr}
	}
	// Neighbours stay about equally long: some are enough for the quantiles.
	var stays []float64
	for i := 0; i < len(arrivals); i += 1 + len(arrivals)/50_000 {
		stays = append(stays, departures[i]-arrivals[i])
	}
	slices.Sort(stays)
	if len(stays) > 0 {
		at := func(p float64) int64 { return int64(stays[int(math.Ceil(p*float64(len(stays)-1)))] * 1e9) }
		o.Commit = &Latency{P50NS: at(0.5), P90NS: at(0.9), P99NS: at(0.99), P999NS: at(0.999), MaxNS: at(1)}
	}
	around := time.Duration(float64(s.overhead) * (0.9 + 0.2*s.rng.Float64()))
	s.now = s.now.Add(spec.Duration + around + time.Duration(drained*float64(time.Second)))
	return o
}
