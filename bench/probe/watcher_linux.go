package probe

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Watcher counts the traffic of a WatchConfig until Close. Its methods may be
// called by several goroutines.
type Watcher struct {
	mu      sync.Mutex
	targets *targets
	parts   []part
	start   time.Time
	closed  bool
}

// Watch attaches what the tiers ask for, each part by the best source that
// works. It fails when a target does not exist, or when nothing could be
// attached; what else was refused is in the report.
func Watch(cfg WatchConfig) (*Watcher, WatchReport, error) {
	rep := WatchReport{Parts: []PartReport{}, Warnings: []string{}}
	cfg, err := cfg.check()
	if err != nil {
		return nil, rep, err
	}
	t, err := resolve(cfg)
	if err != nil {
		return nil, rep, err
	}
	w := &Watcher{targets: t, start: time.Now()}
	var refused []error
	for _, step := range ladder(t) {
		if !cfg.tier(step.tier) {
			continue
		}
		p, r, err := climb(t.cfg, step.name, step.tier, step.rungs)
		if err != nil {
			return nil, rep, errors.Join(err, w.Close())
		}
		rep.Parts = append(rep.Parts, r)
		if p != nil {
			w.parts = append(w.parts, p)
			continue
		}
		for _, f := range r.Refused {
			refused = append(refused, f)
		}
	}
	if len(w.parts) == 0 {
		return nil, rep, fmt.Errorf("probe: %w: %w", ErrNoSource, errors.Join(refused...))
	}
	rep.Warnings = warnings(t)
	return w, rep, nil
}

type step struct {
	name  string
	tier  int
	rungs []rung
}

// ladder is every part with its sources, best first.
func ladder(t *targets) []step {
	with := func(open func(*targets) (part, PartReport, error)) func() (part, PartReport, error) {
		return func() (part, PartReport, error) { return open(t) }
	}
	frames := []rung{{SourceTCX, ForceTracing, with(openDeviceWire)}, {SourceTCX, ForceSockops, with(openDeviceWire)}}
	if t.cfg.Cgroup != "" && t.cfg.Iface == "" {
		frames = []rung{{SourceGroupSKB, ForceTracing, with(openGroupWire)}, {SourceGroupSKB, ForceSockops, with(openGroupWire)}}
	}
	if t.cfg.Force == "" {
		frames = frames[:1] // one source on two rungs: it needs no BTF
	}
	sockets := []rung{{SourceTracing, ForceTracing, with(openTracedSockets)}}
	if t.cfg.PID == 0 {
		// The callbacks do not know whose a socket is.
		sockets = append(sockets, rung{SourceSockops, ForceSockops, with(openCallbackSockets)})
	}
	sockets = append(sockets, rung{SourceSockDiag, ForceProcfs, with(openListedSockets)})
	rtt := []rung{{SourceSockops, ForceTracing, with(openRTT)}, {SourceSockops, ForceSockops, with(openRTT)}}
	if t.cfg.Force == "" {
		rtt = rtt[:1]
	}
	return []step{
		{"sockets", 1, sockets},
		{"wire", 2, append(slices.Clip(frames), rung{SourceNetlink, ForceProcfs, with(openInterfaceTotals)})},
		{"rtt", 3, rtt},
		{"qdisc", 3, []rung{{SourceEDT, ForceTracing, with(openQdisc)}, {SourceBacklog, ForceProcfs, with(openBacklog)}}},
		{"softirq", 3, []rung{{SourceSoftirq, ForceTracing, with(openSoftirq)}, {SourceProcStat, ForceProcfs, with(openProcSoftirqs)}}},
		{"sched", 3, []rung{{SourceSched, ForceTracing, with(openSched)}}},
	}
}

func warnings(t *targets) []string {
	out := []string{}
	if t.hidden > 0 {
		out = append(out, fmt.Sprintf("the open files of %d of %d processes could not be read: their sockets are found by inheritance only; run as the same user or as root", t.hidden, len(t.pids)))
	}
	if t.cfg.Iface != "" && t.cfg.tier(1) {
		out = append(out, "a socket belongs to no interface: tier 1 is of "+
			map[bool]string{true: "every TCP socket of the network namespace", false: "the watched sockets, over any interface"}[t.cfg.all()])
	}
	return out
}

// Sample reads every part. Under traffic its parts are some packets apart.
func (w *Watcher) Sample() (Sample, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return Sample{}, ErrClosed
	}
	if err := w.targets.refresh(); err != nil {
		return Sample{}, err
	}
	s := Sample{Time: time.Now(), TargetGone: w.targets.gone}
	s.ElapsedSec = s.Time.Sub(w.start).Seconds()
	for _, p := range w.parts {
		if err := errors.Join(p.refresh(w.targets), p.sample(&s)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Close detaches everything. It may be called more than once.
func (w *Watcher) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	var errs []error
	for _, p := range w.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
