package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/loadgen"
)

func scrape(t *testing.T, addr, accept string) (body, kind string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	res, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %s", res.StatusCode, err, b)
	}
	return string(b), res.Header.Get("Content-Type")
}

func serveTest(t *testing.T, c prometheus.Collector) *metricsServer {
	t.Helper()
	var warned bytes.Buffer
	m, err := startMetrics("0", "--metrics", c, &warned)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	if !strings.HasPrefix(m.addr, "127.0.0.1:") || !strings.Contains(warned.String(), "http://"+m.addr+"/metrics") || strings.Contains(warned.String(), "warning") {
		t.Errorf("%s: %s", m.addr, &warned)
	}
	return m
}

func TestNodeMetrics(t *testing.T) {
	stats := core.Stats{
		Height: 7, Submitted: 100, Accepted: 90, Committed: 80, Busy: 10, DiskBusyNS: 1.5e9, CPUUserNS: 2e9,
		Stages: []core.StageStats{
			{Name: "verify", Workers: 2, BusyNS: 3e9, WaitNS: 1e9, Items: 90, Queue: 4, QueueCap: 16}, {Name: "parse", Workers: 1},
		},
		Engine: engine.Status{Name: "solo", Proposed: 5, Decided: 4},
	}
	m := serveTest(t, nodeCollector{func() core.Stats { return stats }})
	text, kind := scrape(t, m.addr, "text/plain")
	if !strings.HasPrefix(kind, "text/plain") {
		t.Error(kind)
	}
	for _, want := range []string{
		"weir_node_height 7\n", `weir_node_transactions_total{stage="committed"} 80`, `weir_node_transactions_total{stage="refused"} 10`,
		`weir_node_stage_seconds_total{stage="verify",state="busy"} 3`, `weir_node_stage_queue_entries{stage="verify"} 4`,
		"weir_node_disk_busy_seconds_total 1.5", `weir_node_engine_references_total{engine="solo",state="decided"} 4`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, `queue_entries{stage="parse"}`) {
		t.Error("a stage without a queue has one")
	}
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	text, kind = scrape(t, m.addr, "application/openmetrics-text;version=1.0.0")
	if !strings.HasPrefix(kind, "application/openmetrics-text") || !strings.HasSuffix(text, "# EOF\n") || !strings.Contains(text, "# TYPE weir_node_transactions counter") {
		t.Errorf("%s\n%.200s", kind, text)
	}
	stats.Height = 8
	if text, _ = scrape(t, m.addr, "text/plain"); !strings.Contains(text, "weir_node_height 8\n") {
		t.Error("the counters are not read again")
	}
}

func TestLoadMetrics(t *testing.T) {
	var c loadCollector
	m := serveTest(t, &c)
	if text, _ := scrape(t, m.addr, "text/plain"); strings.Contains(text, "weir_load") {
		t.Errorf("values before anything is known:\n%s", text)
	}
	c.set(loadgen.Live{Elapsed: 1500 * time.Millisecond, Offered: 1000, Sent: 300, Accepted: 290, Committed: 280, Failed: 1, Draining: true})
	text, _ := scrape(t, m.addr, "text/plain")
	for _, want := range []string{
		"weir_load_schedule_transactions 1000\n", `weir_load_transactions_total{stage="sent"} 300`, `weir_load_transactions_total{stage="failed"} 1`,
		"weir_load_elapsed_seconds 1.5\n", "weir_load_draining 1\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

func TestMetricsAddress(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"localhost", "give ADDRESS:PORT"}, {"127.0.0.1:http2x", `"http2x"`}, {"127.0.0.1:70000", `"70000"`}, {"1:2:3", "such as 127.0.0.1:9152"},
		{"192.0.2.1:0", "choose another address"},
	} {
		m, err := startMetrics(tt.addr, "--metrics", &loadCollector{}, io.Discard)
		if err == nil {
			m.close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.addr) || !strings.Contains(err.Error(), tt.want) && tt.addr != "localhost" {
			t.Errorf("%s: %v", tt.addr, err)
		}
	}
	var warned bytes.Buffer
	m, err := startMetrics("0.0.0.0:0", "--metrics", &loadCollector{}, &warned)
	if err != nil {
		t.Fatal(err)
	}
	m.close()
	if !strings.Contains(warned.String(), "no access control") {
		t.Errorf("%s", &warned)
	}
	if m, err := startMetrics("", "--metrics", &loadCollector{}, io.Discard); m != nil || err != nil {
		t.Errorf("%v %v", m, err)
	}
	(*metricsServer)(nil).close()
}
