package loadgen

import (
	"sync"
	"time"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// Sampling of the backlog.
const (
	// sampleEvery is odd on purpose: blocks come every few whole milliseconds,
	// and samples in step with them would show one point of the saw-tooth only.
	sampleEvery = 3700 * time.Microsecond
	// At low rates a backlog is a handful of transactions, and waking up that
	// often would be most of what the generator uses.
	sampleEverySlow = 11300 * time.Microsecond
	slowTxPerSec    = 2000
	maxSamples      = 20_000
	// progressEvery is how often Config.Progress is called.
	progressEvery = 250 * time.Millisecond
	// backlogGroups is the number of means that a slope is fitted to.
	backlogGroups = 24
)

// sampler watches the backlog while load is offered, and reports progress.
type sampler struct {
	r        *run
	every    time.Duration
	fillNS   int64 // the first moments, in which the pipeline fills
	endNS    int64
	tSec     []float64
	backlog  []float64 // accepted − (committed + failed after acceptance)
	inFlight []float64 // sent − (committed + failed)

	stop chan struct{}
	done sync.WaitGroup
}

func newSampler(r *run) *sampler {
	d, every := r.cfg.Duration, sampleEvery
	if r.cfg.RateTxPerSec < slowTxPerSec {
		every = sampleEverySlow
	}
	s := &sampler{
		r:     r,
		every: max(every, d/maxSamples),
		// A tenth of the load, but at least 100 ms (pipelines fill in tens of
		// ms) and never more than a quarter.
		fillNS: int64(min(max(d/10, 100*time.Millisecond), time.Second, d/4)),
		endNS:  int64(d),
		stop:   make(chan struct{}),
	}
	n := int(d/s.every) + 2
	s.tSec, s.backlog, s.inFlight = make([]float64, 0, n), make([]float64, 0, n), make([]float64, 0, n)
	return s
}

func (s *sampler) start() { s.done.Go(s.loop) }

// wait ends the sampling and waits for it.
func (s *sampler) wait() {
	close(s.stop)
	s.done.Wait()
}

func (s *sampler) loop() {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	var reported time.Duration
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		now := s.r.clock()
		s.sample(now)
		s.r.pacer.yieldSlow(now)
		if e := time.Duration(now); s.r.cfg.Progress != nil && e-reported >= progressEvery {
			reported = e
			s.r.cfg.Progress(s.r.progress(e))
		}
	}
}

// sample reads the later stages first: what moves on between two loads then
// makes the backlog look larger by a moment's work, but never negative.
func (s *sampler) sample(now int64) {
	if now < s.fillNS || now > s.endNS || len(s.tSec) == cap(s.tSec) {
		return
	}
	l := &s.r.live
	left, settled, finished := l.committed.Load(), l.failedAccepted.Load(), l.finished()
	accepted, sent := l.accepted.Load(), l.sent.Load()
	s.tSec = append(s.tSec, float64(now)/1e9)
	s.backlog = append(s.backlog, float64(accepted-left-settled))
	s.inFlight = append(s.inFlight, float64(sent-finished))
}

// slopeOf is the growth per second of the means of a sampled series (see
// stretches), nil when there are too few.
func slopeOf(tSec, means []float64) *stat.Slope {
	s, err := stat.SlopePerSec(tSec, means)
	if err != nil {
		return nil
	}
	return &s
}

// stretches are the means of up to 24 equal stretches of a sampled series. A
// slope is fitted to them and not to the samples: these depend on their
// neighbours (a backlog is a saw-tooth with a tooth per block), and a standard
// error from them would be too small.
func stretches(y []float64) []float64 {
	size := max(1, len(y)/backlogGroups)
	means := make([]float64, 0, len(y)/size)
	for i := 0; i+size <= len(y); i += size {
		var sum float64
		for _, v := range y[i : i+size] {
			sum += v
		}
		means = append(means, sum/float64(size))
	}
	return means
}

// series is what the sampler saw, in the form of a record; nil when it saw
// nothing.
func (s *sampler) series() *results.BacklogSeries {
	if len(s.tSec) == 0 {
		return nil
	}
	return &results.BacklogSeries{TSec: stretches(s.tSec), Backlog: stretches(s.backlog), InFlight: stretches(s.inFlight)}
}
