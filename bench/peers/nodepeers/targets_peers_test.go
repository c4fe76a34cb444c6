//go:build peers

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

// The same `weir run` finds the knee of other systems: real servers, built from
// the module proxy, on loopback. See make test-peers.

func goBuild(t *testing.T, dir, out, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), out)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg)
	cmd.Dir = dir
	if words, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v: %s", pkg, err, words)
	}
	return path
}

// findKnee runs weir against a target and holds its summary to what a run is for.
func findKnee(t *testing.T, target string, args ...string) {
	t.Helper()
	weir := goBuild(t, "../../..", "weir", "./cmd/weir")
	record := filepath.Join(t.TempDir(), "record")
	args = append([]string{"run", "--target", target, "--budget", "240s", "--json", "--out", record}, args...)
	cmd := exec.CommandContext(t.Context(), weir, args...)
	var words tail
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("weir run: %v: %s\n%s", err, words.last(), out.Bytes())
	}
	var s results.Summary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatalf("weir run --json: %v", err)
	}
	k, w := &s.Knee, &s.Wire
	switch {
	case !s.Valid || k.LowerTxPerSec == nil || k.UpperTxPerSec == nil || *k.LowerTxPerSec <= 0:
		t.Fatalf("no knee: valid %v, %+v, %v", s.Valid, *k, s.Warnings)
	case w.BytesPerTx.In == nil || w.BytesPerTx.Out == nil || w.TxBytes == nil:
		t.Fatalf("wire bytes per transaction are unknown: %+v, %v", *w, s.Warnings)
	case *w.BytesPerTx.In < *w.TxBytes:
		t.Fatalf("%v bytes came in for a transaction of %v", *w.BytesPerTx.In, *w.TxBytes)
	case s.Bottleneck == "":
		t.Fatalf("no wall: %+v, %v", s.Utilisation, s.Warnings)
	case s.Utilisation.CPU == nil || *s.Utilisation.CPU <= 0:
		t.Fatalf("the node's processor time is unknown: %v", s.Warnings)
	}
	t.Logf("%s: knee %.0f to %.0f tx/s, %.0f B of a transaction, wire %.0f in %.0f out, wall %s, CPU %.0f %%",
		s.Engine, *k.LowerTxPerSec, *k.UpperTxPerSec, *w.TxBytes, *w.BytesPerTx.In, *w.BytesPerTx.Out, s.Bottleneck, 100**s.Utilisation.CPU)
	check := exec.CommandContext(t.Context(), weir, "check", filepath.Join(record, "record.jsonl"))
	if words, err := check.CombinedOutput(); err != nil {
		t.Errorf("weir check: %v: %s", err, words)
	}
}

func TestRunCometBFT(t *testing.T) {
	dir := os.Getenv("WEIR_PEERS_BIN")
	if dir == "" {
		dir = "../../../bin/peers"
	}
	programs, err := installPeers(t.Context(), options{binDir: dir, install: true}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	c := &comet{programs: programs, dir: t.TempDir(), conns: 2, trial: time.Second, limit: time.Second}
	home := filepath.Join(c.dir, "home")
	node, rpc, err := c.start(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.stop(); err != nil {
			t.Error(err)
		}
	})
	findKnee(t, "cometbft+http://"+rpc)
}

func TestRunGeth(t *testing.T) {
	for _, scheme := range []string{"eth+http", "eth+ws"} {
		t.Run(scheme, func(t *testing.T) {
			addr, key := startGeth(t)
			findKnee(t, (&url.URL{Scheme: scheme, Host: addr}).String(), "--eth-key", key)
		})
	}
}

// startGeth starts the node and ends it with the test.
func startGeth(t *testing.T) (addr, key string) {
	t.Helper()
	cmd := exec.Command(goBuild(t, "..", "gethdev", "./gethdev")) // not tied to the context: it ends with its input
	childOf(cmd)
	var words tail
	cmd.Stderr = &words
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("gethdev: %v: %s", err, words.last())
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	var ready struct {
		Addr string `json:"addr"`
		Key  string `json:"key"`
	}
	if err := json.Unmarshal(line, &ready); err != nil || ready.Addr == "" {
		t.Fatalf("gethdev said %q: %v: %s", line, err, words.last())
	}
	return ready.Addr, ready.Key
}
