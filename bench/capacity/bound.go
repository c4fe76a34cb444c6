package capacity

import "slices"

// Wall is a resource that ends growth at a rate.
type Wall struct {
	Name     string  // "cpu", "wire", "disk", "generator" or "serial"
	Resource string  // the demand it comes from: "host_cpu", "wire_in", …
	SecPerTx float64 // its demand
	TxPerSec float64 // 1 / SecPerTx: no rate above this is possible
	Note     string  // why it has this name, where that is not plain; else empty
}

// Use is how busy a resource is at a rate: 1 means always.
type Use struct {
	Name        string
	Resource    string
	Utilisation float64
}

// Walls returns the known resources with a demand above zero, the first wall
// first. The two directions of a link are one wall, the busier one. When the
// host's CPU is known, node and generator share its cores, and these are one
// wall too. Ties keep the order cpu, generator, serial, wire, disk.
func Walls(d Demands) []Wall {
	var walls []Wall
	add := func(name, resource, note string, v *float64) {
		if v != nil && *v > 0 {
			walls = append(walls, Wall{Name: name, Resource: resource, SecPerTx: *v, TxPerSec: 1 / *v, Note: note})
		}
	}
	if d.HostCPU != nil {
		name, resource, note, v := sharedCores(d)
		add(name, resource, note, v)
	} else {
		add(CPU, "cpu", "", d.CPU)
		add(Generator, "generator", "", d.Generator)
	}
	add(Serial, "serial", "", d.Serial)
	if d.WireOut != nil && (d.WireIn == nil || *d.WireOut > *d.WireIn) {
		add(Wire, "wire_out", "", d.WireOut)
	} else {
		add(Wire, "wire_in", "", d.WireIn)
	}
	add(Disk, "disk", "", d.Disk)
	slices.SortStableFunc(walls, func(a, b Wall) int {
		switch {
		case a.SecPerTx > b.SecPerTx:
			return -1
		case a.SecPerTx < b.SecPerTx:
			return 1
		}
		return 0
	})
	return walls
}

// sharedCores names the wall that node and generator build together. The
// larger share gives the name. The generator's share is never subtracted to
// say how fast the node "really" is: on loopback the kernel charges the
// receiver's work to the sender, so the difference would be invented.
func sharedCores(d Demands) (name, resource, note string, v *float64) {
	name, resource, v = CPU, "host_cpu", d.HostCPU
	node, gen := value(d.CPU), value(d.Generator)
	// A part above the whole can only come from two clocks read at different
	// instants; the larger one stays the safe bound.
	if node > *v {
		resource, v = "cpu", d.CPU
	}
	if gen > *v {
		resource, v = "generator", d.Generator
	}
	switch {
	case d.CPU == nil && d.Generator == nil:
		return CPU, resource, "the shares of node and generator are unknown", v
	case d.Generator == nil:
		return CPU, resource, "node and generator share these cores; the generator's share is unknown", v
	case d.CPU == nil:
		// The rest of the host's time holds kernel work of both sides, so it
		// cannot be called the node's.
		if gen > *d.HostCPU/2 {
			return Generator, resource, "the generator uses most of the cores it shares with the node", v
		}
		return CPU, resource, "node and generator share these cores; the node's share is unknown", v
	case gen > node:
		return Generator, resource, "node and generator share these cores and the generator uses more of them than the node", v
	}
	return name, resource, "node and generator share these cores and the node uses the larger part", v
}

// Bottleneck returns the first wall's name and demand in seconds per
// transaction. ok is false when no demand is known.
func Bottleneck(d Demands) (name string, secPerTx float64, ok bool) {
	walls := Walls(d)
	if len(walls) == 0 {
		return "", 0, false
	}
	return walls[0].Name, walls[0].SecPerTx, true
}

// Next returns the wall behind the first one: what stops growth when the
// first is taken away. ok is false when fewer than two resources are known.
func Next(d Demands) (Wall, bool) {
	walls := Walls(d)
	if len(walls) < 2 {
		return Wall{}, false
	}
	return walls[1], true
}

// Bound returns 1/max D, the rate in tx/s that no scheduling, batching or
// tuning of the generator can exceed with these demands.
func Bound(d Demands) (txPerSec float64, ok bool) {
	walls := Walls(d)
	if len(walls) == 0 {
		return 0, false
	}
	return walls[0].TxPerSec, true
}

// NodeAloneBound is the bound of the node's own resources, as if the
// generator cost nothing: cpu, serial, wire and disk. It is a prediction for
// a generator on another machine, not a measurement, and an optimistic one
// where the kernel charged the node's work to the generator.
func NodeAloneBound(d Demands) (txPerSec float64, wall Wall, ok bool) {
	d.HostCPU, d.Generator = nil, nil
	walls := Walls(d)
	if len(walls) == 0 {
		return 0, Wall{}, false
	}
	return walls[0].TxPerSec, walls[0], true
}

// Utilisation returns how busy every known resource is at a committed rate,
// in the order of Demands: U = X · D. The proof that a resource is the wall
// is a measured utilisation near 1 at the knee; this is the computed one.
func Utilisation(d Demands, txPerSec float64) []Use {
	var uses []Use
	for _, r := range []struct {
		name, resource string
		v              *float64
	}{
		{CPU, "cpu", d.CPU}, {CPU, "host_cpu", d.HostCPU}, {Serial, "serial", d.Serial},
		{Wire, "wire_in", d.WireIn}, {Wire, "wire_out", d.WireOut}, {Disk, "disk", d.Disk},
		{Generator, "generator", d.Generator},
	} {
		if r.v != nil {
			uses = append(uses, Use{Name: r.name, Resource: r.resource, Utilisation: txPerSec * *r.v})
		}
	}
	return uses
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}
