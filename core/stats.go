package core

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core/engine"
)

// Stage counts what one stage of the pipeline did. Busy is time spent working,
// Wait is time spent idle for lack of input, Blocked is time spent handing over
// to a full next stage. A stage with one worker that is busy all the time is a
// wall even when most cores idle; the queue before a wall is full, and those
// behind it are empty.
type Stage struct {
	name     string
	workers  int
	busy     atomic.Int64
	wait     atomic.Int64
	blocked  atomic.Int64
	items    atomic.Int64
	queueMax atomic.Int64
	queueCap int
	queue    func() int // entries waiting now; nil for a stage without a queue
}

// StageStats is a stage's counters since the node started. Items are
// transactions in parse and verify, batches in order, blocks in the others.
type StageStats struct {
	Name      string `json:"name"`
	Workers   int    `json:"workers"`
	BusyNS    int64  `json:"busy_ns"`
	WaitNS    int64  `json:"wait_ns"`
	BlockedNS int64  `json:"blocked_ns"`
	Items     int64  `json:"items"`
	Queue     int    `json:"queue"`     // entries waiting for the stage now
	QueueMax  int    `json:"queue_max"` // the most that were seen waiting
	QueueCap  int    `json:"queue_cap"` // at which the stage before is blocked; 0: there is no queue
}

// saw notes that n entries were waiting for the stage.
func (s *Stage) saw(n int) {
	for {
		old := s.queueMax.Load()
		if int64(n) <= old || s.queueMax.CompareAndSwap(old, int64(n)) {
			return
		}
	}
}

// queued says which channel the stage takes its work from.
func queued[T any](s *Stage, name string, workers int, ch chan T) {
	s.name, s.workers = name, workers
	s.queueCap, s.queue = cap(ch), func() int { return len(ch) }
}

// nameStages names the stages in the order in which a transaction passes them.
func (n *Node) nameStages() {
	n.stParse.name, n.stParse.workers = "parse", runtime.GOMAXPROCS(0) // whoever submits
	n.stVerify.name, n.stVerify.workers = "verify", n.cfg.Workers
	n.stVerify.queueCap, n.stVerify.queue = n.verifyQ.Cap(), n.verifyQ.Len
	queued(&n.stOrder, "order", 1, n.readyCh)
	queued(&n.stExec, "execute", 1, n.execCh)
	queued(&n.stRoots, "roots", 1, n.rootsCh)
	queued(&n.stPersist, "persist", 1, n.persistCh)
	queued(&n.stNotify, "notify", 1, n.notifyCh)
}

func (n *Node) stages() []*Stage {
	return []*Stage{&n.stParse, &n.stVerify, &n.stOrder, &n.stExec, &n.stRoots, &n.stPersist, &n.stNotify}
}

// clock splits a worker's time between wait, busy and blocked.
type clock struct {
	stage *Stage
	last  time.Time
}

func (s *Stage) clock() clock { return clock{s, time.Now()} }

func (c *clock) lap(into *atomic.Int64) {
	now := time.Now()
	into.Add(int64(now.Sub(c.last)))
	c.last = now
}

func (c *clock) waited()  { c.lap(&c.stage.wait) }
func (c *clock) worked()  { c.lap(&c.stage.busy) }
func (c *clock) blocked() { c.lap(&c.stage.blocked) }

func (s *Stage) stats() StageStats {
	st := StageStats{
		Name: s.name, Workers: s.workers, BusyNS: s.busy.Load(), WaitNS: s.wait.Load(), BlockedNS: s.blocked.Load(),
		Items: s.items.Load(), QueueMax: int(s.queueMax.Load()), QueueCap: s.queueCap,
	}
	if s.queue != nil {
		st.Queue = s.queue()
	}
	return st
}

// Stats is the node's counters since it started.
type Stats struct {
	Height       uint64       `json:"height"`
	Accounts     int          `json:"accounts"`
	Cores        int          `json:"cores"` // that the process may use
	Submitted    int64        `json:"submitted"`
	Accepted     int64        `json:"accepted"`
	Committed    int64        `json:"committed"`
	Busy         int64        `json:"refused_busy"`
	MempoolBytes int64        `json:"mempool_bytes"`
	Batches      int          `json:"batches"` // verified and not yet decided on
	Stages       []StageStats `json:"stages"`

	// StateRootNS is the part of the execute stage's busy time that went into
	// state roots.
	StateRootNS int64         `json:"state_root_ns"`
	Engine      engine.Status `json:"engine"`

	DiskBusyNS  int64 `json:"disk_busy_ns"`
	DiskBytes   int64 `json:"disk_bytes"`
	DiskRecords int64 `json:"disk_records"`
	DiskSyncs   int64 `json:"disk_syncs"`

	CPUUserNS int64 `json:"cpu_user_ns"` // of the whole process
	CPUSysNS  int64 `json:"cpu_sys_ns"`
	// What collecting garbage cost: time that everything stood still, processor
	// time as of the last cycle, and how often it ran.
	GCPauseNS int64 `json:"gc_pause_ns"`
	GCCPUNS   int64 `json:"gc_cpu_ns"`
	GCCycles  int64 `json:"gc_cycles"`
	HeapBytes int64 `json:"heap_bytes"`      // live and not yet collected objects
	HeapGoal  int64 `json:"heap_goal_bytes"` // at which the next cycle ends
	TimeNS    int64 `json:"time_unix_ns"`    // when the counters were read
}

// gcMetrics are read without stopping the world. The names are those of package
// runtime/metrics, which reports bad kinds for names that a Go version lacks.
var gcMetrics = [...]string{
	"/cpu/classes/gc/total:cpu-seconds", "/gc/cycles/total:gc-cycles",
	"/memory/classes/heap/objects:bytes", "/gc/heap/goal:bytes",
}

func (s *Stats) readGC() {
	var gc debug.GCStats // unlike runtime.ReadMemStats it does not stop the world
	debug.ReadGCStats(&gc)
	s.GCPauseNS = int64(gc.PauseTotal)
	var m [len(gcMetrics)]metrics.Sample
	for i, name := range gcMetrics {
		m[i].Name = name
	}
	metrics.Read(m[:])
	if m[0].Value.Kind() == metrics.KindFloat64 {
		s.GCCPUNS = int64(1e9 * m[0].Value.Float64())
	}
	for i, into := range []*int64{&s.GCCycles, &s.HeapBytes, &s.HeapGoal} {
		if v := m[i+1].Value; v.Kind() == metrics.KindUint64 {
			*into = int64(v.Uint64())
		}
	}
}

// Committed is how many transactions have become durable since the node started.
func (n *Node) Committed() int64 { return n.committed.Load() }

// Stats reads the node's counters.
func (n *Node) Stats() Stats {
	head, _ := n.durable.get()
	ls := n.log.Stats()
	s := Stats{
		Height: head.Height, Accounts: n.keys.Len(), Cores: runtime.GOMAXPROCS(0),
		Submitted: n.submitted.Load(), Accepted: n.accepted.Load(),
		Committed: n.committed.Load(), Busy: n.busy.Load(),
		MempoolBytes: n.pool.Bytes(), Batches: n.batches.len(),
		StateRootNS: n.stStateRoot.busy.Load(), Engine: n.engine.Status(),
		DiskBusyNS: ls.BusyNS, DiskBytes: int64(ls.WrittenBytes), DiskRecords: int64(ls.Records), DiskSyncs: int64(ls.Syncs),
	}
	for _, st := range n.stages() {
		s.Stages = append(s.Stages, st.stats())
	}
	s.readGC()
	s.CPUUserNS, s.CPUSysNS = processCPU()
	s.TimeNS = time.Now().UnixNano()
	return s
}
