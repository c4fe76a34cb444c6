package bench

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/loadgen"
)

// target is the system under test.
type target struct {
	addr  string
	dial  func(ctx context.Context, addr string) (net.Conn, error)
	chain tx.ChainID
	link  string // address of its link test, empty for none

	keys      []ed25519.PrivateKey // of the accounts that send
	firstSlot uint32
	nonces    []uint64 // the next free one of each account

	cores int // that a remote node may use, as it says; 0: unknown

	own  *ownNode // nil: a remote node, which keeps its state between trials
	peer *peer    // nil: a weir node
}

// ownNode restarts a child process for every trial, each from the genesis.
type ownNode struct {
	cmd     NodeCommand
	dir     string // parent of the data directories
	gen     string // genesis file
	serial  int
	proc    *nodeProc
	dataDir string
}

// openOwn starts our own node for the first time and learns its port.
func openOwn(ctx context.Context, nc NodeCommand, dir string, gen *genesis.Genesis) (*target, error) {
	path := filepath.Join(dir, "genesis.json")
	if err := os.WriteFile(path, gen.JSON(), 0o644); err != nil {
		return nil, fmt.Errorf("cannot write the genesis: %w", err)
	}
	nc.Args = append([]string{"--genesis", path}, nc.Args...)
	t := &target{
		chain: gen.ChainID(), keys: gen.Derived.PrivateKeys(int(gen.Derived.Count)),
		firstSlot: gen.FirstDerivedSlot(), own: &ownNode{cmd: nc, dir: dir, gen: path},
	}
	listen := "127.0.0.1:0"
	if nc.Lab != nil {
		listen = net.JoinHostPort(nc.Lab.NodeAddr().String(), "7151")
		t.dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return nc.Lab.Dial(ctx, netlab.ClientSide, "tcp", addr)
		}
	}
	t.addr = listen
	return t, t.start(ctx)
}

// openRemote connects to a node that somebody else runs. Its chain must have
// derived accounts: only their private keys are known.
func openRemote(ctx context.Context, addr string) (*target, error) {
	t := &target{addr: addr}
	c, err := client.Dial(ctx, addr, client.Options{})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	b, err := c.Genesis(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read the genesis of %s: %w", addr, err)
	}
	gen, err := genesis.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("the genesis of %s: %w", addr, err)
	}
	if gen.Derived == nil {
		return nil, fmt.Errorf("chain %q of %s has no derived accounts, so there is nobody to send for; use a measuring chain (weir node on a new --data directory)", gen.Name, addr)
	}
	st, err := t.stats(ctx, c)
	if err != nil {
		return nil, err
	}
	t.cores = st.Cores
	w := c.Welcome()
	t.chain = tx.ChainID(w.ChainID)
	if w.LinkPort != 0 {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		t.link = net.JoinHostPort(host, strconv.Itoa(int(w.LinkPort)))
	}
	t.firstSlot = gen.FirstDerivedSlot()
	n := int(min(gen.Derived.Count, 4096))
	t.keys = gen.Derived.PrivateKeys(n)
	t.nonces = make([]uint64, n)
	for i := range t.nonces {
		var a client.Record
		err := patiently(ctx, func() (err error) {
			a, err = c.Account(ctx, t.firstSlot+uint32(i))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("account %d of %s: %w", t.firstSlot+uint32(i), addr, err)
		}
		t.nonces[i] = state.DecodeRecord(a.Record).Window.High + 1
	}
	return t, nil
}

// patiently asks again as long as the node says that it is asked too much.
func patiently(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		var busy *client.BusyError
		if !errors.As(err, &busy) {
			return err
		}
		select {
		case <-time.After(busy.RetryAfter):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// start makes the target ready for a trial: a fresh node of our own, on the
// same port every time. A remote node is taken as it is.
func (t *target) start(ctx context.Context) error {
	if t.own == nil {
		return nil
	}
	o := t.own
	o.serial++
	o.dataDir = filepath.Join(o.dir, "node-"+strconv.Itoa(o.serial))
	p, err := startNode(ctx, o.cmd, o.dataDir, t.addr)
	if err != nil {
		return errors.Join(err, os.RemoveAll(o.dataDir))
	}
	o.proc, t.addr, t.link = p, p.Listen, p.Link
	return nil
}

// stop ends our own node and removes its data.
func (t *target) stop() error {
	if t.peer != nil {
		return t.peer.system.Close() // it opens a connection again when it needs one
	}
	if t.own == nil || t.own.proc == nil {
		return nil
	}
	err := t.own.proc.stop()
	t.own.proc = nil
	return errors.Join(err, os.RemoveAll(t.own.dataDir))
}

// addrPort is the target's client address, resolved.
func (t *target) addrPort() (netip.AddrPort, error) {
	a, err := net.ResolveTCPAddr("tcp", t.addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

// control opens a connection for questions; nil for a system other than weir,
// which has its own.
func (t *target) control(ctx context.Context) (*client.Client, error) {
	if t.peer != nil {
		return nil, nil
	}
	return client.Dial(ctx, t.addr, client.Options{ChainID: t.chain, Dial: t.dial})
}

// load is what the generator sends to.
func (t *target) load() loadgen.Target {
	if t.peer != nil {
		return t.peer.system
	}
	return &loadgen.WeirTarget{Addr: t.addr, Dial: t.dial, Chain: t.chain}
}

// stats asks the node for its counters on a connection of its own.
func (t *target) stats(ctx context.Context, c *client.Client) (core.Stats, error) {
	if t.peer != nil {
		return t.peer.counters()
	}
	var s core.Stats
	b, err := c.Stats(ctx)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return s, fmt.Errorf("cannot read the node's counters: %w", err)
	}
	return s, nil
}
