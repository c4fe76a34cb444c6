package main

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/rpc/grpcapi"
)

// serveFlags say whom a node serves and how.
type serveFlags struct {
	grpcListen          string
	cert, key, clientCA string
	maxConns, maxFrame  int
	clientMiB           int64
	clientRate          float64
	clientQuestions     float64
}

func (f *serveFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.grpcListen, "grpc-listen", "", "address for gRPC clients (core/rpc/grpcapi/proto), none unless given")
	fl.StringVar(&f.cert, "tls-cert", "", "PEM certificate chain of this node: speak TLS 1.3")
	fl.StringVar(&f.key, "tls-key", "", "PEM key of --tls-cert")
	fl.StringVar(&f.clientCA, "tls-client-ca", "", "PEM authorities: serve only clients with a certificate of one of them")
	fl.IntVar(&f.maxConns, "max-conns", 1024, "connections at the same time, half of them from one address")
	fl.IntVar(&f.maxFrame, "max-frame-kib", 4096, "largest frame that a client may send, in KiB")
	fl.Int64Var(&f.clientMiB, "client-mib", 256, "bytes of unfinished submissions that one client may have, in MiB")
	fl.Float64Var(&f.clientQuestions, "client-questions", 2000,
		"questions per second that one client may ask, large blocks count more, 0: any number")
	fl.Float64Var(&f.clientRate, "client-rate", 0, "transactions per second that one client may submit, 0: any number")
}

// config checks the flags and reads the files that they name.
func (f *serveFlags) config() (rpc.Config, error) {
	cfg := rpc.Config{
		Limits: rpc.Limits{
			MaxConns: f.maxConns, MaxPerClient: f.clientMiB << 20, TxPerSec: f.clientRate, QueriesPerSec: f.clientQuestions,
		},
		MaxPayload: f.maxFrame << 10,
	}
	switch {
	case f.maxConns < 1 || f.maxConns > 1<<20:
		return cfg, usagef("--max-conns is %d, give 1 to %d", f.maxConns, 1<<20)
	case f.maxFrame < 8 || f.maxFrame > 4096:
		return cfg, usagef("--max-frame-kib is %d, give 8 to 4096", f.maxFrame)
	case f.clientMiB < 1 || f.clientMiB > 1<<20:
		return cfg, usagef("--client-mib is %d, give 1 to %d", f.clientMiB, 1<<20)
	case !(f.clientRate == 0 || f.clientRate >= 1 && f.clientRate <= 1e9):
		return cfg, usagef("--client-rate is %v, give 1 to 1e9, or 0 for no limit", f.clientRate)
	case !(f.clientQuestions == 0 || f.clientQuestions >= 1 && f.clientQuestions <= 1e9):
		return cfg, usagef("--client-questions is %v, give 1 to 1e9, or 0 for no limit", f.clientQuestions)
	case (f.cert == "") != (f.key == ""):
		return cfg, usagef("--tls-cert is %q and --tls-key %q, give both or neither", f.cert, f.key)
	case f.clientCA != "" && f.cert == "":
		return cfg, usagef("--tls-client-ca %s needs a certificate of the node's own: give --tls-cert and --tls-key", f.clientCA)
	}
	cfg.Clients = rpc.NewClients(cfg.Limits) // over both protocols
	if f.cert == "" {
		return cfg, nil
	}
	var err error
	if cfg.TLS, err = rpc.ServerTLS(f.cert, f.key, f.clientCA); err != nil {
		return cfg, usagef("%w", err)
	}
	return cfg, nil
}

// listeners are a node's; link, grpc and metrics are nil for none.
type listeners struct{ client, link, grpc, metrics net.Listener }

func (l *listeners) close() {
	for _, ln := range []net.Listener{l.client, l.link, l.grpc, l.metrics} {
		if ln != nil {
			ln.Close()
		}
	}
}

func (f *nodeFlags) openListeners(secure bool) (_ *listeners, err error) {
	l := new(listeners)
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.metrics, err = listenMetrics(f.metrics, "--metrics"); err != nil {
		return nil, err
	}
	if l.client, err = net.Listen("tcp", f.listen); err != nil {
		return nil, usagef("cannot listen on %s: %w; choose another --listen", f.listen, err)
	}
	if f.serve.grpcListen != "" {
		if l.grpc, err = net.Listen("tcp", f.serve.grpcListen); err != nil {
			return nil, usagef("cannot listen on %s for gRPC: %w; choose another --grpc-listen", f.serve.grpcListen, err)
		}
	}
	addr := f.linkListen
	switch {
	case addr == "off", addr == "auto" && secure: // link tests are not encrypted
		return l, nil
	case addr == "auto":
		host, _, err := net.SplitHostPort(l.client.Addr().String())
		if err != nil {
			return nil, usagef("--listen: %w", err)
		}
		addr = net.JoinHostPort(host, "0")
	}
	if l.link, err = net.Listen("tcp", addr); err != nil {
		return nil, usagef("cannot listen on %s for link tests: %w; choose another --link-listen or off", addr, err)
	}
	return l, nil
}

// serve runs the servers until ctx ends.
func (l *listeners) serve(ctx context.Context, group *errgroup.Group, node *core.Node, cfg rpc.Config) {
	if l.link != nil {
		cfg.LinkPort = uint16(l.link.Addr().(*net.TCPAddr).Port)
		group.Go(func() error { return link.Serve(ctx, l.link, link.ServerConfig{}) })
	}
	group.Go(func() error { return node.Serve(ctx, l.client, cfg) })
	if l.grpc != nil {
		cfg.MaxSubmission = node.MaxTxs()
		group.Go(func() error { return grpcapi.New(node.Service(), cfg).Serve(ctx, l.grpc) })
	}
}

// clientTLSFlags say how a command speaks to a node.
type clientTLSFlags struct {
	on                        bool
	ca, cert, key, serverName string
}

func (f *clientTLSFlags) register(cmd *cobra.Command) {
	fl := cmd.PersistentFlags()
	fl.BoolVar(&f.on, "tls", false, "speak TLS; any other --tls flag says so too")
	fl.StringVar(&f.ca, "tls-ca", "", "PEM authorities that may vouch for the node, empty: the system's")
	fl.StringVar(&f.cert, "tls-cert", "", "PEM certificate chain to show to the node")
	fl.StringVar(&f.key, "tls-key", "", "PEM key of --tls-cert")
	fl.StringVar(&f.serverName, "tls-server-name", "", "name in the node's certificate, empty: the host of the address")
}

// config returns nil for plain TCP.
func (f *clientTLSFlags) config() (*tls.Config, error) {
	if !f.on && f.ca == "" && f.cert == "" && f.key == "" && f.serverName == "" {
		return nil, nil
	}
	cfg, err := client.TLS(f.ca, f.cert, f.key, f.serverName)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return cfg, nil
}
