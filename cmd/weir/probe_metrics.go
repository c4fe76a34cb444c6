package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"github.com/chainweir/weir/bench/probe"
)

// probeMetrics offers the last sample as OpenMetrics, in a file or at an address.
type probeMetrics struct {
	file     string
	registry *prometheus.Registry
	server   *http.Server
	served   chan struct{}

	mu     sync.Mutex
	sample probe.Sample
}

func newProbeMetrics(file, listen string, stderr io.Writer) (*probeMetrics, error) {
	m := &probeMetrics{file: file, registry: prometheus.NewRegistry()}
	if err := m.registry.Register(m); err != nil {
		return nil, usagef("metrics: %w", err)
	}
	if listen == "" {
		return m, nil
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, usagef("--listen %q: give ADDRESS:PORT, such as 127.0.0.1:9151", listen)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, usagef("--listen %q: only loopback addresses; there is no access control. Use 127.0.0.1 and a proxy", listen)
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, usagef("--listen %q: %w", listen, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	m.served = make(chan struct{})
	go func() {
		defer close(m.served)
		_ = m.server.Serve(ln) // ends with ErrServerClosed
	}()
	fmt.Fprintf(stderr, "weir: metrics at http://%s/metrics\n", ln.Addr())
	return m, nil
}

func (m *probeMetrics) close() {
	if m.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if m.server.Shutdown(ctx) != nil {
		_ = m.server.Close()
	}
	<-m.served
}

// update takes a sample, and replaces the file: a reader sees the old one or the
// new one whole.
func (m *probeMetrics) update(s probe.Sample) error {
	m.mu.Lock()
	m.sample = s
	m.mu.Unlock()
	if m.file == "" {
		return nil
	}
	families, err := m.registry.Gather()
	if err != nil {
		return usagef("--metrics: %w", err)
	}
	var b bytes.Buffer
	enc := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeOpenMetrics))
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return usagef("--metrics: %w", err)
		}
	}
	if c, ok := enc.(expfmt.Closer); ok {
		if err := c.Close(); err != nil { // writes "# EOF"
			return usagef("--metrics: %w", err)
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(m.file), ".weir-metrics-*")
	if err != nil {
		return usagef("--metrics %s: %w; give a file in a folder that can be written", m.file, err)
	}
	_, err = tmp.Write(b.Bytes())
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), m.file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return usagef("--metrics %s: %w", m.file, err)
	}
	return nil
}

// Describe sends nothing: which series there are depends on the traffic.
func (m *probeMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect sends the last sample.
func (m *probeMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	s := m.sample
	m.mu.Unlock()
	e := metricEmitter{ch}
	if s.Sockets != nil {
		e.sockets(s.Sockets)
	}
	if s.Wire != nil {
		e.wire(s.Wire)
	}
	e.diagnosis(s)
}

type metricEmitter struct{ ch chan<- prometheus.Metric }

// emit sends a known value; what is unknown has no series.
func (e metricEmitter) emit(kind prometheus.ValueType, name, help string, c probe.Count, labels ...string) {
	if c.Known {
		e.value(kind, name, help, float64(c.N), labels...)
	}
}

// value sends one; labels are names and values in turn.
func (e metricEmitter) value(kind prometheus.ValueType, name, help string, v float64, labels ...string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	e.ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("weir_probe_"+name, help, names, nil), kind, v, values...)
}

func (e metricEmitter) sockets(s *probe.SocketSample) {
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	for _, c := range s.Classes {
		l := []string{"class", c.Class, "end", string(c.End), "source", s.Source}
		e.emit(counter, "connections_opened_total", "Connections established.", c.Opened, l...)
		e.emit(counter, "connections_closed_total", "Connections closed.", c.Closed, l...)
		e.emit(counter, "connections_failed_total", "Connections that ended before they were established.", c.Failed, l...)
		e.emit(counter, "app_sent_bytes_total", "Payload sent, without what was sent again.", c.AppSentBytes, l...)
		e.emit(counter, "app_received_bytes_total", "Payload received.", c.AppReceivedBytes, l...)
		e.emit(counter, "segments_sent_total", "TCP segments sent.", c.SegmentsOut, l...)
		e.emit(counter, "segments_received_total", "TCP segments received.", c.SegmentsIn, l...)
		e.emit(counter, "segments_retransmitted_total", "TCP segments sent again.", c.RetransSegments, l...)
		for name, v := range map[string]probe.Count{"busy": c.BusyUS, "rwnd_limited": c.RwndLimitedUS, "sndbuf_limited": c.SndbufLimitedUS} {
			if v.Known {
				e.value(counter, name+"_seconds_total", "Time with data to send: all, held back by the peer's window, by the send buffer.", float64(v.N)/1e6, l...)
			}
		}
		e.emit(gauge, "connections", "Live connections.", c.Live.Connections, l...)
		for name, v := range map[string]probe.Count{"srtt_mean": c.Live.SRTTMeanUS, "srtt_max": c.Live.SRTTMaxUS, "rtt_min": c.Live.MinRTTUS} {
			if v.Known {
				e.value(gauge, name+"_seconds", "Round-trip time of the live connections, by TCP's estimate.", float64(v.N)/1e6, l...)
			}
		}
		for name, v := range map[string]probe.Count{
			"notsent": c.Live.NotSentBytes, "unacked": c.Live.UnackedBytes, "unread": c.Live.UnreadBytes,
			"wmem_queued": c.Live.WmemQueuedBytes, "backlog": c.Live.BacklogBytes,
		} {
			e.emit(gauge, name+"_bytes", "Bytes in the queues of the live connections.", v, l...)
		}
		e.emit(gauge, "accept_queue_connections", "Connections that wait for accept.", c.Live.AcceptQueue, l...)
	}
	e.emit(counter, "lost_events_total", "Reports of closed sockets that were lost.", s.LostEvents, "source", s.Source)
}

func (e metricEmitter) wire(w *probe.WireSample) {
	const counter = prometheus.CounterValue
	for _, c := range w.Classes {
		for direction, d := range map[string]probe.WireCounts{"received": c.Received, "sent": c.Sent} {
			l := []string{"class", c.Class, "direction", direction, "end", string(c.End), "protocol", c.Protocol, "source", w.Source}
			e.emit(counter, "l2_bytes_total", "Layer-2 bytes on the wire, without FCS, preamble and gap.", d.L2Bytes, l...)
			e.emit(counter, "frames_total", "Frames on the wire.", d.Frames, l...)
			e.emit(counter, "payload_bytes_total", "TCP or UDP payload on the wire, with what was sent again.", d.PayloadBytes, l...)
		}
	}
	e.emit(counter, "unclassified_packets_total", "Packets whose headers could not be followed.", w.Unclassified, "source", w.Source)
}

func (e metricEmitter) diagnosis(s probe.Sample) {
	if s.RTT != nil {
		for _, c := range s.RTT.Classes {
			e.histogram("rtt_seconds", "Round trips as TCP measured them.", c.RTT, "class", c.Class, "source", s.RTT.Source)
		}
	}
	if q := s.Qdisc; q != nil {
		e.histogram("qdisc_delay_seconds", "Time of packets in the queue.", q.TCP, "iface", q.Iface, "protocol", "tcp", "source", q.Source)
		e.histogram("qdisc_delay_seconds", "Time of packets in the queue.", q.Other, "iface", q.Iface, "protocol", "other", "source", q.Source)
		if d := q.Other; d.MeanUS != nil && !d.Samples.Known {
			e.value(prometheus.GaugeValue, "qdisc_delay_mean_seconds", "Mean time in the queue since the start, of all protocols.", *d.MeanUS/1e6, "iface", q.Iface, "source", q.Source)
		}
	}
	if s.Sched != nil {
		e.histogram("run_queue_wait_seconds", "Time of threads from runnable to running.", s.Sched.Wait, "source", s.Sched.Source)
	}
	if q := s.Softirq; q != nil {
		for _, v := range q.Vectors {
			e.emit(prometheus.CounterValue, "softirqs_total", "Softirqs of the machine.", v.Runs, "source", q.Source, "vector", v.Name)
			if v.TimeUS.Known {
				e.value(prometheus.CounterValue, "softirq_seconds_total", "Time in softirqs, over all processors.", float64(v.TimeUS.N)/1e6, "source", q.Source, "vector", v.Name)
			}
		}
	}
}

// histogram sends a distribution; its buckets end at powers of two.
func (e metricEmitter) histogram(name, help string, d probe.Distribution, labels ...string) {
	if d.MeanUS == nil || !d.Samples.Known {
		return
	}
	buckets := make(map[float64]uint64)
	var below uint64
	for b, n := range d.Buckets {
		below += n
		buckets[float64(uint64(1)<<b)/1e6] = below
	}
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	e.ch <- prometheus.MustNewConstHistogram(prometheus.NewDesc("weir_probe_"+name, help, names, nil),
		d.Samples.N, *d.MeanUS*float64(d.Samples.N)/1e6, buckets, values...)
}
