package store_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/chainweir/weir/core/store"
)

const (
	killDirEnv      = "STORE_TEST_KILL_DIR"
	killDirectEnv   = "STORE_TEST_KILL_DIRECT" // auto, on or off
	killRounds      = 8
	killRecordsMax  = 50_000 // the child ends by itself after this many
	killPayloadsMax = 30_000
)

// killChild appends groups of records until it is killed and prints each height
// once it is synced.
func killChild(dir string) int {
	opts := killOptions(dir)
	var err error
	if opts.Direct, err = store.ParseDirect(os.Getenv(killDirectEnv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	l, err := store.Open(opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	next, ok := l.Next()
	if !ok {
		next = 1
	}
	for end := next + killRecordsMax; next < end; {
		for range 1 + next%4 {
			if err := l.Append(next, killPayload(next)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			next++
		}
		if err := l.Sync(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if _, err := fmt.Println(next - 1); err != nil {
			return 1 // nobody listens any more
		}
	}
	return 0
}

func killOptions(dir string) store.Options {
	return store.Options{Dir: dir, ChainID: chainA, SegmentBytes: 256 << 10}
}

func killPayload(height uint64) []byte {
	return payload(height, 0, int(height*7919%killPayloadsMax))
}

// TestKill kills a real writer with SIGKILL at arbitrary moments. The kernel
// lives on, so this tests the order of writing and publishing and the recovery
// of real files, written past the page cache and through it in turn; faultfs is
// for power losses.
func TestKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(11, 12))
	for round := range killRounds {
		synced := killAfter(t, self, dir, store.Direct(round%2)*store.DirectOff, 1+rng.IntN(80))
		l := mustOpen(t, killOptions(dir))
		head, ok := l.Head()
		if !ok || head < synced {
			t.Fatalf("round %d: the child said that %d was synced, the log ends with %d, %v", round, synced, head, ok)
		}
		next := uint64(1)
		if err := l.Scan(0, func(h uint64, p []byte) error {
			if h != next || !bytes.Equal(p, killPayload(h)) {
				return fmt.Errorf("height %d has other bytes than were appended", h)
			}
			next++
			return nil
		}); err != nil || next != head+1 {
			t.Fatalf("round %d: scanned up to %d of %d: %v", round, next, head, err)
		}
		mustClose(t, l)
		if _, err := store.Verify(killOptions(dir)); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// killAfter starts the child, kills it once it has printed some lines, and
// returns the last height it printed.
func killAfter(t *testing.T, self, dir string, direct store.Direct, lines int) (synced uint64) {
	t.Helper()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), killDirEnv+"="+dir, killDirectEnv+"="+direct.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // in case of an early return
	in := bufio.NewScanner(out)
	for n := 0; in.Scan(); n++ {
		if synced, err = strconv.ParseUint(in.Text(), 10, 64); err != nil {
			t.Fatalf("the child printed %q", in.Text())
		}
		if n == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		} // and read on: what is in the pipe was printed before the kill
	}
	if err := cmd.Wait(); err == nil {
		t.Fatalf("the child ended by itself after height %d", synced)
	}
	return synced
}
