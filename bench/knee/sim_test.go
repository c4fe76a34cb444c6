package knee

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/chainweir/weir/bench/stat"
)

// The simulated servers run in virtual time: a queue is stepped in slots of a
// millisecond, and the clock that the search reads is advanced by what the
// trial would have taken. Nothing here shares code with the search; the true
// knee of a server is computed from its parameters alone.

const (
	slot       = 1e-3 // s
	tolerated  = 0.01 // growth of the backlog that a good trial may have
	fullTrialS = 2.0
)

// server is a system under test with a hidden capacity.
type server struct {
	capacity float64 // tx/s it can process in the long run
	noise    float64 // variance of the work per transaction, 1 = exponential service
	poisson  bool    // arrivals are Poisson, not evenly spaced
	baseS    float64 // latency of an idle server

	// Latency that grows with the load as in M/M/1: exponential with mean
	// spreadS/(1-ρ). Zero for none.
	spreadS float64
	// slowShare of the transactions take a slow path of normal latency around
	// slowS/(1-ρ).
	slowShare, slowS float64

	collapse    float64 // share of the capacity lost once the queue is long
	collapseAtS float64 // queue, in seconds of work, at which the loss begins
	warmup      float64 // capacity of the first trial as a share; 0 means no warm-up
	blockS      float64 // commits come in blocks of this length
	stallS      float64 // pause at the end of each block; the work is done in the rest
	queueS      float64 // bound of the queue in seconds of work; 0 means none
	rejects     bool    // what does not fit the queue is rejected, else the socket pushes back
	generator   float64 // tx/s the generator can offer; 0 means any
	hiccup      float64 // probability that something else stops the machine for 400 ms in a trial
	drainS      float64 // longest drain after a trial
	mm1         bool    // every transaction on its own: M/M/1, first in first out
	stall       float64 // probability that the generator is held up in a trial and sends nine tenths
}

// simulator is the Runner and the clock.
type simulator struct {
	server
	rng      *rand.Rand
	now      time.Time
	overhead time.Duration
	trials   int
}

func newSimulator(s server, seed uint64) *simulator {
	if s.drainS == 0 {
		s.drainS = 1
	}
	return &simulator{server: s, rng: rand.New(rand.NewPCG(seed, 17)), now: time.Unix(1_700_000_000, 0), overhead: 400 * time.Millisecond}
}

func (s *simulator) clock() time.Time { return s.now }

func (s *simulator) Run(ctx context.Context, spec TrialSpec) (Observation, error) {
	if err := ctx.Err(); err != nil {
		return Observation{}, err
	}
	s.trials++
	capacity := s.capacity
	if s.trials == 1 && s.warmup > 0 {
		capacity *= s.warmup
	}
	if s.mm1 {
		return s.runMM1(spec), nil
	}
	q := s.newQueue(capacity, spec)
	slots := int(math.Round(spec.Duration.Seconds() / slot))
	for i := range slots {
		q.step(i)
	}
	drained := q.drain(s.drainS)
	// Around a trial, the time jitters by a tenth.
	around := time.Duration(float64(s.overhead) * (0.9 + 0.2*s.rng.Float64()))
	s.now = s.now.Add(spec.Duration + around + time.Duration(drained*float64(time.Second)))
	return q.observe(spec), nil
}

// queue is the state of one trial.
type queue struct {
	*simulator
	generator        float64
	capacity, rate   float64
	offered, sent    float64
	accepted, done   float64
	pushed, rejected float64
	late             float64 // the generator's part of what was not sent
	waiting, block   float64
	phase            int
	hiccupAt         int
	times, backlog   []float64
	waits            []float64 // s, one per slot
}

func (s *simulator) newQueue(capacity float64, spec TrialSpec) *queue {
	q := &queue{simulator: s, generator: s.generator, capacity: capacity, rate: spec.RateTxPerSec, hiccupAt: -1}
	q.phase = s.rng.IntN(1000)
	if s.stall > 0 && s.rng.Float64() < s.stall {
		q.generator = 0.9 * q.rate
	}
	if s.hiccup > 0 && s.rng.Float64() < s.hiccup {
		q.hiccupAt = s.rng.IntN(max(1, int(spec.Duration.Seconds()/slot)-400))
	}
	return q
}

// gauss is a count with the given mean and variance, as a sum of many small
// parts.
func (q *queue) gauss(mean, variance float64) float64 {
	return max(0, mean+q.rng.NormFloat64()*math.Sqrt(variance))
}

func (q *queue) step(i int) {
	arrive := q.rate * slot
	if q.poisson {
		arrive = q.gauss(arrive, arrive)
	}
	q.offered += arrive
	if g := q.generator; g > 0 && q.rate > g {
		q.late += arrive * (1 - g/q.rate)
		arrive *= g / q.rate
	}
	if q.queueS > 0 {
		over := max(0, q.waiting+arrive-q.queueS*q.capacity-q.capacity*slot)
		arrive -= over
		if q.rejects {
			q.rejected += over
			q.sent += over
		} else {
			q.pushed += over
		}
	}
	q.sent += arrive
	q.accepted += arrive
	q.waits = append(q.waits, q.baseS+q.waiting/q.capacity)
	q.waiting += arrive
	q.serve(i)
	if i%10 == 9 {
		q.times = append(q.times, float64(i+1)*slot)
		q.backlog = append(q.backlog, q.waiting+q.block)
	}
}

func (q *queue) serve(i int) {
	able := q.capacity
	if q.collapse > 0 {
		excess := q.waiting/q.capacity - q.collapseAtS
		able *= 1 - q.collapse*min(1, max(0, excess/0.02))
	}
	// Blocks are whole slots: rounding would change the long-run capacity.
	blockSlots, stallSlots := int(math.Round(q.blockS/slot)), int(math.Round(q.stallS/slot))
	pos := 0
	if blockSlots > 0 {
		pos = (i + q.phase) % blockSlots
		if pos >= blockSlots-stallSlots {
			able = 0
		} else {
			able *= float64(blockSlots) / float64(blockSlots-stallSlots)
		}
	}
	if q.hiccupAt >= 0 && i >= q.hiccupAt && i < q.hiccupAt+400 {
		able = 0
	}
	work := min(q.waiting, q.gauss(able*slot, able*slot*q.noise))
	q.waiting -= work
	if blockSlots == 0 {
		q.done += work
		return
	}
	q.block += work
	if pos == blockSlots-1 { // the block is full: all of it commits at once
		q.done += q.block
		q.block = 0
	}
}

// drain lets the queue run empty for at most limitS and returns how long that
// took.
func (q *queue) drain(limitS float64) float64 {
	left := q.waiting
	took := min(limitS, left/q.capacity)
	served := min(left, took*q.capacity)
	q.waiting -= served
	q.done += served + q.block
	q.block = 0
	return took
}

func (q *queue) observe(spec TrialSpec) Observation {
	o := Observation{
		Offered: int64(q.offered), Accepted: int64(q.accepted),
		DroppedGenerator: int64(q.late), DroppedBackpressure: int64(q.pushed), Rejected: int64(q.rejected),
	}
	o.Sent = o.Offered - o.DroppedBackpressure - o.DroppedGenerator
	o.Committed = min(int64(q.done+0.5), o.Sent-o.Rejected)
	o.Lost = o.Sent - o.Rejected - o.Committed
	// The first fifth is left out: the queue fills to its working level there.
	cut := len(q.times) / 5
	if slope, err := stat.SlopePerSec(q.times[cut:], q.backlog[cut:]); err == nil {
		o.Backlog = &Growth{TxPerSec: slope.PerSec, StdErrTxPerSec: slope.StdErr}
	}
	o.Commit = q.quantiles()
	return o
}

// quantiles draws the latency of transactions: their wait, plus the part that
// depends on the load.
func (q *queue) quantiles() *Latency {
	load := min(0.999, q.rate/q.capacity)
	per := 1
	if q.blockS > 0 || q.spreadS > 0 || q.slowShare > 0 {
		per = max(1, 16_000/len(q.waits)) // random parts need many draws for a steady p99
	}
	draws := make([]float64, 0, per*len(q.waits))
	for _, wait := range q.waits {
		for range per {
			l := wait
			if q.blockS > 0 {
				l += q.blockS * q.rng.Float64()
			}
			if q.spreadS > 0 {
				l += q.rng.ExpFloat64() * q.spreadS / (1 - load)
			}
			if q.slowShare > 0 && q.rng.Float64() < q.slowShare {
				l += q.slowS / (1 - load) * (1 + 0.1*q.rng.NormFloat64())
			}
			draws = append(draws, l)
		}
	}
	slices.Sort(draws)
	at := func(p float64) int64 { return int64(draws[int(p*float64(len(draws)-1))] * 1e9) }
	return &Latency{P50NS: at(0.5), P90NS: at(0.9), P99NS: at(0.99), P999NS: at(0.999), MaxNS: at(1)}
}

// trueKnee is the highest rate at which a trial of full length keeps the
// default limits in expectation, and p99 stays under limitS. It follows from
// the parameters by hand, one line per limit.
func (s server) trueKnee(limitS float64) float64 {
	if s.mm1 { // the time in the system is exponential with the rate μ - λ
		return s.capacity - math.Log(100)/limitS
	}
	knee := s.capacity / (1 - tolerated) // backlog: (r-C)/r ≤ 1 %
	if s.queueS > 0 {
		// The queue absorbs queueS of work, the rest of the excess is refused:
		// (r-C)·T - queueS·C = share·r·T.
		share := 0.01 // back-pressure: fidelity ≥ 99 %
		if s.rejects {
			share = 0.001 // loss < 0.1 %
		}
		knee = s.capacity * (1 + s.queueS/fullTrialS) / (1 - share)
	}
	if s.spreadS > 0 { // exponential: p99 = ln 100 · spread/(1-ρ)
		knee = min(knee, s.capacity*(1-s.spreadS*math.Log(100)/(limitS-s.baseS)))
	}
	if s.slowShare > 0 { // p99 is the (1 - 1 %/share)-quantile of the slow path
		z := math.Sqrt2 * math.Erfinv(2*(1-0.01/s.slowShare)-1)
		knee = min(knee, s.capacity*(1-s.slowS*(1+0.1*z)/(limitS-s.baseS)))
	}
	return knee
}
