package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/cometbft"
	"github.com/chainweir/weir/loadgen/ethereum"
	"github.com/chainweir/weir/loadgen/jsonrpc"
	"github.com/chainweir/weir/results"
)

// system is what a run needs of a target that is no weir node, beside taking
// load: package loadgen's subpackages implement it.
type system interface {
	loadgen.Target
	// Settle waits until nothing of the first used transactions is under way.
	Settle(ctx context.Context, used int) error
	Close() error
}

// peer is a system other than weir, and its process when that is on this
// machine.
type peer struct {
	system   system
	src      *jsonrpc.Packed
	name     string // in the record, such as "cometbft 0.40.0"
	workload string
	proc     *env.Process // nil: not found
	notes    []string     // for the record
}

// defaultTxBytes is the length of a CometBFT transaction when nobody asked for
// another: what a transfer with a signature needs.
const defaultTxBytes = 250

// openPeer reaches a target that is no weir node.
func openPeer(ctx context.Context, url string, o PeerOptions, seed uint64, say func(string)) (*target, error) {
	kind, addr, err := SplitTarget(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	ap, err := resolve(ctx, addr)
	if err != nil {
		return nil, err
	}
	p := &peer{}
	switch kind {
	case KindCometBFT:
		err = p.cometBFT(ctx, ap.String(), o, seed)
	case KindEthereum, KindEthereumWS:
		err = p.ethereum(ctx, ap.String(), o, kind == KindEthereumWS, say)
	default:
		err = fmt.Errorf("%w: %q is a weir node", ErrConfig, url)
	}
	if err != nil {
		return nil, err
	}
	if isLocal(ap.Addr().AsSlice()) {
		if p.proc, err = listener(ap.Port()); err != nil {
			p.notes = append(p.notes, fmt.Sprintf("the node's own processor time and disk bytes are unknown: %v", err))
		}
	}
	return &target{addr: ap.String(), peer: p}, nil
}

func (p *peer) cometBFT(ctx context.Context, addr string, o PeerOptions, seed uint64) error {
	t := cometbft.New(addr, cometbft.Options{Async: o.Async})
	st, err := t.Status(ctx)
	if err != nil {
		return errors.Join(err, t.Close())
	}
	text, bytes := o.TxTemplate, o.TxBytes
	if text == "" {
		text, p.workload = cometbft.DefaultTemplate, "kvstore"
	} else {
		p.workload = "template"
	}
	if bytes == 0 && strings.Contains(text, "{{fill}}") {
		bytes = defaultTxBytes
	}
	// The node remembers what it has seen: the same seed must not make the same
	// transactions again.
	run := make([]byte, 4)
	if _, err := rand.Read(run); err != nil {
		return err
	}
	tpl, err := cometbft.NewTemplate(text, bytes, hex.EncodeToString(run), seed)
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrConfig, err), t.Close())
	}
	p.system, p.src, p.name = t, tpl.Source(), "cometbft "+st.Version
	if o.Async {
		p.notes = append(p.notes, "broadcast_tx_async: what CheckTx refuses is counted as lost, for the node does not tell")
	}
	return nil
}

func (p *peer) ethereum(ctx context.Context, addr string, o PeerOptions, ws bool, say func(string)) error {
	opt := ethereum.Options{WebSocket: ws, Accounts: o.EthAccounts}
	if o.EthKey != "" {
		text := o.EthKey
		if b, err := os.ReadFile(o.EthKey); err == nil {
			text = string(b)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: --eth-key: %w", ErrConfig, err)
		}
		var err error
		if opt.Key, err = ethereum.ParseKey(text); err != nil {
			return fmt.Errorf("%w: --eth-key: %w; or the path of a file that holds it", ErrConfig, err)
		}
	}
	t := ethereum.New(addr, opt)
	if err := t.Prepare(ctx, say); err != nil {
		return errors.Join(err, t.Close())
	}
	p.system, p.src, p.workload = t, t.Source(), "transfer"
	p.name, _, _ = strings.Cut(t.Chain().Version, "/linux")
	p.notes = append(p.notes, "a transaction counts as committed when it is in a block of the node's chain; the block may not be final yet")
	if !ws {
		p.notes = append(p.notes, "new blocks are asked for every 20 ms: latencies to commit are up to that much longer than they were")
	}
	return nil
}

// listener is the process that listens on a port of this machine.
func listener(port uint16) (*env.Process, error) {
	pid, _, err := env.FindListener(port)
	if err != nil {
		return nil, err
	}
	p, err := env.ReadProcess(pid)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// counters are what the system's process has used, in the form of a weir
// node's own. Without a process there are none.
func (p *peer) counters() (core.Stats, error) {
	if p.proc == nil {
		return core.Stats{}, nil
	}
	c, err := env.ReadProcessCPU(p.proc.PID)
	if err != nil {
		return core.Stats{}, fmt.Errorf("the node's process: %w", err)
	}
	s := core.Stats{CPUUserNS: c.UserNS, CPUSysNS: c.TotalNS - c.UserNS}
	if n, err := env.ReadProcessIO(p.proc.PID); err == nil {
		s.DiskBytes = n.WrittenBytes
	}
	return s, nil
}

// usage is the difference of two readings. What the process does not show is
// unknown, not nothing.
func (p *peer) usage(a, b *core.Stats) *results.NodeUsage {
	if p.proc == nil {
		return nil
	}
	n := &results.NodeUsage{CPUUserNS: diff(a.CPUUserNS, b.CPUUserNS), CPUSysNS: diff(a.CPUSysNS, b.CPUSysNS)}
	if b.DiskBytes > 0 {
		n.Bytes = diff(a.DiskBytes, b.DiskBytes)
	}
	return n
}

// settle waits for what an earlier trial left, and makes it good.
func (p *peer) settle(ctx context.Context, used int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTimeout, fmt.Errorf("waited %v", settleTimeout))
	defer cancel()
	return p.system.Settle(ctx, used)
}

// lumpyTrial is as long as a trial of a system that commits in lumps needs to be:
// a backlog that rises and falls with every block shows no growth in less. What a
// larger budget adds goes into more trials, because such systems wander.
const lumpyTrial = 10 * time.Second

// fit makes trials as long as that, or as a small budget allows.
func (t *target) fit(c *knee.Config) {
	if t.peer == nil {
		return
	}
	c.FullTrial = min(max(c.FullTrial, c.Budget/12), lumpyTrial)
	c.ExploreTrial = c.FullTrial / 2
}

// lumps widens the error of the backlog's growth for systems that commit in
// lumps. One interval of length T without commits, at the end of a series of
// length d, adds a slope of 6·rate·T²/d² to it (the least-squares slope of a ramp
// of height rate·T in the last T of d); T is taken from the latencies. The error
// that the fit states takes the samples as independent and knows nothing of it.
func (t *target) lumps(o *knee.Observation, sec float64) {
	if t.peer == nil || o.Backlog == nil || o.Commit == nil || sec <= 0 {
		return
	}
	rate, interval := float64(o.Offered)/sec, float64(o.Commit.P99NS)/1e9
	// Judged by twice the error.
	o.Backlog.StdErrTxPerSec = max(o.Backlog.StdErrTxPerSec, 3*rate*interval*interval/(sec*sec))
}

// peerStartRate is the first guess for systems that execute one transaction
// after the other. The search finds the order of magnitude from there.
const peerStartRate = 1000
