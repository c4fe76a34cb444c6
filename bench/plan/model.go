package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/chainweir/weir/bench/capacity"
)

// Roles of a node.
const (
	roleNode     = "node"
	roleLeader   = "leader"
	roleFollower = "follower"
)

// byteParts are the parts of the processor's work that handle every byte. When a
// larger size was not measured they grow with it, and the others stay.
var byteParts = []string{partHashing, "codec", "kernel tcp", "kernel disk", "net library", "block log"}

// sendParts are what it costs to move bytes through a socket.
var sendParts = []string{"kernel tcp", "net library"}

// Demand is what one transaction costs one resource of one role.
type Demand struct {
	Role        string  `json:"role"`
	Resource    string  `json:"resource"` // cpu, serial, wire_in, wire_out, disk
	Name        string  `json:"name"`     // of the wall: cpu, serial, wire, disk
	SecPerTx    float64 `json:"sec_per_tx"`
	WallTx      float64 `json:"wall_tx_per_sec"` // 1 ÷ sec_per_tx
	Utilisation float64 `json:"utilisation"`     // at the rate asked for, or at the most
	// ResponseFactor is response ÷ service time of M/M/m at that utilisation (m =
	// cores, else 1): what queueing adds. Null where the queue has no end.
	ResponseFactor *float64 `json:"response_factor"`
	servers        int
}

// Wall is what stops growth, and where.
type Wall struct {
	Name     string  `json:"name"`
	Resource string  `json:"resource"`
	Role     string  `json:"role"`
	TxPerSec float64 `json:"tx_per_sec"`
}

// model is what the records say together.
type model struct {
	bases             []*base
	cpu, serial, disk *capacity.SizeModel // nil: unknown in every record
}

func newModel(bases []*base) (*model, error) {
	m := &model{bases: bases}
	for _, r := range []struct {
		into **capacity.SizeModel
		sec  func(*base) *float64
	}{
		{&m.cpu, func(b *base) *float64 { return b.cpuSec }},
		{&m.serial, func(b *base) *float64 { return b.serial }},
		{&m.disk, func(b *base) *float64 { return b.disk }},
	} {
		var points []capacity.DemandPoint
		for _, b := range bases {
			if v := r.sec(b); v != nil && *v > 0 {
				points = append(points, capacity.DemandPoint{Bytes: b.txBytes, Cores: b.cores, Sec: *v})
			}
		}
		if len(points) == 0 {
			continue
		}
		f, err := capacity.FitDemand(points)
		if err != nil {
			return nil, err
		}
		*r.into = &f
	}
	return m, nil
}

// at is a demand at a size and a number of cores. Where the records have one
// size only, the share grows of it is taken to be in proportion to a larger one,
// and nothing is taken off for a smaller one.
func at(m *capacity.SizeModel, bytes, cores, measuredBytes, grows float64) float64 {
	v := m.At(bytes, cores)
	if !m.OverBytes && bytes > measuredBytes {
		v *= 1 + grows*(bytes/measuredBytes-1)
	}
	return v
}

// cpuSec is the node's core time per transaction, without sending to others.
func (m *model) cpuSec(q *Question) float64 {
	near := nearest(m.bases, q.TxBytes)
	grows := 1.0
	if len(near.parts) > 0 {
		grows = near.share(byteParts)
	}
	v := at(m.cpu, q.TxBytes, q.Cores, near.txBytes, grows)
	left := 1.0
	for name, k := range q.Faster {
		left -= near.parts[name] * (1 - 1/k)
	}
	return v * left
}

func (b *base) share(names []string) float64 {
	sum := 0.0
	for _, n := range names {
		sum += b.parts[n]
	}
	return sum
}

// sendSecPerByte is the core time for a byte through a socket; 0 when the record
// has no profile.
func (m *model) sendSecPerByte(q *Question) float64 {
	near := nearest(m.bases, q.TxBytes)
	if near.cpuSec == nil || near.payloadIn == nil {
		return 0
	}
	return *near.cpuSec * near.share(sendParts) / *near.payloadIn
}

// flow is the payload that a role moves per committed transaction.
type flow struct {
	role    string
	in, out float64
	others  float64 // of out: to other nodes
}

// flows are the roles with their traffic. nil: the wire is unknown.
func (m *model) flows(q *Question) []flow {
	near := nearest(m.bases, q.TxBytes)
	var in, out float64
	known := near.payloadIn != nil && near.payloadOut != nil
	if known {
		in = max(*near.payloadIn+q.TxBytes-near.txBytes, q.TxBytes)
		out = *near.payloadOut
	}
	n, s := float64(q.Nodes), q.TxBytes
	var list []flow
	switch {
	case q.Nodes == 1:
		list = []flow{{role: roleNode, in: in, out: out}}
	case q.Dissemination == EveryNode:
		share := (n - 1) / n * s
		list = []flow{{role: roleNode, in: in/n + share, out: out/n + share, others: share}}
	default:
		list = []flow{{role: roleLeader, in: in, out: out + (n-1)*s, others: (n - 1) * s}, {role: roleFollower, in: s}}
	}
	if !known {
		for i := range list {
			list[i].in, list[i].out = 0, 0
		}
	}
	return list
}

// cable is what payload occupies at L1 in full frames, and what acknowledging
// the other direction's adds: one frame for two.
func cable(payload, other float64) float64 {
	return payload*fullL1Bytes/segmentBytes + other/segmentBytes/2*ackL1Bytes
}

// demands is the table for a question, in the order of roles.
func (m *model) demands(q *Question) []Demand {
	near := nearest(m.bases, q.TxBytes)
	var out []Demand
	for _, f := range m.flows(q) {
		add := func(name, resource string, sec float64, servers int) {
			if sec > 0 {
				out = append(out, Demand{Role: f.role, Name: name, Resource: resource, SecPerTx: sec, WallTx: 1 / sec, servers: servers})
			}
		}
		if m.cpu != nil {
			sec := m.cpuSec(q) + m.sendSecPerByte(q)*f.others
			add(capacity.CPU, "cpu", sec/q.Cores, max(1, int(q.Cores)))
		}
		if m.serial != nil {
			add(capacity.Serial, "serial", at(m.serial, q.TxBytes, q.Cores, near.txBytes, 1), 1)
		}
		if q.LinkBits > 0 && f.in+f.out > 0 {
			add(capacity.Wire, "wire_in", 8*cable(f.in, f.out)/q.LinkBits, 1)
			add(capacity.Wire, "wire_out", 8*cable(f.out, f.in)/q.LinkBits, 1)
		}
		if m.disk != nil {
			add(capacity.Disk, "disk", at(m.disk, q.TxBytes, q.Cores, near.txBytes, 1), 1)
		}
	}
	return out
}

// walls are the demands as walls, the first one first.
func walls(d []Demand) []Wall {
	var out []Wall
	for _, x := range d {
		out = append(out, Wall{Name: x.Name, Resource: x.Resource, Role: x.Role, TxPerSec: x.WallTx})
	}
	slices.SortStableFunc(out, func(a, b Wall) int { return cmp.Compare(a.TxPerSec, b.TxPerSec) })
	return out
}

// next is the first wall of another kind: what stands behind the first when that
// is lifted.
func next(list []Wall) *Wall {
	for i := range list {
		if list[i].Name != list[0].Name {
			return &list[i]
		}
	}
	return nil
}

// bound is the first wall; ok is false when nothing is known.
func (m *model) bound(q *Question) (Wall, bool) {
	list := walls(m.demands(q))
	if len(list) == 0 {
		return Wall{}, false
	}
	return list[0], true
}

// load fills utilisation and what queueing adds.
func load(d []Demand, rate float64) {
	for i := range d {
		d[i].Utilisation = d[i].SecPerTx * rate
		q, err := capacity.NewMMm(d[i].servers, d[i].Utilisation*float64(d[i].servers))
		if err == nil && !math.IsInf(q.Stretch, 0) {
			d[i].ResponseFactor = &q.Stretch
		}
	}
}

// Check is how far the model is from what its own record measured.
type Check struct {
	Record    string   `json:"record"`
	Predicted float64  `json:"predicted_tx_per_sec"`
	Measured  *float64 `json:"measured_tx_per_sec"` // middle of the knee's interval
	Error     *float64 `json:"error"`               // predicted ÷ measured − 1
	Wall      string   `json:"wall"`
}

// checks predicts each record's knee in the record's own setting: its cores, its
// size, its measured link, and the generator on the node's cores where it was.
func (m *model) checks() []Check {
	var out []Check
	for _, b := range m.bases {
		d := b.sum.Demand
		own := capacity.Demands{WireIn: d.WireIn, WireOut: d.WireOut, HostCPU: d.HostCPU, Generator: d.Generator}
		if b.cpuSec != nil && d.CPU != nil {
			// What the fit over all records gives, in the place of the record's own;
			// a demand that was idle at this knee is not at its own wall here.
			scale := m.cpu.At(b.txBytes, b.cores) / *b.cpuSec
			own.CPU = capacity.Known(*d.CPU * scale)
			if d.HostCPU != nil {
				own.HostCPU = capacity.Known(max(*d.HostCPU+*d.CPU*(scale-1), *own.CPU))
			}
		}
		if b.serial != nil {
			own.Serial = capacity.Known(m.serial.At(b.txBytes, b.cores))
		}
		if b.disk != nil {
			own.Disk = capacity.Known(m.disk.At(b.txBytes, b.cores))
		}
		w := capacity.Walls(own)
		if len(w) == 0 {
			continue
		}
		c := Check{Record: b.name, Predicted: w[0].TxPerSec, Measured: b.knee, Wall: w[0].Name}
		if b.knee != nil && *b.knee > 0 {
			c.Error = capacity.Known(c.Predicted / *b.knee - 1)
		}
		out = append(out, c)
	}
	return out
}

// extrapolations say in words where the plan leaves what was measured.
func (m *model) extrapolations(q *Question, bound float64) []string {
	out := []string{}
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{}
	rate, nodes := 0.0, 1
	for _, b := range m.bases {
		for i, v := range [2]float64{b.txBytes, b.cores} {
			lo[i], hi[i] = min(lo[i], v), max(hi[i], v)
		}
		rate, nodes = max(rate, b.maxTx), max(nodes, b.nodes)
	}
	for i, v := range [2]float64{q.TxBytes, q.Cores} {
		if f, far := capacity.Extrapolation(v, lo[i], hi[i]); far {
			out = append(out, fmt.Sprintf("%s %s: %.3g times outside what was measured (%s)", number(v), [2]string{"bytes a transaction", "cores"}[i], f, between(lo[i], hi[i])))
		}
	}
	if bound > 2*rate {
		out = append(out, fmt.Sprintf("the bound of %.0f tx/s is %.1f times the highest rate measured (%.0f tx/s)", bound, bound/rate, rate))
	}
	if q.Nodes > nodes {
		out = append(out, fmt.Sprintf("%d nodes: the records have %d, so what ordering and votes cost between nodes is not in them", q.Nodes, nodes))
	}
	return out
}

func number(v float64) string { return fmt.Sprintf("%.6g", v) }

func between(lo, hi float64) string {
	if lo == hi {
		return number(lo)
	}
	return number(lo) + " to " + number(hi)
}
