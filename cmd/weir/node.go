package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
)

type nodeFlags struct {
	data, listen, linkListen, genesis, impl string
	metrics                                 string
	accounts                                uint32
	blockInterval                           time.Duration
	mempoolMiB                              int64
	workers                                 int
	index, json, control                    bool
	serve                                   serveFlags
	chain                                   chainFlags
}

func newNodeCmd() *cobra.Command {
	var f nodeFlags
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Run a node, or check and question one",
		Long: `node runs a single node of a permissioned chain: it checks signatures,
executes transfers and registrations, and keeps a hash-linked block log with one
fdatasync per block. It listens on loopback unless told otherwise, in plain TCP
unless it has a certificate (--tls-cert, --tls-key); with --tls-client-ca it
serves only clients that have one, too.

A new data directory gets the genesis given with --genesis, or a measuring chain
whose accounts have publicly known keys (--accounts of them).`,
		Example: "  weir node --data ./chain\n" +
			"  weir node --data ./chain --listen 10.0.0.5:7151 --json\n" +
			"  weir node --data ./chain --grpc-listen 127.0.0.1:7152 --index\n" +
			"  weir node verify --data ./chain",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runNode(cmd, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", "weir-data", "data directory")
	fl.StringVar(&f.listen, "listen", "127.0.0.1:7151", "client address")
	fl.StringVar(&f.linkListen, "link-listen", "auto",
		"address of the bounded link test, auto: beside --listen on a free port (with TLS: none), off: none")
	fl.StringVar(&f.genesis, "genesis", "", "genesis file of a new chain")
	fl.Uint32Var(&f.accounts, "accounts", 4096, "accounts of a new measuring chain")
	fl.DurationVar(&f.blockInterval, "block-interval", 10*time.Millisecond, "cut a block this long after its first transaction")
	fl.Int64Var(&f.mempoolMiB, "mempool-mib", 64, "bytes that may wait for a block, in MiB")
	fl.IntVar(&f.workers, "workers", 0, "signature workers, 0: one per core")
	fl.StringVar(&f.impl, "impl", "", "force hash kernels, kernel:implementation,…")
	fl.BoolVar(&f.index, "index", false, "index transactions by hash and by sender and nonce (32 bytes of disk each)")
	f.serve.register(cmd)
	fl.StringVar(&f.metrics, "metrics", "", metricsUsage)
	fl.BoolVar(&f.json, "json", false, "print what the node listens on as JSON")
	fl.BoolVar(&f.control, "control", false, "")
	if err := fl.MarkHidden("control"); err != nil {
		panic(err) // the flag is defined on the line above
	}
	f.chain.define(cmd)
	cmd.AddCommand(newNodeVerifyCmd(), newNodeExportCmd(), newNodeImportCmd(), newNodePruneCmd(), newNodeGenesisCmd(),
		newNodeSnapshotCmd(), newNodeRestoreCmd(),
		newNodeQueryCmd(), newNodeBenchCmd())
	return cmd
}

// nodeReady is what --json prints once the node listens.
type nodeReady struct {
	Schema   string `json:"schema"`
	Listen   string `json:"listen"`
	Link     string `json:"link"` // empty: no link test
	GRPC     string `json:"grpc"` // empty: no gRPC
	TLS      bool   `json:"tls"`  // of Listen and GRPC
	ChainID  string `json:"chain_id"`
	Height   uint64 `json:"height"`
	Accounts int    `json:"accounts"`
	PID      int    `json:"pid"`
	Repaired string `json:"repaired"` // what opening the log cut off, empty for nothing
}

func (f *nodeFlags) config() (core.Config, error) {
	cfg := core.Config{
		Dir: f.data, Workers: f.workers, BlockInterval: f.blockInterval, MempoolBytes: f.mempoolMiB << 20,
		Index: f.index,
	}
	f.chain.apply(&cfg)
	switch {
	case f.mempoolMiB < 1 || f.mempoolMiB > 1<<20:
		return cfg, usagef("--mempool-mib is %d, give 1 to %d", f.mempoolMiB, 1<<20)
	case f.blockInterval < 0:
		return cfg, usagef("--block-interval is %v, it cannot be negative", f.blockInterval)
	case f.workers < 0:
		return cfg, usagef("--workers is %d, give 0 (one per core) or more", f.workers)
	}
	if f.genesis != "" {
		b, err := os.ReadFile(f.genesis)
		if err != nil {
			return cfg, usagef("--genesis: %w; name a file that you can read", err)
		}
		if cfg.Genesis, err = genesis.Parse(b); err != nil {
			return cfg, usagef("--genesis %s: %w; correct the file, or leave --genesis out for a measuring chain", f.genesis, err)
		}
		return cfg, nil
	}
	_, err := core.LoadGenesis(f.data)
	if errors.Is(err, os.ErrNotExist) {
		cfg.Genesis = genesis.Dev(f.accounts)
		if err := cfg.Genesis.Validate(); err != nil {
			return cfg, usagef("--accounts %d: %w", f.accounts, err)
		}
		return cfg, nil
	}
	if err != nil {
		return cfg, usagef("--data %s is not a chain's directory: %w; name that of a chain, or a new one", f.data, err)
	}
	return cfg, nil
}

func runNode(cmd *cobra.Command, f nodeFlags) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	if err := forceKernels(""); err != nil {
		return err
	}
	if err := chooseKernels(cmd, f.impl); err != nil {
		return err
	}
	cfg, err := f.config()
	if err != nil {
		return err
	}
	srv, err := f.serve.config()
	if err != nil {
		return err
	}
	// The ports first: a taken one must not cost a replay.
	lns, err := f.openListeners(srv.TLS != nil)
	if err != nil {
		return err
	}
	defer lns.close()
	node, err := core.Open(cfg)
	if err != nil {
		return usagef("%w", err)
	}
	warnSnapshots(cmd.ErrOrStderr(), node, false)
	if lns.metrics != nil {
		served, err := serveMetrics(lns.metrics, nodeCollector{node.Stats}, cmd.ErrOrStderr())
		if err != nil {
			return errors.Join(err, node.Close())
		}
		defer served.close()
	}
	group, ctx := errgroup.WithContext(ctx)
	lns.serve(ctx, group, node, srv)
	if err := f.announce(cmd, node, lns); err != nil {
		cancel()
		return errors.Join(err, group.Wait(), node.Close())
	}
	if f.control {
		// The measuring run holds the other end of stdin: when it is gone, so is
		// the reason to run.
		go func() {
			serveControl(cmd.InOrStdin(), cmd.OutOrStdout())
			cancel()
		}()
	}
	select {
	case <-ctx.Done(): // told to end, or a server failed
	case <-node.Done():
	}
	cancel()
	err = group.Wait()
	closed := node.Close()
	warnSnapshots(cmd.ErrOrStderr(), node, true)
	if node.Err() != nil {
		closed = node.Err() // closing the log repeats what stopped the node
	}
	if err = errors.Join(err, closed); err != nil {
		return usagef("%w", err)
	}
	return nil
}

func (f *nodeFlags) announce(cmd *cobra.Command, n *core.Node, lns *listeners) error {
	head, _ := n.Head()
	id := n.ChainID()
	r := nodeReady{
		Schema: "weir.node/1", Listen: lns.client.Addr().String(), ChainID: fmt.Sprintf("%x", id[:]),
		Height: head.Height, Accounts: n.Stats().Accounts, PID: os.Getpid(), TLS: f.serve.cert != "",
	}
	if lns.link != nil {
		r.Link = lns.link.Addr().String()
	}
	if lns.grpc != nil {
		r.GRPC = lns.grpc.Addr().String()
	}
	if n.Repair.Found {
		r.Repaired = n.Repair.String()
		fmt.Fprintln(cmd.ErrOrStderr(), "weir: warning:", r.Repaired)
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "listening on %s  chain %.16s  height %d  accounts %d  link test %s  grpc %s\n",
		r.Listen, r.ChainID, r.Height, r.Accounts, orNone(r.Link), orNone(r.GRPC))
	return err
}

func orNone(s string) string {
	if s == "" {
		return "off"
	}
	return s
}
