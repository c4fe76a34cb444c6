package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/loadgen"
)

const metricsUsage = "serve /metrics (Prometheus, OpenMetrics) at this ADDRESS:PORT;\nwithout an address on loopback, port 0: a free one (default none)"

// metricsServer serves /metrics. The counters are read when somebody asks.
type metricsServer struct {
	server *http.Server
	served chan struct{}
	addr   string
}

// startMetrics listens at addr and serves what c collects; flag names the flag
// in errors. An empty addr serves nothing and gives nil, which may be closed.
func startMetrics(addr, flag string, c prometheus.Collector, stderr io.Writer) (*metricsServer, error) {
	ln, err := listenMetrics(addr, flag)
	if err != nil || ln == nil {
		return nil, err
	}
	return serveMetrics(ln, c, stderr)
}

// listenMetrics opens the port, so that a bad address is refused before anything
// else is done. It gives nil for an empty one.
func listenMetrics(addr, flag string) (net.Listener, error) {
	if addr == "" {
		return nil, nil //nolint:nilnil // no listener is what was asked for
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil && !strings.Contains(addr, ":") {
		host, port, err = "", addr, nil
	}
	if err != nil {
		return nil, usagef("%s %q: give ADDRESS:PORT or a port, such as 127.0.0.1:9152", flag, addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, usagef("%s %q: the port %q is not 0 to %d; give one, such as 127.0.0.1:9152", flag, addr, port, 1<<16-1)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, usagef("%s %q: %w; choose another address", flag, addr, err)
	}
	return ln, nil
}

// serveMetrics serves what c collects until close. There is no access control,
// so an address that others reach is taken only when it was spelled out, and
// with a warning.
func serveMetrics(ln net.Listener, c prometheus.Collector, stderr io.Writer) (*metricsServer, error) {
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		return nil, errors.Join(usagef("metrics: %w", err), ln.Close())
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		fmt.Fprintf(stderr, "weir: warning: whoever reaches %s can read /metrics: there is no access control\n", ln.Addr())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4}))
	m := &metricsServer{
		addr: ln.Addr().String(), served: make(chan struct{}),
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
			WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10},
	}
	go func() {
		defer close(m.served)
		_ = m.server.Serve(ln) // ends with ErrServerClosed
	}()
	fmt.Fprintf(stderr, "weir: metrics at http://%s/metrics\n", m.addr)
	return m, nil
}

// close ends the server; a scrape under way has a second.
func (m *metricsServer) close() {
	if m == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if m.server.Shutdown(ctx) != nil {
		_ = m.server.Close()
	}
	<-m.served
}

// metric is one of a collector's: its description is made once.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func counterOf(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue}
}

func gaugeOf(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue}
}

func (m metric) send(ch chan<- prometheus.Metric, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(m.desc, m.kind, v, labels...)
}

// The node's metrics, from core.Stats.
var (
	nodeHeight       = gaugeOf("weir_node_height", "Height of the last durable block.")
	nodeAccounts     = gaugeOf("weir_node_accounts", "Accounts of the chain.")
	nodeCores        = gaugeOf("weir_node_cores", "Processor cores that the node may use.")
	nodeTx           = counterOf("weir_node_transactions_total", "Transactions by how far they came; refused ones met a full node.", "stage")
	nodeMempool      = gaugeOf("weir_node_mempool_bytes", "Transactions that wait for a block.")
	nodeBatches      = gaugeOf("weir_node_undecided_batches", "Verified batches without a decision.")
	nodeStageSec     = counterOf("weir_node_stage_seconds_total", "Time of a stage's workers: working, without input, in front of a full next stage.", "stage", "state")
	nodeStageItems   = counterOf("weir_node_stage_items_total", "What a stage has done: transactions, batches or blocks.", "stage")
	nodeStageWorkers = gaugeOf("weir_node_stage_workers", "Workers of a stage; 1 is a serial one.", "stage")
	nodeStageQueue   = gaugeOf("weir_node_stage_queue_entries", "Entries that wait for a stage.", "stage")
	nodeStageCap     = gaugeOf("weir_node_stage_queue_capacity_entries", "Entries at which the stage before is blocked.", "stage")
	nodeRootSec      = counterOf("weir_node_state_root_seconds_total", "Part of the execute stage that went into state roots.")
	nodeDecisions    = counterOf("weir_node_engine_references_total", "References to batches that the engine was given and decided on.", "engine", "state")
	nodeDiskSec      = counterOf("weir_node_disk_busy_seconds_total", "Time in writes and syncs of the block log.")
	nodeDiskBytes    = counterOf("weir_node_disk_written_bytes_total", "Bytes written to the block log.")
	nodeDiskSyncs    = counterOf("weir_node_disk_syncs_total", "Syncs of the block log.")
	nodeCPU          = counterOf("weir_node_cpu_seconds_total", "Processor time of the whole process.", "mode")
	nodeGCPause      = counterOf("weir_node_gc_pause_seconds_total", "Time that everything stood still for collecting garbage.")
	nodeGCCPU        = counterOf("weir_node_gc_cpu_seconds_total", "Processor time of collecting garbage, as of the last cycle.")
	nodeHeap         = gaugeOf("weir_node_heap_bytes", "Objects on the heap.")
)

// nodeCollector sends a node's counters.
type nodeCollector struct{ stats func() core.Stats }

// Describe implements prometheus.Collector.
func (c nodeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range []metric{
		nodeHeight, nodeAccounts, nodeCores, nodeTx, nodeMempool, nodeBatches, nodeStageSec, nodeStageItems, nodeStageWorkers,
		nodeStageQueue, nodeStageCap, nodeRootSec, nodeDecisions, nodeDiskSec, nodeDiskBytes, nodeDiskSyncs, nodeCPU,
		nodeGCPause, nodeGCCPU, nodeHeap,
	} {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c nodeCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	sec := func(ns int64) float64 { return float64(ns) / 1e9 }
	nodeHeight.send(ch, float64(s.Height))
	nodeAccounts.send(ch, float64(s.Accounts))
	nodeCores.send(ch, float64(s.Cores))
	nodeTx.send(ch, float64(s.Submitted), "submitted")
	nodeTx.send(ch, float64(s.Accepted), "accepted")
	nodeTx.send(ch, float64(s.Committed), "committed")
	nodeTx.send(ch, float64(s.Busy), "refused")
	nodeMempool.send(ch, float64(s.MempoolBytes))
	nodeBatches.send(ch, float64(s.Batches))
	for _, st := range s.Stages {
		nodeStageSec.send(ch, sec(st.BusyNS), st.Name, "busy")
		nodeStageSec.send(ch, sec(st.WaitNS), st.Name, "wait")
		nodeStageSec.send(ch, sec(st.BlockedNS), st.Name, "blocked")
		nodeStageItems.send(ch, float64(st.Items), st.Name)
		nodeStageWorkers.send(ch, float64(st.Workers), st.Name)
		if st.QueueCap > 0 {
			nodeStageQueue.send(ch, float64(st.Queue), st.Name)
			nodeStageCap.send(ch, float64(st.QueueCap), st.Name)
		}
	}
	nodeRootSec.send(ch, sec(s.StateRootNS))
	nodeDecisions.send(ch, float64(s.Engine.Proposed), s.Engine.Name, "proposed")
	nodeDecisions.send(ch, float64(s.Engine.Decided), s.Engine.Name, "decided")
	nodeDiskSec.send(ch, sec(s.DiskBusyNS))
	nodeDiskBytes.send(ch, float64(s.DiskBytes))
	nodeDiskSyncs.send(ch, float64(s.DiskSyncs))
	nodeCPU.send(ch, sec(s.CPUUserNS), "user")
	nodeCPU.send(ch, sec(s.CPUSysNS), "system")
	nodeGCPause.send(ch, sec(s.GCPauseNS))
	nodeGCCPU.send(ch, sec(s.GCCPUNS))
	nodeHeap.send(ch, float64(s.HeapBytes))
}

// The generator's metrics, from its progress.
var (
	loadOffered  = gaugeOf("weir_load_schedule_transactions", "Transactions that the whole schedule asks for.")
	loadTx       = counterOf("weir_load_transactions_total", "Transactions by how far they came; failed ones were rejected or expired.", "stage")
	loadElapsed  = gaugeOf("weir_load_elapsed_seconds", "Time since the first intended send.")
	loadDraining = gaugeOf("weir_load_draining", "1 when the schedule has ended and answers are waited for.")
)

// loadCollector sends the last progress of a load generator. Before the first
// transaction is due there is nothing to send.
type loadCollector struct {
	mu    sync.Mutex
	known bool
	live  loadgen.Live
}

func (c *loadCollector) set(l loadgen.Live) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live, c.known = l, true
}

// Describe implements prometheus.Collector.
func (c *loadCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range []metric{loadOffered, loadTx, loadElapsed, loadDraining} {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *loadCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	l, known := c.live, c.known
	c.mu.Unlock()
	if !known {
		return
	}
	loadOffered.send(ch, float64(l.Offered))
	loadTx.send(ch, float64(l.Sent), "sent")
	loadTx.send(ch, float64(l.Accepted), "accepted")
	loadTx.send(ch, float64(l.Committed), "committed")
	loadTx.send(ch, float64(l.Failed), "failed")
	loadElapsed.send(ch, l.Elapsed.Seconds())
	draining := 0.0
	if l.Draining {
		draining = 1
	}
	loadDraining.send(ch, draining)
}
