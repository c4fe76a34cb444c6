package probe

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
)

// backlogInterval is how often the queue's length is read for Little's law.
const backlogInterval = 10 * time.Millisecond

// queueBacklog estimates the queue's delay without eBPF: by Little's law the
// mean delay is the mean length in bytes over the bytes per second that leave.
type queueBacklog struct {
	netNS string
	dev   iface

	mu        sync.Mutex
	err       error
	area      float64 // byte-seconds
	sentFirst uint64
	sent      uint64
	packets   uint64
	last      time.Time
	stop      chan struct{}
	done      chan struct{}
}

func openBacklog(t *targets) (part, PartReport, error) {
	q := &queueBacklog{netNS: t.cfg.NetNS, stop: make(chan struct{}), done: make(chan struct{})}
	err := inNetNS(q.netNS, func() (err error) {
		if q.dev, err = queueDevice(t.cfg.Iface); err != nil {
			return err
		}
		s, err := rootQueue(q.dev.index)
		q.sentFirst, q.sent, q.last = s.bytes, s.bytes, time.Now()
		return err
	})
	if err != nil {
		return nil, PartReport{}, Refusal{Step: "read the queue", Reason: plain(err), Lost: "delay in the queue", Remedy: "name an interface with a queueing discipline", err: err}
	}
	go q.watch()
	return q, PartReport{
		Attached: []string{"rtnetlink: backlog of " + q.dev.name + " every " + backlogInterval.String()},
		Accuracy: "mean only, by Little's law from the backlog as sampled; over all protocols",
	}, nil
}

type queueState struct {
	bytes   uint64
	packets uint32
	backlog uint32
}

// rootQueue is the root queueing discipline's counters.
func rootQueue(index int) (queueState, error) {
	l, err := netlink.LinkByIndex(index)
	if err != nil {
		return queueState{}, fmt.Errorf("probe: interface %d: %w", index, err)
	}
	list, err := netlink.QdiscList(l)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return queueState{}, fmt.Errorf("probe: list queues: %w", err)
	}
	for _, q := range list {
		a := q.Attrs()
		if a.Parent == netlink.HANDLE_ROOT && a.Statistics != nil && a.Statistics.Basic != nil && a.Statistics.Queue != nil {
			return queueState{a.Statistics.Basic.Bytes, a.Statistics.Basic.Packets, a.Statistics.Queue.Backlog}, nil
		}
	}
	return queueState{}, fmt.Errorf("probe: %w: interface %s has no queue at its root", ErrNotSupported, l.Attrs().Name)
}

func (q *queueBacklog) watch() {
	defer close(q.done)
	tick := time.NewTicker(backlogInterval)
	defer tick.Stop()
	for {
		select {
		case <-q.stop:
			return
		case now := <-tick.C:
			var s queueState
			err := inNetNS(q.netNS, func() (err error) { s, err = rootQueue(q.dev.index); return err })
			q.mu.Lock()
			if err != nil {
				q.err = err
			} else {
				q.area += float64(s.backlog) * now.Sub(q.last).Seconds()
				q.sent, q.packets = s.bytes, uint64(s.packets)
			}
			q.last = now
			q.mu.Unlock()
		}
	}
}

func (q *queueBacklog) refresh(*targets) error { return nil }

func (q *queueBacklog) sample(out *Sample) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return q.err
	}
	out.Qdisc = &QdiscSample{
		Source: SourceBacklog, Iface: q.dev.name,
		TCP: newMean(0, 0), Other: newMean(q.area*1e6, float64(q.sent-q.sentFirst)),
	}
	return nil
}

// Close ends the sampling.
func (q *queueBacklog) Close() error {
	close(q.stop)
	<-q.done
	return nil
}
