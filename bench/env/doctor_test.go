package env

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chainweir/weir/results"
)

// A machine with everything that examine looks for.
func TestExamine(t *testing.T) {
	src := source{fstest.MapFS{
		"proc/meminfo":     file("MemTotal: 1000 kB\nSwapTotal: 2097152 kB\nSwapFree: 1048576 kB\n"),
		"proc/self/status": file("Name:\tweir\nCapEff:\t0000000000001000\n"), // CAP_NET_ADMIN alone
		"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": file("3\n"),
		"sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": file("12\n"),
		"sys/class/net/lo/operstate":                                       file("unknown\n"),
		"sys/class/net/eth0/operstate":                                     file("up\n"),
		"sys/class/net/eth0/speed":                                         file("-1\n"),
		"proc/self/net/tcp":                                                file(procTCP),
	}}
	e := results.Env{Class: results.EnvClass{OS: "linux"}, Detail: results.EnvDetail{SMTActive: new(bool)}}
	*e.Detail.SMTActive = true
	got := examine(src, e, DoctorOptions{Exe: "/opt/weir", OpenFiles: 1024, Port: 7151})
	want := map[string]string{
		"swap": "1024 MiB", "smt": "share", "thermal": "12 times", "open_files": "1024", "no_btf": "btf",
		"no_capabilities": "CAP_BPF, CAP_PERFMON", "nic_speed": "eth0", "port_taken": "127.0.0.1:7151",
	}
	for _, w := range got {
		if text, ok := want[w.Code]; !ok || !strings.Contains(w.Text, text) || w.Remedy == "" {
			t.Errorf("%s: %s → %s, want %q in it", w.Code, w.Text, w.Remedy, text)
		}
		delete(want, w.Code)
		if w.Code == "no_capabilities" && !strings.Contains(w.Remedy, "sudo setcap cap_bpf,cap_net_admin,cap_perfmon+ep /opt/weir") {
			t.Errorf("the remedy cannot be pasted: %s", w.Remedy)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

// A quiet machine has nothing; one with only loopback is told.
func TestExamineQuiet(t *testing.T) {
	fsys := fstest.MapFS{
		"proc/meminfo": file("SwapTotal: 1024 kB\nSwapFree: 1024 kB\n"), "proc/self/status": file("CapEff:\t000001ffffffffff\n"),
		"sys/kernel/btf/vmlinux": file("x"), "sys/class/net/eth0/operstate": file("up\n"), "sys/class/net/eth0/speed": file("1000\n"),
	}
	e := results.Env{Class: results.EnvClass{OS: "linux"}}
	if got := examine(source{fsys}, e, DoctorOptions{OpenFiles: 65536, Port: 7151}); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	delete(fsys, "sys/class/net/eth0/speed")
	fsys["sys/class/net/eth0/operstate"] = file("down\n")
	if got := examine(source{fsys}, e, DoctorOptions{}); len(got) != 1 || got[0].Code != "loopback_only" {
		t.Errorf("%+v", got)
	}
}

func TestRank(t *testing.T) {
	var codes []string
	for _, f := range rank([]results.EnvWarning{{Code: "turbo"}, {Code: "governor"}, {Code: "unknown"}, {Code: "other_load"}, {Code: "steal"}}) {
		codes = append(codes, f.Level+" "+f.Code)
	}
	want := []string{"spoils other_load", "spoils steal", "spoils governor", "note turbo", "note unknown"}
	if !slices.Equal(codes, want) {
		t.Errorf("%q, want %q", codes, want)
	}
	if got := rank(nil); got == nil || len(got) != 0 {
		t.Errorf("%v, want an empty list and no null", got)
	}
}

func TestJudgeLoad(t *testing.T) {
	first := map[int]processTime{1: {"init", 5}, 7: {"db", 100}, 8: {"sleepy", 9}, 9: {"old", 900}}
	second := map[int]processTime{1: {"init", 6}, 7: {"db", 300}, 8: {"sleepy", 9}, 9: {"new", 950}}
	w, ok := judgeLoad(HostCPU{}, HostCPU{BusyNS: 20, IdleNS: 80}, first, second)
	if !ok || w.Code != "other_load" || !strings.Contains(w.Text, "20 % busy") || !strings.Contains(w.Text, "db (process 7), init (process 1)") {
		t.Errorf("%v %+v", ok, w)
	}
	if strings.Contains(w.Text, "sleepy") || strings.Contains(w.Text, "new") {
		t.Errorf("an idle process, or one whose number was reused, is blamed: %s", w.Text)
	}
	if w, ok := judgeLoad(HostCPU{}, HostCPU{BusyNS: 5, IdleNS: 95}, nil, nil); ok {
		t.Errorf("%+v", w)
	}
	if w, ok := judgeLoad(HostCPU{}, HostCPU{}, nil, nil); ok { // no time went by
		t.Errorf("%+v", w)
	}
}

// What is missing decides what is lost: CAP_SYS_ADMIN stands for CAP_BPF and
// CAP_PERFMON and not for CAP_NET_ADMIN, and frames need no CAP_PERFMON.
func TestExamineCapabilities(t *testing.T) {
	for _, c := range []struct {
		mask  uint64
		words []string
	}{
		{1<<capBPF | 1<<capNetAdmin | 1<<capPerfmon, nil},
		{1<<capSysAdmin | 1<<capNetAdmin, nil},
		{1 << capSysAdmin, []string{"not counted", "lacks CAP_NET_ADMIN"}},
		{1<<capBPF | 1<<capNetAdmin, []string{"wire bytes are exact", "lacks CAP_PERFMON"}},
		{0, []string{"not counted", "lacks CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON"}},
	} {
		src := source{fstest.MapFS{
			"sys/kernel/btf/vmlinux": file(""), "proc/self/status": file(fmt.Sprintf("CapEff:\t%016x\n", c.mask)),
		}}
		var e results.Env
		e.Class.OS = "linux"
		got := examineEBPF(src, e, DoctorOptions{})
		if len(got) != min(1, len(c.words)) {
			t.Errorf("%#x: %+v", c.mask, got)
			continue
		}
		for _, word := range c.words {
			if !strings.Contains(got[0].Text, word) {
				t.Errorf("%#x: %q does not say %q", c.mask, got[0].Text, word)
			}
		}
	}
}
