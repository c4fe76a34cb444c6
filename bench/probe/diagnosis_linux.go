//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/chainweir/weir/bench/probe/bpf"
)

// diagnosis is a part of tier 3: tracing programs and a per-processor table.
type diagnosis struct {
	kernelSide
	coll   *ebpf.Collection
	read   func(*diagnosis, *Sample) error
	pids   map[uint32]bool
	ifName string
}

// openDiagnosis loads spec, and attaches every program of it.
func openDiagnosis(h hook, spec *ebpf.CollectionSpec, t *targets, read func(*diagnosis, *Sample) error) (*diagnosis, []string, error) {
	d := &diagnosis{read: read}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, nil, d.refused(h, "load the program", err)
	}
	d.coll = coll
	d.closers = append(d.closers, closerFunc(func() error { coll.Close(); return nil }))
	if err := d.refresh(t); err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	var attached []string
	for name, p := range coll.Programs {
		at := "tp_btf/" + spec.Programs[name].AttachTo
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return nil, nil, d.refused(h, "attach to "+at, err)
		}
		d.links = append(d.links, l)
		attached = append(attached, at)
	}
	return d, attached, nil
}

func (d *diagnosis) sample(out *Sample) error { return d.read(d, out) }

func (d *diagnosis) refresh(t *targets) (err error) {
	if pids := d.coll.Maps["pids"]; pids != nil {
		d.pids, err = writeSet(pids, d.pids, t.pids)
	}
	return err
}

// openQdisc measures the queue of the interface.
func openQdisc(t *targets) (part, PartReport, error) {
	var dev iface
	err := inNetNS(t.cfg.NetNS, func() (err error) {
		dev, err = queueDevice(t.cfg.Iface)
		return err
	})
	if err != nil {
		return nil, PartReport{}, hookQdisc.refuse("find the interface", err, readPrivileges())
	}
	spec, err := bpf.LoadQdisc()
	if err != nil {
		return nil, PartReport{}, fmt.Errorf("probe: read the embedded program: %w", err)
	}
	if err := errors.Join(spec.Variables["ifindex"].Set(uint32(dev.index)), spec.Variables["netns"].Set(t.netns)); err != nil {
		return nil, PartReport{}, fmt.Errorf("probe: set the program's variables: %w", err)
	}
	d, attached, err := openDiagnosis(hookQdisc, spec, t, readQdisc)
	if err != nil {
		return nil, PartReport{}, err
	}
	d.ifName = dev.name
	return d, PartReport{
		Attached: attached,
		Accuracy: "every packet that leaves the queue of " + dev.name + ": TCP from its departure stamp (3 % beside Little's law), " +
			"the rest from enqueue to dequeue; packets that a shaper cuts up and that carry no stamp are unknown",
	}, nil
}

func readQdisc(d *diagnosis, out *Sample) error {
	q := &QdiscSample{Source: SourceEDT, Iface: d.ifName, Unknown: Known(0)}
	for i, to := range []*Distribution{&q.TCP, &q.Other} {
		var perCPU []bpf.QdiscDelay
		if err := d.coll.Maps["delays"].Lookup(uint32(i), &perCPU); err != nil {
			return fmt.Errorf("probe: read the queue's delays: %w", err)
		}
		var sum bpf.QdiscDelay
		for _, c := range perCPU {
			sum.SumNs += c.SumNs
			q.Unknown.N += c.Unknown
			for b, n := range c.Buckets {
				sum.Buckets[b] += n
			}
		}
		*to = newDistribution(sum.Buckets[:], float64(sum.SumNs)/1000)
	}
	out.Qdisc = q
	return nil
}

func openSoftirq(t *targets) (part, PartReport, error) {
	spec, err := bpf.LoadSoftirq()
	if err != nil {
		return nil, PartReport{}, fmt.Errorf("probe: read the embedded program: %w", err)
	}
	d, attached, err := openDiagnosis(hookSoftirq, spec, t, readSoftirq)
	if err != nil {
		return nil, PartReport{}, err
	}
	return d, PartReport{
		Attached: attached,
		Accuracy: "every softirq of the machine, whoever caused it; time includes interrupts that came in between and this probe's own 0.1 µs per call",
	}, nil
}

// softirqNames are the kernel's vectors, by number (linux/interrupt.h).
var softirqNames = [...]string{"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"}

func readSoftirq(d *diagnosis, out *Sample) error {
	var perCPU []bpf.SoftirqSoftirqTime
	if err := d.coll.Maps["busy"].Lookup(uint32(0), &perCPU); err != nil {
		return fmt.Errorf("probe: read the softirqs: %w", err)
	}
	s := &SoftirqSample{Source: SourceSoftirq, NAPIPolls: Known(0), NAPIPackets: Known(0), NAPIFullPolls: Known(0)}
	for v, name := range softirqNames {
		var runs, ns uint64
		for i := range perCPU {
			runs += perCPU[i].Runs[v]
			ns += perCPU[i].TimeNs[v]
		}
		s.Vectors = append(s.Vectors, SoftirqVector{name, Known(runs), Known(ns / 1000)})
	}
	for i := range perCPU {
		s.NAPIPolls.N += perCPU[i].Polls
		s.NAPIPackets.N += perCPU[i].Packets
		s.NAPIFullPolls.N += perCPU[i].FullPolls
	}
	out.Softirq = s
	return nil
}

func openSched(t *targets) (part, PartReport, error) {
	if t.cfg.PID == 0 {
		return nil, PartReport{}, Refusal{
			Step: "choose threads", Reason: "no process is watched", Remedy: "give a process", Lost: hookSched.lost, err: ErrTarget,
		}
	}
	spec, err := bpf.LoadSched()
	if err != nil {
		return nil, PartReport{}, fmt.Errorf("probe: read the embedded program: %w", err)
	}
	d, attached, err := openDiagnosis(hookSched, spec, t, readSched)
	if err != nil {
		return nil, PartReport{}, err
	}
	return d, PartReport{
		Attached: attached,
		Accuracy: "every wait of the threads of the process and its descendants, from runnable to running; children count from the next sample on",
	}, nil
}

func readSched(d *diagnosis, out *Sample) error {
	var perCPU []bpf.SchedRunWait
	if err := d.coll.Maps["waits"].Lookup(uint32(0), &perCPU); err != nil {
		return fmt.Errorf("probe: read the waits: %w", err)
	}
	var sum bpf.SchedRunWait
	for _, c := range perCPU {
		sum.SumNs += c.SumNs
		for b, n := range c.Buckets {
			sum.Buckets[b] += n
		}
	}
	out.Sched = &SchedSample{SourceSched, newDistribution(sum.Buckets[:], float64(sum.SumNs)/1000)}
	return nil
}
