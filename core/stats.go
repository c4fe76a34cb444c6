package core

import (
	"sync/atomic"
	"time"
)

// Stage counts what one stage of the pipeline did. Busy is time spent working,
// Wait is time spent idle for lack of input, Blocked is time spent handing over
// to a full next stage. A stage with one worker that is busy all the time is a
// wall even when most cores idle.
type Stage struct {
	name    string
	workers int
	busy    atomic.Int64
	wait    atomic.Int64
	blocked atomic.Int64
	items   atomic.Int64
}

// StageStats is a stage's counters since the node started.
type StageStats struct {
	Name      string `json:"name"`
	Workers   int    `json:"workers"`
	BusyNS    int64  `json:"busy_ns"`
	WaitNS    int64  `json:"wait_ns"`
	BlockedNS int64  `json:"blocked_ns"`
	Items     int64  `json:"items"`
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
	return StageStats{s.name, s.workers, s.busy.Load(), s.wait.Load(), s.blocked.Load(), s.items.Load()}
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
	Stages       []StageStats `json:"stages"`

	DiskBusyNS  int64 `json:"disk_busy_ns"`
	DiskBytes   int64 `json:"disk_bytes"`
	DiskRecords int64 `json:"disk_records"`
	DiskSyncs   int64 `json:"disk_syncs"`

	CPUUserNS int64 `json:"cpu_user_ns"` // of the whole process
	CPUSysNS  int64 `json:"cpu_sys_ns"`
	GCPauseNS int64 `json:"gc_pause_ns"`
	TimeNS    int64 `json:"time_unix_ns"` // when the counters were read
}
