package env

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chainweir/weir/results"
)

func codes(list []results.EnvWarning) []string {
	var out []string
	for _, w := range list {
		out = append(out, w.Code)
	}
	return out
}

func TestReadServer(t *testing.T) {
	env, found := read(context.Background(), serverFS(), Options{NIC: "eth0"})
	if len(found) != 0 {
		t.Errorf("%v", found)
	}
	c, d := env.Class, env.Detail
	if c.LogicalCores != 4 || c.UsableCores != 4 || *d.PhysicalCores != 2 || d.CPUSet != "0-3" || d.CgroupQuota != nil {
		t.Errorf("cores %d %v %d %s %v", c.LogicalCores, c.UsableCores, *d.PhysicalCores, d.CPUSet, d.CgroupQuota)
	}
	if d.Governor != "powersave" || !*d.Turbo || !*d.SMTActive {
		t.Errorf("clock %q %v %v", d.Governor, *d.Turbo, *d.SMTActive)
	}
	if c.Kernel != "6.18.0-generic" || d.KernelVersion != "#1 SMP" || d.OSRelease != "Debian GNU/Linux 13" {
		t.Errorf("system %q %q %q", c.Kernel, d.KernelVersion, d.OSRelease)
	}
	if *c.MemoryBytes != 65536000*1024 || *d.MemoryFree != 32768000*1024 || *d.LoadAverage1 != 3.5 || *d.StealFraction != 0 {
		t.Errorf("memory %d %d load %v steal %v", *c.MemoryBytes, *d.MemoryFree, *d.LoadAverage1, *d.StealFraction)
	}
	if *d.BootTimeUnixNS != 1700000000e9 {
		t.Errorf("boot time %d", *d.BootTimeUnixNS)
	}
	if c.NIC.Driver != "ice" || *c.NIC.SpeedBitsPerSec != 25e9 || *c.NIC.MTUBytes != 9000 {
		t.Errorf("nic %+v", c.NIC)
	}
	if c.Disk != nil {
		t.Errorf("a disk nobody asked for: %+v", c.Disk)
	}
}

// On a system without /proc and /sys nothing is known, nothing fails, nothing
// is 0 in place of null, and the warning names what is missing.
func TestReadNothing(t *testing.T) {
	env, _ := read(context.Background(), fstest.MapFS{}, Options{NIC: "eth9"})
	c, d := env.Class, env.Detail
	if c.MemoryBytes != nil || c.Kernel != "" || d.LoadAverage1 != nil || d.StealFraction != nil || d.PhysicalCores != nil ||
		d.Turbo != nil || d.SMTActive != nil || d.BootTimeUnixNS != nil || c.NIC.MTUBytes != nil || c.NIC.SpeedBitsPerSec != nil {
		t.Errorf("%+v %+v", c, d)
	}
	if c.LogicalCores < 1 || c.UsableCores < 1 {
		t.Errorf("%d %v cores", c.LogicalCores, c.UsableCores)
	}
	w := Warnings(env)
	i := slices.IndexFunc(w, func(w results.EnvWarning) bool { return w.Code == "unknown" })
	if i < 0 || !strings.Contains(w[i].Text, "memory_bytes, kernel, load_average_1min, steal_fraction, nic.speed_bits_per_sec") {
		t.Errorf("%v", w)
	}
}

func TestReadThisMachine(t *testing.T) {
	dir := t.TempDir()
	env := Read(context.Background(), Options{DataDir: dir, MeasureFsync: true})
	if _, err := json.Marshal(env); err != nil {
		t.Fatal(err)
	}
	if env.Class.OS != runtime.GOOS || env.Detail.HostHash == "" || env.Class.UsableCores <= 0 {
		t.Errorf("%+v", env)
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		if b, _ := json.Marshal(env.Detail.HostHash); strings.Contains(string(b), host) {
			t.Error("the host's name is in its hash")
		}
	}
	if env.Detail.FsyncMedianNS == nil || *env.Detail.FsyncMedianNS <= 0 || *env.Detail.FsyncMaxNS < *env.Detail.FsyncMedianNS {
		t.Errorf("fsync %v %v, %v", env.Detail.FsyncMedianNS, env.Detail.FsyncMaxNS, env.Warnings)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if runtime.GOOS == "linux" {
		if env.Class.Kernel == "" || env.Class.MemoryBytes == nil || env.Class.Disk == nil || env.Class.Disk.FS == "" {
			t.Errorf("%+v", env.Class)
		}
	} else if !slices.Contains(codes(env.Warnings), "not_linux") {
		t.Errorf("%v", env.Warnings)
	}
}

func TestReadBadDataDir(t *testing.T) {
	_, found := read(context.Background(), serverFS(), Options{DataDir: t.TempDir() + "/none"})
	if got := codes(found); len(got) != 1 || got[0] != "data_dir" {
		t.Errorf("%v", found)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, found = read(ctx, serverFS(), Options{DataDir: t.TempDir(), MeasureFsync: true})
	if got := codes(found); len(got) != 1 || got[0] != "fsync_unknown" {
		t.Errorf("%v", found)
	}
}

func TestHashHost(t *testing.T) {
	a, b := HashHost("alpha"), HashHost("beta")
	if a == b || len(a) != 16 || a != HashHost("alpha") {
		t.Errorf("%q %q", a, b)
	}
}

func TestVirtualisation(t *testing.T) {
	for name, fsys := range map[string]fstest.MapFS{
		"docker":     {".dockerenv": file("")},
		"podman":     {"run/.containerenv": file("")},
		"kubernetes": {"proc/1/cgroup": file("0::/kubepods/pod1\n")},
	} {
		if got := string(virtualisation(source{fsys})); !strings.HasSuffix(got, "container") {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := string(virtualisation(source{serverFS()})); strings.Contains(got, "container") {
		t.Errorf("server: %q", got)
	}
}

func TestBrandFromCPUInfo(t *testing.T) {
	arm := []string{"processor\t: 0", "CPU implementer\t: 0x41", "CPU part\t: 0xd4f"}
	if got := brandFromCPUInfo(arm); got != "0x41 part 0xd4f" {
		t.Errorf("%q", got)
	}
	if got := brandFromCPUInfo([]string{"model name\t: X 1"}); got != "X 1" {
		t.Errorf("%q", got)
	}
	if got := brandFromCPUInfo(nil); got != "" {
		t.Errorf("%q", got)
	}
}
