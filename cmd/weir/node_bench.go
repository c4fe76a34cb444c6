package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench"
	"github.com/chainweir/weir/core/genesis"
)

// Limits of the flags, far above any sensible use.
const (
	benchRoundsMax   = 1000
	benchDurationMax = time.Minute
)

func newNodeBenchCmd() *cobra.Command {
	var (
		c       bench.NodeBenchConfig
		asJSON  bool
		profile string
	)
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Time the node's pipeline against bare signature verification",
		Long: `bench runs a node in this process on a real disk, feeds it with transactions
that were signed before, and measures committed transactions per second in
turns with the bare verification of the same signatures: same library, key
cache, batch size and cores. Modes:
  signed          senders drawn at random from all accounts: half of the keys
                  are in the key cache
  signed_cached   4096 active accounts, all keys in the cache
  unsigned        signatures are not checked: what everything else costs. Its
                  chain is its own; no ordinary node opens or serves it.
It also times a state root of 20 000 updates, durable blocks of 2 MB beside raw
writes of the same size, and counts the memory of the accounts.`,
		Example: "  weir node bench\n" +
			"  weir node bench --mode unsigned --rounds 3 --duration 1s --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkNodeBench(&c); err != nil {
				return err
			}
			if err := chooseKernels(cmd, ""); err != nil {
				return err
			}
			return runNodeBench(cmd, c, asJSON, profile)
		},
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&c.Modes, "mode", bench.NodeBenchModes(), "modes to run")
	fl.IntVar(&c.Rounds, "rounds", 5, "rounds of four windows: pipeline, verify, verify, pipeline")
	fl.DurationVar(&c.Duration, "duration", 2*time.Second, "length of a window")
	fl.IntVar(&c.Accounts, "accounts", 1<<20, "accounts of the chain, except in signed_cached")
	fl.IntVar(&c.Workers, "workers", 0, "signature workers, 0: one per core")
	fl.IntVar(&c.ExpandedKeys, "key-cache", 1<<19, "public keys kept ready for verification")
	fl.DurationVar(&c.BlockInterval, "block-interval", 10*time.Millisecond, "cut a block this long after its first transaction")
	fl.StringVar(&c.Dir, "dir", ".", "a directory on the disk to use; nothing is left in it")
	fl.BoolVar(&c.Parts, "parts", true, "measure the state root, the disk and the memory, too")
	fl.StringVar(&profile, "profile", "", "write a processor profile to this file")
	fl.BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.bench/1)")
	return cmd
}

func checkNodeBench(c *bench.NodeBenchConfig) error {
	for _, m := range c.Modes {
		if !slices.Contains(bench.NodeBenchModes(), m) {
			return usagef("--mode %q is none of %s", m, strings.Join(bench.NodeBenchModes(), ", "))
		}
	}
	switch {
	case len(c.Modes) == 0:
		return usagef("--mode is empty, give one or more of %s", strings.Join(bench.NodeBenchModes(), ", "))
	case c.Rounds < 1 || c.Rounds > benchRoundsMax:
		return usagef("--rounds is %d, give 1 to %d", c.Rounds, benchRoundsMax)
	case c.Duration < 10*time.Millisecond || c.Duration > benchDurationMax:
		return usagef("--duration is %v, give 10ms to %v", c.Duration, benchDurationMax)
	case c.Accounts < 1024 || c.Accounts > genesis.MaxAccounts:
		return usagef("--accounts is %d, give 1024 to %d", c.Accounts, genesis.MaxAccounts)
	case c.Workers < 0:
		return usagef("--workers is %d, give 0 (one per core) or more", c.Workers)
	case c.ExpandedKeys < 1 || c.ExpandedKeys > genesis.MaxAccounts:
		return usagef("--key-cache is %d, give 1 to %d", c.ExpandedKeys, genesis.MaxAccounts)
	case c.BlockInterval < 0:
		return usagef("--block-interval is %v, it cannot be negative", c.BlockInterval)
	}
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return usagef("--dir %s is not a directory; name one on the disk that the node is to use", c.Dir)
	}
	return nil
}

func runNodeBench(cmd *cobra.Command, c bench.NodeBenchConfig, asJSON bool, profile string) (err error) {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return usagef("--profile: %w", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return usagef("--profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	ctx := commandContext(cmd)
	c.Progress = progressLine(cmd.ErrOrStderr())
	r, err := bench.RunNodeBench(ctx, c)
	c.Progress("")
	switch {
	case errors.Is(err, bench.ErrNodeBench):
		return failf("%w", err)
	case err != nil:
		return inputError(ctx, err)
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return printNodeBench(cmd.OutOrStdout(), r)
}

func printNodeBench(w io.Writer, r *bench.NodeBench) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "mode\taccounts\tworkers\ttx/s\tbare verify/s\tratio\t95 %\tcpu ns/tx\tallocs/tx\ttx/block\tgc\t")
	for _, row := range r.Rows {
		verify, ratio := "-", "-"
		if row.VerifyPerSec != nil {
			verify, ratio = fmt.Sprintf("%.0f", *row.VerifyPerSec), fmt.Sprintf("%.3f", *row.RatioToVerify)
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%.0f\t%s\t%s\t%s\t%.0f\t%.4f\t%.0f\t%.1f %%\t\n", row.Mode, row.Accounts, row.Workers, row.TxPerSec,
			verify, ratio, interval(row.RatioCI95), row.CPUNSPerTx, row.AllocsPerTx, row.TxPerBlock, 100*row.GCCPUShare)
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
	for _, warning := range r.Warnings {
		fmt.Fprintln(w, "warning:", warning)
	}
	return nil
}

func interval(ci *[2]float64) string {
	if ci == nil {
		return "-"
	}
	return fmt.Sprintf("[%.3f, %.3f]", ci[0], ci[1])
}
