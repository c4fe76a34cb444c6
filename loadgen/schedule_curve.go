package loadgen

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// curve is a rate over time, seen as its integral: mass is in transactions.
type curve interface {
	// mass is the integral of the rate over the whole duration.
	mass() float64
	// times appends the times, in ns, at which the integral reaches the values
	// that next returns, which ascend, until they exceed the mass.
	times(next func() float64, out []int64) []int64
	// until is the integral up to a time in ns.
	until(ns float64) float64
	// peak is the highest rate, in tx per ns.
	peak() float64
}

// piece is a stretch of time over which the rate changes evenly.
type piece struct {
	startNS, lenNS float64
	before         float64 // integral over all pieces before it
	tx             float64 // integral over the piece
	slope          float64 // (end rate − start rate) ÷ their sum, −1 to 1; 0: constant
}

// pieces is a rate made of stretches that follow each other without gaps.
type pieces struct {
	list  []piece
	endNS float64
}

// add appends a stretch. Its integral is given rather than its rates, so that
// a trace of counts gives these counts exactly.
func (p *pieces) add(length float64, tx, slope float64) {
	p.list = append(p.list, piece{startNS: p.endNS, lenNS: length, before: p.mass(), tx: tx, slope: slope})
	p.endNS += length
}

// hold appends a stretch of constant rate, in tx/s.
func (p *pieces) hold(length time.Duration, rate float64) {
	p.add(float64(length), rate*length.Seconds(), 0)
}

func (p *pieces) mass() float64 {
	if len(p.list) == 0 {
		return 0
	}
	last := &p.list[len(p.list)-1]
	return last.before + last.tx
}

// at is the share of the piece's length after which a share u of its integral
// has been reached: the root of (1−s)·x + s·x² = u in the form that loses no
// digits near s = 0.
func (c *piece) at(u float64) float64 {
	if c.slope == 0 {
		return u
	}
	a := 1 - c.slope
	return 2 * u / (a + math.Sqrt(a*a+4*c.slope*u))
}

func (p *pieces) times(next func() float64, out []int64) []int64 {
	before := 0.0
	i := 0
	last := int64(0)
	for {
		m := next()
		for i < len(p.list) && m >= before+p.list[i].tx {
			before += p.list[i].tx
			i++
		}
		if i == len(p.list) {
			return out
		}
		c := &p.list[i]
		t := int64(c.startNS + c.at((m-before)/c.tx)*c.lenNS)
		last = max(last, min(t, int64(p.endNS)-1)) // rounding must not leave the order or the end
		out = append(out, last)
	}
}

func (p *pieces) until(ns float64) float64 {
	// Searched, not walked: it is asked for every gap, and a trace has up to a
	// million rows.
	i := sort.Search(len(p.list), func(i int) bool { return ns < p.list[i].startNS+p.list[i].lenNS })
	if i == len(p.list) {
		return p.mass()
	}
	c := &p.list[i]
	x := max(0, (ns-c.startNS)/c.lenNS)
	return c.before + c.tx*((1-c.slope)*x+c.slope*x*x)
}

func (p *pieces) peak() float64 {
	top := 0.0
	for i := range p.list {
		c := &p.list[i]
		top = max(top, c.tx/c.lenNS*(1+math.Abs(c.slope)))
	}
	return top
}

// cut returns the pieces up to the duration. What lies beyond their own end
// goes on at the rate of the last one's end.
func (p *pieces) cut(duration time.Duration) *pieces {
	end := float64(duration)
	out := &pieces{}
	for _, c := range p.list {
		if c.startNS >= end {
			break
		}
		if c.startNS+c.lenNS > end { // only constant pieces are ever cut
			c.tx *= (end - c.startNS) / c.lenNS
			c.lenNS = end - c.startNS
		}
		out.add(c.lenNS, c.tx, c.slope)
	}
	if last := out.list[len(out.list)-1]; out.endNS < end {
		length := end - out.endNS
		out.add(length, last.tx/last.lenNS*length, 0)
	}
	return out
}

// sine is mean + amplitude·sin(2πt/period).
type sine struct {
	mean, amplitude float64 // tx per ns
	periodNS, endNS float64
}

func (s *sine) until(ns float64) float64 {
	w := 2 * math.Pi / s.periodNS
	sin := math.Sin(w * ns / 2)
	return s.mean*ns + s.amplitude/w*2*sin*sin // 1 − cos x = 2 sin²(x/2)
}

func (s *sine) mass() float64 { return s.until(s.endNS) }

func (s *sine) peak() float64 { return s.mean + s.amplitude }

// times inverts the integral by Newton's method inside a bracket that starts at
// the time before: the rate is never negative, so that the integral ascends.
func (s *sine) times(next func() float64, out []int64) []int64 {
	total := s.mass()
	w := 2 * math.Pi / s.periodNS
	lo, last := 0.0, int64(0)
	for {
		m := next()
		if m >= total {
			return out
		}
		a, b := lo, s.endNS
		x := min(b, a+(m-s.until(a))/s.mean)
		for range 100 {
			d := s.until(x) - m
			if d > 0 {
				b = x
			} else {
				a = x
			}
			if b-a < 0.25 || d == 0 {
				break
			}
			step := x - d/(s.mean+s.amplitude*math.Sin(w*x))
			if !(step > a && step < b) {
				step = a + (b-a)/2
			} else if math.Abs(step-x) < 0.25 {
				x = step
				break
			}
			x = step
		}
		lo = max(lo, x)
		last = max(last, min(int64(x), int64(s.endNS)-1))
		out = append(out, last)
	}
}

// newSine checks and makes a sine curve; rates in tx/s.
func newSine(mean, amplitude float64, period, duration time.Duration) (curve, error) {
	if amplitude > mean {
		return nil, fmt.Errorf("an amplitude of %v around %v tx/s falls below zero, give at most %v", amplitude, mean, mean)
	}
	return &sine{mean: mean / 1e9, amplitude: amplitude / 1e9, periodNS: float64(period), endNS: float64(duration)}, nil
}
