package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/bench/netlab"
)

// minTokenBytes keeps tokens out of reach of guessing: what is sent over the
// path is made from them.
const minTokenBytes = 16

type linkFlags struct {
	tokenFile, rateCap string
	duration           time.Duration
	maxBytes           uint64
	json               bool
}

func (f *linkFlags) add(cmd *cobra.Command, duration time.Duration) {
	fl := cmd.Flags()
	fl.StringVar(&f.tokenFile, "token-file", "", "file with the token that both sides know, 16 to 128 bytes")
	fl.DurationVar(&f.duration, "duration", duration, "longest time of each test, each direction")
	fl.Uint64Var(&f.maxBytes, "max-bytes", link.DefaultMaxBytes, "most bytes of each test, each direction")
	fl.StringVar(&f.rateCap, "rate-cap", "", "never send payload faster than this, such as 50mbit")
	fl.BoolVar(&f.json, "json", false, "print one JSON object and nothing else on stdout")
}

// read returns the token and the cap.
func (f *linkFlags) read() (token string, rateBitsPerSec uint64, err error) {
	if f.rateCap != "" {
		if rateBitsPerSec, err = netlab.ParseRate(f.rateCap); err != nil {
			return "", 0, usagef("--rate-cap: %w", err)
		}
	}
	if f.tokenFile == "" {
		return "", rateBitsPerSec, nil
	}
	b, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return "", 0, usagef("--token-file: %w", err)
	}
	token = strings.TrimSpace(string(b))
	if len(token) < minTokenBytes || len(token) > link.MaxTokenBytes {
		return "", 0, usagef("--token-file: %s holds a token of %d bytes, it needs %d to %d; make one with `openssl rand -hex 16`",
			f.tokenFile, len(token), minTokenBytes, link.MaxTokenBytes)
	}
	return token, rateBitsPerSec, nil
}

func newLinkCmd() *cobra.Command {
	cmd := newLinkMeasureCmd("link ADDR", "Measure a network path: bulk, trains, small frames, round trips")
	cmd.AddCommand(newLinkServeCmd(), newLinkMeasureCmd("measure ADDR", "Measure a path (what weir link ADDR does)"))
	return cmd
}

func newLinkMeasureCmd(use, short string) *cobra.Command {
	var f linkFlags
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long: `link measures what the path to another machine carries, in each direction,
beside what the interfaces claim and what shapers are set to. ADDR is where
weir link serve runs, or the link port of a node. Nothing else is ever sent
to, and datagrams go out only after the other side proved that it gets them.

In is towards the server, out is from it. Needs no privileges.`,
		Example: "  weir link 10.0.0.5:7159 --token-file token\n" +
			"  weir link 10.0.0.5:7159 --token-file token --duration 5s --json\n" +
			"  weir link 127.0.0.1:7159 --rate-cap 50mbit",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runLink(cmd, args[0], &f) },
	}
	f.add(cmd, link.DefaultDuration)
	return cmd
}

func runLink(cmd *cobra.Command, addr string, f *linkFlags) error {
	token, rate, err := f.read()
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return usagef("%q is not an address such as 10.0.0.5:7159: %w", addr, err)
	}
	progress := progressLine(cmd.ErrOrStderr())
	s, err := link.Look(cmd.Context(), link.Config{
		Duration: f.duration, MaxBytes: f.maxBytes, RateCapBitsPerSec: rate, Token: token,
		Dial: func(ctx context.Context) (net.Conn, error) {
			d := net.Dialer{Timeout: 10 * time.Second}
			d.SetMultipathTCP(false) // its sockets count no segments
			return d.DialContext(ctx, "tcp", addr)
		},
	}, progress)
	progress("")
	switch {
	case errors.Is(err, context.Canceled):
		return inconclusivef("interrupted")
	case errors.Is(err, link.ErrTooShort):
		return inconclusivef("%w", err)
	case errors.Is(err, link.ErrToken), errors.Is(err, link.ErrUnproven):
		return usagef("%w (--token-file)", err)
	case err != nil:
		return usagef("%w; does `weir link serve` run at %s?", err, addr)
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), s)
	}
	return printLink(cmd.OutOrStdout(), s)
}

func newLinkServeCmd() *cobra.Command {
	var (
		f      linkFlags
		listen string
	)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Let others measure the path to this machine",
		Long: `serve answers weir link on another machine, until it is interrupted. One test
runs at a time; each is bounded by --duration, --max-bytes and --rate-cap.
Clients prove with HMAC-SHA256 that they have the token, which is never sent.
TCP and UDP use the same port. A token is needed unless the address is this
machine's own (loopback).`,
		Example: "  openssl rand -hex 16 > token\n" +
			"  weir link serve --listen 10.0.0.5:7159 --token-file token",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLinkServe(cmd, listen, &f) },
	}
	f.add(cmd, link.DefaultMaxDuration)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:7159", "address and port, TCP and UDP")
	return cmd
}

// linkServing is what serve prints once it listens.
type linkServing struct {
	Schema string `json:"schema"`
	Listen string `json:"listen"`
	Token  bool   `json:"token"`
}

func runLinkServe(cmd *cobra.Command, listen string, f *linkFlags) error {
	token, rate, err := f.read()
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(cmd.Context(), "tcp", listen)
	if err != nil {
		return usagef("cannot listen on %q: %w; choose another --listen", listen, err)
	}
	tcp, ok := ln.Addr().(*net.TCPAddr)
	if token == "" && (!ok || !tcp.IP.IsLoopback()) {
		err := usagef("--listen %s can be reached from other machines: give it a --token-file, or a loopback address", listen)
		return errors.Join(err, ln.Close())
	}
	r := linkServing{"weir.link-serve/1", ln.Addr().String(), token != ""}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), r)
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "link tests on %s, TCP and UDP, %s, at most %v and %s each\n",
			r.Listen, map[bool]string{true: "with a token", false: "without a token"}[r.Token], f.duration, sizeText(f.maxBytes))
	}
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	err = link.Serve(cmd.Context(), ln, link.ServerConfig{
		MaxDuration: f.duration, MaxBytes: f.maxBytes, RateCapBitsPerSec: rate, Token: token,
	})
	if err != nil {
		return usagef("%w", err)
	}
	return nil
}
