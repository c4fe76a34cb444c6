package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

const sampleConfig = `# a comment with = in it
db_backend = "goleveldb"
#size = 1
[rpc]
laddr = "tcp://127.0.0.1:26657"
[p2p]
laddr = "tcp://0.0.0.0:26656"
pex = true
[p2p.libp2p]
enabled = false
[mempool]
size = 5000
  recheck = true
cache_size = 10000
`

func TestApplySettings(t *testing.T) {
	got, err := applySettings(sampleConfig, []setting{
		{"", "db_backend", `"pebbledb"`}, {"p2p", "laddr", `"tcp://127.0.0.1:7"`}, {"mempool", "size", "9"}, {"mempool", "recheck", "false"}})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(`"goleveldb"`, `"pebbledb"`, `tcp://0.0.0.0:26656`, `tcp://127.0.0.1:7`, "size = 5000", "size = 9", "  recheck = true", "recheck = false").Replace(sampleConfig)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestApplySettingsRefuses(t *testing.T) {
	for _, c := range []struct {
		toml string
		s    setting
		want string
	}{
		{sampleConfig, setting{"mempool", "laddr", "1"}, "[mempool] laddr 0 times"},
		{sampleConfig, setting{"", "size", "1"}, "[] size 0 times"}, // the comment is none
		{sampleConfig + "size = 1\n", setting{"mempool", "size", "1"}, "[mempool] size 2 times"},
		{"", setting{"mempool", "size", "1"}, "another version's"},
	} {
		if got, err := applySettings(c.toml, []setting{c.s}); err == nil || got != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %q, %v; want %q", c.s, got, err, c.want)
		}
	}
}

func TestCleanEnv(t *testing.T) {
	got := cleanEnv([]string{"PATH=/bin", "CMTHOME=/x", "CMT_MEMPOOL_SIZE=1", "TMHOME=/y", "HOME=/root", "cmt_rpc_laddr=z"})
	if want := []string{"PATH=/bin", "HOME=/root", "TMPDIR=" + os.TempDir()}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFreePorts(t *testing.T) {
	ports, err := freePorts(8)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(ports); len(slices.Compact(ports)) != 8 || ports[0] <= 0 {
		t.Errorf("%v", ports)
	}
}

// TestVersionIsTheModules: what runs is the version that bench/peers links
// for its Merkle trees, so both comparisons speak of the same CometBFT.
func TestVersionIsTheModules(t *testing.T) {
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := cometModule + " " + cometVersion; !strings.Contains(string(text), want+"\n") {
		t.Errorf("go.mod does not require %s", want)
	}
}

// TestNothingOfThePeerIsLinked: the comparison of nodes runs programs.
func TestNothingOfThePeerIsLinked(t *testing.T) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test binary has no build information")
	}
	for _, d := range info.Deps {
		if d.Path == cometModule {
			t.Errorf("%s is linked", d.Path)
		}
	}
}

func TestMissingPrograms(t *testing.T) {
	dir := t.TempDir()
	p, err := programsIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.missing(); err == nil || !strings.Contains(err.Error(), p.node+" is not there") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.WriteFile(p.node, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.missing(); err == nil || !strings.Contains(err.Error(), "is not a Go program") {
		t.Errorf("a script: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.node = self
	if err := p.missing(); err == nil || !strings.Contains(err.Error(), "not "+cometModule+"/cmd/cometbft "+cometVersion) {
		t.Errorf("another program: %v", err)
	}
}

// TestAgainstCometBFT runs a trial against the real programs.
func TestAgainstCometBFT(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a node for ten seconds")
	}
	bin := os.Getenv("WEIR_PEERS_BIN")
	if bin == "" {
		bin = filepath.Join("..", "..", "..", "bin", "peers")
	}
	p, err := programsIn(bin)
	if err != nil {
		t.Fatal(err)
	}
	if why := p.missing(); why != nil {
		t.Skipf("%v: make bench-cometbft builds it, which needs the network and minutes; or name its folder in WEIR_PEERS_BIN", why)
	}
	c := comet{programs: p, dir: t.TempDir(), conns: 2, trial: 2 * time.Second, limit: 5 * time.Second}
	got, err := c.offer(t.Context(), 300)
	if err != nil {
		t.Fatal(err)
	}
	if got.Offered != 600 || got.Committed < 594 || !got.Good || got.P50MS <= 0 || got.P99MS < got.P50MS || got.MaxMS < got.P99MS {
		t.Errorf("%+v", got)
	}
	if left, err := os.ReadDir(c.dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
