package bench

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/chainweir/weir/bench/capacity"
	"github.com/chainweir/weir/results"
)

// parts divides the demands of the processor. The node's own is divided by its
// profile; without one, into what ran in the kernel and what did not. The whole
// machine's has the generator and a rest beside the node's parts. Where the whole
// is unknown, so are its parts.
func (u *usage) parts(m machine) []results.DemandPart {
	if u.nodeCPU == nil || !(*u.nodeCPU > 0) || !(u.committed > 0) || !(m.nodeCores > 0) {
		return nil
	}
	node := u.nodeParts()
	parts := asParts("cpu", node, u.committed*m.nodeCores)
	if m.sameHost && m.wholeHost && u.hostCPU != nil && u.genCPU != nil && m.hostCores > 0 {
		whole := append(slices.Clone(node), seconds{"generator", results.SourceProcess, *u.genCPU})
		if rest := *u.hostCPU - *u.nodeCPU - *u.genCPU; rest > 0 {
			whole = append(whole, seconds{restOfMachine, results.SourceHost, rest})
		}
		parts = append(parts, asParts("host_cpu", whole, u.committed*m.hostCores)...)
	}
	return parts
}

// seconds is a part of what was used.
type seconds struct {
	name, source string
	sec          float64
}

func (u *usage) nodeParts() []seconds {
	var out []seconds
	switch {
	case u.profile != nil && u.profile.total > 0:
		for class, sec := range u.profile.classes {
			// Samples give the shares; the kernel's accounts give the sum.
			out = append(out, seconds{class, results.SourceProfile, sec / u.profile.total * *u.nodeCPU})
		}
	case u.nodeSys != nil:
		out = []seconds{{"user", results.SourceRusage, *u.nodeCPU - *u.nodeSys}, {"kernel", results.SourceRusage, *u.nodeSys}}
	default:
		out = []seconds{{"node", results.SourceRusage, *u.nodeCPU}}
	}
	return out
}

// asParts divides by the transactions and orders the parts, the largest first.
func asParts(resource string, list []seconds, by float64) []results.DemandPart {
	total := 0.0
	for _, p := range list {
		total += p.sec
	}
	out := make([]results.DemandPart, 0, len(list))
	for _, p := range list {
		if p.sec > 0 {
			out = append(out, results.DemandPart{Resource: resource, Name: p.name, SecPerTx: p.sec / by, Share: p.sec / total, Source: p.source})
		}
	}
	slices.SortFunc(out, func(a, b results.DemandPart) int {
		return cmp.Or(cmp.Compare(b.SecPerTx, a.SecPerTx), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// threads is the node's processor time by kind of goroutine.
func (u *usage) threads() []results.ThreadDemand {
	if u.profile == nil || u.nodeCPU == nil || !(u.profile.total > 0) || !(u.committed > 0) {
		return nil
	}
	f := *u.nodeCPU / u.profile.total / u.committed
	out := make([]results.ThreadDemand, 0, len(u.profile.threads))
	for name, t := range u.profile.threads {
		out = append(out, results.ThreadDemand{
			Name: name, UserSecPerTx: t.user * f, KernelSecPerTx: t.kernel * f, Source: results.SourceProfile,
		})
	}
	slices.SortFunc(out, func(a, b results.ThreadDemand) int {
		return cmp.Or(cmp.Compare(b.UserSecPerTx+b.KernelSecPerTx, a.UserSecPerTx+a.KernelSecPerTx), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// othersLimit is the share of the machine's busy time, used by neither node nor
// generator, from which the wall is not only theirs.
const othersLimit = 0.2

// restOfMachine is the name of that part.
const restOfMachine = "rest of the machine"

// onCores tells whether a wall is made of the cores that node and generator use.
func onCores(wall string) bool { return wall == results.WallCPU || wall == results.WallGenerator }

func warnOfOthers(s *results.Summary) {
	for _, p := range s.Demand.Parts {
		if p.Name == restOfMachine && p.Share >= othersLimit {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%.0f %% of the processor time at the knee was used by neither node nor generator: other programs, or kernel work charged to nobody; the processor's wall is nearer by it than on this machine at rest", 100*p.Share))
		}
	}
}

// idleEnough is the utilisation at the knee below which a demand measured there
// is not taken for that at the resource's own wall: batches grow on the way.
const idleEnough = 0.5

// modelled are the resources whose demand over load the trials can tell.
var modelled = []struct {
	name string
	used func(t *results.Trial, m machine) float64 // of one unit, in seconds; 0: unknown
	at   func(d *capacity.Demands) **float64
}{
	{
		"cpu", func(t *results.Trial, m machine) float64 {
			return perUnit(m.nodeCores, t.Node.CPUUserNS, t.Node.CPUSysNS)
		},
		func(d *capacity.Demands) **float64 { return &d.CPU },
	},
	{
		"host_cpu", func(t *results.Trial, m machine) float64 { return perUnit(m.hostCores, t.HostCPUBusyNS) },
		func(d *capacity.Demands) **float64 { return &d.HostCPU },
	},
	{
		"generator", func(t *results.Trial, m machine) float64 { return perUnit(m.hostCores, t.Generator.CPUNS) },
		func(d *capacity.Demands) **float64 { return &d.Generator },
	},
	{
		"serial", func(t *results.Trial, _ machine) float64 {
			one := usage{stages: t.Node.Stages}
			if s := one.serialStage(); s != nil {
				return *s
			}
			return 0
		},
		func(d *capacity.Demands) **float64 { return &d.Serial },
	},
	{
		"disk", func(t *results.Trial, _ machine) float64 { return perUnit(1, t.Node.DiskBusyNS) },
		func(d *capacity.Demands) **float64 { return &d.Disk },
	},
}

// perUnit adds up nanoseconds and divides by the units that were there. It is 0
// when one is unknown.
func perUnit(units float64, ns ...*int64) float64 {
	sum := 0.0
	for _, v := range ns {
		if v == nil {
			return 0
		}
		sum += float64(*v)
	}
	return sum * 1e-9 / units
}

// atTheirWalls replaces the demands of resources that were mostly idle at the
// knee by those at their own walls, as far as the trials tell them. What is full
// or nearly so keeps what was measured.
func (u *usage) atTheirWalls(d capacity.Demands, m machine, trials []results.Trial) (capacity.Demands, []results.DemandModel) {
	var models []results.DemandModel
	first, _, _ := capacity.Bottleneck(d)
	coresFirst := onCores(first)
	for _, r := range modelled {
		at := r.at(&d)
		if *at == nil || r.name == "serial" && u.sampled {
			continue
		}
		busy := u.committed / u.sec * **at
		if r.name == "host_cpu" && !coresFirst && u.nodeCPU != nil && u.genCPU != nil {
			// Work of other programs does not grow with the load: it goes into the
			// part of the model that is paid per second.
			busy = (*u.nodeCPU + *u.genCPU) / u.sec / m.hostCores
		}
		if busy >= idleEnough {
			continue
		}
		f, err := capacity.FitLoad(loadPoints(trials, func(t *results.Trial) float64 { return r.used(t, m) }))
		if err != nil {
			continue // the measured demand stays, which is on the safe side
		}
		wall, far, ok := f.Wall()
		if !ok || 1/wall >= **at {
			continue
		}
		models = append(models, results.DemandModel{
			Resource: r.name, IdleSecPerSec: f.IdlePerSec, SecPerTx: f.PerTx, SecPerBatch: f.PerBatch, BatchesPerSec: f.BatchesPerSec,
			Trials: f.Points, RelativeError: f.RelErr, WallTxPerSec: wall,
			WallLowTxPerSec: f.LowTxPerSec, WallHighTxPerSec: f.HighTxPerSec, Extrapolation: far,
		})
		*at = capacity.Known(1 / wall)
	}
	return d, models
}

// loadPoints are the trials that tell what a resource was used for. One in which
// much was refused or lost would charge the work for that to the others.
func loadPoints(trials []results.Trial, used func(*results.Trial) float64) []capacity.LoadPoint {
	var out []capacity.LoadPoint
	for i := range trials {
		t := &trials[i]
		if t.Node == nil || t.WindowSec == nil || float64(t.Counts.Committed) < 0.98*float64(t.Counts.Sent) {
			continue
		}
		p := capacity.LoadPoint{Sec: *t.WindowSec, Txs: float64(t.Counts.Committed), Used: used(t)}
		for _, st := range t.Node.Stages {
			if st.Name == "order" {
				p.Batches = float64(st.Items)
			}
		}
		if p.Sec > 0 && p.Txs > 0 && p.Batches > 0 && p.Used > 0 {
			out = append(out, p)
		}
	}
	return out
}
