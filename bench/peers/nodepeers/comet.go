package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	txBytes       = 200 // of either chain
	startTimeout  = 30 * time.Second
	reportTimeout = 2 * time.Minute
	settleTimeout = 5 * time.Second
	// trialOverhead is the expected time around the load of a trial: a new
	// chain, the start, the stop, the report.
	trialOverhead = 6 * time.Second
)

// setting is one line of CometBFT's config.toml.
type setting struct{ section, key, value string }

// tuned are the settings that differ from what `cometbft init` writes. All of
// them make a single node faster, or keep it on this machine: room for the
// bursts of its generator, no second check of what waits, no index, no pause
// after a block, nothing kept that only peers or queries need.
func tuned(rpcPort, p2pPort int) []setting {
	text := strconv.Quote
	return []setting{
		{"", "db_backend", text(cometTags)},
		{"rpc", "laddr", text(fmt.Sprintf("tcp://127.0.0.1:%d", rpcPort))},
		// A subscriber that is late by 200 events is thrown out: blocks without a
		// pause come faster than that while one of them is read.
		{"rpc", "experimental_subscription_buffer_size", "10000"},
		{"rpc", "experimental_websocket_write_buffer_size", "10000"},
		{"p2p", "laddr", text(fmt.Sprintf("tcp://127.0.0.1:%d", p2pPort))},
		{"p2p", "pex", "false"},
		{"mempool", "size", "200000"},
		{"mempool", "recheck", "false"},
		{"mempool", "broadcast", "false"},
		{"consensus", "timeout_commit", text("0s")},
		{"storage", "discard_abci_responses", "true"},
		{"tx_index", "indexer", text("null")},
	}
}

// applySettings replaces lines of a config.toml. A setting that the file does
// not have exactly once is an error: another version would be measured with
// half of its tuning, and nobody would know.
func applySettings(toml string, settings []setting) (string, error) {
	lines := strings.Split(toml, "\n")
	found := make([]int, len(settings))
	section := ""
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, _, isValue := strings.Cut(line, "=")
		if !isValue || strings.HasPrefix(line, "#") {
			continue
		}
		for k, s := range settings {
			if s.section == section && s.key == strings.TrimSpace(key) {
				lines[i] = s.key + " = " + s.value
				found[k]++
			}
		}
	}
	for k, n := range found {
		if n != 1 {
			return "", fmt.Errorf("config.toml has [%s] %s %d times, want once: is it another version's?", settings[k].section, settings[k].key, n)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// comet offers load to a new chain of one CometBFT node in every trial.
type comet struct {
	programs peerPrograms
	dir      string // the trials' chains are made and removed in it
	conns    int
	trial    time.Duration
	limit    time.Duration
}

// offer is a trial; see the type of that name.
func (c *comet) offer(ctx context.Context, txPerSec float64) (t trial, err error) {
	perConn := int(math.Max(1, math.Round(txPerSec/float64(c.conns))))
	home, err := os.MkdirTemp(c.dir, "comet-")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	node, rpc, err := c.start(ctx, home)
	if err != nil {
		return t, err
	}
	loadErr := c.load(ctx, rpc, perConn)
	settle(ctx, node, rpc)
	if stopErr := node.stop(); errors.Is(stopErr, errEnded) || stopErr != nil && loadErr == nil {
		return t, fmt.Errorf("cometbft: %w", stopErr)
	}
	if ctx.Err() != nil {
		return t, ctx.Err()
	}
	w := window{offered: perConn * c.conns * int(c.trial/time.Second), length: c.trial, limit: c.limit}
	if loadErr != nil {
		// A node that no longer reads its sockets ends the generator: that is an
		// answer, and a bad one.
		t = w.judge(nil)
		t.Reason = "loadtime gave up: " + loadErr.Error()
		return t, nil
	}
	txs, err := c.report(ctx, home)
	if err != nil {
		return t, err
	}
	return w.judge(txs), nil
}

// start makes a chain and waits for its first block.
func (c *comet) start(ctx context.Context, home string) (*child, string, error) {
	if err := c.short(ctx, startTimeout, c.programs.node, "init", "--home", home); err != nil {
		return nil, "", err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, "", err
	}
	path := filepath.Join(home, "config", "config.toml")
	toml, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("cometbft init: %w", err)
	}
	text, err := applySettings(string(toml), tuned(ports[0], ports[1]))
	if err != nil {
		return nil, "", err
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	// Not tied to the context: it is stopped in order, also after Ctrl-C.
	cmd := exec.Command(c.programs.node, "node", "--home", home, "--proxy_app", "kvstore", "--log_level", "error")
	cmd.Env = cleanEnv(os.Environ())
	node, err := startChild(cmd)
	if err != nil {
		return nil, "", err
	}
	rpc := fmt.Sprintf("127.0.0.1:%d", ports[0])
	if err := waitForBlock(ctx, node, rpc); err != nil {
		return nil, "", errors.Join(err, node.kill())
	}
	return node, rpc, nil
}

// load offers the rate for the trial and as long again as a transaction may
// take, so that none is cut off that could still have been in time.
func (c *comet) load(ctx context.Context, rpc string, perConn int) error {
	seconds := int(c.trial/time.Second) + int(math.Ceil(c.limit.Seconds())) + 1
	return c.short(ctx, time.Duration(seconds)*time.Second+time.Minute, c.programs.load,
		"-c", strconv.Itoa(c.conns), "-T", strconv.Itoa(seconds), "-r", strconv.Itoa(perConn), "-s", strconv.Itoa(txBytes),
		"--broadcast-tx-method", "async", "--endpoints", "ws://"+rpc+"/websocket")
}

func (c *comet) report(ctx context.Context, home string) ([]committedTx, error) {
	path := filepath.Join(home, "latencies.csv")
	err := c.short(ctx, reportTimeout, c.programs.report, "--database-type", cometTags, "--data-dir", filepath.Join(home, "data"), "--csv", path)
	if err != nil {
		return nil, err
	}
	return readReport(path)
}

// short runs a program that ends by itself.
func (c *comet) short(ctx context.Context, limit time.Duration, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var words tail
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = cleanEnv(os.Environ())
	cmd.Stdout, cmd.Stderr = &words, &words
	childOf(cmd)
	politely(cmd)
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, words.last())
	}
	return nil
}

// cleanEnv leaves out the variables from which CometBFT would read settings.
func cleanEnv(env []string) []string {
	var kept []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if name = strings.ToUpper(name); !strings.HasPrefix(name, "CMT") && !strings.HasPrefix(name, "TM") {
			kept = append(kept, e)
		}
	}
	// TMPDIR shares the prefix of the older name of that project.
	return append(kept, "TMPDIR="+os.TempDir())
}

// freePorts returns loopback ports that nobody listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // not before all are chosen, or one may be given twice
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("%s is no TCP address", l.Addr())
		}
		ports = append(ports, addr.Port)
	}
	return ports, nil
}

// waitForBlock asks the node for its height until it has one.
func waitForBlock(ctx context.Context, node *child, rpc string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := &http.Client{Timeout: 2 * time.Second}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		height, err := cometHeight(ctx, client, rpc)
		if err == nil && height > 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-node.exited:
			return fmt.Errorf("cometbft did not start: %w", node.ended())
		case <-ctx.Done():
			return fmt.Errorf("cometbft made no block within %v: %w: %s", startTimeout, errors.Join(ctx.Err(), err), node.words.last())
		}
	}
}

// settle waits for two more blocks, or for as long as a trial can wait: the
// report leaves out the last blocks of a chain, and one that stalls should be
// judged by its latencies.
func settle(ctx context.Context, node *child, rpc string) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	client := &http.Client{Timeout: 2 * time.Second}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var first int64
	for {
		height, err := cometHeight(ctx, client, rpc)
		switch {
		case err == nil && first == 0:
			first = height
		case err == nil && height >= first+2:
			return
		}
		select {
		case <-tick.C:
		case <-node.exited:
			return
		case <-ctx.Done():
			return
		}
	}
}

func cometHeight(ctx context.Context, client *http.Client, rpc string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+rpc+"/status", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() //nolint:errcheck // what was read is judged below
	var status struct {
		Result struct {
			SyncInfo struct {
				Height string `json:"latest_block_height"`
			} `json:"sync_info"`
		} `json:"result"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&status); err != nil {
		return 0, err
	}
	return strconv.ParseInt(status.Result.SyncInfo.Height, 10, 64)
}
