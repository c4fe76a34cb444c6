package env

import (
	"fmt"
	"path"
	"runtime"
	"strconv"
	"strings"

	"github.com/chainweir/weir/results"
)

// maxCores bounds a list of cores; Linux itself allows at most 8192.
const maxCores = 1 << 16

// readCores fills in how many cores there are and how many of them this
// process may use.
func readCores(src source, c *results.EnvClass, d *results.EnvDetail) {
	c.LogicalCores = runtime.NumCPU()
	usable := runtime.NumCPU()
	if list, ok := src.text("sys/devices/system/cpu/online"); ok {
		if cores, err := parseCPUList(list); err == nil && len(cores) > 0 {
			c.LogicalCores = len(cores)
			d.PhysicalCores = physicalCores(src, cores)
		}
	}
	if list, ok := value(src.lines("proc/self/status"), "Cpus_allowed_list"); ok {
		if cores, err := parseCPUList(list); err == nil && len(cores) > 0 {
			d.CPUSet = results.NullString(list)
			usable = min(len(cores), c.LogicalCores)
		}
	}
	c.UsableCores = float64(usable)
	if quota := cgroupQuota(src); quota != nil {
		d.CgroupQuota = quota
		c.UsableCores = min(c.UsableCores, *quota)
	}
}

// parseCPUList reads the kernel's list format, "0-3,8,10-11".
func parseCPUList(text string) ([]int, error) {
	var cores []int
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		lo, err1 := strconv.Atoi(first)
		hi, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || lo < 0 || hi < lo || hi >= maxCores {
			return nil, fmt.Errorf("core list %q: %q is neither a core nor a range of cores", text, part)
		}
		for c := lo; c <= hi; c++ {
			cores = append(cores, c)
		}
		if len(cores) > maxCores {
			return nil, fmt.Errorf("core list %q: more than %d cores", text, maxCores)
		}
	}
	return cores, nil
}

// physicalCores counts the pairs of package and core behind the logical cores.
func physicalCores(src source, logical []int) *int64 {
	seen := make(map[[2]int64]bool)
	for _, c := range logical {
		base := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/", c)
		pkg, core := src.integer(base+"physical_package_id"), src.integer(base+"core_id")
		if pkg == nil || core == nil {
			return nil
		}
		seen[[2]int64{*pkg, *core}] = true
	}
	n := int64(len(seen))
	return &n
}

// cgroupQuota returns the tightest CPU quota, in cores, of this process's
// control group and those above it; nil when there is none. Both versions of
// control groups may be mounted at once.
func cgroupQuota(src source) *float64 {
	mounts := parseMounts(src.lines("proc/self/mountinfo"))
	var least *float64
	for _, l := range src.lines("proc/self/cgroup") {
		// "hierarchy:controllers:path"; version 2 has an empty middle part.
		f := strings.SplitN(l, ":", 3)
		if len(f) != 3 {
			continue
		}
		for _, m := range mounts {
			var read func(source, string) *float64
			switch {
			case f[1] == "" && m.fs == "cgroup2":
				read = quotaV2
			case hasWord(f[1], "cpu") && m.fs == "cgroup" && hasWord(m.superOptions, "cpu"):
				read = quotaV1
			default:
				continue
			}
			if q := leastUpwards(src, m, f[2], read); q != nil && (least == nil || *q < *least) {
				least = q
			}
		}
	}
	return least
}

// leastUpwards reads the quota of group and of every group above it, up to the
// mount.
func leastUpwards(src source, m mount, group string, read func(source, string) *float64) *float64 {
	base := strings.TrimPrefix(m.point, "/")
	// Inside a container the mount may show only a part of the tree.
	rel, inside := strings.CutPrefix(path.Clean(group), strings.TrimSuffix(m.root, "/"))
	if !inside {
		rel = "/"
	}
	var least *float64
	for dir := path.Join("/", rel); ; dir = path.Dir(dir) {
		if q := read(src, path.Join(base, dir)); q != nil && (least == nil || *q < *least) {
			least = q
		}
		if dir == "/" {
			return least
		}
	}
}

// quotaV2 reads cpu.max: "max 100000" or "150000 100000".
func quotaV2(src source, dir string) *float64 {
	t, _ := src.text(path.Join(dir, "cpu.max"))
	f := strings.Fields(t)
	if len(f) != 2 {
		return nil
	}
	return quotient(parseFloat(f[0]), parseFloat(f[1]))
}

// quotaV1 reads cpu.cfs_quota_us, -1 for none, and cpu.cfs_period_us.
func quotaV1(src source, dir string) *float64 {
	q, _ := src.text(path.Join(dir, "cpu.cfs_quota_us"))
	p, _ := src.text(path.Join(dir, "cpu.cfs_period_us"))
	return quotient(parseFloat(q), parseFloat(p))
}

// quotient returns quota / period when both are known and positive.
func quotient(quota, period *float64) *float64 {
	if quota == nil || period == nil || *quota <= 0 || *period <= 0 {
		return nil
	}
	return results.Ratio(*quota, *period)
}

// hasWord reports whether word is one of a comma-separated list.
func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}
