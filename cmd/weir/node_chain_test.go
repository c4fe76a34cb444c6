package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// noSink does not listen.
type noSink struct{}

func (noSink) Acked(uint64, []tx.Status)              {}
func (noSink) Committed(uint64, uint64, []wire.Range) {}
func (noSink) Rejected([]wire.Rejection)              {}

// madeChain is the directory of a chain with one block.
func madeChain(t *testing.T) string {
	t.Helper()
	gen := genesis.Dev(3)
	dir := filepath.Join(t.TempDir(), "chain")
	n, err := core.Open(core.Config{Dir: dir, Genesis: gen})
	if err != nil {
		t.Fatal(err)
	}
	id := gen.ChainID()
	v := tx.View((&tx.Fields{Kind: tx.KindTransfer, To: 1, Amount: 5, Nonce: 1, Expiry: 1 << 40}).AppendUnsigned(nil))
	v.Sign(&id, gen.Derived.PrivateKey(0))
	n.Submit(&core.Batch{Txs: []tx.View{v}, Sink: noSink{}, Done: func(*core.Batch) {}})
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func weirSays(t *testing.T, wantCode int, args ...string) (out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	if code := execute(args, strings.NewReader(""), &o, &e); code != wantCode {
		t.Fatalf("weir %v: exit code %d, want %d: %s%s", args, code, wantCode, o.String(), e.String())
	}
	return o.String(), e.String()
}

func TestNodeExportImport(t *testing.T) {
	chain := madeChain(t)
	dir := t.TempDir()
	file, there := filepath.Join(dir, "chain.weir"), filepath.Join(dir, "copy")
	var exported, imported transferReport
	for _, c := range []struct {
		args []string
		into *transferReport
	}{
		{[]string{"node", "export", file, "--data", chain, "--json"}, &exported},
		{[]string{"node", "import", file, "--data", there, "--json"}, &imported},
	} {
		out, _ := weirSays(t, exitOK, c.args...)
		if err := json.Unmarshal([]byte(out), c.into); err != nil {
			t.Fatal(err)
		}
	}
	if exported.Hash != imported.Hash || imported.Blocks != 1 || imported.Txs != 1 || exported.ChainID != imported.ChainID {
		t.Errorf("exported %+v, imported %+v", exported, imported)
	}
	if out, _ := weirSays(t, exitOK, "node", "verify", "--data", there); !strings.Contains(out, "ok: 1 blocks, 1 transactions") {
		t.Errorf("verify says %s", out)
	}
	if _, e := weirSays(t, exitUsage, "node", "export", file, "--data", chain); !strings.Contains(e, "exists") {
		t.Errorf("a second export says %s", e)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b[:len(b)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	weirSays(t, exitUsage, "node", "import", file, "--data", filepath.Join(dir, "third"))
	weirSays(t, exitUsage, "node", "import", filepath.Join(dir, "none"), "--data", there)
	weirSays(t, exitUsage, "node", "export", filepath.Join(dir, "x"), "--data", dir)
}

func TestNodePruneSays(t *testing.T) {
	chain := madeChain(t)
	weirSays(t, exitUsage, "node", "prune", "--data", chain)
	weirSays(t, exitUsage, "node", "prune", "--data", chain, "--below", "3", "--keep-txs", "4")
	out, _ := weirSays(t, exitOK, "node", "prune", "--data", chain, "--below", "3")
	if !strings.Contains(out, "removed 0 blocks: heights 1 to 1 are left") {
		t.Errorf("%s", out)
	}
}

func TestNodeGenesis(t *testing.T) {
	out, _ := weirSays(t, exitOK, "node", "genesis", "--accounts", "2")
	file := filepath.Join(t.TempDir(), "genesis.json")
	if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
	said, _ := weirSays(t, exitOK, "node", "genesis", "--file", file, "--json")
	var r genesisReport
	if err := json.Unmarshal([]byte(said), &r); err != nil || r.Accounts != 2 || !r.DerivedKeys || r.Registration != "open" {
		t.Errorf("%+v, %v", r, err)
	}
	if schema, _ := weirSays(t, exitOK, "node", "genesis", "--schema"); schema != string(genesis.JSONSchema) {
		t.Error("another schema")
	}
	if err := os.WriteFile(file, []byte(strings.Replace(out, "weir-dev", "", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	weirSays(t, exitUsage, "node", "genesis", "--file", file)
}
