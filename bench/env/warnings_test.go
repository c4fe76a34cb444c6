package env

import (
	"slices"
	"testing"

	"github.com/chainweir/weir/results"
)

// quiet is a machine with nothing to warn of.
func quiet() results.Env {
	return results.Env{
		Class: results.EnvClass{
			OS: "linux", CPUBrand: "X", LogicalCores: 16, UsableCores: 16, MemoryBytes: new(int64(1 << 36)), Kernel: "6.18",
			Disk: &results.EnvDisk{Device: "nvme0n1", FS: "ext4"},
			NIC:  &results.EnvNIC{Name: "eth0", SpeedBitsPerSec: new(1e10), MTUBytes: new(int64(1500))},
		},
		Detail: results.EnvDetail{
			Governor: "performance", Turbo: new(false), LoadAverage1: new(0.1), StealFraction: new(0.0), ClockSource: "tsc",
			MemoryFree: new(int64(1 << 35)), DiskFreeBytes: new(int64(1 << 40)),
			FsyncMedianNS: new(int64(100_000)), FsyncMaxNS: new(int64(300_000)),
		},
	}
}

func TestWarnings(t *testing.T) {
	if w := Warnings(quiet()); len(w) != 0 {
		t.Fatalf("a quiet machine: %v", w)
	}
	for code, spoil := range map[string]func(*results.Env){
		"not_linux":    func(e *results.Env) { e.Class.OS = "darwin" },
		"load_average": func(e *results.Env) { *e.Detail.LoadAverage1 = 4.1 },
		"steal":        func(e *results.Env) { *e.Detail.StealFraction = 0.02 },
		"governor":     func(e *results.Env) { e.Detail.Governor = "powersave" },
		"turbo":        func(e *results.Env) { *e.Detail.Turbo = true },
		"few_cores":    func(e *results.Env) { e.Class.UsableCores = 2 },
		"cgroup_quota": func(e *results.Env) { e.Detail.CgroupQuota = new(8.0) },
		"clock_source": func(e *results.Env) { e.Detail.ClockSource = "hpet" },
		"memory":       func(e *results.Env) { *e.Detail.MemoryFree = 1 << 20 },
		"disk_memory":  func(e *results.Env) { e.Class.Disk.FS = "tmpfs" },
		"disk_overlay": func(e *results.Env) { e.Class.Disk.FS = "overlay" },
		"disk_remote":  func(e *results.Env) { e.Class.Disk.FS = "nfs4" },
		"disk_space":   func(e *results.Env) { *e.Detail.DiskFreeBytes = 1 << 30 },
		"fsync_spread": func(e *results.Env) { *e.Detail.FsyncMaxNS = 50_000_000 },
		"unknown":      func(e *results.Env) { e.Class.NIC.SpeedBitsPerSec = nil },
	} {
		e := quiet()
		spoil(&e)
		w := Warnings(e)
		if !slices.Equal(codes(w), []string{code}) {
			t.Errorf("%s: %v", code, w)
			continue
		}
		if w[0].Text == "" || w[0].Remedy == "" {
			t.Errorf("%s has no words: %+v", code, w[0])
		}
	}
	e := quiet()
	e.Class.NIC = &results.EnvNIC{Name: "lo", MTUBytes: new(int64(65536))}
	if w := Warnings(e); len(w) != 0 {
		t.Errorf("loopback has no speed: %v", w)
	}
}
