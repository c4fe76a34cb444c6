package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/chainweir/weir/bench/link"
)

// printLink writes a survey as a table of at most 80 columns.
func printLink(w io.Writer, s link.Survey) error {
	p := &linkPrinter{}
	p.linef("link to %s from %s, UDP frames for MTU %d", s.Server, s.Local, s.MTU)
	if s.Kind == link.KindLoopback {
		p.linef("loopback: this is a memory copy on one machine, not a network")
	}
	p.linef("in: towards the server; out: from it; rates in bits per second")
	p.linef("")
	p.linef("claimed by the interfaces and set in the kernel, not measured")
	p.facts("client", s.Client)
	p.facts("server", s.Remote)
	p.linef("  shaper on this path, in:  %s", shaperText(s.ShaperIn, s.Client))
	p.linef("  shaper on this path, out: %s", shaperText(s.ShaperOut, s.Remote))
	p.linef("")
	p.linef("%-22s %9s %9s %9s  %s", "measured", "layer 2", "layer 1", "payload", "error and method")
	p.bulk("bulk TCP in", s.BulkIn)
	p.bulk("bulk TCP out", s.BulkOut)
	p.train("UDP train in", s.TrainIn)
	p.train("UDP train out", s.TrainOut)
	p.linef("")
	p.linef("%-22s %9s %9s %9s  %s", "smallest frames", "frames/s", "layer 2", "lost", "method")
	p.small("in", s.SmallIn)
	p.small("out", s.SmallOut)
	p.linef("")
	p.linef("%-22s %9s %9s %9s %9s  %s", "round trip, ms", "min", "p50", "p99", "max", "pings")
	p.rtt("idle", s.RTTIdle, nil)
	p.rtt("TCP fills in", s.RTTIn, s.RTTIdle)
	p.rtt("TCP fills out", s.RTTOut, s.RTTIdle)
	if len(s.Warnings) > 0 {
		p.linef("")
	}
	for _, warning := range s.Warnings {
		p.wrap("warning: "+warning, 80)
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

type linkPrinter struct{ b strings.Builder }

func (p *linkPrinter) linef(format string, args ...any) {
	fmt.Fprintf(&p.b, format+"\n", args...)
}

// wrap breaks a text between words, with later lines indented.
func (p *linkPrinter) wrap(text string, columns int) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > columns {
			p.linef("%s", line)
			line = "  " + word
			continue
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	p.linef("%s", line)
}

func (p *linkPrinter) facts(side string, f link.Facts) {
	n := f.Nominal
	if n == nil {
		p.wrap("  "+side+": unknown: "+strings.Join(f.Unknown, "; "), 80)
		return
	}
	speed := "speed unknown: " + n.Reason
	if n.SpeedBitsPerSec != nil {
		speed = rateText(*n.SpeedBitsPerSec) + "bit/s on layer 1, at most " + rateText(*n.L2BitsPerSec) + "bit/s on layer 2"
	}
	text := fmt.Sprintf("  %s: %s, MTU %d", side, n.Iface, n.MTU)
	if n.Driver != "" {
		text += ", driver " + n.Driver
	}
	if n.Duplex != "" {
		text += ", " + n.Duplex + " duplex"
	}
	if n.RxQueues != nil && n.TxQueues != nil {
		text += fmt.Sprintf(", queues %d in %d out", *n.RxQueues, *n.TxQueues)
	}
	p.wrap(text+", "+speed, 80)
}

func shaperText(s *link.Shaper, f link.Facts) string {
	switch {
	case s != nil:
		return fmt.Sprintf("%s, bucket %.0f B (%s)", s, s.BurstBytes, s.Source)
	case f.Shapers == nil:
		return "unknown"
	}
	return "none on the sender's interface (rtnetlink)"
}

func (p *linkPrinter) bulk(name string, b *link.Bulk) {
	if b == nil {
		p.linef("  %-20s %9s", name, "unknown")
		return
	}
	how := map[string]string{
		link.MethodSegments: "segments counted (TCP_INFO)", link.MethodPayload: "payload, sender's segments",
		link.MethodAssumed: "full frames assumed",
	}[b.Method]
	p.linef("  %-20s %9s %9s %9s  %s", name, rateText(b.L2BitsPerSec), rateText(b.L1BitsPerSec), rateText(b.PayloadBitsPerSec), how)
}

func (p *linkPrinter) train(name string, t *link.Train) {
	if t == nil {
		p.linef("  %-20s %9s", name, "unknown")
		return
	}
	perFrame := t.L2BitsPerSec / float64(t.FrameBytes)
	how := fmt.Sprintf("±%.1f %%, 2nd half of %d", 100*t.ErrorPart, t.Trains)
	rate := rateText(t.L2BitsPerSec)
	if t.SenderLimited {
		rate, how = "≥ "+rate, how+", sender's speed"
	}
	p.linef("  %-20s %9s %9s %9s  %s", name, rate, rateText(t.L2BitsPerSec+perFrame*link.UnseenBytesPerFrame), "", how)
}

func (p *linkPrinter) small(dir string, list []link.SmallFrames) {
	for _, f := range list {
		how := "one system call each"
		if f.Method == link.MethodBatched {
			how = "cut by the kernel (UDP_SEGMENT)"
		}
		p.linef("  %-20s %9s %9s %7.1f %%  %s", fmt.Sprintf("%d B %s", f.FrameBytes, dir), rateText(f.FramesPerSec), rateText(f.L2BitsPerSec), 100*f.LostPart, how)
	}
	if len(list) == 0 {
		p.linef("  %-20s %9s", dir, "unknown")
	}
}

func (p *linkPrinter) rtt(name string, r, idle *link.RTT) {
	if r == nil {
		p.linef("  %-20s %9s", name, "unknown")
		return
	}
	ms := func(ns uint64) string { return fmt.Sprintf("%.3f", float64(ns)/1e6) }
	count := fmt.Sprintf("%d of %d", r.Received, r.Sent)
	if idle != nil {
		count += fmt.Sprintf(", p50 %+.1f", (float64(r.P50NS)-float64(idle.P50NS))/1e6)
	}
	p.linef("  %-20s %9s %9s %9s %9s  %s", name, ms(r.MinNS), ms(r.P50NS), ms(r.P99NS), ms(r.MaxNS), count)
}

// rateText is a number with four digits and a decimal prefix: 94.12 M.
func rateText(v float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}, {1, ""}} {
		if math.Abs(v) >= u.unit {
			return fmt.Sprintf("%.4g%s", v/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}

// sizeText is a number of bytes with a binary prefix.
func sizeText(n uint64) string {
	for _, u := range []struct {
		unit uint64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.unit {
			return fmt.Sprintf("%.4g %s", float64(n)/float64(u.unit), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
