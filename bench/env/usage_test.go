package env

import (
	"crypto/sha256"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseHostCPU(t *testing.T) {
	got, err := parseHostCPU([]string{"cpu  100 10 50 800 20 5 15 7 30 4", "cpu0 9 9 9 9"})
	if want := (HostCPU{BusyNS: 180e7, IdleNS: 820e7, StealNS: 7e7}); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	// Kernels before 2.6.11 have no steal.
	if got, err := parseHostCPU([]string{"cpu 1 2 3 4 5"}); err != nil || got.BusyNS != 6e7 || got.StealNS != 0 {
		t.Errorf("%+v %v", got, err)
	}
	for _, bad := range [][]string{nil, {"cpu0 1 2 3 4 5"}, {"cpu 1 2 x 4 5"}, {"cpu 1 2 -3 4 5"}, {"cpu 1 2 9223372036854775807 4 5"}} {
		if got, err := parseHostCPU(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestParseDiskBusy(t *testing.T) {
	lines := strings.Split(` 254       0 vda 39800 8135 2412738 9679 7008 23625 1678920 5344 0 7604 15435 5312 18 265200 385 673 25
 254       1 vda1 1 1 1 1 1 1 1 1 0 3 1
 253       0 zram0 0 0`, "\n")
	for dev, want := range map[string]int64{"vda": 7604e6, "vda1": 3e6} {
		if got, err := parseDiskBusy(lines, dev); err != nil || got != want {
			t.Errorf("%s: %d %v", dev, got, err)
		}
	}
	for _, dev := range []string{"sda", "zram0", ""} {
		if got, err := parseDiskBusy(lines, dev); err == nil {
			t.Errorf("%s: %d", dev, got)
		}
	}
}

func TestParseProcessStat(t *testing.T) {
	const line = "7 (a) b (c) S 0 0 0 0 -1 4194560 43671 791813 0 644 66 260 1465 932 10 -10 13 0 24 1\n"
	if u, s, err := parseProcessStat(line); err != nil || u != 660e6 || s != 2600e6 {
		t.Errorf("%d %d %v", u, s, err)
	}
	const long = "7 (a) S 0 0 0 0 0 0 0 0 0 0 0 1000000000000 0" // does not fit into ns
	if u, s, err := parseProcessStat(long); err == nil {
		t.Errorf("%q: %d %d", long, u, s)
	}
	rapid.Check(t, func(t *rapid.T) { // nothing panics
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]+ \(.*\)( -?[0-9]+){0,20}`)).Draw(t, "line")
		if u, s, err := parseProcessStat(text); err == nil && (u < 0 || s < 0) {
			t.Fatalf("%d %d", u, s)
		}
	})
}

func TestProcessCPUSince(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(0, 1e15)
		a := ProcessCPU{ns.Draw(t, "total"), ns.Draw(t, "user"), ns.Draw(t, "sys")}
		add := ProcessCPU{ns.Draw(t, "dt"), ns.Draw(t, "du"), ns.Draw(t, "ds")}
		d := ProcessCPU{a.TotalNS + add.TotalNS, a.UserNS + add.UserNS, a.SysNS + add.SysNS}.Since(a)
		if d.TotalNS != add.TotalNS || d.UserNS+d.SysNS != d.TotalNS || d.UserNS < 0 || d.SysNS < 0 {
			t.Fatalf("%+v", d)
		}
	})
	d := ProcessCPU{TotalNS: 1000, UserNS: 300, SysNS: 100}.Since(ProcessCPU{})
	if d.UserNS != 750 || d.SysNS != 250 {
		t.Errorf("%+v", d)
	}
}

func TestReadProcessCPUGrows(t *testing.T) {
	before, err := ReadProcessCPU(os.Getpid())
	if runtime.GOOS != "linux" {
		if !errors.Is(err, ErrNotSupported) {
			t.Errorf("%v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	for range 10_000 {
		sum = sha256.Sum256(sum[:])
	}
	after, err := ReadProcessCPU(os.Getpid())
	if err != nil || after.TotalNS <= before.TotalNS {
		t.Errorf("%+v %+v %v (%x)", before, after, err, sum)
	}
	for _, pid := range []int{-1, 0, 1 << 23, 1<<22 - 1} {
		if _, err := ReadProcessCPU(pid); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("process %d: %v", pid, err)
		}
	}
}

func TestReadHostCounters(t *testing.T) {
	busy, err := HostBusyNS()
	_, derr := DiskBusyNS("no such disk")
	if runtime.GOOS != "linux" {
		if !errors.Is(err, ErrNotSupported) || !errors.Is(derr, ErrNotSupported) {
			t.Errorf("%v, %v", err, derr)
		}
		return
	}
	if err != nil || busy <= 0 {
		t.Errorf("%d %v", busy, err)
	}
	if derr == nil || !strings.Contains(derr.Error(), `"no such disk"`) {
		t.Errorf("%v", derr)
	}
}
