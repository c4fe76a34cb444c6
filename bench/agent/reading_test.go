package agent

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chainweir/weir/results"
)

func ptr[T any](v T) *T { return &v }

func sample() Reading {
	return Reading{
		Instance: "a", AtUnixNS: 1e9, Host: &Host{Cores: 4, BusyNS: 100, IdleNS: 50, StealNS: 7},
		Process: &Process{PID: 9, StartTicks: 3, UsableCores: 2, CPUTotalNS: 1000, CPUUserNS: 30e6, CPUSysNS: 10e6, ReadBytes: ptr(int64(5)), WrittenBytes: ptr(int64(6))},
		Disk:    &Disk{"vda", 10, 1, 512, 2, 1024},
		Wire: &results.WireCounters{Source: "ebpf", Exact: true, LostEvents: ptr(int64(0)),
			In: results.WireDirection{Packets: ptr(int64(10)), Bytes: ptr(int64(1000))}, Out: results.WireDirection{Packets: ptr(int64(4))}},
	}
}

func TestReadingSince(t *testing.T) {
	a, b := sample(), sample()
	b.AtUnixNS += 2e9
	b.Host.BusyNS, b.Host.StealNS = 160, 9
	b.Process.CPUTotalNS, b.Process.CPUUserNS, b.Process.CPUSysNS = 5000, 60e6, 20e6
	b.Process.ReadBytes, b.Process.WrittenBytes = ptr(int64(5)), ptr(int64(106))
	b.Disk = &Disk{"vda", 15, 1, 512, 5, 4096}
	b.Wire.In.Packets, b.Wire.In.Bytes = ptr(int64(30)), ptr(int64(4000))
	u, wire := b.Since(&a)
	want := results.AgentUsage{
		Instance: "a", WindowSec: ptr(2.0), HostCores: 4, HostCPUBusyNS: ptr(int64(60)), HostCPUStealNS: ptr(int64(2)),
		ProcessPID: 9, ProcessCores: 2, CPUUserNS: ptr(int64(3000)), CPUSysNS: ptr(int64(1000)), // 3 : 1, as the ticks are
		ReadBytes: ptr(int64(0)), WrittenBytes: ptr(int64(100)), Device: "vda", DeviceBusyNS: ptr(int64(5)),
		DeviceWrites: ptr(int64(3)), DeviceReadBytes: ptr(int64(0)), DeviceWritten: ptr(int64(3072)), Unknown: []string{},
	}
	if d := cmp.Diff(want, u); d != "" {
		t.Error(d)
	}
	if wire == nil || wire.Source != "agent/ebpf" || !wire.Exact || *wire.In.Packets != 20 || *wire.In.Bytes != 3000 ||
		*wire.Out.Packets != 0 || wire.Out.Bytes != nil || *wire.LostEvents != 0 {
		t.Errorf("wire %+v", wire)
	}
}

// What does not belong together is unknown, never zero and never negative.
func TestReadingSinceUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b *Reading)
		gone   func(u results.AgentUsage, w *results.WireCounters) bool
		why    string
	}{
		"another instance": {
			func(b *Reading) { b.Instance = "b" },
			func(u results.AgentUsage, w *results.WireCounters) bool {
				return u.WindowSec == nil && u.HostCPUBusyNS == nil && w == nil
			},
			"started again",
		},
		"another process": {
			func(b *Reading) { b.Process.PID = 10 },
			func(u results.AgentUsage, _ *results.WireCounters) bool {
				return u.CPUUserNS == nil && u.HostCPUBusyNS != nil
			},
			"from 9 to 10",
		},
		"the number was given away again": {
			func(b *Reading) { b.Process.StartTicks++ },
			func(u results.AgentUsage, _ *results.WireCounters) bool { return u.CPUUserNS == nil },
			"changed",
		},
		"no process": {
			func(b *Reading) { b.Process, b.Unknown = nil, []string{"process: gone"} },
			func(u results.AgentUsage, _ *results.WireCounters) bool { return u.CPUUserNS == nil },
			"gone",
		},
		"another disk": {
			func(b *Reading) { b.Disk.Device = "sda" },
			func(u results.AgentUsage, _ *results.WireCounters) bool {
				return u.Device == "" && u.DeviceBusyNS == nil
			},
			"",
		},
		"a counter went back": {
			func(b *Reading) { b.Host.BusyNS = 1; b.Wire.In.Packets = ptr(int64(1)) },
			func(u results.AgentUsage, w *results.WireCounters) bool {
				return u.HostCPUBusyNS == nil && w.In.Packets == nil
			},
			"",
		},
		"another wire source": {
			func(b *Reading) { b.Wire.Source = "sockdiag" },
			func(_ results.AgentUsage, w *results.WireCounters) bool { return w == nil },
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := sample(), sample()
			c.change(&b)
			u, w := b.Since(&a)
			if !c.gone(u, w) || !strings.Contains(strings.Join(u.Unknown, "; "), c.why) {
				t.Errorf("%+v, %+v", u, w)
			}
		})
	}
}
