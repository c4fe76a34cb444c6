package bench

import (
	"math"
	"slices"

	"github.com/chainweir/weir/bench/capacity"
	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/results"
)

// usage is what the trials at the knee used, summed. Nil means unknown in at
// least one of them: a sum over some trials would be too low.
type usage struct {
	sec       float64 // of the windows
	committed float64
	sent      float64

	nodeCPU, genCPU, hostCPU *float64  // seconds
	nodeSys                  *float64  // of nodeCPU, in the kernel
	profile                  *cpuTimes // of the node; nil: none
	sampled                  bool      // serial stages are by the profile, not by their clocks
	disk                     *float64
	// agentCores are the cores of the node's own host when an agent watched it,
	// 0 without one: hostCPU is then of that host.
	agentCores float64
	stages     []results.Stage
	in, out    traffic
	exact      bool
	source     results.NullString
}

// traffic is one direction of the wire, summed over trials.
type traffic struct{ bytes, packets, bytes1500, packets1500 *float64 }

// sumUsage adds up the trials with the given ids.
func sumUsage(trials []results.Trial, ids map[int]bool) usage {
	u := usage{exact: true}
	zero := func() *float64 { return new(float64) }
	u.nodeCPU, u.nodeSys, u.genCPU, u.hostCPU, u.disk = zero(), zero(), zero(), zero(), zero()
	for _, d := range []*traffic{&u.in, &u.out} {
		*d = traffic{zero(), zero(), zero(), zero()}
	}
	stages := map[string]int{}
	n, staged := 0, 0
	for i := range trials {
		t := &trials[i]
		if !ids[t.ID] {
			continue
		}
		n++
		u.sec += t.DurationSec
		if t.WindowSec != nil {
			u.sec += *t.WindowSec - t.DurationSec
		}
		u.committed += float64(t.Counts.Committed)
		u.sent += float64(t.Counts.Sent)
		u.genCPU = plus(u.genCPU, t.Generator.CPUNS, 1e-9)
		u.hostCPU = plus(u.hostCPU, t.HostCPUBusyNS, 1e-9)
		if t.Agent != nil {
			u.agentCores = max(u.agentCores, float64(t.Agent.HostCores))
		}
		node := t.Node
		if node == nil {
			node = &results.NodeUsage{}
		}
		u.nodeCPU = plus(plus(u.nodeCPU, node.CPUUserNS, 1e-9), node.CPUSysNS, 1e-9)
		u.nodeSys = plus(u.nodeSys, node.CPUSysNS, 1e-9)
		u.disk = plus(u.disk, node.DiskBusyNS, 1e-9)
		if len(node.Stages) > 0 {
			staged++
		}
		for _, st := range node.Stages {
			k, ok := stages[st.Name]
			if !ok {
				k = len(u.stages)
				stages[st.Name] = k
				u.stages = append(u.stages, results.Stage{Name: st.Name, Workers: st.Workers})
			}
			u.stages[k].BusyNS += st.BusyNS
			u.stages[k].WaitNS += st.WaitNS
			u.stages[k].Items += st.Items
		}
		w := t.Wire
		if w == nil {
			w = &results.WireCounters{}
		}
		u.exact = u.exact && w.Exact && (w.LostEvents == nil || *w.LostEvents == 0)
		u.source = w.Source
		u.in.add(w.In)
		u.out.add(w.Out)
	}
	if n == 0 {
		return usage{}
	}
	if staged < n {
		u.stages = nil
	}
	return u
}

func plus(sum *float64, v *int64, unit float64) *float64 {
	if sum == nil || v == nil {
		return nil
	}
	s := *sum + float64(*v)*unit
	return &s
}

func (t *traffic) add(d results.WireDirection) {
	t.bytes = plus(t.bytes, d.Bytes, 1)
	t.packets = plus(t.packets, d.Packets, 1)
	t.bytes1500 = plus(t.bytes1500, d.BytesMTU1500, 1)
	t.packets1500 = plus(t.packets1500, d.PacketsMTU1500, 1)
}

// over divides a sum by n, nil when either is unknown.
func over(sum *float64, n float64) *float64 {
	if sum == nil {
		return nil
	}
	return results.Ratio(*sum, n)
}

// isSerial tells whether a stage is one goroutine's by design. Parsing and
// verification have as many as there are cores, and that may be one; persisting
// waits for the disk and is the disk's demand.
func isSerial(st *results.Stage) bool {
	switch st.Name {
	case "parse", "verify", "persist":
		return false
	}
	return st.Workers == 1
}

// busiestStage is the busiest of the serial stages.
func (u *usage) busiestStage() *results.Stage {
	var busiest *results.Stage
	for i := range u.stages {
		st := &u.stages[i]
		if isSerial(st) && (busiest == nil || st.BusyNS > busiest.BusyNS) {
			busiest = st
		}
	}
	return busiest
}

// serialStage is for how long that stage was busy, in seconds.
func (u *usage) serialStage() *float64 {
	st := u.busiestStage()
	if st == nil {
		return nil
	}
	s := float64(st.BusyNS) * 1e-9
	return &s
}

// fullCores is the utilisation of the node's cores from which goroutines wait
// for one while their stage's clock runs.
const fullCores = 0.85

// worked takes the wait for a core out of the serial stages' clocks: where the
// cores are full, a stage's work is its processor time as sampled. Waiting for a
// lock looks the same there and goes with it; the wall is the processor then.
func (u *usage) worked(cores float64) {
	if u.profile == nil || u.nodeCPU == nil || u.sec*cores*fullCores > *u.nodeCPU || !(u.profile.total > 0) {
		return
	}
	u.stages = slices.Clone(u.stages)
	for i := range u.stages {
		st := &u.stages[i]
		if !isSerial(st) {
			continue
		}
		sec := 0.0
		if t := u.profile.threads[st.Name]; t != nil {
			sec = (t.user + t.kernel) / u.profile.total * *u.nodeCPU
		}
		st.BusyNS = min(st.BusyNS, int64(math.Round(sec*1e9)))
	}
	u.sampled = true
}

// machine is what the demands are divided by.
type machine struct {
	nodeCores, hostCores float64
	sameHost             bool // node and generator share the cores
	wholeHost            bool // those cores are all the host has
	link                 *link.Result
}

// demands turns what was used into resource seconds per committed transaction.
func (u *usage) demands(m machine) capacity.Demands {
	perTx := func(sec *float64, units float64) *float64 { return over(sec, u.committed*units) }
	d := capacity.Demands{
		CPU:    perTx(u.nodeCPU, m.nodeCores),
		Serial: perTx(u.serialStage(), 1),
		Disk:   perTx(u.disk, 1),
	}
	d.Generator = perTx(u.genCPU, m.hostCores)
	if u.agentCores > 0 {
		d.HostCPU = perTx(u.hostCPU, u.agentCores)
	} else if m.sameHost && m.wholeHost {
		d.HostCPU = perTx(u.hostCPU, m.hostCores)
	}
	if m.link != nil {
		d.WireIn = wireDemand(u.in.bytes, m.link.In, u.committed)
		d.WireOut = wireDemand(u.out.bytes, m.link.Out, u.committed)
	}
	return d
}

func wireDemand(bytes *float64, dir *link.Direction, committed float64) *float64 {
	if bytes == nil || dir == nil || dir.L2BitsPerSec <= 0 {
		return nil
	}
	return results.Ratio(*bytes*8/dir.L2BitsPerSec, committed)
}

func larger(a, b *float64) *float64 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case *b > *a:
		return b
	}
	return a
}

// fill puts demands, utilisation and walls into the summary. Utilisation is
// measured: seconds used ÷ seconds of the window, not the product X·D of a fit.
// The walls behind the first one come from all trials of the search, because what
// is idle at the knee costs more per transaction there than at its own wall.
func (u *usage) fill(s *results.Summary, m machine, trials []results.Trial) {
	clocks := u.stages
	u.worked(m.nodeCores)
	d := u.demands(m)
	far, models := u.atTheirWalls(d, m, trials)
	s.Demand = results.Demand{
		CPU: d.CPU, HostCPU: d.HostCPU, Serial: d.Serial, Disk: d.Disk, Generator: d.Generator,
		WireIn: d.WireIn, WireOut: d.WireOut, Wire: larger(d.WireIn, d.WireOut),
		DemandDetail: results.DemandDetail{Parts: u.parts(m), Threads: u.threads(), Models: models},
	}
	if st := u.busiestStage(); st != nil {
		s.Demand.SerialStage, s.Demand.SerialSource = results.NullString(st.Name), results.SourceStages
		if u.sampled {
			s.Demand.SerialSource = results.SourceProfile
		}
	}
	if p := u.profile; p != nil && u.nodeCPU != nil && *u.nodeCPU > 0 {
		s.Demand.Profile = &results.CPUProfile{Path: profileFile, Hz: p.hz, Samples: p.samples, Coverage: p.total / *u.nodeCPU}
	}
	rate := u.committed / u.sec
	util := func(demand *float64) *float64 {
		if demand == nil || math.IsNaN(rate) {
			return nil
		}
		x := *demand * rate
		return &x
	}
	s.Utilisation = results.Utilisation{
		CPU: util(d.CPU), HostCPU: util(d.HostCPU), Serial: util(d.Serial), Disk: util(d.Disk),
		Generator: util(d.Generator), WireIn: util(d.WireIn), WireOut: util(d.WireOut),
		Wire: util(s.Demand.Wire),
	}
	s.Link.Utilisation = s.Utilisation.Wire
	if s.Utilisation.Wire != nil {
		s.Link.Direction = "in"
		if larger(d.WireIn, d.WireOut) == d.WireOut {
			s.Link.Direction = "out"
		}
	}
	if name, _, ok := capacity.Bottleneck(d); ok {
		s.Bottleneck = results.NullString(name)
	}
	if w, ok := capacity.Next(far); ok {
		s.NextWall = &results.Wall{Name: w.Name, TxPerSec: w.TxPerSec}
	}
	if onCores(string(s.Bottleneck)) || s.NextWall != nil && onCores(s.NextWall.Name) {
		warnOfOthers(s)
	}
	if x, _, ok := capacity.NodeAloneBound(d); ok {
		s.NodeAloneBoundTxPerSec = &x
	}
	s.Stages = clocks
	u.fillWire(s, far)
}

// fillWire puts the traffic per transaction and what other links would carry
// into the summary.
func (u *usage) fillWire(s *results.Summary, d capacity.Demands) {
	w := &s.Wire
	w.Source, w.Exact = u.source, u.exact
	w.BytesPerTx = results.InOut{In: over(u.in.bytes, u.committed), Out: over(u.out.bytes, u.committed)}
	w.BytesPerTxMTU1500 = results.InOut{In: over(u.in.bytes1500, u.committed), Out: over(u.out.bytes1500, u.committed)}
	w.PacketsPerTx = results.InOut{In: over(u.in.packets, u.committed), Out: over(u.out.packets, u.committed)}
	if w.TxBytes != nil && w.BytesPerTx.In != nil && w.BytesPerTx.Out != nil {
		w.Amplification = results.Ratio(*w.BytesPerTx.In+*w.BytesPerTx.Out, *w.TxBytes)
	}
	if w.BytesPerTxMTU1500.In == nil || w.BytesPerTxMTU1500.Out == nil {
		return
	}
	// On a network the generator is somewhere else: the node has its cores alone.
	d.HostCPU, d.Generator = nil, nil
	lw, err := capacity.OnLinks(capacity.Traffic{
		BytesPerTxIn: *w.BytesPerTxMTU1500.In, BytesPerTxOut: *w.BytesPerTxMTU1500.Out,
		PacketsPerTxIn: over(u.in.packets1500, u.committed), PacketsPerTxOut: over(u.out.packets1500, u.committed),
	}, d)
	if err != nil {
		s.Warnings = append(s.Warnings, "no prediction for other links: "+err.Error())
		return
	}
	for _, l := range lw {
		x := l.BoundTxPerSec
		s.OnANetwork = append(s.OnANetwork, results.NetworkPrediction{
			LinkBitsPerSec: l.NominalBitsPerSec, TxPerSec: &x, Wall: results.NullString(l.Wall),
		})
	}
}
