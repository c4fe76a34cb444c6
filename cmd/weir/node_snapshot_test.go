package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
)

func TestNodeSnapshotRestore(t *testing.T) {
	chain := madeChain(t)
	dir := t.TempDir()
	file, there, gen := filepath.Join(dir, "ledger.weir"), filepath.Join(dir, "copy"), filepath.Join(chain, "genesis.json")
	say := func(args ...string) (r snapshotReport) {
		t.Helper()
		out, _ := weirSays(t, exitOK, append(args, "--json")...)
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	made := say("node", "snapshot", "--data", chain, "--out", file)
	if made.Height != 1 || made.Txs != 1 || len(made.Hash) != 64 {
		t.Fatalf("%+v", made)
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, make([]byte, 5000), 0o644); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.json")
	if err := os.WriteFile(other, genesis.Dev(9).JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"begins with":       {"node", "restore", garbage, "--data", there, "--genesis", gen},
		"it is of chain":    {"node", "restore", file, "--data", there, "--genesis", other},
		"give its genesis":  {"node", "restore", file, "--data", there},
		"is no hash":        {"node", "restore", file, "--data", there, "--genesis", gen, "--hash", "12"},
		"--out is empty":    {"node", "snapshot", "--data", chain},
		"exists; remove it": {"node", "snapshot", "--data", chain, "--out", file},
		"not empty":         {"node", "restore", file, "--data", dir, "--genesis", gen},
	} {
		if _, errOut := weirSays(t, exitUsage, args...); !strings.Contains(errOut, want) {
			t.Errorf("%v says %q, want %q", args, errOut, want)
		}
		if _, err := os.Stat(there); err == nil {
			t.Fatalf("%v made the directory", args)
		}
	}
	wrong := strings.Repeat("00", 32)
	if _, errOut := weirSays(t, exitUsage, "node", "restore", file, "--data", there, "--genesis", gen, "--hash", wrong); !strings.Contains(errOut, "trusted is") {
		t.Errorf("another hash than the trusted one: %s", errOut)
	}
	got := say("node", "restore", file, "--data", there, "--genesis", gen, "--hash", made.Hash)
	if got.Hash != made.Hash || got.Height != 1 || !got.Changed {
		t.Errorf("%+v, made %+v", got, made)
	}
	if again := say("node", "restore", file, "--data", there); again.Changed {
		t.Errorf("done twice: %+v", again)
	}
	out, _ := weirSays(t, exitOK, "node", "verify", "--data", there)
	if !strings.Contains(out, made.Hash[:16]) {
		t.Errorf("verify says %s", out)
	}
	// The snapshot of a restored node is that of the other.
	second := filepath.Join(dir, "second.weir")
	if s := say("node", "snapshot", "--data", there, "--out", second); s.Hash != made.Hash {
		t.Errorf("%+v, made %+v", s, made)
	}
	n, err := core.Open(core.Config{Dir: there})
	if err != nil {
		t.Fatal(err)
	}
	if h, _ := n.Head(); h.Height != 1 || n.Restored.Height != 1 {
		t.Errorf("%+v, %s", h, n.Restored)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}
