package env

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestParseProcessIO(t *testing.T) {
	text := "rchar: 3000\nwchar: 40\nsyscr: 5\nsyscw: 6\nread_bytes: 8192\nwrite_bytes: 12288\ncancelled_write_bytes: 4096\n"
	got, err := parseProcessIO(text)
	if err != nil || got != (ProcessIO{ReadBytes: 8192, WrittenBytes: 12288}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "read_bytes: 1\n", "read_bytes: x\nwrite_bytes: 1\n", "read_bytes: -1\nwrite_bytes: 1\n"} {
		if got, err := parseProcessIO(bad); err == nil {
			t.Errorf("parseProcessIO(%q) = %+v", bad, got)
		}
	}
}

// Two disks and a partition, as Linux 6 shows them.
const diskstats = `   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 15019 4120 1271770 7212 96207 71203 5236994 90120 0 61712 97390 33 0 4096 12 20134 46
 254       1 vda1 14900 4100 1270000 7200 96200 71200 5236900 90100 0 61700 97300 0 0 0 0 0 0
`

func TestParseDiskIO(t *testing.T) {
	lines := strings.Split(diskstats, "\n")
	want := DiskIO{Reads: 15019, ReadBytes: 1271770 * 512, Writes: 96207, WrittenBytes: 5236994 * 512, BusyNS: 61_712_000_000}
	if got, err := parseDiskIO(lines, "vda"); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if got, err := parseDiskIO(lines, "sdz"); err == nil || !strings.Contains(err.Error(), "sdz") {
		t.Errorf("%+v, %v", got, err)
	}
	lines[1] = strings.Replace(lines[1], "1271770", "many", 1)
	if got, err := parseDiskIO(lines, "vda"); err == nil || !strings.Contains(err.Error(), "many") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParseProcessName(t *testing.T) {
	text := "4242 (a (b) c) S 1 4242 4242 0 -1 4194560 100 0 0 0 7 3 0 0 20 0 9 0 987654 1000 200 18446744073709551615"
	name, start, err := parseProcessName(text)
	if err != nil || name != "a (b) c" || start != 987654 {
		t.Errorf("%q %d %v", name, start, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1", ")x("} {
		if _, _, err := parseProcessName(bad); err == nil {
			t.Errorf("parseProcessName(%q) took it", bad)
		}
	}
}

const procTCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1BEF 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1BEF 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 31338 1 0000000000000000 20 4 30 10 -1
   2: 010012C6:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0000000000000000 100 0 0 10 0
`

const procTCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1BF0 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0 100 0 0 10 0
   1: 00000000000000000000000001000000:1BF1 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 8 1 0 100 0 0 10 0
`

func TestParseListeners(t *testing.T) {
	got, err := parseListeners(strings.Split(procTCP+procTCP6, "\n"))
	want := []Listener{
		{netip.MustParseAddrPort("127.0.0.1:7151"), 31337}, {netip.MustParseAddrPort("198.18.0.1:22"), 99},
		{netip.MustParseAddrPort("[::]:7152"), 7}, {netip.MustParseAddrPort("[::1]:7153"), 8},
	}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("listener %d is %v, want %v", i, got[i], want[i])
		}
	}
	for _, bad := range []string{
		"0: 0100007F 0:0 0A 0 0 0 0 0 1", "0: 0100007F:XY 0:0 0A 0 0 0 0 0 1", "0: 01:1 0:0 0A 0 0 0 0 0 1", "0: 0100007F:1 0:0 0A 0 0 0 0 0 x",
	} {
		if got, err := parseListeners([]string{bad}); err == nil {
			t.Errorf("parseListeners(%q) = %v", bad, got)
		}
	}
}

func TestOwnListener(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sockets are looked up in Linux's /proc")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	want := netip.MustParseAddrPort(ln.Addr().String())
	pid, addr, err := FindListener(want.Port())
	if err != nil || pid != os.Getpid() || addr != want {
		t.Errorf("FindListener(%d) = %d, %v, %v; want process %d, %v", want.Port(), pid, addr, err, os.Getpid(), want)
	}
	own, err := ListenersOf(os.Getpid())
	found := false
	for _, l := range own {
		found = found || l.Addr == want
	}
	if err != nil || !found {
		t.Errorf("ListenersOf = %v, %v, want %v in it", own, err, want)
	}
	ln.Close()
	if pid, _, err := FindListener(want.Port()); err == nil {
		t.Errorf("a closed port has listener %d", pid)
	}
	p, err := ReadProcess(os.Getpid())
	if err != nil || p.StartTicks == 0 || p.UsableCores == 0 || p.Name == "" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := ReadProcessIO(os.Getpid()); err != nil {
		t.Error(err)
	}
}
