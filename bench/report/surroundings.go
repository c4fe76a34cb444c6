package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chainweir/weir/results"
)

// environment is the machine, its warnings first.
func (v *view) environment() section {
	s := section{Title: "Environment"}
	if v.rec.Env == nil {
		s.Text = []string{"The record holds no fingerprint of the machine."}
		return s
	}
	if len(v.env.Warnings) > 0 {
		t := captioned{Caption: "What may have spoiled the measurement", Table: Table{Head: []string{"warning", "what was seen", "remedy"}}}
		for _, w := range v.env.Warnings {
			t.Rows = append(t.Rows, []string{w.Code, w.Text, w.Remedy})
		}
		s.Tables = append(s.Tables, t)
	} else {
		s.Text = []string{"No warnings."}
	}
	s.Facts = []captioned{
		{"Machine (class: records that differ here cannot be compared)", Table{Rows: v.classRows()}},
		{"Detail", Table{Rows: v.detailRows()}},
		{"Set-up of the run", Table{Rows: v.setupRows()}},
	}
	return s
}

func (v *view) classRows() [][]string {
	c := &v.env.Class
	rows := [][]string{
		{"processor", orUnknown(c.CPUBrand)},
		{"family, model, stepping", intOr(c.CPUFamily) + ", " + intOr(c.CPUModel) + ", " + intOr(c.CPUStepping)},
		{"vector and hash instructions", textOr(simdOf(c.CPUFeatures))},
		{"logical cores", countOr(float64(c.LogicalCores))},
		{"usable cores", countOr(c.UsableCores)},
		{"memory", bytesIn(c.MemoryBytes)},
		{"system", c.OS + " " + c.Arch + ", kernel " + orUnknown(c.Kernel)},
		{"virtualisation", orUnknown(c.Virtualisation)},
		{"Go", textOr(c.GoVersion)},
	}
	if d := c.Disk; d != nil {
		kind := "rotational unknown"
		if d.Rotational != nil {
			kind = map[bool]string{true: "says it is rotational", false: "not rotational"}[*d.Rotational]
		}
		rows = append(rows, []string{"disk", fmt.Sprintf("%s, %s (%s), scheduler %s, %s", orUnknown(d.Device), orUnknown(d.FS), orUnknown(d.MountOptions), orUnknown(d.Scheduler), kind)})
	}
	if n := c.NIC; n != nil {
		rows = append(rows, []string{"network interface", fmt.Sprintf("%s, driver %s, nominal %s, MTU %s B", n.Name, orUnknown(n.Driver), bitsOr(n.SpeedBitsPerSec), intOr(n.MTUBytes))})
	}
	return rows
}

func (v *view) detailRows() [][]string {
	d := &v.env.Detail
	rows := [][]string{
		{"release", orUnknown(d.OSRelease)},
		{"revision of weir", revision(d)},
		{"cores allowed", orUnknown(d.CPUSet)},
		{"cgroup quota (cores)", numberOr(d.CgroupQuota)},
		{"physical cores", intOr(d.PhysicalCores)},
		{"hyper-threading", boolOr(d.SMTActive)},
		{"governor", orUnknown(d.Governor)},
		{"turbo", boolOr(d.Turbo)},
		{"memory available", bytesIn(d.MemoryFree)},
		{"load average, 1 min", numberOr(d.LoadAverage1)},
		{"steal since boot", percentOr(d.StealFraction)},
		{"disk free", bytesIn(d.DiskFreeBytes)},
		{"fsync, median", nsOr(d.FsyncMedianNS)},
		{"fsync, longest", nsOr(d.FsyncMaxNS)},
		{"clock", orUnknown(d.ClockSource)},
		{"host (hash of its name)", textOr(d.HostHash)},
	}
	return rows
}

func (v *view) setupRows() [][]string {
	s := &v.sum
	var rows [][]string
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	add("placement", s.Placement)
	add("goal", s.SLO)
	add("workload", s.Workload)
	if s.Engine != "" {
		add("engine", plural(s.Nodes, s.Engine+" node"))
	}
	link := orUnknown(s.Link.Kind) + ", measured in " + bitsOr(s.Link.CapacityBitsPerSec.In) + ", out " + bitsOr(s.Link.CapacityBitsPerSec.Out)
	if s.Link.NominalBitsPerSec != nil {
		link += ", nominal (layer 1) " + bits(*s.Link.NominalBitsPerSec)
	}
	if s.Link.MTUBytes != nil {
		link += fmt.Sprintf(", MTU %d B", *s.Link.MTUBytes)
	}
	add("link", link)
	var kernels []string
	for _, k := range s.Kernels {
		kernels = append(kernels, k.Name+" "+k.Impl)
	}
	add("hash kernels", strings.Join(kernels, ", "))
	if m := s.Machine; m != nil {
		add("cores of node, generator", digits(m.NodeCores)+", "+digits(m.HostCores))
	}
	add("search ended by", searchBound(s.Search))
	return rows
}

func searchBound(s *results.Search) string {
	if s == nil || s.Bound == "" {
		return ""
	}
	return string(s.Bound)
}

func revision(d *results.EnvDetail) string {
	if d.VCSRevision == "" {
		return unknown
	}
	if d.VCSModified != nil && *d.VCSModified {
		return string(d.VCSRevision) + ", with local changes"
	}
	return string(d.VCSRevision)
}

func textOr(s string) string { return orUnknown(results.NullString(s)) }

// countOr is for fields without a null: no machine has 0 cores.
func countOr(v float64) string {
	if v == 0 {
		return unknown
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func intOr(v *int64) string {
	if v == nil {
		return unknown
	}
	return fmt.Sprint(*v)
}

func numberOr(v *float64) string {
	if v == nil {
		return unknown
	}
	return digits(*v)
}

func percentOr(v *float64) string {
	if v == nil {
		return unknown
	}
	return fmt.Sprintf("%.2g %%", 100**v)
}

func boolOr(v *bool) string {
	if v == nil {
		return unknown
	}
	return map[bool]string{true: "on", false: "off"}[*v]
}

func bytesIn(v *int64) string {
	if v == nil {
		return unknown
	}
	return fmt.Sprintf("%.1f GiB", float64(*v)/(1<<30))
}

func nsOr(v *int64) string {
	if v == nil {
		return unknown
	}
	return time.Duration(*v).Round(time.Microsecond).String()
}

// method says in ten lines how the figures came about, with this run's settings.
func (v *view) method() []string {
	goal := v.sum.SLO
	if goal == "" {
		goal = "of the run"
	}
	confirm := "several times"
	if n := v.sum.Knee.ConfirmationsWanted; n > 0 {
		confirm = fmt.Sprintf("%d times", n)
	}
	schedule := "a schedule"
	if len(v.rec.Trials) > 0 {
		schedule = "a " + v.rec.Trials[0].Schedule + " schedule"
	}
	knee := []string{
		"The rate doubles until a trial fails; then the interval between good and bad is narrowed; the lower bound must pass " + confirm + " again at full length.",
		"The knee is that interval of offered rates: the lower end held, the upper end did not.",
	}
	if v.sum.Soak != nil && v.sum.Knee.LowerTxPerSec == nil {
		knee = []string{
			"This is a soak: one load is held on one node that is not started anew, in pieces, because a piece's transactions are signed before it; no knee was searched.",
			"Each piece is a trial, judged without its backlog, which is drained at its end; drift is told from chance over the pieces behind the warm-up.",
		}
	}
	return slices.Concat([]string{
		"Load is open: " + schedule + ", computed from a seed beforehand, says when each transaction is to be sent, and never waits for answers.",
		"Throughput counts committed and valid transactions only; offered = sent + dropped, and sent = committed + rejected + expired + lost.",
		"Every latency counts from the intended send, so that a stalled system cannot hide its stall; percentiles come from merged histograms and are never averaged.",
		"A trial is good when the goal holds (" + goal + "), the queue does not grow, and at least 99 % of the offered load was sent.",
		"A trial that measured the generator or a disturbance is invalid, not bad, and takes no part.",
	}, knee, []string{
		"Wire bytes are frames with 14 bytes of Ethernet header, counted outside the programs where the kernel allows it; loopback frames are converted to MTU 1500 before anything is planned with them.",
		"The service demand of a resource is its busy time per committed transaction; no rate can exceed 1 ÷ the largest demand, and the measured utilisation at the knee is the proof of a wall.",
		"What lies beyond the measured rates is a model, drawn dashed and called extrapolated beyond twice the highest of them.",
	})
}

// raw leads to the record.
func (v *view) raw(opt Options) section {
	s := section{Title: "Raw data"}
	n := fmt.Sprintf("%s, %s", plural(len(v.rec.Trials), "trial"), plural(len(v.rec.Windows), "window"))
	s.Text = []string{"Everything here was computed from the record: one JSON object per line, with " + n + ". weir check computes its figures again."}
	if opt.Raw != "" {
		s.Link = &link{opt.Raw, "The record (" + opt.Raw + ")"}
	}
	if d := v.sum.SHA256; d != "" {
		s.Text = append(s.Text, "Digest that the record states of itself (sha256): "+string(d))
	}
	return s
}
