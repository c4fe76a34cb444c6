package core_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

const (
	killRounds     = 20
	killRoundsMany = 200
	killAccounts   = 32
	killCommits    = 600 // at most this many before the kill
	// A chain is checked from genesis every so many kills: its length grows with
	// them. After each kill all promised transactions are looked up all the same.
	killsPerCheck = 10
	// One kill in so many comes while the node starts, which it does with a
	// replay and perhaps with a torn tail to cut off.
	killsPerStart = 4
)

// nodeChild serves a node until its standard input ends or it is killed. It
// prints its address.
func nodeChild(dir string) error {
	return serveChild(core.Config{Dir: dir, Genesis: genesis.Dev(killAccounts), BlockInterval: 200 * time.Microsecond})
}

func serveChild(cfg core.Config) error {
	n, err := core.Open(cfg)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test does
		cancel()
	}()
	var limits rpc.Config
	if text := os.Getenv(nodeConnsEnv); text != "" {
		if limits.MaxConns, err = strconv.Atoi(text); err != nil {
			return err
		}
	}
	return errors.Join(n.Serve(ctx, ln, limits), n.Close())
}

// child is the node in another process.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout io.Reader
	addr   string
	once   sync.Once
	err    error
}

func startChild(t *testing.T, dir string, env ...string) *child {
	t.Helper()
	c := spawnChild(t, append(env, nodeDirEnv+"="+dir)...)
	c.ready(t)
	return c
}

// startChildAs starts another kind of node: see TestMain.
func startChildAs(t *testing.T, dirEnv, dir string) *child {
	t.Helper()
	c := spawnChild(t, dirEnv+"="+dir)
	c.ready(t)
	return c
}

// spawnChild starts the process without waiting until it serves.
func spawnChild(t *testing.T, env ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stderr = os.Stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if c.stdout, err = c.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.kill() })
	return c
}

// ready waits until the node serves.
func (c *child) ready(t *testing.T) {
	t.Helper()
	line, err := bufio.NewReader(c.stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the node did not start: %v", err)
	}
	c.addr = strings.TrimSpace(line)
}

// kill sends SIGKILL and waits; the first call's result stays.
func (c *child) kill() error {
	c.once.Do(func() {
		c.err = c.cmd.Process.Kill()
		_ = c.cmd.Wait() // it says "killed"
		_ = c.stdin.Close()
	})
	return c.err
}

// quit ends the node as its owner would.
func (c *child) quit() error {
	c.once.Do(func() { c.err = errors.Join(c.stdin.Close(), c.cmd.Wait()) })
	return c.err
}

// killStarting kills a node at a random moment of its start.
func killStarting(t *testing.T, dir string, rng *rand.Rand) {
	t.Helper()
	killStartingAs(t, nodeDirEnv, dir, rng)
}

func killStartingAs(t *testing.T, dirEnv, dir string, rng *rand.Rand) {
	t.Helper()
	node := spawnChild(t, dirEnv+"="+dir)
	moment := time.NewTimer(time.Duration(rng.IntN(int(killStart))))
	defer moment.Stop()
	<-moment.C
	if err := node.kill(); err != nil {
		t.Fatal(err)
	}
}

// killLate is how long after enough commits a kill comes at most: a few blocks.
const killLate = 3 * time.Millisecond

// killStart is how long a start may take until its kill: longer than the start
// of an empty chain's node, so that some kills come after it.
const killStart = 40 * time.Millisecond

// killRound loads the node, kills it after some commits, and adds what was
// committed and what was sent to the record of all rounds.
func killRound(t *testing.T, dir string, w *wallet, rng *rand.Rand, all map[place]tx.View) {
	t.Helper()
	node := startChild(t, dir)
	c, r := dial(t, node.addr, client.Options{ChainID: w.chain})
	// What the last round was promised is there, over the wire and proven.
	checked := 0
	for p, v := range all {
		if checked++; checked > 10 {
			break
		}
		proven(t, c, p, v)
	}
	goal := 1 + rng.IntN(killCommits)
	var sent []tx.View
	for len(sent) < 4*killCommits {
		txs := w.round(killAccounts, 1)
		if err := c.Submit(uint64(len(sent)), len(txs), joined(txs)); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, txs...)
		r.mu.Lock()
		enough := len(r.commits) >= goal
		r.mu.Unlock()
		if enough {
			break // usually with more on its way
		}
	}
	r.until(t, "enough commits", func() bool { return len(r.commits) >= goal })
	// Not right after a commit has been told: at any moment of what comes next.
	moment := time.NewTimer(time.Duration(rng.IntN(int(killLate))))
	defer moment.Stop()
	<-moment.C
	if err := node.kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Close() // waits until everything that arrived has been recorded
	r.noWrongs(t)
	for seq, p := range r.committed() {
		if old, taken := all[p]; taken && !bytes.Equal(old, sent[seq]) {
			t.Fatalf("the place %v was given twice", p)
		}
		all[p] = sent[seq]
	}
}

// wantAll reads the whole log and compares every place with what was promised.
func wantAll(t *testing.T, dir string, chain tx.ChainID, all map[place]tx.View) {
	t.Helper()
	log, err := store.Open(store.Options{Dir: dir, ChainID: chain, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = log.Scan(1, func(height uint64, payload []byte) error {
		for index := uint32(0); tx.HeaderSize+tx.Size*(int(index)+1) <= len(payload); index++ {
			want, promised := all[place{height, index}]
			if !promised {
				continue
			}
			found++
			if !bytes.Equal(payload[tx.HeaderSize+tx.Size*int(index):][:tx.Size], want) {
				return fmt.Errorf("block %d has another transaction at %d than was committed there", height, index)
			}
		}
		return nil
	})
	if err := errors.Join(err, log.Close()); err != nil {
		t.Fatal(err)
	}
	if found != len(all) {
		t.Fatalf("%d transactions were committed, the log has %d of them", len(all), found)
	}
}

// A node that is killed under load, again and again, keeps every transaction
// whose commit a client was told, and its chain verifies.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	gen := genesis.Dev(killAccounts)
	w := newWallet(gen)
	rng := rand.New(rand.NewPCG(3, 4))
	all := map[place]tx.View{}
	for round := range times(t, killRounds, killRoundsMany) {
		before := len(all)
		starting := round%killsPerStart == killsPerStart-1
		if starting {
			killStarting(t, dir, rng)
		} else {
			killRound(t, dir, w, rng, all)
		}
		if len(all) == before && !starting {
			t.Fatalf("round %d committed nothing", round)
		}
		wantAll(t, dir, gen.ChainID(), all)
		if round%killsPerCheck != 0 {
			continue
		}
		res, err := core.Check(t.Context(), dir, nil)
		// A write that the kill interrupted is cut off at the next start.
		var torn *store.CorruptError
		if err != nil || res.Bad != nil && (!errors.As(res.Bad, &torn) || !torn.Torn) {
			t.Fatalf("round %d: %+v, %v", round, res, err)
		}
	}
	node := startChild(t, dir)
	c, _ := dial(t, node.addr, client.Options{})
	for p, v := range all {
		if p.index == 0 {
			proven(t, c, p, v)
		}
	}
	head, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := node.quit(); err != nil {
		t.Errorf("a node that is asked to end: %v", err)
	}
	checkWhole(t, dir, head.Header.Height)
}
