package env

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
)

// nsPerTick is the length of a clock tick in /proc. Linux shows user space 100
// ticks per second whatever the kernel's own timer is (proc_stat(5), USER_HZ).
const nsPerTick = 1e9 / 100

// HostCPU is the CPU time of the whole machine since boot, summed over its
// cores, in steps of 10 ms. Busy is everything but idle, waiting for disks and
// steal; it includes interrupts, so the kernel's network work is in it.
type HostCPU struct {
	BusyNS  int64
	IdleNS  int64 // with waiting for disks
	StealNS int64 // taken by the hypervisor
}

// ReadHostCPU returns the counters of /proc/stat, or ErrNotSupported where
// there is none.
func ReadHostCPU() (HostCPU, error) {
	lines, err := procLines("proc/stat")
	if err != nil {
		return HostCPU{}, err
	}
	return parseHostCPU(lines)
}

// HostBusyNS is ReadHostCPU's BusyNS.
func HostBusyNS() (int64, error) {
	h, err := ReadHostCPU()
	return h.BusyNS, err
}

func parseHostCPU(lines []string) (HostCPU, error) {
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) < 5 || f[0] != "cpu" {
			continue
		}
		// user nice system idle iowait irq softirq steal guest guest_nice; the
		// two guest columns are part of user and nice already.
		var ticks [8]int64
		for i := range min(len(ticks), len(f)-1) {
			v := parseInt(f[i+1])
			if v == nil || *v < 0 || *v > 1<<50 {
				return HostCPU{}, fmt.Errorf("/proc/stat: %q is not a number of ticks", f[i+1])
			}
			ticks[i] = *v
		}
		return HostCPU{
			BusyNS:  (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) * nsPerTick,
			IdleNS:  (ticks[3] + ticks[4]) * nsPerTick,
			StealNS: ticks[7] * nsPerTick,
		}, nil
	}
	return HostCPU{}, errors.New("/proc/stat has no line for all cores")
}

// DiskBusyNS returns the time, since boot and in steps of 1 ms, in which the
// disk of the given kernel name had at least one request in flight.
func DiskBusyNS(device string) (int64, error) {
	lines, err := procLines("proc/diskstats")
	if err != nil {
		return 0, err
	}
	return parseDiskBusy(lines, device)
}

func parseDiskBusy(lines []string, device string) (int64, error) {
	for _, l := range lines {
		// major minor name, then 11 or more counters of which the tenth is the
		// time doing I/O in ms (Documentation/admin-guide/iostats.rst).
		f := strings.Fields(l)
		if len(f) < 13 || f[2] != device {
			continue
		}
		ms := parseInt(f[12])
		if ms == nil || *ms < 0 || *ms > 1<<42 {
			return 0, fmt.Errorf("/proc/diskstats: %q is not a time", f[12])
		}
		return *ms * 1e6, nil
	}
	return 0, fmt.Errorf("/proc/diskstats has no disk %q: name a whole disk as the kernel calls it", device)
}

func procLines(name string) ([]string, error) {
	t, err := fs.ReadFile(os.DirFS("/"), name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("/%s: %w: run on Linux to have this counter", name, ErrNotSupported)
	}
	if err != nil {
		return nil, err
	}
	return strings.Split(string(t), "\n"), nil
}

// ProcessCPU is the CPU time that a process has used, all its threads summed,
// those that ended included. TotalNS is exact to the scheduler's nanosecond;
// User and Sys are in steps of 10 ms.
type ProcessCPU struct {
	TotalNS int64
	UserNS  int64
	SysNS   int64
}

// Since returns what was used after before was read. The exact total is kept,
// and split in the proportion of the two coarse counters.
func (p ProcessCPU) Since(before ProcessCPU) ProcessCPU {
	d := ProcessCPU{TotalNS: p.TotalNS - before.TotalNS, UserNS: p.UserNS - before.UserNS, SysNS: p.SysNS - before.SysNS}
	if coarse := d.UserNS + d.SysNS; coarse > 0 {
		d.SysNS = int64(float64(d.TotalNS) * float64(d.SysNS) / float64(coarse))
	} else {
		d.SysNS = 0 // less than one tick: nothing is known of the split
	}
	d.UserNS = d.TotalNS - d.SysNS
	return d
}

// parseProcessStat reads user and system time from /proc/PID/stat.
func parseProcessStat(text string) (userNS, sysNS int64, err error) {
	// The name, in parentheses, may itself hold blanks and parentheses.
	i := strings.LastIndexByte(text, ')')
	f := strings.Fields(text[i+1:])
	const utime, stime = 14 - 3, 15 - 3 // the first field after the name is the third
	if i < 0 || len(f) <= stime {
		return 0, 0, fmt.Errorf("%q is not the line of a process", text)
	}
	u, s := parseInt(f[utime]), parseInt(f[stime])
	const most = math.MaxInt64 / int64(nsPerTick) // what fits into ns: 292 years
	if u == nil || s == nil || *u < 0 || *s < 0 || *u > most || *s > most {
		return 0, 0, fmt.Errorf("process times %q and %q are not ticks", f[utime], f[stime])
	}
	return *u * nsPerTick, *s * nsPerTick, nil
}
