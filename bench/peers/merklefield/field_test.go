package merklefield

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/merkle"
)

var shortest = contest.Plan{Rounds: 1, Sample: time.Microsecond}

// Every row in small: every contestant gives the row's answer, and nobody is
// left out without a reason.
func TestSmallRows(t *testing.T) {
	for name, maker := range map[string]func() (field.Row, error){
		"ssz":           func() (field.Row, error) { return sszRow(64) },
		"ssz two cores": func() (field.Row, error) { return sszTwoCores(1 << 13) },
		"log":           func() (field.Row, error) { return logRow(777, 200) },
		"interior":      func() (field.Row, error) { return interiorRow(5001) },
		"comet":         func() (field.Row, error) { return cometRow(100, 250) },
		"bitcoin":       func() (field.Row, error) { return bitcoinRow(4001) },
		"update":        func() (field.Row, error) { return updateRow(merkle.RFC6962, logPair, 1<<12, 100) },
		"update ssz":    func() (field.Row, error) { return updateRow(merkle.SSZ, plainPair, 1<<12, 100) },
		"update, two":   func() (field.Row, error) { return updateTwoCores(merkle.RFC6962, logPair, 1<<14, 5000) },
		"verify":        func() (field.Row, error) { return verifyRow(1<<10, 2*forgedEvery) },
	} {
		row, err := maker()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if row.LeftOut != "" {
			t.Logf("%s: not measured: %s", name, row.LeftOut)
			continue
		}
		m, err := contest.Run(t.Context(), row.Row, shortest, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range m.Results {
			if r.Contestant.LeftOut != "" && r.Contestant.Name != gohashtreeName {
				t.Errorf("%s: %s is left out: %s", name, r.Contestant.Name, r.Contestant.LeftOut)
			}
		}
		if row.Items < 1 || row.Bytes < 1 || row.Benchmark == "" || row.Item == "" {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

// What is required names rows and peers that exist.
func TestFiguresHaveRows(t *testing.T) {
	var names []string
	for _, s := range Specs() {
		names = append(names, s.Name)
	}
	for _, f := range figures {
		if !slices.Contains(names, f.Row) {
			t.Errorf("no row %q", f.Row)
		}
	}
	peers := []string{gohashtreeName, kernelName, transparency, cometbft, std}
	for _, f := range figures {
		if !slices.Contains(peers, f.Peer) || f.AtLeast <= 0 {
			t.Errorf("figure %+v", f)
		}
	}
	if n := len(required(true, true, true).Figures); n != len(figures) {
		t.Errorf("%d figures on a Zen 5 server", n)
	}
	for _, f := range required(false, true, true).Figures {
		if f.Peer != kernelName {
			t.Errorf("%+v is required of every machine", f)
		}
	}
}

// A builder that is used again allocates at most twice for a root.
func TestAllocations(t *testing.T) {
	leaves := cut(random(3000*100), 100)
	for name, in := range map[string]merkle.Input{"leaves": merkle.Leaves(leaves), "nodes": merkle.Nodes(random(5000 * merkle.HashSize))} {
		for _, s := range merkle.Schemes() {
			if s.LeavesAreNodes() && name == "leaves" {
				continue
			}
			if n := allocations(rooter(s, in, 1)); n > 2 {
				t.Errorf("%s, %s: %d allocations", s.Name(), name, n)
			}
		}
	}
}

// A kernel that is wrong is found out, although its answer is not the row's.
func TestWrongKernel(t *testing.T) {
	k, err := kernelRun(merkle.RFC6962, logPair, 3*kernelPairs+5)
	if err != nil {
		t.Fatal(err)
	}
	k.want = []byte("right")
	dst := make([]byte, len(k.want))
	if _, err := k.run(dst); err != nil || !bytes.Equal(dst, k.want) {
		t.Errorf("%q, %v", dst, err)
	}
	k.hash[len(k.hash)-1] ^= 1
	if _, err := k.run(dst); !errors.Is(err, contest.ErrWrongAnswer) {
		t.Errorf("got %v", err)
	}
	if k, err = logKernel(merkle.RFC6962, kernelLeaves+5, 200); err != nil {
		t.Fatal(err)
	}
	if _, err := k.run(dst); err != nil {
		t.Error(err)
	}
	k.leafSum[0] ^= 1
	if _, err := k.run(dst); !errors.Is(err, contest.ErrWrongAnswer) {
		t.Errorf("leaves: got %v", err)
	}
}

// An update that leaves the tree as it was is found out.
func TestUpdatesChangeTheTree(t *testing.T) {
	u := newUpdates(merkle.RFC6962, logPair, 1<<10, 10)
	c, err := u.contestant(contest.Contestant{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, len(u.want()))
	for range 3 {
		if _, err := c.Timed(dst); err != nil || !bytes.Equal(dst, u.want()) {
			t.Fatal(err)
		}
	}
	u.fresh[1] = u.fresh[0]
	if _, err := c.Timed(dst); !errors.Is(err, contest.ErrWrongAnswer) {
		t.Errorf("got %v", err)
	}
}

// Some proofs are forged, and the verdicts say which.
func TestForgedProofs(t *testing.T) {
	p, err := newProofs(1<<12, 3*forgedEvery)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(p.want, []byte{0}); n != 3 {
		t.Errorf("%d forged proofs", n)
	}
	for name, run := range map[string]job{"ours": p.ours, "peer": p.peer} {
		dst := make([]byte, len(p.want))
		if err := run(dst); err != nil || !bytes.Equal(dst, p.want) {
			t.Errorf("%s: wrong verdicts, %v", name, err)
		}
	}
}
