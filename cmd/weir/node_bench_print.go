package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/chainweir/weir/bench"
)

func printNodeBench(w io.Writer, r *bench.NodeBench) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "mode\taccounts\tworkers\ttx/s\tbare verify/s\tratio\t95 %\tbare ÷ bare\tcpu ns/tx\tbare cpu ns\tallocs/tx\ttx/block\tgc\t")
	for _, row := range r.Rows {
		verify, ratio, control, bareCPU := "-", "-", "-", "-"
		if row.VerifyPerSec != nil {
			verify, ratio = fmt.Sprintf("%.0f", *row.VerifyPerSec), fmt.Sprintf("%.3f", *row.RatioToVerify)
			control, bareCPU = fmt.Sprintf("%.3f %s", *row.ControlRatio, interval(row.ControlCI95)), fmt.Sprintf("%.0f", *row.CPUNSPerVerify)
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%.0f\t%s\t%s\t%s\t%s\t%.0f\t%s\t%.4f\t%.0f\t%.1f %%\t\n", row.Mode, row.Accounts, row.Workers, row.TxPerSec,
			verify, ratio, interval(row.RatioCI95), control, row.CPUNSPerTx, bareCPU, row.AllocsPerTx, row.TxPerBlock, 100*row.GCCPUShare)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, row := range r.Rows {
		fmt.Fprintf(w, "\n%s\n", row.Mode)
		fmt.Fprintln(tw, "stage\tworkers\tns/tx\tbusy\twait\tblocked\tqueue max\tof\t")
		for _, s := range row.Stages {
			fmt.Fprintf(tw, "%s\t%d\t%.0f\t%.0f %%\t%.0f %%\t%.0f %%\t%d\t%d\t\n",
				s.Name, s.Workers, s.NSPerTx, 100*s.Busy, 100*s.Wait, 100*s.Blocked, s.QueueMax, s.QueueCap)
		}
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	return printNodeParts(w, r)
}

func printNodeParts(w io.Writer, r *bench.NodeBench) error {
	if s := r.StateRoot; s != nil {
		fmt.Fprintf(w, "\nstate root     %.2f ms for %.0f updates over %d accounts  %s\n", s.MS, s.Updates, s.Accounts, interval(s.CI95))
	}
	if d := r.Durable; d != nil {
		fmt.Fprintf(w, "durable block  %.2f ms for %d bytes, raw %s %.2f ms, ratio %.2f  %s\n",
			d.BlockMS, d.Bytes, d.RawHow, d.RawMS, d.Ratio, interval(d.CI95))
	}
	if m := r.Memory; m != nil {
		resident := "unknown"
		if m.ResidentBytes != nil {
			resident = fmt.Sprintf("%.0f MB", float64(*m.ResidentBytes)/1e6)
		}
		fmt.Fprintf(w, "memory         %.0f MB of heap for %d accounts with warm key cache: %.0f bytes each; resident %s\n",
			float64(m.HeapBytes)/1e6, m.Accounts, m.HeapPerAccount, resident)
	}
	if t := r.Wire; t != nil {
		for _, note := range t.Notes {
			fmt.Fprintln(w, "over TCP:", note)
		}
	}
	if err := printRequired(w, r); err != nil {
		return err
	}
	for _, warning := range r.Warnings {
		fmt.Fprintln(w, "warning:", warning)
	}
	return nil
}

// printRequired is the table of what is asked and what was measured.
func printRequired(w io.Writer, r *bench.NodeBench) error {
	c := &r.Env.Class
	fmt.Fprintf(w, "\nasked of a Zen 5 server, measured on %s, %d cores, %s\n", orUnknownCPU(string(c.CPUBrand)), r.Cores, c.OS)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "row\tasked\tmeasured\t95 %\tverdict\t")
	for i := range r.Required {
		q := &r.Required[i]
		verdict := string(q.Verdict)
		if q.Note != "" {
			verdict += " (" + q.Note + ")"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t\n", q.Row, q.AskedText(), q.MedianText(), q.IntervalText(), verdict)
	}
	return tw.Flush()
}

func orUnknownCPU(s string) string {
	if s == "" {
		return "an unknown processor"
	}
	return s
}

func interval(ci *[2]float64) string {
	if ci == nil {
		return "-"
	}
	return fmt.Sprintf("[%.3f, %.3f]", ci[0], ci[1])
}
