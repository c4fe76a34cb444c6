package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/agent"
	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/results"
)

// startAgent starts a prepared agent and waits for its ready line.
func startAgent(t *testing.T, cmd *exec.Cmd, start func(*exec.Cmd) error) (agentReady, *exec.Cmd, *lockedBuffer) {
	t.Helper()
	var ready agentReady
	stderr := new(lockedBuffer)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = start(cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	line := make(chan []byte, 1)
	go func() {
		defer close(exited)
		r := bufio.NewReader(stdout)
		b, _ := r.ReadBytes('\n') // an empty line is no JSON
		line <- b
		_, _ = io.Copy(io.Discard, r)
		_ = cmd.Wait() // killed at the end
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		<-exited
	})
	if err := json.Unmarshal(<-line, &ready); err != nil {
		t.Fatalf("the agent did not start: %v: %s", err, stderr.String())
	}
	return ready, cmd, stderr
}

// twoHosts is a node and an agent beside it behind a shaped link.
func twoHosts(ctx context.Context, t *testing.T, rate uint64) (lab *netlab.Lab, runArgs []string, agentCmd *exec.Cmd, log *lockedBuffer) {
	t.Helper()
	lab, err := netlab.Open(ctx, netlab.Config{RateBitsPerSec: rate, Name: "e2e-agent"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := e2eTemp(t)
	certs := filepath.Join(dir, "certs")
	out := weir(t, dir, "agent", "--init", certs, "--host", lab.NodeAddr().String(), "--json")
	if out.code != exitOK {
		t.Fatal(out)
	}
	addr, agentAddr := lab.NodeAddr().String()+":7151", lab.NodeAddr().String()+":7153"
	startNode(t, lab.Command(ctx, netlab.NodeSide, weirExe, "node", "--json", "--accounts", "256",
		"--data", filepath.Join(dir, "chain"), "--listen", addr), lab.Start)
	in := func(name string) string { return filepath.Join(certs, name) }
	ready, agentCmd, log := startAgent(t, lab.Command(ctx, netlab.NodeSide, weirExe, "agent", "--json", "--listen", agentAddr, "--port", "7151",
		"--data", dir, "--tls-cert", in(agent.FileAgent), "--tls-key", in(agent.FileAgentKey), "--tls-ca", in(agent.FileCA)), lab.Start)
	if ready.Watched == nil || ready.Watched.Address != addr || ready.Watched.WireSource != results.WireEBPF || ready.Schema != schemaAgent {
		t.Fatalf("%+v: %s", ready, log.String())
	}
	return lab, []string{
		"run", "--json", "--target", "weir://" + addr, "--agent", agentAddr, "--agent-cert", in(agent.FileRun),
		"--agent-key", in(agent.FileRunKey), "--agent-ca", in(agent.FileCA), "--budget", "12s",
	}, agentCmd, log
}

// readTrials returns the trials of a record.
func readTrials(t *testing.T, dir string) []results.Trial {
	t.Helper()
	rec, err := results.ReadFile(filepath.Join(dir, "record.jsonl"), true)
	if err != nil || len(rec.Trials) == 0 {
		t.Fatalf("%d trials, %v", len(rec.Trials), err)
	}
	return rec.Trials
}

// TestRunWithAnAgentOnTheOtherHost: node and agent in one network, the run in
// another; the record has the node's CPU, disk and wire from the agent.
func TestRunWithAnAgentOnTheOtherHost(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	ctx, cancel := context.WithTimeout(context.Background(), 2*e2eTimeout)
	defer cancel()
	lab, args, _, log := twoHosts(ctx, t, 100_000_000)
	dir := filepath.Join(e2eTemp(t), "out")
	out := finishWith(t, lab.Command(ctx, netlab.ClientSide, weirExe, append(args, "--out", dir)...), lab.Start)
	s := readRun(t, out, dir)
	for _, tr := range readTrials(t, dir) {
		a, w, n := tr.Agent, tr.Wire, tr.Node
		switch {
		case a == nil || w == nil || n == nil:
			t.Fatalf("trial %d: agent %+v, wire %+v, node %+v: %q", tr.ID, a, w, n, s.Warnings)
		case w.Source != "agent/ebpf" || !w.Exact || w.In.Bytes == nil || *w.In.Bytes < *w.In.PayloadBytes || *w.In.PayloadBytes == 0:
			t.Errorf("trial %d: wire %+v", tr.ID, w)
		case a.HostCPUBusyNS == nil || tr.HostCPUBusyNS == nil || *a.HostCPUBusyNS != *tr.HostCPUBusyNS || a.HostCores == 0:
			t.Errorf("trial %d: host %+v", tr.ID, a)
		case a.CPUUserNS == nil || *a.CPUUserNS+*a.CPUSysNS == 0 || *n.CPUUserNS != *a.CPUUserNS || *n.CPUSysNS != *a.CPUSysNS:
			t.Errorf("trial %d: process %+v", tr.ID, a)
		case a.WrittenBytes == nil || a.Device != "" && a.DeviceBusyNS == nil:
			t.Errorf("trial %d: disk %+v", tr.ID, a)
		case a.Clock == nil || a.Clock.ErrorNS <= 0 || a.Clock.OffsetNS > a.Clock.ErrorNS+int64(time.Millisecond) || a.Clock.OffsetNS < -a.Clock.ErrorNS-int64(time.Millisecond):
			// One machine, one clock; the two programs read it a moment apart.
			t.Errorf("trial %d: clock %+v", tr.ID, a.Clock)
		}
	}
	trials := readTrials(t, dir)
	last := trials[len(trials)-1]
	if b, err := json.Marshal(last.Agent); err == nil {
		t.Logf("%.0f tx/s offered; agent %s; wire %s, %d bytes in", last.OfferedTxPerSec, b, last.Wire.Source, *last.Wire.In.Bytes)
	}
	// A machine with other work to do may not confirm a knee in the time.
	if s.Knee.Confirmed && (s.Utilisation.CPU == nil || s.Utilisation.HostCPU == nil) {
		t.Errorf("utilisation %+v: %q", s.Utilisation, s.Warnings)
	}
	if s.Wire.Source != "agent/ebpf" || mentions(s.Warnings, "other work there is unknown") {
		t.Errorf("wire source %q: %q", s.Wire.Source, s.Warnings)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "agent.jsonl")); err != nil || strings.Count(string(b), "\n") < 3 {
		t.Errorf("the readings of every second: %d bytes, %v", len(b), err)
	}
	if !until(e2eTimeout, func() bool { return strings.Count(log.String(), "session of") == 1 }) {
		t.Errorf("the agent's log has not one line for the session: %q", log.String())
	}
}

// TestDelayIsThereOrRefused: a kernel without netem cannot delay, says so, and
// leaves no folder.
func TestDelayIsThereOrRefused(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	dir := e2eTemp(t)
	out := weir(t, dir, "run", "--json", "--link", "20mbit,5ms,0.1%", "--budget", "9s", "--accounts", "64", "--out", "out")
	if out.code != exitUsage {
		if s := readRun(t, out, filepath.Join(dir, "out")); !mentions(s.Warnings, "delay of 5ms") || !mentions(s.Warnings, "0.1 % of the frames") {
			t.Errorf("the record does not say what the link does: %q", s.Warnings)
		}
		return
	}
	if out.stdout != "" || !mentionsAll(out.stderr, "netem", "leave the delay out") {
		t.Error(out)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); !os.IsNotExist(err) {
		t.Errorf("a refused run left its folder: %v", err)
	}
}

// TestRunOnALossyLink: the run goes through, and says how much was lost.
func TestRunOnALossyLink(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces and load eBPF")
	dir := e2eTemp(t)
	s := readRun(t, weir(t, dir, "run", "--json", "--link", "20mbit,0.5%", "--budget", "9s", "--accounts", "64", "--out", "out"), filepath.Join(dir, "out"))
	if !mentions(s.Warnings, "lost 0.5 % of the frames") || len(s.Trials) == 0 {
		t.Errorf("%d trials, %q", len(s.Trials), s.Warnings)
	}
}

// TestAgentDiesInMidRun: what it would have said is unknown, and the run ends as
// it would without one.
func TestAgentDiesInMidRun(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	ctx, cancel := context.WithTimeout(context.Background(), 2*e2eTimeout)
	defer cancel()
	lab, args, agentCmd, _ := twoHosts(ctx, t, 20_000_000)
	dir := filepath.Join(e2eTemp(t), "out")
	go func() {
		record := filepath.Join(dir, "record.jsonl")
		until(e2eTimeout, func() bool {
			b, err := os.ReadFile(record)
			return err == nil && strings.Contains(string(b), `"type":"trial"`)
		})
		_ = agentCmd.Process.Kill() // if it has ended, the trials show it
	}()
	out := finishWith(t, lab.Command(ctx, netlab.ClientSide, weirExe, append(args, "--out", dir)...), lab.Start)
	s := readRun(t, out, dir)
	trials := readTrials(t, dir)
	first, last := trials[0], trials[len(trials)-1]
	if first.Agent == nil || first.Agent.HostCPUBusyNS == nil {
		t.Errorf("the first trial: %+v", first.Agent)
	}
	if last.Agent == nil || last.Agent.HostCPUBusyNS != nil || last.HostCPUBusyNS != nil || len(last.Agent.Unknown) == 0 {
		t.Errorf("the last trial: %+v", last.Agent)
	}
	if last.Wire == nil || last.Wire.Source != results.WireEBPF || last.Node == nil || last.Node.CPUUserNS == nil {
		t.Errorf("what needs no agent is gone too: %+v %+v", last.Wire, last.Node)
	}
	if !mentions(s.Warnings, "is unknown: no answer from the agent") {
		t.Errorf("no warning says so: %q", s.Warnings)
	}
}
