package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/probe"
)

// probeFlags are the flags of weir probe.
type probeFlags struct {
	pid                   int
	portTexts, classTexts []string
	cgroup, iface, netns  string
	tiers                 []int
	force                 string
	peers, json           bool
	interval, duration    time.Duration
	metrics, listen       string
}

func newProbeCmd() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Show what any program puts on the wire, live",
		Long: `probe watches the traffic of a process, of ports, of a control group or of an
interface, and shows it like top does. It changes nothing, and leaves nothing
behind in the kernel, however it ends.

Tier 1 reads the kernel's own counters of each TCP socket: application bytes,
segments, retransmissions, round trips, queues. Tier 2 counts every frame with
its headers, TCP and UDP. Tier 3 diagnoses: queue delay, softirqs, round trips,
waits for a processor. Without the rights for eBPF it shows what an ordinary
user may see; every value says where it comes from.`,
		Example: "  weir probe --pid 4711\n" +
			"  weir probe --class client=7151 --class consensus=7152 --tier 1,2\n" +
			"  weir probe --iface eth0 --tier 2 --json --duration 10s\n" +
			"  weir probe --port 443 --listen 127.0.0.1:9151",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runProbe(cmd, f) },
	}
	fl := cmd.Flags()
	fl.IntVar(&f.pid, "pid", 0, "a process and its descendants")
	fl.StringSliceVar(&f.portTexts, "port", nil, "TCP and UDP `ports`, of either end")
	fl.StringArrayVar(&f.classTexts, "class", nil, "name ports: `NAME=PORT[,PORT]`, such as client=7151")
	fl.StringVar(&f.cgroup, "cgroup", "", "a control group's `folder` (version 2)")
	fl.StringVar(&f.iface, "iface", "", "an `interface`: all of it, or where to count the rest")
	fl.StringVar(&f.netns, "netns", "", "network namespace `file` (default: the process's, or our own)")
	fl.IntSliceVar(&f.tiers, "tier", []int{1}, "1 sockets, 2 frames, 3 diagnosis")
	fl.StringVar(&f.force, "force", "", "one source or none: tracing, sockops (no BTF), procfs (no eBPF)")
	fl.BoolVar(&f.peers, "peers", false, "show each remote address, in tier 2 as well")
	fl.DurationVar(&f.interval, "interval", time.Second, "time between two samples")
	fl.DurationVar(&f.duration, "duration", 0, "end after this time (default: when interrupted)")
	fl.BoolVar(&f.json, "json", false, "print one JSON object per interval ("+probe.Schema+")")
	fl.StringVar(&f.metrics, "metrics", "", "keep the numbers in this `file` as OpenMetrics")
	fl.StringVar(&f.listen, "listen", "", "serve them at http://`ADDRESS`/metrics (loopback only)")
	return cmd
}

// config checks the flags and turns them into what to watch.
func (f probeFlags) config() (probe.WatchConfig, error) {
	c := probe.WatchConfig{
		PID: f.pid, Cgroup: f.cgroup, Iface: f.iface, NetNS: f.netns, Tiers: f.tiers, Force: f.force, PerPeer: f.peers,
	}
	if f.interval < 10*time.Millisecond {
		return c, usagef("--interval %v: at least 10ms; a sample costs up to some milliseconds", f.interval)
	}
	if f.duration < 0 {
		return c, usagef("--duration %v: cannot be negative", f.duration)
	}
	for _, text := range f.portTexts {
		p, err := parsePort(text)
		if err != nil {
			return c, usagef("--port %q: %w", text, err)
		}
		c.Ports = append(c.Ports, probe.PortClass{Port: p})
	}
	for _, text := range f.classTexts {
		name, list, ok := strings.Cut(text, "=")
		if !ok || strings.TrimSpace(name) == "" {
			return c, usagef("--class %q: give NAME=PORT, such as client=7151", text)
		}
		for part := range strings.SplitSeq(list, ",") {
			p, err := parsePort(part)
			if err != nil {
				return c, usagef("--class %q: %w", text, err)
			}
			c.Ports = append(c.Ports, probe.PortClass{Name: strings.TrimSpace(name), Port: p})
		}
	}
	return c, nil
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a port; ports are 1 to 65535", text)
	}
	return uint16(n), nil
}

func runProbe(cmd *cobra.Command, f probeFlags) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	w, rep, err := probe.Watch(cfg)
	if err != nil {
		return usagef("%w", err)
	}
	defer w.Close() //nolint:errcheck // the kernel detaches what stays at the end of the process
	out := &probeOutput{flags: f, report: rep, out: cmd.OutOrStdout()}
	if f.metrics != "" || f.listen != "" {
		if out.metrics, err = newProbeMetrics(f.metrics, f.listen, cmd.ErrOrStderr()); err != nil {
			return err
		}
		defer out.metrics.close()
	}
	if f.json {
		printProbeReport(cmd.ErrOrStderr(), rep, false)
	} else {
		out.screen = isTerminal(cmd.OutOrStdout())
		if !out.screen {
			printProbeReport(cmd.OutOrStdout(), rep, true)
		}
	}
	return watchLoop(cmd.Context(), w, out)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// watchLoop samples until the duration is over, the process has ended, or the
// command is interrupted, which is the ordinary end of a live view.
func watchLoop(ctx context.Context, w *probe.Watcher, out *probeOutput) error {
	out.begin()
	defer out.end()
	if out.flags.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, out.flags.duration)
		defer cancel()
	}
	before, err := w.Sample()
	if err != nil {
		return usagef("%w", err)
	}
	tick := time.NewTicker(out.flags.interval)
	defer tick.Stop()
	for last := false; !last; {
		select {
		case <-ctx.Done():
			last = true // with what the last part of an interval brought
		case <-tick.C:
		}
		now, err := w.Sample()
		if err != nil {
			return usagef("%w", err)
		}
		if err := out.show(now, now.Sub(before)); err != nil {
			return err
		}
		before = now
		if now.TargetGone {
			out.note = fmt.Sprintf("process %d has ended", out.flags.pid)
			return nil
		}
	}
	return nil
}

// probeLine is one object of the JSON stream.
type probeLine struct {
	Schema string `json:"schema"`
	// Report is in the first line only.
	Report   *probe.WatchReport `json:"report,omitempty"`
	Total    probe.Sample       `json:"total"`    // since the start
	Interval probe.Sample       `json:"interval"` // since the line before
}

// probeOutput writes samples as the flags ask.
type probeOutput struct {
	flags   probeFlags
	report  probe.WatchReport
	out     io.Writer
	screen  bool // a terminal: draw over the last one
	metrics *probeMetrics
	lines   int
	note    string
	last    string
}

const (
	screenOpen  = "\x1b[?1049h\x1b[?25l" // the other screen, no cursor
	endHint     = " · Ctrl-C ends"
	screenClose = "\x1b[?25h\x1b[?1049l"
)

func (o *probeOutput) begin() {
	if o.screen {
		columns, _ := o.window()
		first := fmt.Sprintf("weir probe · %s · the first figures come in %v", o.flags.what(), o.flags.interval)
		fmt.Fprint(o.out, screenOpen, "\x1b[H", fit(first, columns, 0))
	}
}

// end leaves the last table on the ordinary screen.
func (o *probeOutput) end() {
	if o.screen {
		fmt.Fprint(o.out, screenClose, strings.Replace(o.last, endHint, "", 1))
	}
	if o.note != "" && !o.flags.json {
		fmt.Fprintln(o.out, o.note)
	}
}

func (o *probeOutput) show(total, interval probe.Sample) error {
	o.lines++
	if o.metrics != nil {
		if err := o.metrics.update(total); err != nil {
			return err
		}
	}
	switch {
	case o.flags.json:
		line := probeLine{Schema: probe.Schema, Total: total, Interval: interval}
		if o.lines == 1 {
			line.Report = &o.report
		}
		if err := printJSON(o.out, line); err != nil {
			return usagef("write the sample: %w", err)
		}
		return nil
	case o.screen:
		o.last = probeTable(o.flags, o.report, total, interval, true)
		// Line by line over the old ones: clearing first would flicker.
		columns, rows := o.window()
		drawn := strings.ReplaceAll(fit(o.last, columns, rows), "\n", "\x1b[K\r\n")
		_, err := fmt.Fprint(o.out, "\x1b[H", drawn, "\x1b[J")
		return wrapWrite(err)
	default:
		_, err := fmt.Fprintln(o.out, probeTable(o.flags, o.report, total, interval, false))
		return wrapWrite(err)
	}
}

// window is how much of the terminal a table may use; 0 rows: any number.
func (o *probeOutput) window() (columns, rows int) {
	if file, ok := o.out.(*os.File); ok {
		if c, r := windowSize(file); c > 0 {
			return min(c, tableColumns), r
		}
	}
	return tableColumns, 0
}

func wrapWrite(err error) error {
	if err == nil {
		return nil
	}
	return usagef("write the table: %w", err)
}

// printProbeReport tells what is watched and what was refused; without all, the
// refusals and warnings only.
func printProbeReport(w io.Writer, rep probe.WatchReport, all bool) {
	for _, p := range rep.Parts {
		if all && p.Source != "" {
			fmt.Fprintf(w, "%s: %s (%s)\n", p.Part, p.Source, strings.Join(p.Attached, ", "))
		}
		for _, r := range p.Refused {
			if errors.Is(r, probe.ErrTarget) && p.Part != "sockets" && p.Part != "wire" {
				continue // asked for with a tier, and not meant for this target
			}
			fmt.Fprintf(w, "weir: warning: %s: %v\n", p.Part, r)
		}
	}
	for _, text := range rep.Warnings {
		fmt.Fprintf(w, "weir: warning: %s\n", text)
	}
}
