package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench"
	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/bench/report"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/cometbft"
	"github.com/chainweir/weir/results"
)

type runFlags struct {
	target, slo, link, schedule, out, probe, impl string
	workload                                      string
	accounts                                      uint32
	conns                                         int
	seed                                          uint64
	budget                                        time.Duration
	maxRate                                       float64
	json                                          bool
	peer                                          bench.PeerOptions
	agent                                         runAgentFlags

	validate bool
	maxError float64
	sweep    []string
	resume   string
	soak     soakFlags
}

func newRunCmd() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Find the knee, watch the wire, name the wall",
		Long: `run starts a node of its own, measures the link to it, offers it load, and
searches for the highest rate of committed transactions that holds the goal
(--slo). It counts every byte on the wire meanwhile, names the resource that
stops growth with its measured utilisation, and says where other links would.

On loopback the link is a memory copy: the wall is the processor. --link makes
a private network of the given rate (two network namespaces, removed at the
end). --target measures a node that runs already: weir's, CometBFT's or an
Ethereum node's.

--validate checks what weir predicts: it measures over one link (100mbit if
--link names none), writes down what it expects of half and a fifth of it, of a
link wider than the processor can fill, and of longer transactions, and then
measures those. --sweep measures a series of points for models, one record
each: cores=1,2, size=100,1000, link=20mbit,1gbit or conns=1,8; give it twice
for all combinations. --budget is then for all of it. --resume DIR continues
what was interrupted; finished points are kept.

--soak 10m then offers 70 % of the knee (or --soak-rate) for that long to one
node, and tells whether rate, latency, memory or processor time drift: exit
code 1 when one gets worse by more than its limit.`,
		Example: "  weir run\n" +
			"  weir run --soak 10m\n" +
			"  weir run --link 20mbit\n" +
			"  weir run --slo 'p99<500ms,loss<0.1%' --json\n" +
			"  weir run --validate --max-error 0.05\n" +
			"  weir run --sweep cores=1,2 --budget 2m --out sweep && cat sweep/points.csv\n" +
			"  weir run --target weir://10.0.0.5:7151\n" +
			"  weir run --target cometbft+http://127.0.0.1:26657\n" +
			"  weir run --target eth+http://127.0.0.1:8545 --eth-key key.txt",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRun(cmd, &f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.target, "target", "", "running node: weir://host:port, cometbft+http://host:port,\neth+http:// or eth+ws://host:port; empty: start one here")
	fl.StringVar(&f.slo, "slo", "", "goal that every sustainable rate must hold (default p99<1s,loss<0.1%)")
	fl.StringVar(&f.link, "link", "", "shape the path to the own node: RATE[,delay][,loss], such as 20mbit or 1gbit,10ms,0.1% (Linux)")
	fl.StringVar(&f.schedule, "schedule", "constant", "arrivals: constant or poisson")
	fl.StringVar(&f.workload, "workload", "", workloadUsage)
	fl.StringVar(&f.out, "out", "", "folder of the record (default weir-runs/<time>-<host>)")
	fl.StringVar(&f.probe, "probe", "", "wire source: ebpf, sockdiag or app (default the best that works)")
	fl.StringVar(&f.impl, "impl", "", "force hash kernels, kernel:implementation,…")
	fl.Uint32Var(&f.accounts, "accounts", 4096, "accounts of the own chain")
	fl.IntVar(&f.conns, "conns", 0, "connections of the generator (default 2)")
	fl.Uint64Var(&f.seed, "seed", 42, "seed of schedules and transactions")
	fl.DurationVar(&f.budget, "budget", 45*time.Second, "time for the search; for all of --validate or --sweep")
	fl.Float64Var(&f.maxRate, "max-rate", 0, "never offer more than this, tx/s; 0: no limit")
	peerFlags(cmd, &f.peer)
	f.agent.register(cmd)
	fl.BoolVar(&f.json, "json", false, "print the summary object (weir.run/1) and nothing else on stdout")
	fl.BoolVar(&f.validate, "validate", false, "predict other links and sizes, then measure them")
	fl.Float64Var(&f.maxError, "max-error", 0, "with --validate: exit code 1 above this error, such as 0.05 (default none)")
	fl.StringArrayVar(&f.sweep, "sweep", nil, "axis=value,value,…: cores, size, link or conns")
	fl.StringVar(&f.resume, "resume", "", "continue the run in this folder with its settings")
	f.soak.register(cmd)
	return cmd
}

func (f *runFlags) config() (bench.Config, error) {
	cfg := bench.Config{
		Accounts: f.accounts, Seed: f.seed, Conns: f.conns, Budget: f.budget, MaxRate: f.maxRate, ProbeKind: f.probe, Peer: f.peer,
	}
	err := checkPeerFlags(&f.peer)
	if err != nil {
		return cfg, err
	}
	if cfg.SLO, err = knee.ParseSLO(f.slo); err != nil {
		return cfg, usagef("--slo: %w", err)
	}
	if cfg.Schedule, err = loadgen.ParseSchedule(f.schedule); err != nil {
		return cfg, usagef("--schedule: %w", err)
	}
	if !cfg.Schedule.TakesRate() {
		return cfg, usagef("--schedule: %q states its own rates, and a search varies the rate; use poisson or constant (weir load takes all schedules)", cfg.Schedule)
	}
	if cfg.Workload, err = parseWorkload(f.workload); err != nil {
		return cfg, err
	}
	if cfg.Workload != nil && !cfg.Workload.AccountsGiven {
		cfg.Workload.Accounts.Count = f.accounts
	}
	if f.link != "" {
		l, err := netlab.ParseLink(f.link)
		if err != nil {
			return cfg, usagef("--link: %w", err)
		}
		cfg.LinkBits, cfg.LinkDelay, cfg.LinkLoss = l.RateBitsPerSec, l.Delay, l.LossFraction
	}
	if f.target != "" {
		if cfg.Target, err = parseTarget(f.target); err != nil {
			return cfg, usagef("--target: %w", err)
		}
	}
	if cfg.Agent, err = f.agent.config(cfg.Target); err != nil {
		return cfg, err
	}
	switch {
	case f.accounts < 2:
		return cfg, usagef("--accounts is %d, a transfer needs 2", f.accounts)
	case !(f.maxRate >= 0) || math.IsInf(f.maxRate, 1): // NaN compares with nothing
		return cfg, usagef("--max-rate is %v, give a rate above 0, or 0 for no limit", f.maxRate)
	case cfg.Target != "" && cfg.LinkBits != 0:
		return cfg, usagef("--link shapes the path to the own node; it cannot be used with --target")
	}
	if cfg.Exe, err = os.Executable(); err != nil {
		return cfg, usagef("cannot find this program's own file: %w", err)
	}
	cfg.OutDir = f.out
	if f.resume != "" {
		cfg.OutDir, cfg.Resume = f.resume, true
	}
	if cfg.OutDir == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		cfg.OutDir = filepath.Join("weir-runs", time.Now().UTC().Format("2006-01-02T150405Z")+"-"+host)
	}
	return cfg, nil
}

func runRun(cmd *cobra.Command, f *runFlags) error {
	if err := resumeFlags(cmd, f); err != nil {
		return err
	}
	if err := errors.Join(f.checkSeries(cmd), f.checkSoak(cmd)); err != nil {
		return err
	}
	cfg, err := f.config()
	if err != nil {
		return err
	}
	cfg.Settings = settings(cmd.Flags())
	if f.resume != "" {
		if done, err := finishedRun(cmd, f, f.resume); done {
			return err
		}
	}
	if err := chooseKernels(cmd, f.impl); err != nil {
		return err
	}
	if f.impl != "" {
		cfg.NodeArgs = append(cfg.NodeArgs, "--impl", f.impl)
	}
	if f.needsLab(cfg) {
		if again, code, err := enterUserNamespace(cmd.Context()); again {
			if err != nil || code != exitOK {
				return &exitError{code, errors.Join(fmt.Errorf("the run inside a user namespace ended with exit code %d", code), err)}
			}
			return nil
		} else if err != nil {
			return usagef("--link: %w", err)
		}
	}
	if cmd.Flags().Changed("soak") {
		return runSoak(cmd, f, cfg)
	}
	switch f.seriesKind() {
	case bench.KindSweep:
		return runSweep(cmd, f, cfg)
	case bench.KindValidate:
		return runValidate(cmd, f, cfg)
	}
	live := &liveLine{print: progressLine(cmd.ErrOrStderr())}
	cfg.Progress = live.show
	out, err := bench.Run(cmd.Context(), cfg)
	live.print("")
	if errors.Is(err, bench.ErrConfig) {
		return usagef("%w", err)
	}
	if werr := writeText(cfg.OutDir, out); werr != nil {
		err = errors.Join(err, werr)
	}
	if out.Summary.Record != "" {
		if perr := printOutcome(cmd, out, f.json); perr != nil {
			return perr
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return inconclusivef("interrupted; what was measured is in %s", cfg.OutDir)
	case errors.Is(err, netlab.ErrNotPermitted), errors.Is(err, netlab.ErrNotSupported), errors.Is(err, netlab.ErrKernelFeature):
		return usagef("%w", err)
	case errors.Is(err, bench.ErrCutShort):
		return cutShort(err, cfg.OutDir)
	case err != nil:
		return usagef("the run failed: %w", err)
	case !out.Summary.Valid:
		return inconclusivef("the run is inconclusive; see the warnings")
	}
	return nil
}

// cutShort ends a command whose target was lost in the middle: nothing was wrong
// with how it was asked, but the record is not valid.
func cutShort(err error, dir string) error {
	return inconclusivef("%w; what was measured until then is in %s, marked invalid", err, dir)
}

// enterUserNamespace starts the program again where it may make network
// namespaces, when it may not do so here. again tells that it did.
func enterUserNamespace(ctx context.Context) (again bool, code int, err error) {
	switch err := netlab.Check(); {
	case err == nil:
		return false, 0, nil
	case !errors.Is(err, netlab.ErrNeedUserNamespace):
		return false, 0, err
	}
	code, err = netlab.Reexec(ctx, os.Args[1:])
	if err != nil && code == 0 {
		code = exitUsage
	}
	return true, code, err
}

func printOutcome(cmd *cobra.Command, out bench.Outcome, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), out.Summary)
	}
	return report.Terminal(cmd.OutOrStdout(), out.Env, out.Summary)
}

// writeText puts the screen, the report and the other formats beside the record.
func writeText(dir string, out bench.Outcome) error {
	var screen bytes.Buffer
	if err := report.Terminal(&screen, out.Env, out.Summary); err != nil {
		return err
	}
	if err := results.WriteFileAtomic(filepath.Join(dir, "record.txt"), screen.Bytes(), 0o644); err != nil {
		return err
	}
	if err := writeRunReport(dir, nil); err != nil {
		return err
	}
	rec, err := results.ReadFile(filepath.Join(dir, results.FileRecord), true)
	if err != nil {
		return err
	}
	return results.WriteFormats(dir, rec)
}

// parseTarget reads a target's URL. That of a weir node becomes its host:port.
func parseTarget(s string) (string, error) {
	kind, addr, err := bench.SplitTarget(s)
	switch {
	case err != nil:
		return "", err
	case kind == bench.KindWeir:
		return addr, nil
	}
	return s, nil
}

// peerFlags are the flags for targets that are not weir nodes.
func peerFlags(cmd *cobra.Command, o *bench.PeerOptions) {
	fl := cmd.Flags()
	fl.BoolVar(&o.AllowRemote, "allow-remote", false, "target other than weir on another machine: it is mine to load (with --max-rate)")
	fl.StringVar(&o.TxTemplate, "tx-template", "", "CometBFT: transactions, text with {{seq}} {{run}} {{random N}} {{fill}}\n(default "+cometbft.DefaultTemplate+", for kvstore)")
	fl.IntVar(&o.TxBytes, "tx-bytes", 0, "CometBFT: length that {{fill}} fills up to (default 250)")
	fl.BoolVar(&o.Async, "tx-async", false, "CometBFT: broadcast_tx_async, not _sync")
	fl.StringVar(&o.EthKey, "eth-key", "", "Ethereum: private key that funds the senders, hex or a file\n(default: an account that the node has unlocked)")
	fl.IntVar(&o.EthAccounts, "eth-accounts", 256, "Ethereum: accounts that send")
}

// checkPeerFlags finds what only shows up late otherwise.
func checkPeerFlags(o *bench.PeerOptions) error {
	switch {
	case o.EthAccounts < 2 || o.EthAccounts > 1<<16:
		return usagef("--eth-accounts is %d, give 2 to %d", o.EthAccounts, 1<<16)
	case o.TxBytes < 0:
		return usagef("--tx-bytes is %d, give 0 or more", o.TxBytes)
	}
	return nil
}

// needsLab tells whether a link is going to be shaped.
func (f *runFlags) needsLab(cfg bench.Config) bool {
	return cfg.LinkBits != 0 || f.validate ||
		slices.ContainsFunc(f.sweep, func(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), bench.AxisLink+"=") })
}

// liveLine turns progress into one line.
type liveLine struct {
	print func(string)
	trial string
}

func (l *liveLine) show(p bench.Progress) {
	if p.Point != "" && p.Step != "" {
		p.Step = p.Point + ": " + p.Step
	}
	switch {
	case p.Event != nil && p.Event.Kind == knee.TrialStarted:
		e := p.Event
		l.trial = fmt.Sprintf("trial %d %s at %.0f tx/s, %.0f s left", e.Spec.Index, e.Spec.Phase, e.Spec.RateTxPerSec, e.Left.Seconds())
		l.print(l.trial)
	case p.Live != nil:
		l.print(fmt.Sprintf("%s · sent %s · committed %s", l.trial, si(float64(p.Live.Sent), ""), si(float64(p.Live.Committed), "")))
	case p.Step != "":
		l.print(p.Step)
	}
}
