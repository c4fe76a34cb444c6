package env

import (
	"runtime/debug"
	"strings"

	"github.com/chainweir/weir/results"
)

// readSystem fills in kernel, distribution, memory and how busy the machine is
// before we start.
func readSystem(src source, c *results.EnvClass, d *results.EnvDetail) {
	if v, ok := src.text("proc/sys/kernel/osrelease"); ok {
		c.Kernel = results.NullString(v)
	}
	if v, ok := src.text("proc/sys/kernel/version"); ok {
		d.KernelVersion = results.NullString(v)
	}
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if v, ok := value(src.lines(name), "PRETTY_NAME"); ok {
			d.OSRelease = results.NullString(v)
			break
		}
	}
	mem := src.lines("proc/meminfo")
	c.MemoryBytes = kibibytes(mem, "MemTotal")
	d.MemoryFree = kibibytes(mem, "MemAvailable")

	if t, ok := src.text("proc/loadavg"); ok {
		first, _, _ := strings.Cut(t, " ")
		d.LoadAverage1 = parseFloat(first)
	}
	stat := src.lines("proc/stat")
	if host, err := parseHostCPU(stat); err == nil {
		d.StealFraction = results.Ratio(float64(host.StealNS), float64(host.BusyNS+host.IdleNS+host.StealNS))
	}
	for _, l := range stat {
		if t, ok := strings.CutPrefix(l, "btime "); ok {
			if sec := parseInt(t); sec != nil && *sec > 0 && *sec < 1<<33 {
				ns := *sec * 1e9
				d.BootTimeUnixNS = &ns
			}
		}
	}
}

// kibibytes reads a line such as "MemTotal:       24684084 kB", in bytes.
func kibibytes(lines []string, key string) *int64 {
	t, ok := value(lines, key)
	if !ok {
		return nil
	}
	n := parseInt(strings.TrimSuffix(t, "kB"))
	if n == nil || *n < 0 || *n > 1<<50 {
		return nil
	}
	bytes := *n * 1024
	return &bytes
}

// readBuild fills in the revision this program was built from.
func readBuild(d *results.EnvDetail) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			d.VCSRevision = results.NullString(s.Value)
		case "vcs.modified":
			modified := s.Value == "true"
			d.VCSModified = &modified
		}
	}
}
