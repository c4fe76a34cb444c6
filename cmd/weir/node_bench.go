package main

import (
	"errors"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/results"
)

// Limits of the flags, far above any sensible use.
const (
	benchRoundsMax   = 1000
	benchDurationMax = time.Minute
	restartTxsMax    = 1_000_000_000
)

func newNodeBenchCmd() *cobra.Command {
	var f nodeBenchFlags
	c := &f.NodeBenchConfig
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Time the node's pipeline against bare signature verification",
		Long: `bench runs a node in this process on a real disk, feeds it with transactions
that were signed before, and measures committed transactions per second in
turns with the bare verification of the same signatures: same library, key
cache, batch size and cores. Modes:
  signed          senders drawn at random from all accounts: of 1 Mi keys
                  two thirds are in the key cache
  signed_cached   4096 active accounts, all keys in the cache
  unsigned        signatures are not checked: what everything else costs. Its
                  chain is its own; no ordinary node opens or serves it.
It also times a state root of 20 000 updates, durable blocks of 2 MB beside raw
writes of the same size, and counts the memory of the accounts.

With --at-least it also searches for the knee of a node of its own process over
TCP, measures the commit latency at half of it, starts a node whose log has ten
million transactions, and compares every figure with what is asked of it: exit
code 1 when one is missed by more than its interval, 3 when one is not measured.`,
		Example: "  weir node bench\n" +
			"  weir node bench --mode unsigned --rounds 3 --duration 1s --json\n" +
			"  weir node bench --rounds 6 --at-least --bench core.txt",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if err := chooseKernels(cmd, ""); err != nil {
				return err
			}
			return runNodeBench(cmd, &f)
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
	fl.BoolVar(&f.atLeast, "at-least", false, "measure all that is asked of the node and compare")
	fl.DurationVar(&f.search, "search", 45*time.Second, "with --at-least: length of the search over TCP, 0: none")
	fl.IntVar(&f.restartTxs, "restart-txs", 10_000_000, "with --at-least: transactions in the log of a restart, 0: none")
	fl.StringVar(&f.text, "bench", "", "write Go benchmark text for benchstat to this file")
	fl.StringVar(&f.profile, "profile", "", "write a processor profile to this file")
	fl.BoolVar(&f.json, "json", false, "print one JSON object (weir.node.bench/1)")
	return cmd
}

// nodeBenchFlags are the flags; check moves those that depend on another one
// into the configuration.
type nodeBenchFlags struct {
	bench.NodeBenchConfig
	atLeast, json bool
	search        time.Duration
	restartTxs    int
	text, profile string
}

const searchMax = time.Hour

func (f *nodeBenchFlags) check() error {
	if err := checkNodeBench(&f.NodeBenchConfig); err != nil {
		return err
	}
	switch {
	case f.search != 0 && (f.search < bench.ShortestSearch || f.search > searchMax):
		return usagef("--search is %v, give 0 or %v to %v", f.search, bench.ShortestSearch, searchMax)
	case f.restartTxs != 0 && (f.restartTxs < bench.RestartTxsMin || f.restartTxs > restartTxsMax):
		return usagef("--restart-txs is %d, give 0 or %d to %d", f.restartTxs, bench.RestartTxsMin, restartTxsMax)
	case !f.atLeast:
		return nil
	}
	f.RestartTxs, f.Search = f.restartTxs, f.search
	if f.search > 0 {
		exe, err := os.Executable()
		if err != nil {
			return usagef("cannot find this program's own file, which is to be the node: %w; give --search 0", err)
		}
		f.Exe = exe
	}
	return nil
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

func runNodeBench(cmd *cobra.Command, f *nodeBenchFlags) (err error) {
	if f.profile != "" {
		file, err := os.Create(f.profile)
		if err != nil {
			return usagef("--profile: %w", err)
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return usagef("--profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	ctx := commandContext(cmd)
	f.Progress = progressLine(cmd.ErrOrStderr())
	r, err := bench.RunNodeBench(ctx, f.NodeBenchConfig)
	f.Progress("")
	switch {
	case errors.Is(err, bench.ErrNodeBench):
		return failf("%w", err)
	case err != nil:
		return inputError(ctx, err)
	}
	good, complete := r.Conclude()
	if f.text != "" {
		b, err := r.Text()
		if err == nil {
			err = results.WriteFileAtomic(f.text, b, 0o644)
		}
		if err != nil {
			return usagef("--bench: %w", err)
		}
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), r)
	} else {
		err = printNodeBench(cmd.OutOrStdout(), r)
	}
	switch {
	case err != nil:
		return err
	case f.atLeast && !good:
		return failf("a figure is not met; see the rows marked %q", bench.NotMet)
	case f.atLeast && !complete:
		return inconclusivef("not everything was measured; see the rows marked %q", bench.NotMeasured)
	}
	return nil
}
