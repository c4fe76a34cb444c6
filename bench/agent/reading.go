package agent

import (
	"fmt"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/results"
)

// Reading is every counter at one moment. All but the clock only grow; what is
// nil could not be read, and Unknown says why.
type Reading struct {
	// Instance is random, made when the agent started: counters of two
	// instances do not belong together.
	Instance string   `json:"instance"`
	AtUnixNS int64    `json:"at_unix_ns"` // the agent's clock
	Host     *Host    `json:"host"`
	Process  *Process `json:"process"`
	Disk     *Disk    `json:"disk"`
	// Wire is what was counted since the agent started.
	Wire    *results.WireCounters `json:"wire"`
	Unknown []string              `json:"unknown"`
}

// Host is the whole machine, all its cores summed, since boot.
type Host struct {
	Cores   int   `json:"cores"`
	BusyNS  int64 `json:"busy_ns"`
	IdleNS  int64 `json:"idle_ns"`
	StealNS int64 `json:"steal_ns"`
}

// Process is the node's process since it started.
type Process struct {
	PID          int    `json:"pid"`
	Name         string `json:"name"`
	StartTicks   int64  `json:"start_ticks"`
	UsableCores  int    `json:"usable_cores"` // that its affinity allows; 0: unknown
	CPUTotalNS   int64  `json:"cpu_total_ns"` // exact
	CPUUserNS    int64  `json:"cpu_user_ns"`  // in steps of 10 ms
	CPUSysNS     int64  `json:"cpu_sys_ns"`
	ReadBytes    *int64 `json:"read_bytes"` // nil: not allowed to see
	WrittenBytes *int64 `json:"written_bytes"`
}

// Disk is the device under the node's data, since boot.
type Disk struct {
	Device       string `json:"device"`
	BusyNS       int64  `json:"busy_ns"`
	Reads        int64  `json:"reads"`
	ReadBytes    int64  `json:"read_bytes"`
	Writes       int64  `json:"writes"`
	WrittenBytes int64  `json:"written_bytes"`
}

// Since returns what was used after a, in the form of the record, and the
// traffic apart; the traffic is nil when it is unknown. The clock is not filled
// in: the client knows it.
func (r *Reading) Since(a *Reading) (results.AgentUsage, *results.WireCounters) {
	u := results.AgentUsage{Instance: r.Instance, Unknown: append([]string{}, r.Unknown...)}
	if r.Instance != a.Instance {
		u.Unknown = append(u.Unknown, "the agent was started again between the two readings")
		return u, nil
	}
	sec := float64(r.AtUnixNS-a.AtUnixNS) / 1e9
	u.WindowSec = &sec
	if h, g := r.Host, a.Host; h != nil && g != nil {
		u.HostCores = h.Cores
		u.HostCPUBusyNS, u.HostCPUStealNS = grown(g.BusyNS, h.BusyNS), grown(g.StealNS, h.StealNS)
	}
	if p, q := a.Process, r.Process; p != nil && q != nil {
		addProcess(&u, p, q)
	}
	if d, e := a.Disk, r.Disk; d != nil && e != nil && d.Device == e.Device {
		u.Device, u.DeviceBusyNS, u.DeviceWrites = e.Device, grown(d.BusyNS, e.BusyNS), grown(d.Writes, e.Writes)
		u.DeviceReadBytes, u.DeviceWritten = grown(d.ReadBytes, e.ReadBytes), grown(d.WrittenBytes, e.WrittenBytes)
	}
	return u, wireSince(a.Wire, r.Wire)
}

// addProcess puts in what the process used, if it is still the same one.
func addProcess(u *results.AgentUsage, p, q *Process) {
	if p.PID != q.PID || p.StartTicks != q.StartTicks {
		u.Unknown = append(u.Unknown, fmt.Sprintf("the node's process changed from %d to %d between the two readings", p.PID, q.PID))
		return
	}
	used := env.ProcessCPU{TotalNS: q.CPUTotalNS, UserNS: q.CPUUserNS, SysNS: q.CPUSysNS}.
		Since(env.ProcessCPU{TotalNS: p.CPUTotalNS, UserNS: p.CPUUserNS, SysNS: p.CPUSysNS})
	u.ProcessPID, u.ProcessCores = q.PID, float64(q.UsableCores)
	u.CPUUserNS, u.CPUSysNS = grown(0, used.UserNS), grown(0, used.SysNS)
	if p.ReadBytes != nil && q.ReadBytes != nil && p.WrittenBytes != nil && q.WrittenBytes != nil {
		u.ReadBytes, u.WrittenBytes = grown(*p.ReadBytes, *q.ReadBytes), grown(*p.WrittenBytes, *q.WrittenBytes)
	}
}

// grown is the difference of two values of a counter, nil when it went
// backwards: then it was another counter.
func grown(from, to int64) *int64 {
	if to < from {
		return nil
	}
	d := to - from
	return &d
}

func grownPtr(from, to *int64) *int64 {
	if from == nil || to == nil {
		return nil
	}
	return grown(*from, *to)
}

// wireSince is the traffic between two readings of one source.
func wireSince(a, b *results.WireCounters) *results.WireCounters {
	if a == nil || b == nil || a.Source != b.Source {
		return nil
	}
	direction := func(from, to results.WireDirection) results.WireDirection {
		return results.WireDirection{
			Packets: grownPtr(from.Packets, to.Packets), Bytes: grownPtr(from.Bytes, to.Bytes),
			PayloadBytes: grownPtr(from.PayloadBytes, to.PayloadBytes), Retransmits: grownPtr(from.Retransmits, to.Retransmits),
			PacketsMTU1500: grownPtr(from.PacketsMTU1500, to.PacketsMTU1500), BytesMTU1500: grownPtr(from.BytesMTU1500, to.BytesMTU1500),
		}
	}
	return &results.WireCounters{
		Source: results.WireAgent + b.Source, Exact: a.Exact && b.Exact,
		In: direction(a.In, b.In), Out: direction(a.Out, b.Out), LostEvents: grownPtr(a.LostEvents, b.LostEvents),
	}
}
