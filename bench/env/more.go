package env

import (
	"io/fs"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/chainweir/weir/results"
)

// readMore fills in what the first release's records lack.
func readMore(src source, c *results.EnvClass, d *results.EnvDetail) {
	if v, ok := value(src.lines("proc/cpuinfo"), "microcode"); ok {
		c.Microcode = results.NullString(v)
	}
	c.Mitigations = mitigations(src)
	c.Sockets = sockets(src)
	if list, ok := src.text("sys/devices/system/node/online"); ok {
		if nodes, err := parseCPUList(list); err == nil {
			n := int64(len(nodes))
			c.NUMANodes = &n
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		c.GoFlags = goFlags(info.Settings, os.Getenv)
	}
	if v, ok := src.text("sys/kernel/mm/transparent_hugepage/enabled"); ok {
		d.HugePages = results.NullString(chosen(v))
	}
	d.MemoryLimit = memoryLimit(src)
}

// mitigations lists the processor's vulnerabilities with what the kernel does
// about each. Those that it does not have are left out.
func mitigations(src source) results.NullString {
	const dir = "sys/devices/system/cpu/vulnerabilities"
	entries, err := fs.ReadDir(src.fsys, dir)
	if err != nil {
		return ""
	}
	var out []string
	for _, e := range entries {
		if v, ok := src.text(dir + "/" + e.Name()); ok && v != "Not affected" {
			out = append(out, e.Name()+": "+v)
		}
	}
	if len(out) == 0 {
		return "none needed"
	}
	return results.NullString(strings.Join(out, " | "))
}

// sockets counts the processor packages.
func sockets(src source) *int64 {
	names, err := fs.Glob(src.fsys, "sys/devices/system/cpu/cpu*/topology/physical_package_id")
	if err != nil || len(names) == 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, name := range names {
		if v, ok := src.text(name); ok {
			seen[v] = true
		}
	}
	n := int64(len(seen))
	return &n
}

// Settings of the Go toolchain and runtime that change what is measured.
var (
	buildSettings   = []string{"-race", "-msan", "-asan", "-cover", "-gcflags", "-tags", "-pgo", "CGO_ENABLED", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFIPS140"}
	runtimeSettings = []string{"GOGC", "GOMEMLIMIT", "GODEBUG", "GOMAXPROCS"}
)

// goFlags joins what is set. Linker flags are left out: they name versions, and
// two versions are what people compare.
func goFlags(build []debug.BuildSetting, getenv func(string) string) results.NullString {
	var out []string
	for _, s := range build {
		if slices.Contains(buildSettings, s.Key) && s.Value != "" {
			out = append(out, s.Key+"="+s.Value)
		}
	}
	slices.Sort(out)
	for _, name := range runtimeSettings {
		if v := getenv(name); v != "" {
			out = append(out, name+"="+v)
		}
	}
	return results.NullString(strings.Join(out, " "))
}

// groupDirs are the folders of this process's control group of version 2 and of
// those above it, as names from the root.
func groupDirs(src source) []string {
	var out []string
	mounts := parseMounts(src.lines("proc/self/mountinfo"))
	for _, l := range src.lines("proc/self/cgroup") {
		group, ok := strings.CutPrefix(l, "0::")
		if !ok {
			continue
		}
		for _, m := range mounts {
			if m.fs != "cgroup2" {
				continue
			}
			rel, inside := strings.CutPrefix(path.Clean(group), strings.TrimSuffix(m.root, "/"))
			if !inside {
				rel = "/"
			}
			for dir := path.Join("/", rel); ; dir = path.Dir(dir) {
				out = append(out, path.Join(strings.TrimPrefix(m.point, "/"), dir))
				if dir == "/" {
					break
				}
			}
		}
	}
	return out
}

// memoryLimit is the tightest memory limit of this process's control groups,
// nil when there is none.
func memoryLimit(src source) *int64 {
	var least *int64
	for _, dir := range groupDirs(src) {
		if v := src.integer(path.Join(dir, "memory.max")); v != nil && *v >= 0 && (least == nil || *v < *least) {
			least = v
		}
	}
	return least
}
