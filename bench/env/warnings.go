package env

import (
	"fmt"
	"strings"
	"time"

	"github.com/chainweir/weir/results"
)

// Limits above or below which a value is worth a warning.
const (
	loadPerCoreMax    = 0.25      // other work that takes a quarter of the machine
	stealMax          = 0.01      // 1 % taken by the hypervisor since boot
	coresMin          = 4.0       // node, generator and kernel want one each
	diskFreeMinBytes  = 4 << 30   // a long run writes some GiB of blocks
	memoryMinBytes    = 1 << 30   // state, histograms and page cache
	fsyncSpreadMax    = 10        // worst to median
	fsyncSpreadFromNS = 5_000_000 // below 5 ms a spike hides in a block's time
)

// Warnings returns what in a fingerprint will spoil a measurement. It is a
// pure function of the fingerprint.
func Warnings(e results.Env) []results.EnvWarning {
	var out []results.EnvWarning
	add := func(code, remedy, format string, args ...any) {
		out = append(out, results.EnvWarning{Code: code, Text: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	c, d := e.Class, e.Detail
	if c.OS != "linux" {
		add("not_linux", "run on Linux for figures to quote",
			"on %s most counters cannot be read: CPU, disk and wire per transaction stay unknown", c.OS)
	}
	if v := d.LoadAverage1; v != nil && *v > loadPerCoreMax*c.UsableCores {
		add("load_average", "stop other work, wait a minute and try again",
			"load average %.2f on %.4g cores before the run started", *v, c.UsableCores)
	}
	if v := d.StealFraction; v != nil && *v > stealMax {
		add("steal", "use a machine whose cores are not shared",
			"%.1f %% of CPU time since boot was taken by the hypervisor for others", *v*100)
	}
	if d.Governor != "" && d.Governor != "performance" {
		add("governor", "set it to performance, e.g. cpupower frequency-set -g performance",
			"CPU governor is %q: the clock follows the load", string(d.Governor))
	}
	if d.Turbo != nil && *d.Turbo {
		add("turbo", "turn it off to compare small differences",
			"turbo is on: the clock follows temperature and the number of busy cores")
	}
	if c.UsableCores < coresMin {
		add("few_cores", "use 4 cores or more, or a second machine for the load generator",
			"%.4g usable cores: node, load generator and kernel compete for them", c.UsableCores)
	}
	if v := d.CgroupQuota; v != nil && *v < float64(c.LogicalCores) {
		add("cgroup_quota", "lift the quota, or give whole cores with a cpuset",
			"a control group limits this process to %.4g of %d cores by throttling it in bursts", *v, c.LogicalCores)
	}
	if d.ClockSource == "hpet" || d.ClockSource == "acpi_pm" {
		add("clock_source", "use tsc, or the hypervisor's clock",
			"clock source %q: reading the time costs microseconds", string(d.ClockSource))
	}
	if v := d.MemoryFree; v != nil && *v < memoryMinBytes {
		add("memory", "free some memory", "only %d MiB of memory available", *v>>20)
	}
	out = append(out, diskWarnings(c.Disk, d)...)
	if unknown := unknownFields(e); len(unknown) > 0 {
		add("unknown", "nothing to do, unless another interface or folder was meant: figures that need them are left out",
			"not known here, null in the record: %s", strings.Join(unknown, ", "))
	}
	return out
}

func diskWarnings(disk *results.EnvDisk, d results.EnvDetail) []results.EnvWarning {
	if disk == nil {
		return nil
	}
	var out []results.EnvWarning
	add := func(code, remedy, format string, args ...any) {
		out = append(out, results.EnvWarning{Code: code, Text: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	switch disk.FS {
	case "tmpfs", "ramfs":
		add("disk_memory", "name a data folder on a disk",
			"the data folder is on %s: durable writes cost nothing and survive nothing", string(disk.FS))
	case "overlay":
		add("disk_overlay", "name a data folder on a mounted volume",
			"the data folder is in a container's layer: its disk cannot be identified")
	case "nfs", "nfs4", "cifs", "fuse.sshfs", "9p", "virtiofs":
		add("disk_remote", "name a data folder on a local disk",
			"the data folder is on %s: durable writes go elsewhere", string(disk.FS))
	}
	if v := d.DiskFreeBytes; v != nil && *v < diskFreeMinBytes {
		add("disk_space", "free some space, or name another data folder",
			"only %d MiB free in the data folder", *v>>20)
	}
	if m, w := d.FsyncMedianNS, d.FsyncMaxNS; m != nil && w != nil && *w >= fsyncSpreadFromNS && *w > fsyncSpreadMax**m {
		add("fsync_spread", "stop other work on this disk",
			"durable writes take %v, at worst %v", time.Duration(*m), time.Duration(*w))
	}
	return out
}

// unknownFields lists, by their keys, the values of weight that are missing.
func unknownFields(e results.Env) []string {
	var out []string
	miss := func(missing bool, key string) {
		if missing {
			out = append(out, key)
		}
	}
	c, d := e.Class, e.Detail
	miss(c.CPUBrand == "", "cpu_brand")
	miss(c.MemoryBytes == nil, "memory_bytes")
	miss(c.Kernel == "", "kernel")
	miss(d.LoadAverage1 == nil, "load_average_1min")
	miss(d.StealFraction == nil, "steal_fraction")
	if c.Disk != nil {
		miss(c.Disk.Device == "", "disk.device")
		miss(c.Disk.FS == "", "disk.fs")
	}
	if c.NIC != nil {
		// Loopback has no speed to know.
		miss(c.NIC.SpeedBitsPerSec == nil && c.NIC.Name != "lo", "nic.speed_bits_per_sec")
		miss(c.NIC.MTUBytes == nil, "nic.mtu_bytes")
	}
	return out
}
