//go:build measure && linux

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/loadgen"
)

// These checks need time and a machine that has it, so they are built with the
// tag "measure" only: make test-fair.

const (
	fairShare    = 0.80 // of what the others have beside a neutral process
	fairAccounts = 4096
	fairRounds   = 4 // ABBA each: two with the attacker, two with the burner; WEIR_FAIR_ROUNDS
	fairSeconds  = 3
	fairWarmUp   = 500 * time.Millisecond
	fairConns    = 4
	// Saturated is a node that commits at most so much of what is offered.
	fairSaturated = 0.95
	// An attacker that writes less than this part of its link is not the attacker
	// that is claimed. One that reconnects or whose transactions are refused waits
	// for the node and is not held to it.
	fairAttack = 0.9
)

// side is the process beside the honest load.
type side struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

func startSide(t *testing.T, task sideTask) *side {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	s := &side{cmd: exec.CommandContext(t.Context(), self)}
	s.cmd.Env = append(os.Environ(), sideEnv+"="+string(b))
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	if line, err := s.out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the process beside says %q, %v", line, err)
	}
	return s
}

func (s *side) begin(t *testing.T) {
	if _, err := io.WriteString(s.stdin, "\n"); err != nil {
		t.Error(err)
	}
}

func (s *side) end(t *testing.T) (r sideReport) {
	t.Helper()
	_ = s.stdin.Close()
	if err := json.NewDecoder(s.out).Decode(&r); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r sideReport) cores() float64       { return r.CPUSec / max(r.Sec, 1e-3) }
func (r sideReport) bytesPerSec() float64 { return float64(r.Bytes) / max(r.Sec, 1e-3) }

// fairBench is a real node and the transactions of the honest clients.
type fairBench struct {
	node   *e2eNode
	gen    string // path of the genesis
	corpus *loadgen.Corpus
	next   int
	rate   float64
}

func newFairBench(t *testing.T) *fairBench {
	t.Helper()
	dir := e2eTemp(t)
	b := &fairBench{gen: filepath.Join(dir, "chain", "genesis.json")}
	cmd := exec.CommandContext(t.Context(), weirExe, "node", "--json", "--data", "chain", "--listen", "127.0.0.1:0",
		"--link-listen", "off", "--accounts", "4096")
	cmd.Dir = dir
	b.node = startNode(t, cmd, (*exec.Cmd).Start)
	gen, err := core.LoadGenesis(filepath.Join(dir, "chain"))
	if err != nil {
		t.Fatal(err)
	}
	b.corpus, err = loadgen.NewCorpus(loadgen.CorpusConfig{
		Chain: gen.ChainID(), Keys: gen.Derived.PrivateKeys(fairAccounts), FirstSlot: gen.FirstDerivedSlot(), Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// round offers more than the node can take, with a process beside it, and
// returns what was committed per second.
func (b *fairBench) round(t *testing.T, task *sideTask) (txPerSec float64, rep sideReport) {
	t.Helper()
	const duration = fairSeconds * time.Second
	need := b.next + loadgen.MaxTxs(b.rate, duration)
	if err := b.corpus.Extend(t.Context(), need, nil); err != nil {
		t.Fatal(err)
	}
	var s *side
	if task != nil {
		task.Addr, task.Genesis = b.node.ready.Listen, b.gen
		s = startSide(t, *task)
	}
	cfg := loadgen.Config{
		Addr: b.node.ready.Listen, Conns: fairConns, Schedule: loadgen.Constant, RateTxPerSec: b.rate,
		Duration: duration, Seed: 1, Corpus: b.corpus, FirstTx: b.next,
	}
	cfg.OnStart = func() {
		if s != nil {
			s.begin(t)
		}
	}
	out, err := loadgen.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.next = need
	if s != nil {
		rep = s.end(t)
	}
	committed, spanNS := int64(0), int64(0)
	for _, w := range out.Windows {
		if w.StartNS >= int64(fairWarmUp) && w.StartNS+w.DurationNS <= int64(duration) {
			committed += w.Counts.Committed
			spanNS += w.DurationNS
		}
	}
	if committed == 0 && (task == nil || task.Role == roleBurner) {
		t.Fatalf("nothing was committed: %+v, the node says %s", out.Trial.Counts, b.node.stderr.String())
	}
	txPerSec = float64(committed) / float64(spanNS) * 1e9
	name := "nobody"
	if task != nil {
		name = task.String()
	}
	t.Logf("beside %-28s %8.0f tx/s committed of %.0f offered; %.1f MB/s, %d connections, %.2f cores", name, txPerSec, b.rate,
		rep.bytesPerSec()/1e6, rep.Conns, rep.cores())
	return txPerSec, rep
}

// saturate finds a rate that is more than the node can take, by a little: a
// flood beyond that costs it throughput.
func (b *fairBench) saturate(t *testing.T) {
	t.Helper()
	b.rate = 40_000
	for range 12 {
		if v, _ := b.round(t, nil); v < fairSaturated*b.rate {
			return
		}
		b.rate = math.Ceil(1.3 * b.rate)
	}
	t.Fatalf("%.0f tx/s do not saturate the node", b.rate)
}

func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("WEIR_FAIR_ROUNDS")
	if text == "" {
		return fairRounds
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("WEIR_FAIR_ROUNDS is %q, give a number of rounds", text)
	}
	return n
}

// While one attacker, shaped to 100 Mbit/s, sends garbage, or well-formed
// transactions with bad signatures, the others keep at least 80 % of what they
// have beside a neutral process that burns the same CPU.
func TestMeasuredFairness(t *testing.T) {
	for _, role := range []string{roleGarbage, roleReconnect, roleBadSignatures} {
		t.Run(role, func(t *testing.T) {
			b := newFairBench(t)
			b.saturate(t)
			_, rep := b.round(t, &sideTask{Role: role}) // how much CPU the attacker needs
			share := rep.cores()
			// What a measurement rests on: the attacker uses its link, unless what it
			// waits for is the node, and there is nothing left of the node.
			if got := rep.bytesPerSec(); role == roleGarbage && got < fairAttack*attackBytesPerSec {
				t.Errorf("inconclusive: the attacker got only %.1f MB/s of %.1f through", got/1e6, attackBytesPerSec/1e6)
			} else if got == 0 {
				t.Error("inconclusive: the attacker got nothing through")
			}
			unsaturated := 0
			var ratios []float64
			for range rounds(t) {
				var attacked, neutral float64
				for _, a := range []bool{true, false, false, true} {
					if a {
						v, rep := b.round(t, &sideTask{Role: role})
						attacked += v
						share = (share + rep.cores()) / 2
					} else {
						v, _ := b.round(t, &sideTask{Role: roleBurner, CPUShare: share})
						neutral += v
						if v > fairSaturated*b.rate {
							unsaturated++
							t.Logf("not saturated: %.0f of %.0f tx/s, so the others may have lost less than they could", v, b.rate)
						}
					}
				}
				ratios = append(ratios, attacked/neutral)
				t.Logf("ratio %.3f", attacked/neutral)
			}
			median := stat.Median(ratios)
			t.Logf("%s: the others keep %.1f %% of what they have beside a neutral process (median of %d ABBA rounds, %.3v)",
				role, 100*median, len(ratios), ratios)
			if unsaturated > 0 {
				t.Errorf("inconclusive: in %d of %d measurements beside the burner the node took all that was offered", unsaturated, 2*len(ratios))
			}
			if median < fairShare {
				t.Errorf("the others keep %.1f %%, they must keep %.0f %%", 100*median, 100*fairShare)
			}
		})
	}
}
