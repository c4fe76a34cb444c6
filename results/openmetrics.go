package results

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteOpenMetrics writes the answer of a run in the OpenMetrics text format
// 1.0: gauges without timestamps, so that a collector of text files (the node
// exporter's, say) takes it too. What is not known has no sample. A run that is
// not valid says so in weir_run_valid; alert on that before any other series.
//
// The trials are there by their number, so that a search can be drawn.
func WriteOpenMetrics(w io.Writer, rec Record) error {
	if rec.Summary != nil {
		if err := checkFinite(*rec.Summary); err != nil {
			return err
		}
	}
	for _, t := range rec.Trials {
		if err := checkFinite(t); err != nil {
			return err
		}
	}
	m := &metricText{out: bufio.NewWriter(w)}
	if rec.Summary != nil {
		m.summary(rec.Env, *rec.Summary)
	}
	m.trials(rec.Trials)
	m.line("# EOF")
	if err := m.out.Flush(); err != nil {
		return fmt.Errorf("OpenMetrics: %w", err)
	}
	return nil
}

// metricText writes metric families; a family's head comes with its first
// sample, so that a family without samples is not there.
type metricText struct {
	out  *bufio.Writer
	head string
}

func (m *metricText) line(text string) {
	m.out.WriteString(text) //nolint:errcheck // the error stays in the writer and Flush returns it
	m.out.WriteByte('\n')   //nolint:errcheck // as above
}

// family begins a family. Its name ends with its unit, as the format wants it;
// an empty unit is for plain numbers.
func (m *metricText) family(name, unit, help string) {
	m.head = "# HELP " + name + " " + escapeMetric(help) + "\n# TYPE " + name + " gauge"
	if unit != "" {
		m.head += "\n# UNIT " + name + " " + unit
	}
}

// sample writes one known value of the family; labels are names and values in turn.
func (m *metricText) sample(name string, scale float64, v *float64, labels ...string) {
	if v == nil {
		return
	}
	if m.head != "" {
		m.line(m.head)
		m.head = ""
	}
	var b strings.Builder
	b.WriteString(name)
	sep := "{"
	for i := 0; i+1 < len(labels); i += 2 {
		if labels[i+1] != "" { // the same as no label, in both formats
			b.WriteString(sep + labels[i] + `="` + escapeMetric(labels[i+1]) + `"`)
			sep = ","
		}
	}
	if sep == "," {
		b.WriteByte('}')
	}
	m.line(b.String() + " " + strconv.FormatFloat(*v*scale, 'g', -1, 64))
}

// escapeMetric keeps a text on its line and inside its quotes.
func escapeMetric(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

func number(n int64) *float64 {
	v := float64(n)
	return &v
}

func truth(b bool) *float64 {
	if b {
		return number(1)
	}
	return number(0)
}

func (m *metricText) summary(env *Env, s Summary) {
	m.family("weir_run_info", "", "What was measured; the value is always 1.")
	labels := []string{
		"workload", s.Workload, "engine", s.Engine, "nodes", strconv.Itoa(s.Nodes), "slo", s.SLO,
		"link", string(s.Link.Kind), "target", string(s.Target), "bottleneck", string(s.Bottleneck),
	}
	if env != nil {
		labels = append(labels, "cpu", string(env.Class.CPUBrand), "os", env.Class.OS, "arch", env.Class.Arch)
	}
	m.sample("weir_run_info", 1, number(1), labels...)
	m.family("weir_run_valid", "", "1 when the run may be quoted, 0 when not.")
	m.sample("weir_run_valid", 1, truth(s.Valid))
	m.family("weir_run_start_seconds", "seconds", "When the run began, since 1970.")
	if !s.StartedAt.IsZero() {
		at := float64(s.StartedAt.UnixMilli())
		m.sample("weir_run_start_seconds", 1e-3, &at)
	}
	m.family("weir_run_duration_seconds", "seconds", "Length of the run.")
	m.sample("weir_run_duration_seconds", 1, s.DurationSec)
	m.family("weir_knee_tx_per_second", "", "Highest sustainable rate of committed transactions, as an interval.")
	m.sample("weir_knee_tx_per_second", 1, s.Knee.LowerTxPerSec, "bound", "lower")
	m.sample("weir_knee_tx_per_second", 1, s.Knee.UpperTxPerSec, "bound", "upper")
	m.family("weir_knee_confirmed", "", "1 when every confirming trial held at the lower bound.")
	m.sample("weir_knee_confirmed", 1, truth(s.Knee.Confirmed))
	m.family("weir_latency_seconds", "seconds", "Latency from the intended send, at the lower bound.")
	for _, l := range []struct {
		stage string
		p     Percentiles
	}{{"accept", s.LatencyMS.Accept}, {"commit", s.LatencyMS.Commit}} {
		m.sample("weir_latency_seconds", 1e-3, l.p.P50, "stage", l.stage, "percentile", "50")
		m.sample("weir_latency_seconds", 1e-3, l.p.P99, "stage", l.stage, "percentile", "99")
		m.sample("weir_latency_seconds", 1e-3, l.p.P999, "stage", l.stage, "percentile", "99.9")
	}
	m.wire(s)
	m.resources(s)
}

func (m *metricText) wire(s Summary) {
	m.family("weir_wire_bytes_per_tx", "", "Layer-2 bytes on the wire for one committed transaction, seen from the node.")
	for _, d := range []struct {
		frames string
		v      InOut
	}{{"seen", s.Wire.BytesPerTx}, {"mtu1500", s.Wire.BytesPerTxMTU1500}} {
		m.sample("weir_wire_bytes_per_tx", 1, d.v.In, "direction", "in", "frames", d.frames, "source", string(s.Wire.Source))
		m.sample("weir_wire_bytes_per_tx", 1, d.v.Out, "direction", "out", "frames", d.frames, "source", string(s.Wire.Source))
	}
	m.family("weir_wire_amplification_ratio", "ratio", "Bytes on the wire by bytes of encoded transactions.")
	m.sample("weir_wire_amplification_ratio", 1, s.Wire.Amplification)
	m.family("weir_link_bytes_per_second", "", "Capacity of the path, layer 2, measured in the run.")
	m.sample("weir_link_bytes_per_second", 1.0/8, s.Link.CapacityBitsPerSec.In, "direction", "in", "kind", string(s.Link.Kind))
	m.sample("weir_link_bytes_per_second", 1.0/8, s.Link.CapacityBitsPerSec.Out, "direction", "out", "kind", string(s.Link.Kind))
	m.family("weir_predicted_tx_per_second", "", "Rate behind a link of this layer-1 speed at MTU 1500: a prediction.")
	for _, p := range s.OnANetwork {
		m.sample("weir_predicted_tx_per_second", 1, p.TxPerSec,
			"link_bits_per_second", strconv.FormatFloat(p.LinkBitsPerSec, 'f', -1, 64), "wall", string(p.Wall))
	}
}

func (m *metricText) resources(s Summary) {
	d, u := s.Demand, s.Utilisation
	m.family("weir_demand_seconds_per_tx", "", "Seconds of a resource for one committed transaction.")
	for _, r := range []struct {
		name string
		v    *float64
	}{
		{"cpu", d.CPU}, {"host_cpu", d.HostCPU}, {"serial", d.Serial}, {"wire_in", d.WireIn}, {"wire_out", d.WireOut},
		{"disk", d.Disk}, {"generator", d.Generator},
	} {
		m.sample("weir_demand_seconds_per_tx", 1, r.v, "resource", r.name)
	}
	m.family("weir_utilisation_ratio", "ratio", "Share of a resource in use at the knee, 0 to 1.")
	for _, r := range []struct {
		name string
		v    *float64
	}{
		{"cpu", u.CPU}, {"host_cpu", u.HostCPU}, {"serial", u.Serial}, {"wire_in", u.WireIn}, {"wire_out", u.WireOut},
		{"disk", u.Disk}, {"generator", u.Generator},
	} {
		m.sample("weir_utilisation_ratio", 1, r.v, "resource", r.name)
	}
}

func (m *metricText) trials(list []Trial) {
	each := func(name, unit, help string, value func(Trial, func(scale float64, v *float64, labels ...string))) {
		m.family(name, unit, help)
		for _, t := range list {
			value(t, func(scale float64, v *float64, labels ...string) {
				head := []string{"trial", strconv.Itoa(t.ID), "phase", string(t.Phase), "verdict", string(t.Verdict)}
				m.sample(name, scale, v, append(head, labels...)...)
			})
		}
	}
	type put = func(scale float64, v *float64, labels ...string)
	each("weir_trial_tx_per_second", "", "Rates of a trial.", func(t Trial, put put) {
		put(1, &t.OfferedTxPerSec, "stage", "offered")
		put(1, t.CommittedTxPerSec, "stage", "committed")
	})
	each("weir_trial_transactions", "", "Transactions of a trial by what became of them.", func(t Trial, put put) {
		for _, c := range stages(t.Counts) {
			stage, reason, rejected := strings.Cut(strings.TrimSuffix(c.name, "}"), "{")
			if rejected {
				put(1, number(c.n), "stage", stage, "reason", reason)
			} else {
				put(1, number(c.n), "stage", stage)
			}
		}
	})
	each("weir_trial_commit_latency_seconds", "seconds", "Commit latency from the intended send.", func(t Trial, put put) {
		q := t.LatencyMS.Commit
		put(1e-3, q.P50, "percentile", "50")
		put(1e-3, q.P90, "percentile", "90")
		put(1e-3, q.P99, "percentile", "99")
		put(1e-3, q.P999, "percentile", "99.9")
		put(1e-3, q.Max, "percentile", "100")
	})
}
