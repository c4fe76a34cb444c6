package bench

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/loadgen/cometbft"
	"github.com/chainweir/weir/results"
)

func TestSplitTarget(t *testing.T) {
	for url, want := range map[string][2]string{
		"weir://10.0.0.5:7151":              {KindWeir, "10.0.0.5:7151"},
		"cometbft+http://127.0.0.1:26657":   {KindCometBFT, "127.0.0.1:26657"},
		"eth+http://[::1]:8545/":            {KindEthereum, "[::1]:8545"},
		"eth+ws://localhost:8546":           {KindEthereumWS, "localhost:8546"},
		"http://127.0.0.1:1":                {},
		"cometbft+http://127.0.0.1":         {},
		"cometbft+http://:26657":            {},
		"eth+http://127.0.0.1:0":            {},
		"eth+http://127.0.0.1:70000":        {},
		"eth+http://127.0.0.1:8545/v1/path": {},
		"":                                  {},
	} {
		kind, addr, err := SplitTarget(url)
		if got := [2]string{kind, addr}; got != want || (err == nil) != (want[0] != "") {
			t.Errorf("%q: %v, %v; want %v", url, got, err, want)
		}
	}
}

func TestRemoteNeedsLeave(t *testing.T) {
	const far = "eth+http://192.0.2.1:8545" // TEST-NET-1: nobody is there
	for _, c := range []struct {
		target string
		o      PeerOptions
		rate   float64
		want   string
	}{
		{far, PeerOptions{}, 100, "--allow-remote"},
		{far, PeerOptions{AllowRemote: true}, 0, "--max-rate"},
		{far, PeerOptions{AllowRemote: true}, 100, ""},
		{"cometbft+http://127.0.0.1:26657", PeerOptions{}, 0, ""},
		{"eth+ws://[::1]:8546", PeerOptions{}, 0, ""},
		{"192.0.2.1:7151", PeerOptions{}, 0, ""}, // a weir node says itself whom it serves
	} {
		err := checkPeer(t.Context(), c.target, c.o, c.rate)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s with %+v at most %v: %v, want %q", c.target, c.o, c.rate, err, c.want)
		}
	}
}

func TestFindListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("%T is no TCP address", l.Addr())
	}
	p, err := listener(uint16(addr.Port))
	if errors.Is(err, env.ErrNotSupported) {
		t.Skip("this system has no /proc/net/tcp:", err)
	}
	if err != nil || p.PID != os.Getpid() || p.Name == "" {
		t.Errorf("found %+v, %v; want this process, %d", p, err, os.Getpid())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := listener(uint16(addr.Port)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a port that nobody listens on: %v", err)
	}
}

// A wall is only named by exclusion when everything else was seen not to be full.
func TestExcluded(t *testing.T) {
	val := func(x float64) *float64 { return &x }
	for name, c := range map[string]struct {
		use  results.Utilisation
		link results.NullString
		peer bool
		want results.NullString
	}{
		"processors full":   {results.Utilisation{CPU: val(0.6), HostCPU: val(0.97)}, results.LinkLoopback, true, results.WallCPU},
		"nothing full":      {results.Utilisation{CPU: val(0.4), HostCPU: val(0.6)}, results.LinkLoopback, true, results.WallSerial},
		"wire unknown":      {results.Utilisation{CPU: val(0.4), HostCPU: val(0.6)}, results.LinkNetwork, true, results.WallCPU},
		"wire nearly full":  {results.Utilisation{CPU: val(0.4), HostCPU: val(0.6), Wire: val(0.9)}, results.LinkNetwork, true, results.WallCPU},
		"processor unknown": {results.Utilisation{}, results.LinkLoopback, true, results.WallCPU},
		"a weir node":       {results.Utilisation{CPU: val(0.4), HostCPU: val(0.6)}, results.LinkLoopback, false, results.WallCPU},
	} {
		r := &run{target: &target{}, machine: machine{sameHost: true}}
		if c.peer {
			r.target.peer = &peer{name: "x"}
		}
		r.sum.Bottleneck, r.sum.Utilisation, r.sum.Link.Kind = results.WallCPU, c.use, c.link
		r.sum.Warnings = []string{"nothing that was measured is full (cpu at 40 %): …"}
		r.excluded()
		if r.sum.Bottleneck != c.want {
			t.Errorf("%s: wall %q, want %q", name, r.sum.Bottleneck, c.want)
		}
		if said := strings.Contains(strings.Join(r.sum.Warnings, " "), "by exclusion"); said != (c.want == results.WallSerial) {
			t.Errorf("%s: warnings %q", name, r.sum.Warnings)
		}
	}
}

// One empty interval at the end of a series must not pass for a backlog that
// grows, and a backlog that does grow must still be seen.
func TestLumps(t *testing.T) {
	tg := &target{peer: &peer{system: cometbft.New("127.0.0.1:1", cometbft.Options{})}}
	const sec, rate, interval = 4.0, 1000.0, 0.2
	slope := 6 * rate * interval * interval / (sec * sec)
	obs := knee.Observation{
		Offered: rate * sec, Sent: rate * sec, Accepted: rate * sec, Committed: rate * sec,
		Commit:  &knee.Latency{P50NS: 1e8, P90NS: 1.8e8, P99NS: interval * 1e9, P999NS: 2e8, MaxNS: 2e8},
		Backlog: &knee.Growth{TxPerSec: slope, StdErrTxPerSec: 1},
	}
	slo, err := knee.ParseSLO("")
	if err != nil {
		t.Fatal(err)
	}
	spec := knee.TrialSpec{RateTxPerSec: rate}
	if j := knee.Judge(slo, spec, obs, 0.05); j.Verdict != knee.Bad {
		t.Fatalf("without the widening: %+v", j)
	}
	tg.lumps(&obs, sec)
	if j := knee.Judge(slo, spec, obs, 0.05); j.Verdict != knee.Good {
		t.Errorf("an empty interval: %+v", j)
	}
	obs.Backlog.TxPerSec = 0.1 * rate
	if j := knee.Judge(slo, spec, obs, 0.05); j.Verdict != knee.Bad {
		t.Errorf("a backlog that grows: %+v", j)
	}
}
