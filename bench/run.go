package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/bench/agent"
	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/bench/probe"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/workload"
	"github.com/chainweir/weir/results"
)

// ErrConfig says that a run cannot be started as asked.
var ErrConfig = errors.New("bad run settings")

// Config is a whole run: find the knee of a target and name its wall.
type Config struct {
	Exe      string // the weir binary, for our own node
	Target   string // host:port of a weir node, or the URL of another system; empty: our own
	Peer     PeerOptions
	LinkBits uint64 // shape the path to our own node; 0: loopback
	// LinkDelay and LinkLoss (a fraction of frames) of that path, each way.
	LinkDelay time.Duration
	LinkLoss  float64
	Agent     *agent.ClientConfig // beside the node of Target; nil: none
	OutDir    string              // the record's folder, which must not exist

	SLO       knee.SLO
	Accounts  uint32             // of our own chain, default 4096; a workload has its own number
	Workload  *workload.Workload // nil: plain transfers
	Schedule  loadgen.Schedule
	Seed      uint64
	Conns     int
	Budget    time.Duration // of the search, default 45 s
	MaxRate   float64       // never offer more; 0: no limit
	ProbeKind string        // force a wire source; empty: the best
	NodeArgs  []string      // further arguments of our own node
	NodeCores int           // that our own node is kept to; 0: all

	// Settings are what the command was asked for, as texts: they are kept in the
	// folder and must be the same when the run is continued (Resume). Nil: the run
	// cannot be continued.
	Settings map[string]string
	Resume   bool
	// PredictionsSHA256 is the hash of predictions that stand; it goes into the
	// summary.
	PredictionsSHA256 string
	startTxPerSec     float64 // where the search begins; 0: by the cores and the link

	Progress func(Progress) // may be nil
}

// Progress is what a run is doing now.
type Progress struct {
	Step  string        // in words
	Point string        // of a series, else empty
	Event *knee.Event   // of the search, or nil
	Live  *loadgen.Live // of the trial under way, or nil
}

// Outcome is a finished (or interrupted) run.
type Outcome struct {
	Env     results.Env
	Summary results.Summary
}

// trialOverhead is the expected time around a trial: start and stop of the
// node, connections, drain.
const trialOverhead = 500 * time.Millisecond

// linkDuration is the length of the link test in each direction, linkAgain of
// the one that follows when too little came through to tell a rate.
const (
	linkDuration = 800 * time.Millisecond
	linkAgain    = 2500 * time.Millisecond
)

// run is the state of one Run.
type run struct {
	cfg    Config
	rec    *results.Writer
	target *target
	trials *trials
	// trialsAgent is handed to the trials; nil: no agent.
	trialsAgent *remote
	env         results.Env
	sum         results.Summary
	machine     machine
	started     time.Time
	kneeCfg     knee.Config
	soak        *soak // nil: a search

	abort context.CancelCauseFunc // ends the search; the cause is why
}

// Run measures. The record is written while it goes on: after an interruption,
// or an error in the middle, what was measured is in it, marked so. The error
// is for what kept the run from its end.
func Run(ctx context.Context, cfg Config) (Outcome, error) {
	cfg.setDefaults()
	if cfg.Target != "" && cfg.LinkBits != 0 {
		return Outcome{}, fmt.Errorf("%w: a link can only be shaped to our own node, not to %s", ErrConfig, cfg.Target)
	}
	if err := cfg.check(ctx); err != nil {
		return Outcome{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := cfg.openFolder(); err != nil {
		return Outcome{}, err
	}
	r := &run{cfg: cfg, started: time.Now()}
	err := r.all(ctx)
	if isConfig(err) && len(r.sum.Trials) == 0 && !cfg.Resume {
		// Nothing was measured, and the next try wants the same folder.
		if !errors.Is(err, ErrConfig) {
			err = fmt.Errorf("%w: %w", ErrConfig, err)
		}
		err = errors.Join(err, os.RemoveAll(cfg.OutDir))
	}
	return Outcome{r.env, r.sum}, err
}

// check finds what would otherwise be refused only after the node was started.
func (c *Config) check(ctx context.Context) error {
	switch c.ProbeKind {
	case "", probe.KindEBPF, probe.KindSockDiag, probe.KindApp:
	default:
		return fmt.Errorf("wire source %q is not known; use %s, %s or %s", c.ProbeKind, probe.KindEBPF, probe.KindSockDiag, probe.KindApp)
	}
	if c.Agent != nil && c.Target == "" {
		return fmt.Errorf("an agent watches a node that somebody else runs; without a target the run starts its own, on this machine")
	}
	if err := c.checkSearch(); err != nil {
		return err
	}
	if c.Target != "" {
		return checkPeer(ctx, c.Target, c.Peer, c.MaxRate)
	}
	if c.Accounts > maxAccounts {
		return fmt.Errorf("%d accounts, their keys are derived at every start: use at most %d", c.Accounts, maxAccounts)
	}
	return c.genesis().Validate()
}

// maxAccounts bounds our own chain: a node derives the keys at every start, some
// 20 µs each, and must listen within its time limit. With fewer than fewAccounts
// the replay windows, 128 numbers each, may be too narrow for what is in flight.
const (
	maxAccounts = 1 << 17
	fewAccounts = 1024
)

// isConfig tells whether the settings are to blame, here or in a part.
func isConfig(err error) bool {
	return errors.Is(err, ErrConfig) || errors.Is(err, knee.ErrBadConfig) || errors.Is(err, loadgen.ErrBadConfig)
}

// all is the order of a run.
func (r *run) all(ctx context.Context) (err error) {
	rec, err := results.Create(filepath.Join(r.cfg.OutDir, "record.jsonl"))
	if err != nil {
		return err
	}
	r.rec = rec
	defer func() {
		err = errors.Join(err, r.finish(ctx, err), rec.Close())
	}()
	r.describe()
	r.cleanLeftovers(ctx)
	var lab *netlab.Lab
	if r.cfg.LinkBits != 0 {
		r.step("building the shaped link")
		if lab, err = r.openLab(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.closeLab(lab)) }()
	}
	r.step("looking at the machine")
	r.env = env.Read(ctx, env.Options{DataDir: r.cfg.OutDir, MeasureFsync: true, NIC: nicOf(&r.cfg)})
	if err := r.rec.Write(r.env); err != nil {
		return err
	}
	r.kernels()
	r.step("starting the node")
	if err := r.openTarget(ctx, lab); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.target.stop()) }()
	src, err := r.openProbe(lab)
	if err != nil {
		return err
	}
	if src != nil {
		defer func() { err = errors.Join(err, src.Close()) }()
	}
	beside, err := r.openAgent(ctx)
	if err != nil {
		return err
	}
	if beside != nil {
		defer func() { err = errors.Join(err, beside.close()) }()
	}
	r.measureLink(ctx, lab)
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.soak != nil {
		return r.soakPieces(ctx, src)
	}
	return r.search(ctx, src)
}

func (r *run) step(words string) { r.cfg.Progress(Progress{Step: words}) }

func (r *run) warn(format string, args ...any) {
	r.sum.Warnings = append(r.sum.Warnings, fmt.Sprintf(format, args...))
}

// describe fills in what is known before anything is measured.
func (r *run) describe() {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	txBytes := float64(tx.Size)
	r.sum = results.Summary{
		StartedAt: r.started, Host: host, Record: r.cfg.OutDir, Target: results.NullString(r.cfg.Target),
		Workload: "transfer", Engine: "solo", Nodes: 1, Seed: r.cfg.Seed, SLO: r.cfg.SLO.String(),
		PredictionsSHA256: r.cfg.PredictionsSHA256,
	}
	r.sum.Wire.TxBytes = &txBytes
}

// kernels notes which hash kernels are in force.
func (r *run) kernels() {
	cpu.Kernels.Calibrate()
	for _, e := range cpu.Kernels.Explain() {
		if len(e.Steps) == 0 {
			continue
		}
		last := e.Steps[len(e.Steps)-1]
		k := results.Kernel{Name: e.Kernel, Impl: last.Impl}
		r.sum.Kernels = append(r.sum.Kernels, k)
	}
}

func (r *run) openTarget(ctx context.Context, lab *netlab.Lab) (err error) {
	r.machine.hostCores = r.env.Class.UsableCores
	r.machine.nodeCores = r.machine.hostCores
	if float64(r.env.Class.LogicalCores) > r.machine.hostCores {
		// The host's counters would mix in what others do on the other cores.
		r.machine.wholeHost = false
		r.warn("only %v of the machine's %d cores may be used: the load of the whole host is left out of the verdict", r.machine.hostCores, r.env.Class.LogicalCores)
	} else {
		r.machine.wholeHost = true
	}
	if r.cfg.Target == "" {
		nc := NodeCommand{Exe: r.cfg.Exe, Args: r.cfg.NodeArgs, Lab: lab, Cores: r.cfg.NodeCores}
		r.machine.sameHost = true
		r.sum.Placement = fmt.Sprintf("node and generator share %d cores, no pinning", runtime.NumCPU())
		if n := r.cfg.NodeCores; n > 0 {
			r.machine.nodeCores = float64(n)
			r.sum.Placement = fmt.Sprintf("node kept to %d of %d cores, which the generator may use too", n, runtime.NumCPU())
		}
		r.target, err = openOwn(ctx, nc, r.cfg.OutDir, r.cfg.genesis())
		return err
	}
	if peerURL(r.cfg.Target) {
		r.target, err = openPeer(ctx, r.cfg.Target, r.cfg.Peer, r.cfg.Seed, r.step)
	} else {
		r.target, err = openRemote(ctx, r.cfg.Target)
	}
	if err != nil {
		return err
	}
	if r.target.peer != nil {
		r.describePeer()
	} else if r.target.cores > 0 {
		r.machine.nodeCores = float64(r.target.cores)
	} else {
		r.warn("the node does not say how many cores it may use: taken as %v, as here", r.machine.nodeCores)
	}
	ap, err := r.target.addrPort()
	if err != nil {
		return err
	}
	r.machine.sameHost = isLocal(ap.Addr().AsSlice())
	if r.machine.sameHost {
		r.sum.Placement = fmt.Sprintf("node (not ours) and generator share %d cores", runtime.NumCPU())
		return nil
	}
	r.sum.Placement = "generator here, node on another host"
	if r.cfg.Agent != nil {
		return nil
	}
	r.warn("the node is on another host: its share of that host's cores and disk is what the node itself counts, and other work there is unknown")
	return nil
}

// openProbe starts the wire observer and notes why it is not a better one.
func (r *run) openProbe(lab *netlab.Lab) (probe.Source, error) {
	ap, err := r.target.addrPort()
	if err != nil {
		return nil, err
	}
	app := &appCounter{}
	r.trials = &trials{appBytes: app}
	t := probe.Target{
		Port: ap.Port(), Addr: ap.Addr(), Force: r.cfg.ProbeKind, CounterFunc: app.get,
		PerspectiveServer: r.machine.sameHost,
	}
	if lab != nil {
		t.NetNS, t.Iface = lab.NSPath(netlab.NodeSide), lab.IfaceName(netlab.NodeSide)
	}
	src, rep, err := probe.Open(t)
	for _, ref := range rep.Refused {
		r.warn("wire: %s", ref.Error())
	}
	if lab == nil { // in a lab nobody is on the node's side but the node
		r.sum.Warnings = append(r.sum.Warnings, rep.Warnings...)
	}
	if err != nil {
		if r.cfg.ProbeKind != "" {
			return nil, fmt.Errorf("%w: wire source %s: %w", ErrConfig, r.cfg.ProbeKind, err)
		}
		r.warn("wire bytes are unknown: %v", err)
		return nil, nil
	}
	r.sum.Wire.Source = results.NullString(src.Kind())
	return src, nil
}

// measureLink finds the capacity of the path. Without one the run goes on, and
// utilisation is unknown.
func (r *run) measureLink(ctx context.Context, lab *netlab.Lab) {
	l := &r.sum.Link
	ap, err := r.target.addrPort()
	if err != nil {
		r.warn("link: %v", err)
		return
	}
	switch {
	case lab != nil:
		nominal := float64(r.cfg.LinkBits)
		mtu := int64(netlab.MTU)
		l.Kind, l.NominalBitsPerSec, l.MTUBytes = results.LinkShaped, &nominal, &mtu
	case ap.Addr().IsLoopback():
		l.Kind = results.LinkLoopback
	default:
		l.Kind = results.LinkNetwork
	}
	nominal(l, nicOf(&r.cfg))
	if r.target.peer != nil {
		r.warn("%s", noLinkTest(l.Kind))
		return
	}
	if r.target.link == "" {
		r.warn("link capacity is unknown: the node offers no link test (it was started with --link-listen off)")
		return
	}
	r.step("measuring the link")
	res, err := link.Measure(ctx, r.linkConfig(linkDuration))
	if errors.Is(err, link.ErrTooShort) && ctx.Err() == nil {
		// The machine was busy with something else for most of it.
		res, err = link.Measure(ctx, r.linkConfig(linkAgain))
	}
	if l.Kind != results.LinkLoopback { // a memory copy is not held to a network's calm
		r.sum.Warnings = append(r.sum.Warnings, res.Warnings...)
	}
	switch {
	case err != nil && res.In != nil:
		r.warn("link capacity from the node is unknown: %v", err)
	case err != nil:
		r.warn("link capacity is unknown: %v", err)
	}
	r.machine.link = &res
	if res.In != nil {
		l.CapacityBitsPerSec.In = &res.In.L2BitsPerSec
	}
	if res.Out != nil {
		l.CapacityBitsPerSec.Out = &res.Out.L2BitsPerSec
	}
}

func (r *run) linkConfig(d time.Duration) link.Config {
	return link.Config{
		Duration: d,
		Dial: func(ctx context.Context) (net.Conn, error) {
			if r.target.dial != nil {
				return r.target.dial(ctx, r.target.link)
			}
			var d net.Dialer
			return d.DialContext(ctx, "tcp", r.target.link)
		},
	}
}
