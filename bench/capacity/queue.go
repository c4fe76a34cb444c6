package capacity

import (
	"errors"
	"fmt"
	"math"
)

// ErrBadQueue says that a queue cannot be as described.
var ErrBadQueue = errors.New("bad queueing model")

// Limits of the recursions.
const (
	maxServers   = 1 << 20
	maxCustomers = 1 << 24
)

// ErlangC is the probability that an arrival has to wait in M/M/m, where load is
// the offered load λS in servers (erlangs). It is 1 from load = m on, where the
// queue grows without end.
func ErlangC(servers int, load float64) (float64, error) {
	if servers < 1 || servers > maxServers {
		return 0, fmt.Errorf("%w: %d servers, want 1 to %d", ErrBadQueue, servers, maxServers)
	}
	if !(load >= 0) || math.IsInf(load, 1) {
		return 0, fmt.Errorf("%w: offered load is %v, want a finite number ≥ 0", ErrBadQueue, load)
	}
	m := float64(servers)
	if load >= m {
		return 1, nil
	}
	// Erlang B by its recursion, whose terms never overflow, then C from B
	// (Kleinrock 1975, §3.5–3.6).
	b := 1.0
	for k := 1.0; k <= m; k++ {
		b = load * b / (k + load*b)
	}
	return m * b / (m - load*(1-b)), nil
}

// MMm is a queue with m servers, Poisson arrivals and exponential service.
type MMm struct {
	Servers     int
	Utilisation float64 // of each server
	WaitProb    float64 // Erlang C
	// Stretch is the mean response time ÷ service time, R/S; +Inf when saturated.
	Stretch float64
	Queue   float64 // mean number waiting
}

// NewMMm computes the queue for an offered load λS in servers.
func NewMMm(servers int, load float64) (MMm, error) {
	c, err := ErlangC(servers, load)
	if err != nil {
		return MMm{}, err
	}
	m := float64(servers)
	q := MMm{Servers: servers, Utilisation: load / m, WaitProb: c, Stretch: math.Inf(1), Queue: math.Inf(1)}
	if load < m {
		q.Stretch = 1 + c/(m-load)
		q.Queue = c * load / (m - load)
	}
	return q, nil
}

// Station is a resource in a closed network.
type Station struct {
	Name      string
	DemandSec float64 // seconds per transaction, all visits together
	Delay     bool    // no queue: as many servers as customers
}

// Closed is the solution of a closed network at one number of customers.
type Closed struct {
	Customers   int
	TxPerSec    float64
	ResponseSec float64   // without the think time
	Queue       []float64 // customers at each station, in service included
	Utilisation []float64 // X·D; of a delay station the customers in it
	BoundTx     float64   // min(N/(ΣD+Z), 1/max D): no schedule can be above
}

// MVA solves a closed product-form network exactly by mean value analysis
// (Reiser and Lavenberg 1980) for 1 to customers customers with a think time.
// Stations have one server each, or none that is waited for. The last solution
// is that of all customers.
func MVA(stations []Station, thinkSec float64, customers int) (Closed, error) {
	switch {
	case len(stations) == 0:
		return Closed{}, fmt.Errorf("%w: no stations", ErrBadQueue)
	case customers < 1 || customers > maxCustomers/len(stations):
		return Closed{}, fmt.Errorf("%w: %d customers at %d stations, want 1 to %d", ErrBadQueue, customers, len(stations), maxCustomers/len(stations))
	case !(thinkSec >= 0) || math.IsInf(thinkSec, 1):
		return Closed{}, fmt.Errorf("%w: the think time is %v s, want a finite number ≥ 0", ErrBadQueue, thinkSec)
	}
	total, largest := 0.0, 0.0
	for _, s := range stations {
		if !(s.DemandSec >= 0) || math.IsInf(s.DemandSec, 1) {
			return Closed{}, fmt.Errorf("%w: the demand at %q is %v s, want a finite number ≥ 0", ErrBadQueue, s.Name, s.DemandSec)
		}
		total += s.DemandSec
		if !s.Delay {
			largest = max(largest, s.DemandSec)
		}
	}
	if total+thinkSec == 0 {
		return Closed{}, fmt.Errorf("%w: nothing takes any time", ErrBadQueue)
	}
	c := Closed{Customers: customers, Queue: make([]float64, len(stations)), Utilisation: make([]float64, len(stations))}
	res := make([]float64, len(stations))
	for n := 1; n <= customers; n++ {
		c.ResponseSec = 0
		for i, s := range stations {
			res[i] = s.DemandSec
			if !s.Delay {
				res[i] *= 1 + c.Queue[i]
			}
			c.ResponseSec += res[i]
		}
		c.TxPerSec = float64(n) / (c.ResponseSec + thinkSec)
		for i := range res {
			c.Queue[i] = c.TxPerSec * res[i]
		}
	}
	for i, s := range stations {
		c.Utilisation[i] = c.TxPerSec * s.DemandSec
	}
	c.BoundTx = float64(customers) / (total + thinkSec)
	if largest > 0 {
		c.BoundTx = min(c.BoundTx, 1/largest)
	}
	return c, nil
}
