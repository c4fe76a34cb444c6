package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// How transactions reach all nodes.
const (
	SingleLeader = "leader" // one node sends every transaction to all others
	EveryNode    = "every"  // each node sends the transactions of its own clients
)

// Question is what is asked. Zero values mean: as in the record with the most
// alike size; a link of 0 is left out of the plan.
type Question struct {
	Nodes         int
	Cores         float64 // of each node
	LinkBits      float64 // nominal (L1) rate of each node's link, full duplex
	TxBytes       float64 // encoded size
	RateTxPerSec  float64 // asked for; 0: how much is there
	Headroom      float64 // share of the bound that stays free, 0 to 1
	Dissemination string
	// Faster divides the processor time of parts, by their names in the record.
	Faster map[string]float64
	Force  bool
}

const (
	maxNodes = 10_000
	maxCores = 4096
)

// fill sets what was not asked from the records.
func (q *Question) fill(bases []*base) error {
	near := nearest(bases, q.TxBytes)
	if q.TxBytes == 0 {
		q.TxBytes = near.txBytes
	}
	if q.Nodes == 0 {
		q.Nodes = near.nodes
	}
	if q.Cores == 0 {
		q.Cores = near.cores
	}
	if l := near.sum.Link.NominalBitsPerSec; q.LinkBits == 0 && l != nil && near.sum.Link.Kind != "loopback" {
		q.LinkBits = *l
	}
	if q.Dissemination == "" {
		q.Dissemination = SingleLeader
	}
	return q.check(near)
}

func (q *Question) check(near *base) error {
	for _, f := range []struct {
		name   string
		v      float64
		lo, hi float64
		remedy string
	}{
		{"nodes", float64(q.Nodes), 1, maxNodes, "give --nodes"},
		{"cores", q.Cores, 0.01, maxCores, "give --cores"},
		{"size", q.TxBytes, 1, 1 << 30, "give --size in bytes"},
		{"headroom", q.Headroom, 0, 0.99, "give --headroom such as 20%"},
		{"rate", q.RateTxPerSec, 0, 1e12, "give --rate such as 20k"},
		{"link", q.LinkBits, 0, 1e15, "give --link such as 1gbit"},
	} {
		if !(f.v >= f.lo && f.v <= f.hi) {
			return fmt.Errorf("%w: %s is %v, want %v to %v; %s", ErrQuestion, f.name, f.v, f.lo, f.hi, f.remedy)
		}
	}
	if q.Dissemination != SingleLeader && q.Dissemination != EveryNode {
		return fmt.Errorf("%w: dissemination %q is neither %s nor %s", ErrQuestion, q.Dissemination, SingleLeader, EveryNode)
	}
	for name, k := range q.Faster {
		if _, ok := near.parts[name]; !ok {
			return fmt.Errorf("%w: the record has no part %q of the node's processor time; it has %s", ErrQuestion, name, near.partNames())
		}
		if !(k > 0) {
			return fmt.Errorf("%w: %s=%v: give a factor > 0", ErrQuestion, name, k)
		}
	}
	return nil
}

func (b *base) partNames() string {
	names := make([]string, 0, len(b.parts))
	for n := range b.parts {
		names = append(names, n)
	}
	if len(names) == 0 {
		return "none: it was made without a profile of the node"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// nearest is the record whose transactions are most like the asked size; the
// first of equals. 0 asks for the first.
func nearest(bases []*base, txBytes float64) *base {
	best := bases[0]
	if txBytes > 0 {
		for _, b := range bases[1:] {
			if math.Abs(math.Log(b.txBytes/txBytes)) < math.Abs(math.Log(best.txBytes/txBytes)) {
				best = b
			}
		}
	}
	return best
}

func sqrt(v float64) float64 { return math.Sqrt(v) }
