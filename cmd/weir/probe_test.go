package main

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/chainweir/weir/bench/probe"
)

// fullSample has every part, with values of n; a class at each end, and peers
// with the longest addresses that there are.
func fullSample(n uint64) probe.Sample {
	k, us := probe.Known(n), float64(n)
	counts := probe.WireCounts{Frames: k, L2Bytes: k, PayloadBytes: k, DataFrames: k}
	spread := probe.Distribution{Samples: probe.Known(3), MeanUS: &us, P50US: &us, P99US: &us, Buckets: []uint64{1, 0, 2}}
	s := probe.Sample{
		Time: time.Unix(1000, 0), ElapsedSec: 1,
		Sockets: &probe.SocketSample{Source: probe.SourceTracing, LostEvents: k},
		Wire:    &probe.WireSample{Source: probe.SourceTCX, Unclassified: k, PeersLost: k},
		RTT:     &probe.RTTSample{Source: probe.SourceSockops, Classes: []probe.RTTClass{{Class: "consensus of validators", RTT: spread}}},
		Qdisc:   &probe.QdiscSample{Source: probe.SourceEDT, Iface: "enp129s0f1np1.100", TCP: spread, Other: spread, Unknown: k},
		Softirq: &probe.SoftirqSample{Source: probe.SourceSoftirq, Vectors: []probe.SoftirqVector{{Name: "NET_RX", Runs: k, TimeUS: k}, {Name: "TIMER", Runs: k, TimeUS: k}}},
		Sched:   &probe.SchedSample{Source: probe.SourceSched, Wait: spread},
	}
	const address = "2001:db8:1111:2222:3333:4444:5555:6666"
	for _, end := range []probe.End{probe.EndLocal, probe.EndRemote} {
		c := probe.SocketClass{
			Class: "consensus of validators", End: end, Opened: k, Closed: k, Failed: k, AppSentBytes: k, AppReceivedBytes: k,
			SegmentsOut: k, SegmentsIn: k, RetransSegments: k, BusyUS: k, RwndLimitedUS: k, SndbufLimitedUS: k,
			Live: probe.SocketGauges{
				Connections: k, SRTTMeanUS: k, SRTTMaxUS: k, MinRTTUS: k, CwndSegments: k, NotSentBytes: k, UnackedBytes: k,
				UnreadBytes: k, WmemQueuedBytes: k, BacklogBytes: k, AcceptQueue: k, AcceptLimit: k,
			},
		}
		s.Sockets.Classes = append(s.Sockets.Classes, c)
		w := probe.WireClass{Class: c.Class, End: end, Protocol: "other", Received: counts, Sent: counts}
		s.Wire.Classes = append(s.Wire.Classes, w)
		for range tablePeers + 1 {
			s.Sockets.Peers = append(s.Sockets.Peers, probe.SocketPeer{
				Class: c.Class, End: end, Address: address, Connections: k, AppSentBytes: k, AppReceivedBytes: k, RetransSegments: k,
			})
			s.Wire.Peers = append(s.Wire.Peers, probe.WirePeer{WireClass: w, Address: address})
		}
	}
	return s
}

// Whatever the numbers, a line has at most 80 columns, and none of a row's
// values is cut off; the addresses of peers show both of their ends.
func TestProbeTableHas80Columns(t *testing.T) {
	flags := probeFlags{pid: 4194304, classTexts: []string{"client=7151,7152", strings.Repeat("x", 90) + "=1"}, peers: true}
	rep := probe.WatchReport{Warnings: []string{strings.Repeat("word ", 60), strings.Repeat("y", 100)}}
	for _, n := range []uint64{0, 1, 999, 9_999, 99_999, 999_499, 999_949, 999_999, 1_000_001, 999_999_999, 1<<40 - 1, 1 << 50} {
		for _, screen := range []bool{false, true} {
			s := fullSample(n)
			text := probeTable(flags, rep, s, s, screen)
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				if len([]rune(line)) > tableColumns {
					t.Errorf("%d: %q has %d columns", n, line, len([]rune(line)))
				}
				row := strings.HasPrefix(line, "consensus") || strings.HasPrefix(line, "consens…")
				if row && strings.HasSuffix(line, "…") {
					t.Errorf("%d: the end of %q is cut off", n, line)
				}
			}
			if !strings.Contains(text, "2001:db8:1111:") || strings.Count(text, ":6666 ") != 2*tablePeers {
				t.Errorf("%d: the peers' addresses do not show both of their ends:\n%s", n, text)
			}
			if screen != strings.Contains(text, "word word") {
				t.Errorf("warnings on a screen %v:\n%s", screen, text)
			}
		}
	}
}

// What is not known is a dash, not a zero.
func TestProbeTableShowsTheUnknown(t *testing.T) {
	s := probe.Sample{ElapsedSec: 1, Wire: &probe.WireSample{Source: probe.SourceNetlink, Classes: []probe.WireClass{{
		Class: probe.ClassOther, End: probe.EndLocal, Protocol: "all", Received: probe.WireCounts{Frames: probe.Known(7)},
	}}}}
	text := probeTable(probeFlags{iface: "eth0"}, probe.WatchReport{}, s, s, false)
	if want := "other       local  all           -         7         -         -\n"; !strings.Contains(text, want) {
		t.Errorf("%s\nwant %q", text, want)
	}
}

// A table that is taller than the window keeps its top, and says what is missing.
func TestFitIntoAWindow(t *testing.T) {
	text := "one\ntwo\nthree\nfour\nfive\n"
	for _, c := range []struct {
		columns, rows int
		want          string
	}{
		{80, 0, text}, {80, 6, text},
		{80, 5, "one\ntwo\nthree\n… 2 more lines in a taller window\n"},
		{4, 4, "one\ntwo\n… 3…\n"},
	} {
		got := fit(text, c.columns, c.rows)
		if got != c.want {
			t.Errorf("%d columns, %d rows: %q, want %q", c.columns, c.rows, got, c.want)
		}
		if n := strings.Count(got, "\n"); c.rows > 0 && n >= c.rows {
			t.Errorf("%d lines scroll a window of %d rows", n, c.rows)
		}
	}
}

// series is one line of metrics; of a histogram the count and the sum.
type series struct {
	value, sum float64
	buckets    map[float64]uint64 // cumulative, by upper bound
}

// parsedMetrics reads what a collector would, by the reference parser.
func parsedMetrics(t *testing.T, text []byte) map[string][]series {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	out := make(map[string][]series)
	for name, f := range families {
		for _, m := range f.GetMetric() {
			x := series{value: m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()}
			if h := m.GetHistogram(); h != nil {
				x = series{float64(h.GetSampleCount()), h.GetSampleSum(), map[float64]uint64{}}
				for _, b := range h.GetBucket() {
					x.buckets[b.GetUpperBound()] = b.GetCumulativeCount()
				}
			}
			out[name] = append(out[name], x)
		}
	}
	return out
}

// The metrics are those of the sample, in the file and at the address, and read
// by the reference parser; what is unknown has no series.
func TestProbeMetricsAreTheSample(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metrics.txt")
	var said strings.Builder
	m, err := newProbeMetrics(file, "127.0.0.1:0", &said)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	s := fullSample(1_234_567)
	s.Sockets.Classes[0].BusyUS = probe.Count{}
	s.Sockets.Classes[1].AppSentBytes = probe.Count{}
	if err := m.update(s); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(text, []byte("# EOF\n")) || !bytes.Contains(text, []byte("# TYPE weir_probe_app_sent_bytes counter\n")) {
		t.Errorf("the file is no OpenMetrics:\n%s", text)
	}
	if got := len(parsedMetrics(t, text)); got < 20 {
		t.Errorf("%d families in the file", got)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) != 1 {
		t.Errorf("left beside the file: %v, %v", left, err)
	}
	url := strings.TrimSpace(strings.TrimPrefix(said.String(), "weir: metrics at "))
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	served, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	if problems, err := promlint.New(bytes.NewReader(served)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	got := parsedMetrics(t, served)
	for name, want := range map[string]struct {
		value  float64
		series int
	}{
		"weir_probe_app_sent_bytes_total":     {1_234_567, 1},
		"weir_probe_app_received_bytes_total": {1_234_567, 2},
		"weir_probe_busy_seconds_total":       {1.234567, 1},
		"weir_probe_srtt_max_seconds":         {1.234567, 2},
		"weir_probe_l2_bytes_total":           {1_234_567, 4},
	} {
		if x := got[name]; len(x) != want.series || x[0].value != want.value {
			t.Errorf("%s: %v, want %d series of %v", name, x, want.series, want.value)
		}
	}
	rtt := got["weir_probe_rtt_seconds"]
	if len(rtt) != 1 || rtt[0].value != 3 || math.Abs(rtt[0].sum-3*1.234567) > 1e-9 || rtt[0].buckets[1e-6] != 1 || rtt[0].buckets[4e-6] != 3 {
		t.Errorf("round trips: %v", rtt)
	}
}

// A mean that comes without samples is a metric too.
func TestProbeMetricsOfTheMeanDelay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metrics.txt")
	m, err := newProbeMetrics(file, "", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	mean := 2500.0
	if err := m.update(probe.Sample{Qdisc: &probe.QdiscSample{Source: probe.SourceBacklog, Iface: "eth0", Other: probe.Distribution{MeanUS: &mean}}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := parsedMetrics(t, text)
	if x := got["weir_probe_qdisc_delay_mean_seconds"]; len(got) != 1 || len(x) != 1 || x[0].value != 0.0025 {
		t.Errorf("%v, want one mean of 2.5 ms in\n%s", got, text)
	}
}

// Metrics have no access control: they are for this machine only.
func TestProbeMetricsAreForThisMachineOnly(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":9151", "192.0.2.1:9151", "example.org:80", "127.0.0.1"} {
		m, err := newProbeMetrics("", listen, io.Discard)
		if m != nil {
			m.close()
		}
		if refused := (*exitError)(nil); !errors.As(err, &refused) || refused.code != exitUsage || !strings.Contains(err.Error(), listen) {
			t.Errorf("--listen %q: %v, want exit code %d", listen, err, exitUsage)
		}
	}
}
