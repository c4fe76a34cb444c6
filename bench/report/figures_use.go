package report

import (
	"fmt"
	"slices"

	"github.com/chainweir/weir/results"
)

// resource is one thing that can be full.
type resource struct {
	key    string // as in the keys of demand and utilisation
	name   string
	wall   string // the wall's name it can be
	demand func(*results.Demand) *float64
	used   func(*results.Utilisation) *float64
	ink    ink
	mark   mark
}

// resources are in the order in which a transaction meets them.
var resources = []resource{
	{"host_cpu", "cores, all programs", results.WallCPU, func(d *results.Demand) *float64 { return d.HostCPU }, func(u *results.Utilisation) *float64 { return u.HostCPU }, ink1, markDot},
	{"cpu", "cores, the node", results.WallCPU, func(d *results.Demand) *float64 { return d.CPU }, func(u *results.Utilisation) *float64 { return u.CPU }, ink4, markSquare},
	{"generator", "cores, the generator", results.WallGenerator, func(d *results.Demand) *float64 { return d.Generator }, func(u *results.Utilisation) *float64 { return u.Generator }, ink6, markRing},
	{"serial", "busiest serial stage", results.WallSerial, func(d *results.Demand) *float64 { return d.Serial }, func(u *results.Utilisation) *float64 { return u.Serial }, ink5, markTriangle},
	{"wire_in", "wire, in", results.WallWire, func(d *results.Demand) *float64 { return d.WireIn }, func(u *results.Utilisation) *float64 { return u.WireIn }, ink2, markDot},
	{"wire_out", "wire, out", results.WallWire, func(d *results.Demand) *float64 { return d.WireOut }, func(u *results.Utilisation) *float64 { return u.WireOut }, ink2, markRing},
	{"disk", "disk", results.WallDisk, func(d *results.Demand) *float64 { return d.Disk }, func(u *results.Utilisation) *float64 { return u.Disk }, ink3, markSquare},
}

// bottleneckKey is the resource behind the wall that the record names, "" when
// none: the one in most use among those that carry its name.
func (v *view) bottleneckKey() string {
	best, key := -1.0, ""
	for _, r := range resources {
		name := string(v.sum.Bottleneck)
		matches := r.wall == name || name == results.WallGenerator && r.key == "host_cpu"
		if u := r.used(&v.sum.Utilisation); matches && u != nil && *u > best {
			best, key = *u, r.key
		}
	}
	return key
}

// utilisation shows how busy each resource was at the knee.
func (v *view) utilisation() (Figure, bool) {
	c := &barChart{title: "How busy each resource was at the knee", of: "resource", down: []refLine{{1, inkWall, "full"}}}
	table := Table{Head: []string{"resource", "utilisation", "wall"}}
	wall := v.bottleneckKey()
	ends := []float64{1}
	for _, r := range resources {
		u := r.used(&v.sum.Utilisation)
		if u == nil {
			table.Rows = append(table.Rows, []string{r.name, unknown, ""})
			continue
		}
		row := barRow{label: r.name, value: fmt.Sprintf("%.1f %%", 100**u), strong: r.key == wall}
		k, word := ink1, ""
		if row.strong {
			k, word = inkWall, "first wall"
			row.value += " · first wall"
		}
		row.segments = []segment{{"", *u, k, r.name + ": " + row.value}}
		c.rows = append(c.rows, row)
		ends = append(ends, *u)
		table.Rows = append(table.Rows, []string{r.name, fmt.Sprintf("%.1f %%", 100**u), word})
	}
	if len(c.rows) == 0 {
		return Figure{}, false
	}
	c.x = linearAxis("share of the time or capacity in use (%)", tickPercent, ends...)
	about := "Measured over " + v.source + "."
	if v.sum.Link.Kind == results.LinkLoopback {
		about += " The wire is loopback, a memory copy: its capacity is part of the processor's load."
	}
	return barFigure("utilisation", about, c, table), true
}

// demands shows what a transaction costs of each resource, against the time that
// one has at the knee.
func (v *view) demands() (Figure, bool) {
	c := &barChart{title: "Service demand of each resource against capacity", of: "resource"}
	table := Table{Head: []string{"resource", "demand per tx", "full at tx/s"}}
	wall := v.bottleneckKey()
	var ends []float64
	for _, r := range resources {
		d := r.demand(&v.sum.Demand)
		if d == nil {
			table.Rows = append(table.Rows, []string{r.name, unknown, unknown})
			continue
		}
		full := "never"
		if *d > 0 {
			full = rate(1 / *d)
		}
		row := barRow{label: r.name, value: perTx(d) + " · full at " + full + " tx/s", strong: r.key == wall}
		k := ink1
		if row.strong {
			k = inkWall
		}
		row.segments = []segment{{"", *d * 1e6, k, r.name + ": " + row.value}}
		c.rows = append(c.rows, row)
		ends = append(ends, *d*1e6)
		table.Rows = append(table.Rows, []string{r.name, perTx(d), full})
	}
	if len(c.rows) == 0 {
		return Figure{}, false
	}
	about := "Seconds of the whole resource (all cores, one direction of the link, the disk) per committed transaction, from " + v.source + ". 1 ÷ demand is the rate at which the resource is full."
	if k := &v.sum.Knee; k.LowerTxPerSec != nil && *k.LowerTxPerSec > 0 {
		budget := 1e6 / *k.LowerTxPerSec
		c.down = []refLine{{budget, inkWall, fmt.Sprintf("capacity: %s µs per tx at %s tx/s", digits(budget), rate(*k.LowerTxPerSec))}}
		ends = append(ends, budget)
		about += " A bar that reaches the line uses all of its resource at the knee."
	}
	c.x = linearAxis("time of the resource per transaction (µs/tx)", tickRate, ends...)
	return barFigure("demand", about, c, table), true
}

// parts divides the processor's time.
func (v *view) parts() (Figure, bool) {
	key, whole, total := "host_cpu", "all programs on the machine", v.sum.Demand.HostCPU
	has := func(key string) bool {
		return slices.ContainsFunc(v.sum.Demand.Parts, func(p results.DemandPart) bool { return p.Resource == key })
	}
	if !has(key) || total == nil {
		key, whole, total = "cpu", "the node", v.sum.Demand.CPU
	}
	node, host := v.cores()
	cores := host
	if key == "cpu" {
		cores = node
	}
	if !has(key) || !(cores > 0) {
		return Figure{}, false
	}
	c := &barChart{title: "Where the processor's time goes", of: "part of the work"}
	table := Table{Head: []string{"part", "core time per tx", "share", "source"}}
	var ends []float64
	for _, p := range v.sum.Demand.Parts {
		if p.Resource != key {
			continue
		}
		core := p.SecPerTx * cores
		row := barRow{label: p.Name, value: fmt.Sprintf("%s · %.1f %%", perTx(&core), 100*p.Share)}
		row.segments = []segment{{"", core * 1e6, ink1, p.Name + ": " + row.value}}
		c.rows = append(c.rows, row)
		ends = append(ends, core*1e6)
		table.Rows = append(table.Rows, []string{p.Name, perTx(&core), fmt.Sprintf("%.1f %%", 100*p.Share), p.Source})
	}
	c.x = linearAxis("time of one core per transaction (µs/tx)", tickRate, ends...)
	about := fmt.Sprintf("Time of one core that %s used per committed transaction", whole)
	if total != nil {
		about += fmt.Sprintf(", %s in all", perTx(times(total, cores)))
	}
	about += "."
	if p := v.sum.Demand.Profile; p != nil {
		about += fmt.Sprintf(" Divided by a profile of %d samples that covers %.0f %% of the accounted time.", p.Samples, 100*p.Coverage)
	}
	return barFigure("core-time", about, c, table), true
}
