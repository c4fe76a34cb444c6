package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	bitBPF      = uint64(1) << 39
	bitNetAdmin = uint64(1) << 12
	bitSysAdmin = uint64(1) << 21
)

func TestRefusalWords(t *testing.T) {
	eperm := fmt.Errorf("map create: %w%s", syscall.EPERM, memlockHint)
	for _, c := range []struct {
		name    string
		err     error
		p       privileges
		missing []string
		errno   string
		says    string
		remedy  string
	}{
		{"no capability", eperm, privileges{capEffKnown: true}, []string{"CAP_BPF", "CAP_NET_ADMIN"}, "EPERM", "lacks CAP_BPF and CAP_NET_ADMIN", "setcap cap_bpf,cap_net_admin+ep"},
		{"CAP_BPF only", eperm, privileges{capEff: bitBPF, capEffKnown: true}, []string{"CAP_NET_ADMIN"}, "EPERM", "lacks CAP_NET_ADMIN", "setcap"},
		{"CAP_SYS_ADMIN stands in", syscall.EACCES, privileges{capEff: bitSysAdmin, capEffKnown: true}, []string{"CAP_NET_ADMIN"}, "EACCES", "lacks CAP_NET_ADMIN", "setcap"},
		{"root of a user namespace", eperm, privileges{capEff: ^uint64(0), capEffKnown: true, userNS: true}, nil, "EPERM", "user namespace", "outside"},
		{"forbidden", eperm, privileges{capEff: bitBPF | bitNetAdmin, capEffKnown: true}, nil, "EPERM", "seccomp", "allow the bpf"},
		{"capabilities unreadable", eperm, privileges{}, nil, "EPERM", "could not be read", "root"},
		{"no bpf call", syscall.ENOSYS, privileges{capEffKnown: true}, nil, "ENOSYS", "no tcx", "Linux 6.6"},
		{"no tcx", fmt.Errorf("%w: tcx", ErrNotSupported), privileges{capEffKnown: true}, nil, "", "no tcx", "Linux 6.6"},
		{"interface gone", syscall.ENODEV, privileges{capEffKnown: true}, nil, "ENODEV", "gone", "name an interface"},
		{"no memory", syscall.ENOMEM, privileges{capEffKnown: true}, nil, "ENOMEM", "memory", "limit"},
		{"chain full", syscall.ERANGE, privileges{capEffKnown: true}, nil, "ERANGE", "taken", "bpftool"},
		{"verifier", fmt.Errorf("load program: %w: R1 invalid mem access", syscall.EINVAL), privileges{capEffKnown: true}, nil, "EINVAL", "R1 invalid", "kernel version"},
		{"unnamed errno", syscall.Errno(200), privileges{capEffKnown: true}, nil, "errno 200", "", "kernel version"},
	} {
		r := refuseEBPF("load the program", c.err, c.p)
		if !slices.Equal(r.MissingCaps, c.missing) || r.Errno != c.errno {
			t.Errorf("%s: missing %v, errno %q; want %v, %q", c.name, r.MissingCaps, r.Errno, c.missing, c.errno)
		}
		if !strings.Contains(r.Reason, c.says) || !strings.Contains(r.Remedy, c.remedy) {
			t.Errorf("%s: reason %q, remedy %q; want %q and %q in them", c.name, r.Reason, r.Remedy, c.says, c.remedy)
		}
		if !errors.Is(r, c.err) {
			t.Errorf("%s: the cause is not wrapped", c.name)
		}
		if line := r.Error(); strings.Contains(line, "MEMLOCK") || !strings.HasPrefix(line, "ebpf: load the program: ") {
			t.Errorf("%s: %q", c.name, line)
		}
		if r.Lost == "" {
			t.Errorf("%s: does not say what is lost", c.name)
		}
	}
}

func TestParseCapEff(t *testing.T) {
	status := "Name:\tweir\nCapPrm:\t0000000000000000\nCapEff:\t0000008000001000\nCapBnd:\t000001ffffffffff\n"
	mask, err := parseCapEff(strings.NewReader(status))
	if err != nil || mask != bitBPF|bitNetAdmin {
		t.Errorf("mask %#x, %v", mask, err)
	}
	if got := missingCaps(mask, ebpfCaps); got != nil {
		t.Errorf("missing %v from a sufficient mask", got)
	}
	for _, bad := range []string{"", "Name:\tweir\n", "CapEff:\tzz\n"} {
		if _, err := parseCapEff(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestOpenRefusesABadTarget(t *testing.T) {
	lo := netip.MustParseAddr("127.0.0.1")
	for name, target := range map[string]Target{
		"no port":        {Addr: lo},
		"unknown source": {Port: 1, Addr: lo, Force: "proc"},
	} {
		if _, _, err := Open(target); !errors.Is(err, ErrTarget) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, rep, err := Open(Target{Port: 1, Addr: lo, Force: KindApp})
	if !errors.Is(err, ErrNoSource) || len(rep.Refused) != 1 || !strings.Contains(err.Error(), "CounterFunc") {
		t.Errorf("app without counts: %v, report %+v", err, rep)
	}
}

func TestAppSource(t *testing.T) {
	in, out := uint64(1000), uint64(50)
	src, rep, err := Open(Target{Port: 9000, Force: KindApp, CounterFunc: func() (uint64, uint64) { return in, out }})
	if err != nil {
		t.Fatal(err)
	}
	in, out = in+1448*3+1, out+0
	c, err := src.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if c.Exact || c.Lost.Known || c.In.Packets.Known || c.In.RetransSegments.Known {
		t.Errorf("claims to know more than the payload: %+v", c)
	}
	if want := Known(1448*3 + 1 + 4*66); c.In.L2Bytes != want || c.In.PayloadBytes != Known(1448*3+1) {
		t.Errorf("in is %+v, want %v layer-2 bytes", c.In, want)
	}
	if p, b := c.In.MTU1500(); p != Known(4) || b != c.In.L2Bytes {
		t.Errorf("MTU-1500 equivalent %v, %v", p, b)
	}
	if c.Out.L2Bytes != Known(0) {
		t.Errorf("nothing was sent, but out is %+v", c.Out)
	}
	in = 0 // a counter that went backwards
	if c, err = src.Snapshot(); err != nil || c.In.PayloadBytes.Known || c.In.L2Bytes.Known {
		t.Errorf("after a reset: %+v, %v", c.In, err)
	}
	if rep.Kind != KindApp || src.Kind() != KindApp || len(rep.Warnings) == 0 || rep.Accuracy == "" {
		t.Errorf("report %+v", rep)
	}
	if err := errors.Join(src.Close(), src.Close()); err != nil {
		t.Error(err)
	}
	if _, err := src.Snapshot(); !errors.Is(err, ErrClosed) {
		t.Errorf("snapshot after close: %v", err)
	}
}
