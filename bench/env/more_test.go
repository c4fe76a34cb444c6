package env

import (
	"context"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chainweir/weir/results"
)

// hardFS is serverFS in trouble: a control group with limits, on its battery,
// under pressure, with two memory nodes.
func hardFS() fstest.MapFS {
	m := serverFS()
	for name, text := range map[string]string{
		"proc/cpuinfo": "processor\t: 0\nmodel name\t: Some CPU\nmicrocode\t: 0xb00211\n",
		"sys/devices/system/cpu/vulnerabilities/meltdown":          "Not affected\n",
		"sys/devices/system/cpu/vulnerabilities/retbleed":          "Mitigation: untrained return thunk\n",
		"sys/devices/system/cpu/vulnerabilities/spec_rstack":       "Vulnerable\n",
		"sys/devices/system/node/online":                           "0-1\n",
		"sys/kernel/mm/transparent_hugepage/enabled":               "always [madvise] never\n",
		"sys/fs/cgroup/user.slice/memory.max":                      "1073741824\n",
		"sys/fs/cgroup/memory.max":                                 "max\n",
		"sys/fs/cgroup/user.slice/cpu.stat":                        "usage_usec 9\nnr_periods 50\nnr_throttled 17\n",
		"proc/pressure/cpu":                                        "some avg10=3.00 avg60=1.00 avg300=0.00 total=1\n",
		"proc/pressure/io":                                         "some avg10=42.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=40.00 avg60=0 avg300=0 total=1\n",
		"sys/class/power_supply/AC/type":                           "Mains\n",
		"sys/class/power_supply/AC/online":                         "0\n",
		"sys/class/power_supply/BAT0/type":                         "Battery\n",
		"sys/class/net/eth0/duplex":                                "half\n",
		"sys/class/net/eth0/queues/rx-0/rps_cpus":                  "0\n",
		"sys/class/net/eth0/queues/rx-1/rps_cpus":                  "0\n",
		"sys/class/net/eth0/queues/tx-0/xps_cpus":                  "0\n",
		"sys/devices/system/cpu/cpu0/topology/thread_siblings_foo": "x\n",
	} {
		m[name] = file(text)
	}
	return m
}

func TestReadMore(t *testing.T) {
	e, _ := read(context.Background(), hardFS(), Options{NIC: "eth0"})
	c, d := e.Class, e.Detail
	if c.Microcode != "0xb00211" || *c.Sockets != 2 || *c.NUMANodes != 2 || d.HugePages != "madvise" || d.MemoryLimit == nil || *d.MemoryLimit != 1<<30 {
		t.Errorf("microcode %q, %d sockets, %d nodes, pages %q, limit %v", c.Microcode, *c.Sockets, *c.NUMANodes, d.HugePages, d.MemoryLimit)
	}
	if want := "retbleed: Mitigation: untrained return thunk | spec_rstack: Vulnerable"; string(c.Mitigations) != want {
		t.Errorf("mitigations %q, want %q", c.Mitigations, want)
	}
	if n := c.NIC; *n.RxQueues != 2 || *n.TxQueues != 1 || n.Duplex != "half" {
		t.Errorf("queues %d %d duplex %q", *n.RxQueues, *n.TxQueues, n.Duplex)
	}
	plain, _ := read(context.Background(), serverFS(), Options{NIC: "eth0"})
	if c, d := plain.Class, plain.Detail; c.Microcode != "" || c.Mitigations != "" || c.NUMANodes != nil || d.MemoryLimit != nil || c.NIC.RxQueues != nil || c.NIC.Duplex != "" {
		t.Errorf("what the kernel does not tell is not unknown: %+v %+v", c, d)
	}
}

func TestGoFlags(t *testing.T) {
	set := map[string]string{"GOGC": "400", "GODEBUG": "madvdontneed=1", "HOME": "/root"}
	got := goFlags([]debug.BuildSetting{
		{Key: "-compiler", Value: "gc"}, {Key: "-race", Value: "true"}, {Key: "GOAMD64", Value: "v3"}, {Key: "-ldflags", Value: "-X main.version=1"},
	}, func(name string) string { return set[name] })
	if want := "-race=true GOAMD64=v3 GOGC=400 GODEBUG=madvdontneed=1"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestExamineMore(t *testing.T) {
	fsys := hardFS()
	e, _ := read(context.Background(), fsys, Options{NIC: "eth0"})
	e.Class.GoFlags = "-race=true GOAMD64=v1 GOGC=off"
	e.Detail.VCSModified = new(bool)
	*e.Detail.VCSModified = true
	want := map[string]string{
		"pressure": "42 % of the last 10 s something waited for io", "throttled": "17 times", "race": "-race=true", "go_settings": "GOGC=off",
		"dirty_build": "changed files", "battery": "battery", "numa": "2 nodes", "memory_limit": "1024 MiB", "half_duplex": "eth0", "mitigations": "open",
	}
	for _, w := range examineMore(source{fsys}, e) {
		if text, ok := want[w.Code]; !ok || !strings.Contains(w.Text, text) || w.Remedy == "" {
			t.Errorf("%s: %s → %q, want %q in it", w.Code, w.Text, w.Remedy, text)
		}
		delete(want, w.Code)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	plain, _ := read(context.Background(), serverFS(), Options{NIC: "eth0"})
	plain.Class.GoFlags = "CGO_ENABLED=1 GOAMD64=v1"
	plain.Detail.VCSModified = nil
	if got := examineMore(source{serverFS()}, plain); len(got) > 0 {
		t.Errorf("a quiet machine: %+v", got)
	}
	fsys["sys/class/power_supply/UPS/type"], fsys["sys/class/power_supply/UPS/online"] = file("Mains\n"), file("1\n")
	if onBattery(source{fsys}) {
		t.Error("one of two supplies is on, and it counts as a battery")
	}
}

// What Doctor thinks spoils a measurement must be a code that something gives.
func TestRankPutsPressureFirst(t *testing.T) {
	got := rank([]results.EnvWarning{{Code: "turbo"}, {Code: "race"}, {Code: "half_duplex"}, {Code: "pressure"}})
	var order []string
	for _, f := range got {
		order = append(order, f.Level+" "+f.Code)
	}
	if want := "spoils pressure,spoils race,spoils half_duplex,note turbo"; strings.Join(order, ",") != want {
		t.Errorf("%v, want %v", order, want)
	}
}

func TestDifferences(t *testing.T) {
	read1 := func() results.Env {
		e, _ := read(context.Background(), hardFS(), Options{NIC: "eth0"})
		return e
	}
	for _, c := range []struct {
		name  string
		edit  func(*results.Env)
		key   string // the one difference; empty: none
		class bool
	}{
		{"the same", func(*results.Env) {}, "", false},
		{"another processor", func(e *results.Env) { e.Class.CPUBrand = "Other" }, "class.cpu_brand", true},
		{"other mitigations", func(e *results.Env) { e.Class.Mitigations = "none needed" }, "class.mitigations", true},
		{"a record that does not know them", func(e *results.Env) { e.Class.Mitigations = "" }, "class.mitigations", false},
		{"another Go", func(e *results.Env) { e.Class.GoVersion = "go1.0" }, "class.go_version", true},
		{"another card's speed", func(e *results.Env) { v := 1e9; e.Class.NIC.SpeedBitsPerSec = &v }, "class.nic.speed_bits_per_sec", true},
		{"the same card, named otherwise", func(e *results.Env) { e.Class.NIC.Name = "eth9" }, "class.nic.name", false},
		{"another governor", func(e *results.Env) { e.Detail.Governor = "performance" }, "detail.governor", true},
		{"another revision", func(e *results.Env) { e.Detail.VCSRevision = "abc" }, "detail.vcs_revision", false},
		{"another load and boot", func(e *results.Env) { l, b := 9.0, int64(1); e.Detail.LoadAverage1, e.Detail.BootTimeUnixNS = &l, &b }, "", false},
		{"1 % more memory", func(e *results.Env) { m := *e.Class.MemoryBytes * 101 / 100; e.Class.MemoryBytes = &m }, "", false},
		{"10 % more memory", func(e *results.Env) { m := *e.Class.MemoryBytes * 11 / 10; e.Class.MemoryBytes = &m }, "class.memory_bytes", true},
	} {
		a, b := read1(), read1()
		a.Detail.VCSRevision, b.Detail.VCSRevision = "one", "one"
		c.edit(&b)
		got, err := Differences(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if c.key == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].Key != c.key || got[0].Class != c.class || got[0].A == got[0].B {
			t.Errorf("%s: %v, want %q (class %v)", c.name, got, c.key, c.class)
		}
	}
}
