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
	cpu        *cpuLine // nil: unknown
	others     []capacity.Wall
	maxTried   float64 // the highest rate that was committed, tx/s
}

// cpuLine is the busy time of the shared cores as a line over the rate: cores
// busy = Base + SecPerTx·rate. The base holds what other programs take.
type cpuLine struct {
	Base     float64 `json:"base_cores"`
	SecPerTx float64 `json:"sec_per_tx"`
	Cores    float64 `json:"cores"`
	Whole    bool    `json:"whole_host"` // of node, generator and all others; else the node alone
}

// wallTxPerSec is where the line reaches all cores.
func (l *cpuLine) wallTxPerSec() float64 { return (l.Cores - l.Base) / l.SecPerTx }

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
// hostCores are the cores of this machine, nodeCores those of the node.
func newModel(rec results.Record, hostCores, nodeCores float64) (*model, error) {
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
	m.cpu = fitCPU(rec.Trials, hostCores, nodeCores)
	for _, w := range []struct {
		name string
		sec  *float64
	}{{results.WallSerial, s.Demand.Serial}, {results.WallDisk, s.Demand.Disk}} {
		if w.sec != nil && *w.sec > 0 {
			m.others = append(m.others, capacity.Wall{Name: w.name, TxPerSec: 1 / *w.sec})
		}
	}
	if knee := middle(s.Knee); s.Bottleneck == results.WallWire && knee != nil && s.Valid {
		ideal := m.wireTxPerSec(*s.Link.NominalBitsPerSec, 0)
		// A knee above what the wire carries was found in trials that buffers and
		// the shaper's bucket helped over the top: that does not repeat elsewhere.
		m.efficiency = min(max(*knee/ideal, 0.85), 1)
	}
	return m, nil
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
	if m.cpu != nil && m.cpu.wallTxPerSec() < p.TxPerSec {
		p.TxPerSec, p.Wall = m.cpu.wallTxPerSec(), results.WallCPU
		p.Assumed = "busy cores grow with the rate as between the trials"
	}
	for _, w := range m.others {
		if w.TxPerSec < p.TxPerSec {
			p.TxPerSec, p.Wall = w.TxPerSec, w.Name
			p.Assumed = "each transaction takes the " + w.Name + " as long as at the knee measured"
		}
	}
	p.Extrapolated = p.TxPerSec > 2*m.maxTried
	return p
}

// fitCPU fits the line to all trials that were measured, by least squares. Nil
// when their rates lie too close together for a slope.
func fitCPU(trials []results.Trial, hostCores, nodeCores float64) *cpuLine {
	for _, whole := range []bool{true, false} {
		line := &cpuLine{Cores: nodeCores, Whole: whole}
		if whole {
			line.Cores = hostCores
		}
		var x, y []float64
		for i := range trials {
			t := &trials[i]
			if t.WindowSec == nil || *t.WindowSec <= 0 || t.CommittedTxPerSec == nil || !t.Valid {
				continue
			}
			var busy float64
			switch {
			case whole && t.HostCPUBusyNS != nil:
				busy = float64(*t.HostCPUBusyNS)
			case !whole && t.Node != nil && t.Node.CPUUserNS != nil && t.Node.CPUSysNS != nil:
				busy = float64(*t.Node.CPUUserNS + *t.Node.CPUSysNS)
			default:
				continue
			}
			x = append(x, float64(t.Counts.Committed) / *t.WindowSec)
			y = append(y, busy/1e9 / *t.WindowSec)
		}
		if line.fit(x, y) {
			return line
		}
	}
	return nil
}

// fit tells whether the points make a line that rises and starts at or above
// nothing. One that would start below is laid through zero: no program gives
// time back.
func (l *cpuLine) fit(x, y []float64) bool {
	const spread = 1.3 // highest ÷ lowest rate, for a slope to mean anything
	n := float64(len(x))
	if n < 3 {
		return false
	}
	lo, hi, mx, my := math.Inf(1), 0.0, 0.0, 0.0
	for i := range x {
		lo, hi = min(lo, x[i]), max(hi, x[i])
		mx, my = mx+x[i]/n, my+y[i]/n
	}
	var sxy, sxx float64
	for i := range x {
		sxy += (x[i] - mx) * (y[i] - my)
		sxx += (x[i] - mx) * (x[i] - mx)
	}
	if lo <= 0 || hi/lo < spread || sxx == 0 {
		return false
	}
	l.SecPerTx = sxy / sxx
	if l.Base = my - l.SecPerTx*mx; l.Base < 0 {
		l.Base, l.SecPerTx = 0, my/mx
	}
	return l.SecPerTx > 0 && l.Base < l.Cores
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
