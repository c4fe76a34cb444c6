package env

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/chainweir/weir/results"
)

// Limits of what examineMore looks at.
const (
	pressureMax      = 10.0    // percent of the last 10 s in which something waited
	memoryLimitBytes = 2 << 30 // node and generator with their transactions
)

// examineMore finds what waits, what throttles, and how this program was built.
func examineMore(src source, e results.Env) []results.EnvWarning {
	var out []results.EnvWarning
	add := func(code, remedy, format string, args ...any) {
		out = append(out, results.EnvWarning{Code: code, Text: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	for _, resource := range []string{"cpu", "memory", "io"} {
		if v := pressure(src, resource); v != nil && *v > pressureMax {
			add("pressure", "stop other work; /proc/pressure tells when it is over",
				"for %.0f %% of the last 10 s something waited for %s", *v, resource)
		}
	}
	if n := throttledGroups(src); n > 0 {
		add("throttled", "lift the quota of the control group (cpu.max)", "this process's control group was stopped by its quota %d times since it was made", n)
	}
	flags := string(e.Class.GoFlags)
	for _, f := range []string{"-race=true", "-msan=true", "-asan=true", "-cover=true"} {
		if strings.Contains(flags, f) {
			add("race", "measure a plain build (make build)", "this program was built with %s: it is several times slower", f)
		}
	}
	for _, name := range runtimeSettings {
		if _, after, ok := strings.Cut(" "+flags+" ", " "+name+"="); ok {
			v, _, _ := strings.Cut(after, " ")
			add("go_settings", "unset it, or set the same for every run that is compared", "%s=%s is set: it changes what garbage collection and scheduling cost", name, v)
		}
	}
	if m := e.Detail.VCSModified; m != nil && *m {
		add("dirty_build", "commit, then build again", "this program was built from changed files: its figures belong to no revision")
	}
	if onBattery(src) {
		add("battery", "plug it in", "this machine runs on its battery: the clock follows the charge")
	}
	if n := e.Class.NUMANodes; n != nil && *n > 1 {
		add("numa", "keep node and generator to one socket (numactl --cpunodebind=0 --membind=0)", "memory is spread over %d nodes: far memory takes longer, and where pages lie differs from run to run", *n)
	}
	if v := e.Detail.MemoryLimit; v != nil && *v < memoryLimitBytes {
		add("memory_limit", "raise memory.max of the control group to 2 GiB or more", "a control group limits this process to %d MiB of memory", *v>>20)
	}
	if nic := e.Class.NIC; nic != nil && nic.Duplex == "half" {
		add("half_duplex", "check cable and switch port", "interface %s runs half duplex: both directions share the wire", nic.Name)
	}
	if strings.Contains(string(e.Class.Mitigations), "Vulnerable") {
		add("mitigations", "compare only with machines that have the same; weir compare refuses others", "the kernel leaves some of the processor's vulnerabilities open: system calls are cheaper than elsewhere")
	}
	return out
}

// pressure is the share of the last 10 s, in percent, in which some task waited
// for a resource (Documentation/accounting/psi.rst); nil when it is not known.
func pressure(src source, resource string) *float64 {
	for _, l := range src.lines("proc/pressure/" + resource) {
		if rest, ok := strings.CutPrefix(l, "some avg10="); ok {
			v, _, _ := strings.Cut(rest, " ")
			return parseFloat(v)
		}
	}
	return nil
}

// throttledGroups is how often any of this process's control groups used up its
// quota.
func throttledGroups(src source) int64 {
	var most int64
	for _, dir := range groupDirs(src) {
		for _, l := range src.lines(path.Join(dir, "cpu.stat")) {
			if v, ok := strings.CutPrefix(l, "nr_throttled "); ok {
				if n := parseInt(v); n != nil {
					most = max(most, *n)
				}
			}
		}
	}
	return most
}

// onBattery tells that there is a mains supply and that it is off.
func onBattery(src source) bool {
	names, err := fs.Glob(src.fsys, "sys/class/power_supply/*/online")
	if err != nil {
		return false
	}
	off := false
	for _, name := range names {
		if kind, _ := src.text(path.Join(path.Dir(name), "type")); kind != "Mains" {
			continue
		}
		on := src.flag(name)
		if on == nil || *on {
			return false
		}
		off = true
	}
	return off
}
