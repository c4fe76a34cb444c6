package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/results"
)

// The modes of a node benchmark.
const (
	ModeSigned       = "signed"        // accounts in turn: most keys are not in the key cache
	ModeSignedCached = "signed_cached" // few active accounts, their keys cached
	ModeUnsigned     = "unsigned"      // signatures are not checked
)

// NodeBenchModes lists the modes in the order in which they run.
func NodeBenchModes() []string { return []string{ModeSigned, ModeSignedCached, ModeUnsigned} }

// cachedAccounts is how many accounts are active in ModeSignedCached.
const cachedAccounts = 4096

// ErrNodeBench is a measurement that cannot be trusted.
var ErrNodeBench = errors.New("node benchmark failed")

// NodeBenchConfig says what to measure.
type NodeBenchConfig struct {
	Modes         []string
	Rounds        int           // of four windows: pipeline, verify, verify, pipeline
	Duration      time.Duration // of a window
	Accounts      int           // of the uniform modes
	Workers       int           // 0: one per core
	ExpandedKeys  int           // public keys kept ready, by the node and by bare verification
	BlockInterval time.Duration // 0: the node's default
	Dir           string        // an existing directory on the disk to measure; nothing is left in it
	Parts         bool          // state root, disk and memory, too
	// Exe is the weir binary: a node of it is measured over TCP, with the
	// generator beside it. Empty: it is not.
	Exe    string
	Search time.Duration // for the knee over TCP
	// RestartTxs are in the log of a node that is started again; 0: none is.
	RestartTxs int
	Progress   func(string) // a line about what is being done; nil: none
}

// NodeBench is the object of `weir node bench --json`.
type NodeBench struct {
	Schema      string           `json:"schema"`
	Cores       int              `json:"cores"`
	Rounds      int              `json:"rounds"`
	WindowSec   float64          `json:"window_sec"`
	Rows        []NodeBenchRow   `json:"rows"`
	Stages      []NodeBenchStage `json:"stages"` // of the first row
	StateRootMS *float64         `json:"state_root_ms"`
	StateRoot   *StateRootBench  `json:"state_root"`
	Durable     *DurableBench    `json:"durable"`
	Memory      *MemoryBench     `json:"memory"`
	Wire        *WireBench       `json:"wire"`
	Restart     *RestartBench    `json:"restart"`
	Env         results.Env      `json:"env"`
	Required    []Requirement    `json:"required"` // filled in by Conclude
	Warnings    []string         `json:"warnings"`
}

// NodeBenchRow is one mode. Rates are medians over the windows.
type NodeBenchRow struct {
	Mode            string      `json:"mode"`
	Workers         int         `json:"workers"`
	Accounts        int         `json:"accounts"`
	TxPerSec        float64     `json:"tx_per_sec"`
	TxPerSecCI95    *[2]float64 `json:"tx_per_sec_ci95"`
	VerifyPerSec    *float64    `json:"verify_per_sec"` // nil: nothing is verified
	RatioToVerify   *float64    `json:"ratio_to_verify"`
	RatioCI95       *[2]float64 `json:"ratio_ci95"`
	ControlRatio    *float64    `json:"control_ratio"` // of two windows of bare verification: what the machine adds
	ControlCI95     *[2]float64 `json:"control_ci95"`
	CPUNSPerTx      float64     `json:"cpu_ns_per_tx"`     // of the process, with the feed
	CPUNSPerVerify  *float64    `json:"cpu_ns_per_verify"` // the same of bare verification
	AllocsPerTx     float64     `json:"allocs_per_tx"`
	GCCPUShare      float64     `json:"gc_cpu_share"` // of the processor time
	TxPerBlock      float64     `json:"tx_per_block"`
	StateRootNSPerT float64     `json:"state_root_ns_per_tx"`

	// One sample for each window, or pair of windows.
	TxPerSecSamples     []float64 `json:"tx_per_sec_samples"`
	VerifyPerSecSamples []float64 `json:"verify_per_sec_samples"`
	RatioSamples        []float64 `json:"ratio_samples"`

	Stages []NodeBenchStage `json:"stages"`
}

// NodeBenchStage is what a stage did in all windows of a mode. Busy, wait and
// blocked are shares of its workers' time.
type NodeBenchStage struct {
	Name     string  `json:"name"`
	Workers  int     `json:"workers"`
	NSPerTx  float64 `json:"ns_per_tx"` // worker time
	Busy     float64 `json:"busy"`
	Wait     float64 `json:"wait"`
	Blocked  float64 `json:"blocked"`
	QueueMax int     `json:"queue_max"`
	QueueCap int     `json:"queue_cap"`
}

// RunNodeBench measures a node in this process: no sockets, and transactions
// that were signed before. Errors wrap ErrNodeBench where the node did not do
// what it should, and are the node's or the system's own otherwise.
func RunNodeBench(ctx context.Context, cfg NodeBenchConfig) (*NodeBench, error) {
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	dir, err := os.MkdirTemp(cfg.Dir, ".weir-node-bench-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory for the chain: %w", err)
	}
	defer os.RemoveAll(dir)
	cfg.Dir = dir
	r := &NodeBench{
		Schema: "weir.node.bench/1", Cores: runtime.GOMAXPROCS(0), Rounds: cfg.Rounds,
		WindowSec: cfg.Duration.Seconds(), Env: env.Read(ctx, env.Options{DataDir: dir}), Warnings: []string{},
	}
	for _, w := range r.Env.Warnings {
		r.Warnings = append(r.Warnings, w.Text+": "+w.Remedy)
	}
	if cfg.Parts {
		cfg.Progress("state root of 20 000 updates")
		if r.StateRoot, err = benchStateRoot(ctx, cfg.Accounts); err != nil {
			return nil, err
		}
		r.StateRootMS = &r.StateRoot.MS
		cfg.Progress("durable blocks of 2 MB")
		if r.Durable, err = benchDurable(ctx, dir); err != nil {
			return nil, err
		}
	}
	for _, mode := range cfg.Modes {
		m := modeBench{cfg: cfg, mode: mode, report: r}
		row, err := m.run(ctx)
		if err != nil {
			return nil, fmt.Errorf("mode %s: %w", mode, err)
		}
		r.Rows = append(r.Rows, *row)
	}
	if len(r.Rows) > 0 {
		r.Stages = r.Rows[0].Stages
	}
	if cfg.Exe != "" {
		if r.Wire, err = benchWire(ctx, &cfg); err != nil {
			return nil, err
		}
	}
	if cfg.RestartTxs > 0 {
		if r.Restart, err = benchRestart(ctx, &cfg); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// modeBench measures one mode.
type modeBench struct {
	cfg    NodeBenchConfig
	mode   string
	report *NodeBench

	accounts int
	gen      *genesis.Genesis
	feed     *feeder
	bare     *bareVerify // nil: unsigned

	tps, verify, ratio, control []float64

	total       usageDelta
	verifyCPUNS float64 // of all windows
	verified    float64
}

func (m *modeBench) prepare(ctx context.Context) (source, error) {
	m.accounts = m.cfg.Accounts
	if m.mode == ModeSignedCached {
		m.accounts = min(cachedAccounts, m.accounts)
	}
	m.gen = genesis.Dev(uint32(m.accounts))
	if m.mode == ModeUnsigned {
		m.gen.Name = core.UnsignedChain
		return newRing(m.accounts), nil
	}
	m.cfg.Progress(fmt.Sprintf("%s: keys of %d accounts", m.mode, m.accounts))
	src, err := newSigned(m.gen, m.mode == ModeSigned)
	if err != nil {
		return nil, err
	}
	m.bare = newBareVerify(m.gen.ChainID(), src, m.cfg)
	return src, src.extend(ctx, 1<<16, m.cfg.Progress)
}

func (m *modeBench) run(ctx context.Context) (*NodeBenchRow, error) {
	src, err := m.prepare(ctx)
	if err != nil {
		return nil, err
	}
	before := memoryNow()
	held := src.bytes()
	m.cfg.Progress(m.mode + ": opening the node")
	node, err := core.Open(core.Config{
		Dir: m.cfg.Dir + "/" + m.mode, Genesis: m.gen, Workers: m.cfg.Workers, ExpandedKeys: m.cfg.ExpandedKeys,
		BlockInterval: m.cfg.BlockInterval, Unsigned: m.mode == ModeUnsigned,
	})
	if err != nil {
		return nil, err
	}
	m.feed = newFeeder(node, src)
	err = m.rounds(ctx, src)
	if err == nil && m.cfg.Parts && m.mode == ModeSigned {
		m.bare.forget(m.cfg.ExpandedKeys) // its cache is not the node's
		m.report.Memory = memoryNow().since(before, src.bytes()-held, m.accounts)
	}
	if err = errors.Join(err, node.Close()); err != nil {
		return nil, err
	}
	return m.row(), os.RemoveAll(m.cfg.Dir + "/" + m.mode)
}

// rounds alternates the pipeline with bare verification as A B B A, so that a
// machine that gets slower or faster meanwhile does so for both.
func (m *modeBench) rounds(ctx context.Context, src source) error {
	rate := 0.0
	if m.bare != nil {
		// Every account sends something, or the bare verifier's keys would come
		// back sooner than the pipeline's.
		err := m.bare.src.extend(ctx, m.accounts, m.cfg.Progress)
		if err != nil {
			return err
		}
		if rate, err = m.bare.window(ctx, m.cfg.Duration/2); err != nil { // warms its key cache, too
			return err
		}
	}
	for round := range m.cfg.Rounds {
		var p, v [2]float64
		for i, pipeline := range []bool{true, false, false, true} {
			m.cfg.Progress(fmt.Sprintf("%s: round %d of %d", m.mode, round+1, m.cfg.Rounds))
			var err error
			switch {
			case pipeline:
				// The pipeline is no faster than its signatures; half as much again leaves
				// room for a machine that was busy when the rate was taken. What is
				// left over serves the next window.
				if err = src.reserve(ctx, 1.5*rate*m.cfg.Duration.Seconds()+3*feedUnderWay, m.cfg.Progress); err != nil {
					break
				}
				p[i/2], err = m.feed.window(ctx, m.cfg.Duration, &m.total)
			case m.bare != nil:
				v[i-1], err = m.bareWindow(ctx)
				rate = max(rate, v[i-1])
			}
			if err != nil {
				return err
			}
		}
		m.tps = append(m.tps, p[:]...)
		if m.bare != nil {
			m.verify = append(m.verify, v[:]...)
			m.ratio = append(m.ratio, p[0]/v[0], p[1]/v[1])
			m.control = append(m.control, v[0]/v[1])
		}
	}
	return nil
}

// bareWindow is a window of bare verification with the processor time it takes.
func (m *modeBench) bareWindow(ctx context.Context) (float64, error) {
	before, begin := m.feed.usage(), time.Now()
	rate, err := m.bare.window(ctx, m.cfg.Duration)
	after := m.feed.usage()
	m.verified += rate * time.Since(begin).Seconds()
	m.verifyCPUNS += float64(after.CPUUserNS + after.CPUSysNS - before.CPUUserNS - before.CPUSysNS)
	return rate, err
}

func (m *modeBench) row() *NodeBenchRow {
	u := &m.total
	r := &NodeBenchRow{
		Mode: m.mode, Workers: m.cfg.Workers, Accounts: m.accounts, TxPerSec: stat.Median(m.tps), TxPerSecCI95: interval95(m.tps),
		CPUNSPerTx: u.perTx(u.cpuNS), AllocsPerTx: u.perTx(u.allocs), GCCPUShare: float64(u.gcCPUNS) / float64(max(1, u.cpuNS)),
		TxPerBlock: float64(u.txs) / float64(max(1, u.blocks)), StateRootNSPerT: u.perTx(u.rootNS),
		TxPerSecSamples: m.tps, VerifyPerSecSamples: m.verify, RatioSamples: m.ratio,
	}
	if m.bare != nil {
		c, cpu := stat.Median(m.control), m.verifyCPUNS/max(1, m.verified)
		r.ControlRatio, r.ControlCI95, r.CPUNSPerVerify = &c, interval95(m.control), &cpu
		v, q := stat.Median(m.verify), stat.Median(m.ratio)
		r.VerifyPerSec, r.RatioToVerify, r.RatioCI95 = &v, &q, interval95(m.ratio)
	}
	for _, s := range u.stages {
		all := float64(max(1, u.wallNS*int64(s.Workers)))
		r.Stages = append(r.Stages, NodeBenchStage{
			Name: s.Name, Workers: s.Workers, NSPerTx: u.perTx(s.BusyNS),
			Busy: float64(s.BusyNS) / all, Blocked: float64(s.BlockedNS) / all,
			// The stage's own counter has the time between windows, too.
			Wait:     max(0, 1-float64(s.BusyNS+s.BlockedNS)/all),
			QueueMax: s.QueueMax, QueueCap: s.QueueCap,
		})
	}
	return r
}

// interval95 is the distribution-free interval of the median, nil when there
// are too few samples for one.
func interval95(xs []float64) *[2]float64 {
	ci, err := stat.MedianWithInterval(xs, 0.95)
	if err != nil {
		return nil
	}
	return &[2]float64{ci.Low, ci.High}
}
