package bench

import (
	"errors"
	"math"

	"github.com/chainweir/weir/bench/capacity"
	"github.com/chainweir/weir/results"
)

// Of TCP over IPv4 with timestamps in frames of MTU 1500, in bytes: what a full
// frame carries, and what it costs beside that (Ethernet 14, IP 20, TCP 32).
const (
	fullPayloadBytes = 1448
	frameHeaderBytes = 66
)

// errNoModel says that a run does not hold what a prediction needs.
var errNoModel = errors.New("nothing can be predicted from this run")

// model foretells knees from one run. The wire is taken apart: what a transaction
// brings as payload stays the same at every rate, the headers do not. A sender
// that has to wait for the wire fills its frames, so at the wire's wall the
// header share is that of full frames, however few transactions a frame had at
// the rates that were measured.
type model struct {
	payloadIn, payloadOut float64 // bytes per committed transaction
	txBytes               float64 // encoded, of the run's workload
	capacityShare         float64 // measured capacity ÷ nominal rate of the link
	// efficiency is knee ÷ the rate that the wire's demand allows, where the wire
	// was the wall: it holds what is lost to repeated frames, and what the service
	// level lets pass. 1 where the wire was not the wall.
	efficiency float64
	walls      []capacity.Wall // of everything but the wire, the first one first
	fitted     map[string]bool // resources whose wall comes from all trials
	maxTried   float64         // the highest rate that was committed, tx/s
}

// prediction is one line of what was foretold.
type prediction struct {
	Name           string  `json:"name"`
	LinkBitsPerSec float64 `json:"link_bits_per_sec"`
	ValueBytes     *uint64 `json:"value_bytes"`
	TxPerSec       float64 `json:"tx_per_sec"`
	Wall           string  `json:"wall"`
	Extrapolated   bool    `json:"extrapolated"`
	Assumed        string  `json:"assumed"`
}

// newModel takes what a prediction needs from a record over a shaped link.
func newModel(rec results.Record) (*model, error) {
	s := rec.Summary
	if s == nil || s.Link.NominalBitsPerSec == nil || s.Link.CapacityBitsPerSec.In == nil || s.Wire.TxBytes == nil {
		return nil, errNoModel
	}
	m := &model{txBytes: *s.Wire.TxBytes, efficiency: 1}
	m.capacityShare = min(1, *s.Link.CapacityBitsPerSec.In / *s.Link.NominalBitsPerSec)
	var committed, in, out float64
	for i := range rec.Trials {
		t := &rec.Trials[i]
		if t.Valid && t.CommittedTxPerSec != nil {
			m.maxTried = max(m.maxTried, *t.CommittedTxPerSec)
		}
		if t.Verdict != results.VerdictGood || t.Wire == nil || t.Wire.In.PayloadBytes == nil || t.Wire.Out.PayloadBytes == nil {
			continue
		}
		committed += float64(t.Counts.Committed)
		in += float64(*t.Wire.In.PayloadBytes)
		out += float64(*t.Wire.Out.PayloadBytes)
	}
	if committed == 0 || in == 0 {
		return nil, errNoModel
	}
	m.payloadIn, m.payloadOut = in/committed, out/committed
	m.otherWalls(s.Demand)
	if knee := middle(s.Knee); s.Bottleneck == results.WallWire && knee != nil && s.Valid {
		ideal := m.wireTxPerSec(*s.Link.NominalBitsPerSec, 0)
		// A knee above what the wire carries was found in trials that buffers and
		// the shaper's bucket helped over the top: that does not repeat elsewhere.
		m.efficiency = min(max(*knee/ideal, 0.85), 1)
	}
	return m, nil
}

// otherWalls takes the walls behind the wire: of what was mostly idle over this
// link where all trials together say it would be full, of all else from what it
// took at the knee.
func (m *model) otherWalls(measured results.Demand) {
	d := capacity.Demands{
		CPU: measured.CPU, HostCPU: measured.HostCPU, Generator: measured.Generator, Serial: measured.Serial, Disk: measured.Disk,
	}
	m.fitted = map[string]bool{}
	for _, r := range modelled {
		for _, f := range measured.Models {
			if f.Resource == r.name && f.WallTxPerSec > 0 {
				*r.at(&d) = capacity.Known(1 / f.WallTxPerSec)
				m.fitted[r.name] = true
			}
		}
	}
	m.walls = capacity.Walls(d)
}

// wireTxPerSec is the rate at which the busier direction of a link is full.
func (m *model) wireTxPerSec(linkBits, moreBytes float64) float64 {
	onWire := func(payload float64) float64 {
		return payload * (fullPayloadBytes + frameHeaderBytes) / fullPayloadBytes
	}
	in := onWire(m.payloadIn + moreBytes)
	// Every second full frame is acknowledged by one that carries nothing else.
	out := onWire(m.payloadOut) + (m.payloadIn+moreBytes)/fullPayloadBytes/2*frameHeaderBytes
	return m.efficiency * linkBits * m.capacityShare / 8 / max(in, out)
}

// predict foretells the knee over a link for transactions of txBytes (0: those
// of the run).
func (m *model) predict(linkBits, txBytes float64) prediction {
	more := 0.0
	p := prediction{LinkBitsPerSec: linkBits, Wall: results.WallWire}
	p.Assumed = "payload per transaction as measured, frames full, the same share of the link in use"
	if txBytes > 0 {
		more = txBytes - m.txBytes
		p.Assumed = "framing per transaction as measured, the longer transaction in full frames"
	}
	p.TxPerSec = m.wireTxPerSec(linkBits, more)
	if len(m.walls) > 0 && m.walls[0].TxPerSec < p.TxPerSec {
		w := m.walls[0]
		p.TxPerSec, p.Wall = w.TxPerSec, w.Name
		p.Assumed = "each transaction takes as much of " + w.Resource + " as at the knee measured, a lower bound: batches grow with the load"
		if m.fitted[w.Resource] {
			p.Assumed = "the use of " + w.Resource + " grows with the rate as between the trials"
		}
	}
	p.Extrapolated = p.TxPerSec > 2*m.maxTried
	return p
}

// middle is the geometric middle of a knee's interval: the best single guess
// for a rate that lies inside it. Nil when a bound is missing.
func middle(k results.Knee) *float64 {
	if k.LowerTxPerSec == nil || k.UpperTxPerSec == nil {
		return nil
	}
	v := math.Sqrt(*k.LowerTxPerSec * *k.UpperTxPerSec)
	return &v
}
