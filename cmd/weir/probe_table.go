package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chainweir/weir/bench/probe"
)

// tableColumns is the width that the live table keeps to.
const tableColumns = 80

// tablePeers is how many remote addresses the live table shows, busiest first.
const tablePeers = 8

// probeTable is one screen: rates of the last interval, and live values.
func probeTable(f probeFlags, rep probe.WatchReport, total, interval probe.Sample, screen bool) string {
	var b strings.Builder
	hint := ""
	if screen {
		hint = endHint
	}
	fmt.Fprintf(&b, "weir probe · %s · %s%s\n", f.what(), time.Duration(total.ElapsedSec*float64(time.Second)).Round(time.Second), hint)
	if s := interval.Sockets; s != nil {
		socketTable(&b, s, interval.ElapsedSec, f.peers)
	}
	if w := interval.Wire; w != nil {
		wireTable(&b, w, interval.ElapsedSec, f.peers)
	}
	diagnosisTable(&b, interval)
	if screen {
		var notes strings.Builder
		printProbeReport(&notes, rep, false)
		b.WriteString("\n" + wrap(notes.String(), tableColumns))
	}
	return fit(b.String(), tableColumns, 0)
}

// fit cuts a text to a window of so many columns and rows; 0 rows: any number.
// What scrolls out of a window that is drawn over would be lost.
func fit(text string, columns, rows int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if rows > 1 && len(lines) >= rows {
		more := len(lines) - (rows - 2)
		lines = append(lines[:rows-2:rows-2], fmt.Sprintf("… %d more lines in a taller window", more))
	}
	for i, l := range lines {
		lines[i] = clip(l, columns)
	}
	return strings.Join(lines, "\n") + "\n"
}

// what is watched, in words.
func (f probeFlags) what() string {
	var parts []string
	if f.pid != 0 {
		parts = append(parts, fmt.Sprintf("process %d", f.pid))
	}
	if f.cgroup != "" {
		parts = append(parts, "group "+f.cgroup)
	}
	if len(f.portTexts) > 0 {
		parts = append(parts, "port "+strings.Join(f.portTexts, ","))
	}
	if len(f.classTexts) > 0 {
		parts = append(parts, strings.Join(f.classTexts, " "))
	}
	if f.iface != "" {
		parts = append(parts, f.iface)
	}
	return strings.Join(parts, " · ")
}

func socketTable(b *strings.Builder, s *probe.SocketSample, seconds float64, peers bool) {
	fmt.Fprintf(b, "\nTCP sockets, payload per second (%s)\n", s.Source)
	fmt.Fprintf(b, "%-10s %-6s %5s %5s %7s %7s %6s %7s %7s %5s %5s\n",
		"class", "end", "conns", "new/s", "sent", "recv", "resent", "rtt", "queued", "rwnd", "sbuf")
	for _, c := range s.Classes {
		fmt.Fprintf(b, "%-10s %-6s %5s %5s %7s %7s %6s %7s %7s %5s %5s\n",
			clip(c.Class, 10), c.End, amount(c.Live.Connections), rate(c.Opened, seconds, ""),
			rate(c.AppSentBytes, seconds, "B"), rate(c.AppReceivedBytes, seconds, "B"), amount(c.RetransSegments),
			microseconds(c.Live.SRTTMeanUS), scaled(c.Live.NotSentBytes, "B"),
			share(c.RwndLimitedUS, c.BusyUS), share(c.SndbufLimitedUS, c.BusyUS))
	}
	if len(s.Classes) == 0 {
		b.WriteString("no connection yet\n")
	}
	if !peers || len(s.Peers) == 0 {
		return
	}
	list := slices.Clone(s.Peers)
	slices.SortStableFunc(list, func(x, y probe.SocketPeer) int {
		return cmp.Compare(y.AppSentBytes.N+y.AppReceivedBytes.N, x.AppSentBytes.N+x.AppReceivedBytes.N)
	})
	fmt.Fprintf(b, "\n%-11s %-6s %-29s %5s %7s %7s %6s\n", "class", "end", "peer", "conns", "sent", "recv", "resent")
	for _, p := range list[:min(len(list), tablePeers)] {
		fmt.Fprintf(b, "%-11s %-6s %-29s %5s %7s %7s %6s\n", clip(p.Class, 11), p.End, clipMiddle(p.Address, 29), amount(p.Connections),
			rate(p.AppSentBytes, seconds, "B"), rate(p.AppReceivedBytes, seconds, "B"), amount(p.RetransSegments))
	}
	if more := len(list) - tablePeers; more > 0 {
		fmt.Fprintf(b, "and %d more peers\n", more)
	}
}

func wireTable(b *strings.Builder, w *probe.WireSample, seconds float64, peers bool) {
	fmt.Fprintf(b, "\nFrames, layer 2 per second (%s)\n", w.Source)
	fmt.Fprintf(b, "%-11s %-6s %-5s %9s %9s %9s %9s\n", "class", "end", "proto", "recv", "frames", "sent", "frames")
	for _, c := range w.Classes {
		fmt.Fprintf(b, "%-11s %-6s %-5s %9s %9s %9s %9s\n", clip(c.Class, 11), c.End, c.Protocol,
			rate(c.Received.L2Bytes, seconds, "b"), rate(c.Received.Frames, seconds, ""),
			rate(c.Sent.L2Bytes, seconds, "b"), rate(c.Sent.Frames, seconds, ""))
	}
	if len(w.Classes) == 0 {
		b.WriteString("no frame yet\n")
	}
	if peers && len(w.Peers) > 0 {
		list := slices.Clone(w.Peers)
		fmt.Fprintf(b, "\n%-8s %-6s %-26s %-5s %7s %7s %7s %7s\n", "class", "end", "peer", "proto", "recv", "frames", "sent", "frames")
		slices.SortStableFunc(list, func(x, y probe.WirePeer) int {
			return cmp.Compare(y.Received.L2Bytes.N+y.Sent.L2Bytes.N, x.Received.L2Bytes.N+x.Sent.L2Bytes.N)
		})
		for _, p := range list[:min(len(list), tablePeers)] {
			fmt.Fprintf(b, "%-8s %-6s %-26s %-5s %7s %7s %7s %7s\n", clip(p.Class, 8), p.End, clipMiddle(p.Address, 26), p.Protocol,
				rate(p.Received.L2Bytes, seconds, "b"), rate(p.Received.Frames, seconds, ""),
				rate(p.Sent.L2Bytes, seconds, "b"), rate(p.Sent.Frames, seconds, ""))
		}
		if more := len(list) - tablePeers; more > 0 {
			fmt.Fprintf(b, "and %d more peers\n", more)
		}
	}
	if w.Unclassified.Known && w.Unclassified.N > 0 {
		fmt.Fprintf(b, "%d packets could not be told (fragments of other ports, odd headers)\n", w.Unclassified.N)
	}
}

func diagnosisTable(b *strings.Builder, s probe.Sample) {
	lines := 0
	line := func(name string, d probe.Distribution) {
		if d.MeanUS != nil {
			lines++
			fmt.Fprintf(b, "%-28s %9s %9s %9s %9s\n", clip(name, 28), amount(d.Samples), microsecondsOf(d.MeanUS), microsecondsOf(d.P50US), microsecondsOf(d.P99US))
		}
	}
	if s.RTT != nil || s.Qdisc != nil || s.Sched != nil {
		fmt.Fprintf(b, "\n%-28s %9s %9s %9s %9s\n", "delay", "samples", "mean", "p50", "p99")
	}
	if s.RTT != nil {
		for _, c := range s.RTT.Classes {
			line("round trip, "+c.Class, c.RTT)
		}
	}
	if q := s.Qdisc; q != nil {
		line("queue of "+q.Iface+", TCP", q.TCP)
		line("queue of "+q.Iface+", other", q.Other)
	}
	if s.Sched != nil {
		line("wait for a processor", s.Sched.Wait)
	}
	if lines == 0 && (s.RTT != nil || s.Qdisc != nil || s.Sched != nil) {
		b.WriteString("nothing was timed in this interval\n")
	}
	if q := s.Softirq; q != nil {
		fmt.Fprintf(b, "\nSoftirqs of the machine (%s)\n", q.Source)
		for _, v := range q.Vectors {
			if !strings.HasPrefix(v.Name, "NET_") {
				continue
			}
			fmt.Fprintf(b, "%s %s", v.Name, rate(v.Runs, s.ElapsedSec, "/s"))
			if v.TimeUS.Known && s.ElapsedSec > 0 {
				fmt.Fprintf(b, " (%.1f%% of a core)", float64(v.TimeUS.N)/s.ElapsedSec/1e4)
			}
			b.WriteString("\n")
		}
	}
}

// wrap breaks lines between words.
func wrap(text string, columns int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		at := 0
		for _, word := range strings.Fields(line) {
			n := len([]rune(word))
			switch {
			case at > 0 && at+1+n > columns:
				b.WriteString("\n  ")
				at = 2
			case at > 0:
				b.WriteString(" ")
				at++
			}
			b.WriteString(word)
			at += n
		}
		b.WriteString("\n")
	}
	return b.String()
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// clipMiddle keeps both ends: of an IPv6 address the first half tells the
// network and the last the host.
func clipMiddle(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n/2]) + "…" + string(r[len(r)-(n-n/2-1):])
	}
	return s
}

func amount(c probe.Count) string {
	if !c.Known {
		return "-"
	}
	return scaled(c, "")
}

func scaled(c probe.Count, unit string) string {
	if !c.Known {
		return "-"
	}
	return si(float64(c.N), unit)
}

// rate is per second; unit "b" turns bytes into bits.
func rate(c probe.Count, seconds float64, unit string) string {
	if !c.Known || seconds <= 0 {
		return "-"
	}
	v := float64(c.N) / seconds
	if unit == "b" {
		v *= 8
	}
	return si(v, unit)
}

// si is a number in at most five characters and its unit: 999, 1.23k, 45.6M.
func si(v float64, unit string) string {
	prefixes := []string{"", "k", "M", "G", "T", "P", "E"}
	i := 0
	for v >= 999.5 && i < len(prefixes)-1 {
		v /= 1000
		i++
	}
	switch {
	case i == 0:
		return fmt.Sprintf("%.0f%s", v, unit)
	case v < 9.995: // what would be written as 10.00 is a column too wide
		return fmt.Sprintf("%.2f%s%s", v, prefixes[i], unit)
	case v < 99.95:
		return fmt.Sprintf("%.1f%s%s", v, prefixes[i], unit)
	}
	return fmt.Sprintf("%.0f%s%s", v, prefixes[i], unit)
}

func microseconds(c probe.Count) string {
	if !c.Known {
		return "-"
	}
	return microsecondsOf(new(float64(c.N)))
}

func microsecondsOf(us *float64) string {
	switch {
	case us == nil:
		return "-"
	case *us < 999.5:
		return fmt.Sprintf("%.0fµs", *us)
	case *us < 999.95e3:
		return fmt.Sprintf("%.1fms", *us/1e3)
	case *us < 9999.95e6:
		return fmt.Sprintf("%.1fs", *us/1e6)
	}
	return fmt.Sprintf("%.0fh", *us/3600e6)
}

// share of part in whole, as a percentage; "-" when there was nothing.
func share(part, whole probe.Count) string {
	if !part.Known || !whole.Known || whole.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(part.N)/float64(whole.N))
}
