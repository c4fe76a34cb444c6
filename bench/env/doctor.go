package env

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chainweir/weir/results"
)

// Levels of a finding.
const (
	LevelSpoils = "spoils" // figures measured now should not be quoted
	LevelNote   = "note"   // figures hold, with this said beside them
)

// Finding is one thing about the machine that a measurement suffers from.
type Finding struct {
	Level string `json:"level"`
	results.EnvWarning
}

// spoiling are the codes of warnings that make a figure wrong, worst first.
// Every other one is a note.
var spoiling = []string{
	"other_load", "pressure", "load_average", "steal", "race", "cgroup_quota", "throttled", "swap", "memory", "disk_space",
	"disk_memory", "disk_remote", "battery", "clock_source", "governor", "fsync_spread", "half_duplex", "not_linux",
}

// Limits of what Doctor looks at beside Warnings.
const (
	swapUsedMax   = 64 << 20
	openFilesMin  = 4096
	otherLoadMax  = 0.10 // of all cores
	otherLoadLook = 400 * time.Millisecond
)

// DoctorOptions are what the findings depend on beside the machine.
type DoctorOptions struct {
	Options
	Exe       string // the binary that needs capabilities
	OpenFiles uint64 // the limit of this process; 0: unknown
	Port      uint16 // that a node would listen on
}

// Doctor returns what will spoil a measurement on this machine, worst first. It
// looks for 0.4 s at what others do, and changes nothing but the few small
// writes of Options.MeasureFsync.
func Doctor(ctx context.Context, opt DoctorOptions) []Finding {
	e := Read(ctx, opt.Options)
	found := append(e.Warnings, examine(source{os.DirFS("/")}, e, opt)...)
	if w, ok := otherLoad(ctx); ok {
		found = append(found, w)
	}
	return rank(found)
}

// rank gives each warning its level and puts the worst first.
func rank(list []results.EnvWarning) []Finding {
	out := make([]Finding, 0, len(list))
	place := func(code string) int {
		if i := slices.Index(spoiling, code); i >= 0 {
			return i
		}
		return len(spoiling)
	}
	for _, w := range list {
		level := LevelNote
		if place(w.Code) < len(spoiling) {
			level = LevelSpoils
		}
		out = append(out, Finding{level, w})
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(place(a.Code), place(b.Code)) })
	return out
}

// examine finds what Warnings does not know of, because records do not hold it.
func examine(src source, e results.Env, opt DoctorOptions) []results.EnvWarning {
	var out []results.EnvWarning
	add := func(code, remedy, format string, args ...any) {
		out = append(out, results.EnvWarning{Code: code, Text: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	mem := src.lines("proc/meminfo")
	if total, free := kibibytes(mem, "SwapTotal"), kibibytes(mem, "SwapFree"); total != nil && free != nil && *total-*free > swapUsedMax {
		add("swap", "free memory, then swapoff -a and swapon -a", "%d MiB are swapped out: a page that comes back costs milliseconds", (*total-*free)>>20)
	}
	if smt := e.Detail.SMTActive; smt != nil && *smt {
		add("smt", "compare runs with the same pinning only, or turn it off (/sys/devices/system/cpu/smt/control)",
			"two logical cores share each physical one: 50 %% busy is not half of what the machine can do")
	}
	if n := throttled(src); n > 0 {
		add("thermal", "improve the cooling; watch core_throttle_count during a run", "the processor slowed itself down for heat %d times since boot", n)
	}
	if opt.OpenFiles > 0 && opt.OpenFiles < openFilesMin {
		add("open_files", fmt.Sprintf("ulimit -n %d before the run", openFilesMin), "this process may open %d files: not enough for thousands of connections", opt.OpenFiles)
	}
	out = append(out, examineMore(src, e)...)
	out = append(out, examineEBPF(src, e, opt)...)
	out = append(out, examineNetwork(src, opt)...)
	return out
}

// throttled is the largest count of any core.
func throttled(src source) int64 {
	var most int64
	names, err := fs.Glob(src.fsys, "sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")
	if err != nil {
		return 0
	}
	for _, name := range names {
		if n := src.integer(name); n != nil {
			most = max(most, *n)
		}
	}
	return most
}

// Bits of CapEff (capabilities(7)) that the wire's exact counters need.
const capNetAdmin, capPerfmon, capBPF, capSysAdmin = 12, 38, 39, 21

func examineEBPF(src source, e results.Env, opt DoctorOptions) []results.EnvWarning {
	if e.Class.OS != "linux" {
		return nil
	}
	var out []results.EnvWarning
	if _, err := fs.Stat(src.fsys, "sys/kernel/btf/vmlinux"); err != nil {
		out = append(out, results.EnvWarning{
			Code: "no_btf", Text: "the kernel has no type information (/sys/kernel/btf/vmlinux): programs that read its structures do not load",
			Remedy: "use a kernel with CONFIG_DEBUG_INFO_BTF; exact wire bytes need none",
		})
	}
	hex, ok := value(src.lines("proc/self/status"), "CapEff")
	mask, err := strconv.ParseUint(hex, 16, 64)
	if !ok || err != nil {
		return out
	}
	var missing []string
	for _, c := range []struct {
		bit  uint
		name string
	}{{capBPF, "CAP_BPF"}, {capNetAdmin, "CAP_NET_ADMIN"}, {capPerfmon, "CAP_PERFMON"}} {
		// CAP_SYS_ADMIN stands for the other two, as before Linux 5.8.
		if mask>>c.bit&1 == 0 && (c.bit == capNetAdmin || mask>>capSysAdmin&1 == 0) {
			missing = append(missing, c.name)
		}
	}
	if len(missing) > 0 {
		lost := "wire bytes will be computed and not counted"
		if missing[0] == "CAP_PERFMON" {
			lost = "wire bytes are exact, and weir probe has no kernel counters of sockets and queues"
		}
		out = append(out, results.EnvWarning{
			Code: "no_capabilities", Text: lost + ": this user lacks " + strings.Join(missing, ", "),
			Remedy: "run as root, or once: sudo setcap cap_bpf,cap_net_admin,cap_perfmon+ep " + opt.Exe,
		})
	}
	return out
}

func examineNetwork(src source, opt DoctorOptions) []results.EnvWarning {
	var out []results.EnvWarning
	names, err := fs.ReadDir(src.fsys, "sys/class/net")
	if err != nil {
		return nil
	}
	up := 0
	for _, n := range names {
		state, ok := src.text("sys/class/net/" + n.Name() + "/operstate")
		if n.Name() == "lo" || !ok || state != "up" {
			continue
		}
		up++
		if nic := readNIC(src, n.Name()); nic.SpeedBitsPerSec == nil {
			out = append(out, results.EnvWarning{
				Code:   "nic_speed",
				Text:   fmt.Sprintf("interface %s (driver %s) does not tell its speed: its capacity has to be measured", n.Name(), orWord(string(nic.Driver), "unknown")),
				Remedy: "weir link against the other end, or weir run, measures it",
			})
		}
	}
	if up == 0 {
		out = append(out, results.EnvWarning{
			Code: "loopback_only", Text: "no network interface but loopback is up: a run here measures a memory copy as its wire",
			Remedy: "use --link RATE for a shaped link, or a second machine",
		})
	}
	if list, err := parseListeners(append(src.lines("proc/self/net/tcp"), src.lines("proc/self/net/tcp6")...)); err == nil && opt.Port != 0 {
		for _, l := range list {
			if l.Addr.Port() == opt.Port {
				out = append(out, results.EnvWarning{
					Code: "port_taken", Text: fmt.Sprintf("somebody listens on %v already: another node may be at work", l.Addr),
					Remedy: fmt.Sprintf("ss -ltnp 'sport = :%d' shows who", opt.Port),
				})
				break
			}
		}
	}
	return out
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

// otherLoad looks for a moment at what the machine does while this process
// waits, and names who it is.
func otherLoad(ctx context.Context) (results.EnvWarning, bool) {
	before, err := ReadHostCPU()
	if err != nil {
		return results.EnvWarning{}, false
	}
	first := processTimes()
	wait := time.NewTimer(otherLoadLook)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return results.EnvWarning{}, false
	case <-wait.C:
	}
	after, err := ReadHostCPU()
	if err != nil {
		return results.EnvWarning{}, false
	}
	return judgeLoad(before, after, first, processTimes())
}

// processTime is the CPU time of one process.
type processTime struct {
	name string
	ns   int64
}

func processTimes() map[int]processTime {
	out := map[int]processTime{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return out
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // gone
		}
		user, sys, err1 := parseProcessStat(string(text))
		name, _, err2 := parseProcessName(string(text))
		if err1 == nil && err2 == nil {
			out[pid] = processTime{name, user + sys}
		}
	}
	return out
}

// judgeLoad is a pure function of two looks at the machine.
func judgeLoad(before, after HostCPU, first, second map[int]processTime) (results.EnvWarning, bool) {
	busy := float64(after.BusyNS - before.BusyNS)
	share := results.Ratio(busy, busy+float64(after.IdleNS-before.IdleNS)+float64(after.StealNS-before.StealNS))
	if share == nil || *share <= otherLoadMax {
		return results.EnvWarning{}, false
	}
	type user struct {
		pid  int
		name string
		ns   int64
	}
	var users []user
	for pid, p := range second {
		if q, ok := first[pid]; ok && q.name == p.name && p.ns > q.ns {
			users = append(users, user{pid, p.name, p.ns - q.ns})
		}
	}
	slices.SortFunc(users, func(a, b user) int { return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.pid, b.pid)) })
	var who []string
	for _, u := range users[:min(3, len(users))] {
		who = append(who, fmt.Sprintf("%s (process %d)", u.name, u.pid))
	}
	text := fmt.Sprintf("others keep the cores %.0f %% busy now", 100**share)
	if len(who) > 0 {
		text += ", most of all " + strings.Join(who, ", ")
	}
	return results.EnvWarning{Code: "other_load", Text: text, Remedy: "stop it, or measure when it is done"}, true
}
