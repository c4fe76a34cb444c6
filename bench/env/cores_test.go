package env

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/chainweir/weir/results"
)

func TestParseCPUList(t *testing.T) {
	for text, want := range map[string][]int{
		"0": {0}, "0-3": {0, 1, 2, 3}, "0-1,8,10-11": {0, 1, 8, 10, 11}, "5-5\n": {5},
	} {
		if got, err := parseCPUList(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "3-1", "-1", "0-", "1,,2", "0-99999999", "9223372036854775807"} {
		if got, err := parseCPUList(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestCgroupQuota(t *testing.T) {
	const v2 = "30 1 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	const v2Part = "30 1 0:30 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	const v1 = "31 1 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	for name, c := range map[string]struct {
		fsys fstest.MapFS
		want float64 // 0: none
	}{
		"none":                     {fstest.MapFS{}, 0},
		"v2 unlimited":             {fstest.MapFS{"m": file(v2), "g": file("0::/a"), "sys/fs/cgroup/a/cpu.max": file("max 100000")}, 0},
		"v2":                       {fstest.MapFS{"m": file(v2), "g": file("0::/a"), "sys/fs/cgroup/a/cpu.max": file("150000 100000")}, 1.5},
		"v2 tighter above":         {fstest.MapFS{"m": file(v2), "g": file("0::/a/b"), "sys/fs/cgroup/a/b/cpu.max": file("300000 100000"), "sys/fs/cgroup/a/cpu.max": file("50000 100000")}, 0.5},
		"v2 seen from a container": {fstest.MapFS{"m": file(v2Part), "g": file("0::/docker/x"), "sys/fs/cgroup/cpu.max": file("200000 100000")}, 2},
		"v2 outside the mount":     {fstest.MapFS{"m": file(v2Part), "g": file("0::/else"), "sys/fs/cgroup/cpu.max": file("200000 100000")}, 2},
		"v1":                       {fstest.MapFS{"m": file(v1), "g": file("4:cpu,cpuacct:/x\n3:memory:/x"), "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": file("25000"), "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": file("100000")}, 0.25},
		"v1 unlimited":             {fstest.MapFS{"m": file(v1), "g": file("4:cpu,cpuacct:/"), "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": file("-1"), "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": file("100000")}, 0},
		"nonsense":                 {fstest.MapFS{"m": file(v2), "g": file("0::/a\nwhat"), "sys/fs/cgroup/a/cpu.max": file("1 0 2")}, 0},
	} {
		fsys := fstest.MapFS{}
		for k, v := range c.fsys {
			fsys[map[string]string{"m": "proc/self/mountinfo", "g": "proc/self/cgroup"}[k]] = v
			if k != "m" && k != "g" {
				fsys[k] = v
			}
		}
		delete(fsys, "")
		got := cgroupQuota(source{fsys})
		if (got == nil) != (c.want == 0) || (got != nil && *got != c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestUsableCoresTakeTheTightest(t *testing.T) {
	fsys := serverFS()
	fsys["proc/self/status"] = file("Cpus_allowed_list:\t1,3\n")
	var c results.EnvClass
	var d results.EnvDetail
	readCores(source{fsys}, &c, &d)
	if c.UsableCores != 2 || d.CPUSet != "1,3" {
		t.Errorf("affinity: %v of %q", c.UsableCores, d.CPUSet)
	}
	fsys["sys/fs/cgroup/user.slice/cpu.max"] = file("75000 100000")
	readCores(source{fsys}, &c, &d)
	if c.UsableCores != 0.75 || *d.CgroupQuota != 0.75 {
		t.Errorf("quota: %v", c.UsableCores)
	}
}
