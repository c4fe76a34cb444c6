package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/agent"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/rpc"
)

type agentFlags struct {
	listen, cert, key, ca string
	init                  string
	hosts                 []string
	valid                 time.Duration
	watch                 agent.WatchConfig
	json                  bool
}

func newAgentCmd() *cobra.Command {
	var f agentFlags
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Tell a run elsewhere what the node on this machine uses",
		Long: `agent runs beside a node and tells a measuring run on another machine what
the node uses: CPU time of its process and of the whole host, bytes and busy
time of its disk, and every frame of its port, counted here. It only reads.

It speaks TLS 1.3 and nothing else; both ends show a certificate. --init makes a
small authority with one certificate for each end: copy ca.pem, run.pem and
run-key.pem to the machine that runs weir run --agent.`,
		Example: "  weir agent --init certs --host 10.0.0.5\n" +
			"  weir agent --listen 10.0.0.5:7153 --port 7151 --tls-cert certs/agent.pem \\\n" +
			"    --tls-key certs/agent-key.pem --tls-ca certs/ca.pem\n" +
			"  weir run --target weir://10.0.0.5:7151 --agent 10.0.0.5:7153 \\\n" +
			"    --agent-cert run.pem --agent-key run-key.pem --agent-ca ca.pem",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.init != "" {
				return initAgent(cmd, f)
			}
			return runAgent(cmd, f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.listen, "listen", "127.0.0.1:7153", "address for runs")
	fl.StringVar(&f.cert, "tls-cert", "", "PEM certificate chain of this agent")
	fl.StringVar(&f.key, "tls-key", "", "PEM key of --tls-cert")
	fl.StringVar(&f.ca, "tls-ca", "", "PEM authorities: serve only runs with a certificate of one of them")
	fl.Uint16Var(&f.watch.Port, "port", 0, "the node's client port (default 7151, or the only one of --pid)")
	fl.IntVar(&f.watch.PID, "pid", 0, "the node's process (default whoever listens on --port)")
	fl.StringVar(&f.watch.DataDir, "data", "", "a folder on the node's disk (default the process's working folder)")
	fl.StringVar(&f.watch.Iface, "iface", "", "interface that clients come by (default the one that holds the node's address)")
	fl.StringVar(&f.watch.ProbeKind, "probe", "", "wire source: ebpf or sockdiag (default the best that works)")
	fl.StringVar(&f.init, "init", "", "make certificates in this new folder and end")
	fl.StringSliceVar(&f.hosts, "host", nil, "with --init: names and addresses of this machine that runs dial (default its own)")
	fl.DurationVar(&f.valid, "valid", 365*24*time.Hour, "with --init: how long the certificates are good")
	fl.BoolVar(&f.json, "json", false, "print what is watched as one JSON object (weir.agent/1)")
	return cmd
}

// agentReady is what --json prints: what is watched, or with --init the files.
type agentReady struct {
	Schema  string         `json:"schema"`
	Listen  string         `json:"listen,omitempty"`
	PID     int            `json:"pid"`
	Watched *agent.Watched `json:"watched,omitempty"`
	Files   []string       `json:"files,omitempty"`
	Hosts   []string       `json:"hosts,omitempty"`
}

const schemaAgent = "weir.agent/1"

func initAgent(cmd *cobra.Command, f agentFlags) error {
	hosts := f.hosts
	if len(hosts) == 0 {
		hosts = ownHosts()
	}
	if err := agent.Init(f.init, hosts, f.valid); err != nil {
		return usagef("--init: %w", err)
	}
	r := agentReady{Schema: schemaAgent, PID: os.Getpid(), Hosts: hosts}
	for _, name := range []string{agent.FileCA, agent.FileAgent, agent.FileAgentKey, agent.FileRun, agent.FileRunKey} {
		r.Files = append(r.Files, filepath.Join(f.init, name))
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), `made %s
for the agent on %s
Keep agent.pem, agent-key.pem and ca.pem here; move run.pem and run-key.pem, with
a copy of ca.pem, to the machine that runs weir run --agent. Keys are secrets.
`, strings.Join(r.Files, " "), strings.Join(hosts, ", "))
	return err
}

// ownHosts are this machine's name and addresses.
func ownHosts() []string {
	out := []string{"localhost"}
	if name, err := os.Hostname(); err == nil && name != "localhost" {
		out = append(out, name)
	}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
				out = append(out, n.IP.String())
			}
		}
	}
	return out
}

func runAgent(cmd *cobra.Command, f agentFlags) error {
	if f.cert == "" || f.key == "" || f.ca == "" {
		return usagef("--tls-cert %q, --tls-key %q, --tls-ca %q: the agent needs all three; make them with weir agent --init DIR", f.cert, f.key, f.ca)
	}
	cfg, err := rpc.ServerTLS(f.cert, f.key, f.ca)
	if err != nil {
		return usagef("%w", err)
	}
	if f.watch.Port == 0 && f.watch.PID == 0 {
		f.watch.Port = 7151
	}
	if f.watch.PID < 0 {
		return usagef("--pid is %d, give the number of a process", f.watch.PID)
	}
	ln, err := net.Listen("tcp", f.listen)
	if err != nil {
		return usagef("cannot listen on %s: %w; choose another --listen", f.listen, err)
	}
	w, err := agent.Watch(f.watch)
	if err != nil {
		ln.Close()
		return usagef("%w; see --port and --pid", err)
	}
	what := w.What()
	for _, text := range what.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "weir: warning: %s\n", text)
	}
	if err := announceAgent(cmd, ln.Addr().String(), what, f.json); err != nil {
		ln.Close()
		return errors.Join(err, w.Close())
	}
	err = agent.Serve(cmd.Context(), ln, w, agent.ServerConfig{
		TLS: cfg, Log: func(line string) { fmt.Fprintf(cmd.ErrOrStderr(), "weir: session of %s\n", line) },
	})
	if err = errors.Join(err, w.Close()); err != nil {
		return usagef("%w", err)
	}
	return nil
}

func announceAgent(cmd *cobra.Command, listen string, what agent.Watched, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), agentReady{Schema: schemaAgent, Listen: listen, PID: os.Getpid(), Watched: &what})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "agent on %s  watches %s (process %d, %s)  disk %s  wire %s\n",
		listen, what.Address, what.PID, what.Process, orUnknown(string(what.Device)), orUnknown(string(what.WireSource)))
	return err
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// runAgentFlags are those of weir run for an agent beside the target.
type runAgentFlags struct{ addr, cert, key, ca, name string }

func (f *runAgentFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.addr, "agent", "", "host:port of weir agent beside the --target: its CPU, disk and wire are then known")
	fl.StringVar(&f.cert, "agent-cert", "", "PEM certificate chain for --agent (run.pem of weir agent --init)")
	fl.StringVar(&f.key, "agent-key", "", "PEM key of --agent-cert")
	fl.StringVar(&f.ca, "agent-ca", "", "PEM authority of the agent's certificate")
	fl.StringVar(&f.name, "agent-name", "", "name in the agent's certificate, if not the host of --agent")
}

// config is nil when there is no agent.
func (f *runAgentFlags) config(target string) (*agent.ClientConfig, error) {
	switch {
	case f.addr == "" && f.cert+f.key+f.ca+f.name == "":
		return nil, nil
	case f.addr == "":
		return nil, usagef("--agent-cert, --agent-key, --agent-ca and --agent-name need --agent HOST:PORT")
	case target == "":
		return nil, usagef("--agent %s watches a node that runs elsewhere: name it with --target", f.addr)
	case f.cert == "" || f.key == "" || f.ca == "":
		return nil, usagef("--agent %s needs --agent-cert, --agent-key and --agent-ca; make them with weir agent --init DIR", f.addr)
	}
	if _, _, err := net.SplitHostPort(f.addr); err != nil {
		return nil, usagef("--agent: %w; give host:port, as in 10.0.0.5:7153", err)
	}
	cfg, err := client.TLS(f.ca, f.cert, f.key, f.name)
	if err != nil {
		return nil, usagef("--agent: %w", err)
	}
	return &agent.ClientConfig{Addr: f.addr, TLS: cfg, Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		d := net.Dialer{Timeout: 3 * time.Second}
		return d.DialContext(ctx, "tcp", addr)
	}}, nil
}
