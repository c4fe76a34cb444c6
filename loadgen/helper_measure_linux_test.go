//go:build measure && linux

package loadgen

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
)

// What a child process of these checks is to do. The children are this test
// binary again, so that nothing has to be built or found.
const (
	helperEnv   = "WEIR_MEASURE_HELPER"
	measureAccs = 2000
)

// TestMeasureHelper is no test: it is what the children run.
func TestMeasureHelper(t *testing.T) {
	what, arg, _ := strings.Cut(os.Getenv(helperEnv), "=")
	switch what {
	case "":
		t.Skip("only the children of the checks in this package run it")
	case "node":
		helperNode(t)
	case "sink":
		n := startFake(t, behaviours["commit"])
		fmt.Printf("listening %s\n", n.addr())
		untilStdinEnds()
	case "capacity":
		helperCapacity(t, arg)
	default:
		t.Fatalf("unknown helper %q", what)
	}
}

func untilStdinEnds() { _, _ = bufio.NewReader(os.Stdin).ReadByte() }

// helperNode serves the real node until its stdin ends.
func helperNode(t *testing.T) {
	node, err := core.Open(core.Config{Dir: t.TempDir(), Genesis: genesis.Dev(measureAccs)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- node.Serve(ctx, ln, rpc.Config{}) }()
	fmt.Printf("listening %s\n", ln.Addr())
	untilStdinEnds()
	cancel()
	<-served
	if err := node.Close(); err != nil {
		t.Error(err)
	}
}

// child starts a helper, on one core if cpu ≥ 0, and returns the first line
// that it prints with the given word in front. It ends with the test.
func child(t *testing.T, helper, word string, cpu int, env ...string) string {
	t.Helper()
	// A process that shares the machine with others runs these checks ahead of
	// them (chrt), but the node must stay an ordinary one.
	args := append(strings.Fields(os.Getenv("WEIR_MEASURE_NODE")), os.Args[0], "-test.run=^TestMeasureHelper$")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), helperEnv+"="+helper), env...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := startOn(cmd, cpu); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), word+" "); ok {
			go func() { // the pipe must not fill
				for lines.Scan() {
				}
			}()
			return rest
		}
	}
	t.Fatalf("the helper %s ended without a line %q", helper, word)
	return ""
}

// startOn starts a command whose threads stay on one core: they inherit the
// affinity of the thread that starts it.
func startOn(cmd *exec.Cmd, cpu int) error {
	if cpu < 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("core %d: %w", cpu, err)
	}
	err := cmd.Start()
	if back := unix.SchedSetaffinity(0, &before); err == nil {
		err = back
	}
	return err
}

// capacity is what the capacity helper reports.
type capacity struct {
	TxPerSec   float64 `json:"tx_per_sec"`
	CPUNSPerTx float64 `json:"cpu_ns_per_tx"`
}

// helperCapacity offers more than can be sent to the sink and prints the best
// of three rounds.
func helperCapacity(t *testing.T, addr string) {
	const d = time.Second
	rate, err := strconv.ParseFloat(os.Getenv("WEIR_MEASURE_RATE"), 64)
	if err != nil {
		t.Fatal(err)
	}
	corpus, err := NewCorpus(CorpusConfig{Chain: testChain, Keys: testKeys(2)})
	if err != nil {
		t.Fatal(err)
	}
	// Signing is not part of what is measured, and the sink does not look. But
	// the bytes must lie in memory of their own, as signed ones do: untouched
	// pages are all the same one, which never leaves the cache.
	random := rand.NewChaCha8([32]byte{1})
	for corpus.Len() < MaxTxs(rate, d) {
		chunk := make([]byte, chunkTxs*tx.Size)
		_, _ = random.Read(chunk)
		corpus.chunks = append(corpus.chunks, chunk)
		corpus.n += chunkTxs
	}
	var best capacity
	for range 3 {
		o, err := Run(t.Context(), Config{Addr: addr, Schedule: Poisson, RateTxPerSec: rate, Duration: d, Seed: 1, Corpus: corpus})
		if err != nil {
			t.Fatal(err)
		}
		c := o.Trial.Counts
		// More is offered than one core can send: that the generator was the limit
		// is what is measured here.
		if c.Sent == 0 || c.Committed != c.Sent {
			t.Fatalf("%+v %s", c, o.Trial.InvalidReason)
		}
		if got := float64(c.Sent) / (d + SendGrace).Seconds(); got > best.TxPerSec {
			best = capacity{TxPerSec: got, CPUNSPerTx: float64(*o.Trial.Generator.CPUNS) / float64(c.Sent)}
		}
	}
	b, err := json.Marshal(best)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("capacity %s\n", b)
}
