//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// badInput is a command line that must be refused, and what stderr must name:
// the value, and a word of the remedy.
type badInput struct {
	args string
	env  string
	want []string
}

var badInputs = []badInput{
	{args: "bogus", want: []string{`"bogus"`, "weir --help"}},
	{args: "--bogus", want: []string{"--bogus", "weir --help"}},
	{args: "run --bogus", want: []string{"--bogus", "weir run --help"}},
	{args: "run extra", want: []string{`"extra"`, "weir run --help"}},
	{args: "run --out new --link abc", want: []string{`"abc"`, "20mbit"}},
	{args: "run --out new --link 1kbit", want: []string{`"1kbit"`, "100kbit"}},
	{args: "run --out new --link 20mbit,60%", want: []string{"--link", "60 %", "outside 0..50"}},
	{args: "run --out new --link 20mbit,soon", want: []string{`"soon"`, "10ms", "0.1%"}},
	{args: "run --out new --agent 10.0.0.5:7153", want: []string{"--agent 10.0.0.5:7153", "--target"}},
	{args: "run --out new --agent-ca ca.pem", want: []string{"--agent-ca", "--agent HOST:PORT"}},
	{args: "run --out new --target weir://10.0.0.5:7151 --agent 10.0.0.5:7153", want: []string{"--agent-cert", "--init"}},
	{args: "run --out new --target weir://10.0.0.5:7151 --agent 10.0.0.5:7153 --agent-cert a --agent-key b --agent-ca nosuch.pem", want: []string{"nosuch.pem", "--agent"}},
	{args: "agent", want: []string{"--tls-cert", "--init"}},
	{args: "agent --tls-cert a --tls-key b --tls-ca c", want: []string{"certificate a", "PEM"}},
	{args: "agent --init junk", want: []string{"junk", "folder"}},
	{args: "agent --init new --valid -1h", want: []string{"-1h", "above zero"}},
	{args: "doctor --data nosuch", want: []string{"nosuch", "folder"}},
	{args: "doctor extra", want: []string{`"extra"`, "weir doctor --help"}},
	{args: "import nosuch.json", want: []string{"nosuch.json"}},
	{args: "load --metrics localhost", want: []string{"--metrics", `"localhost"`, "127.0.0.1"}},
	{args: "node --data new --metrics 127.0.0.1:99999", want: []string{"--metrics", `"99999"`, "65535"}},
	{args: "run --out new --link 20mbit --target weir://10.0.0.5:7151", want: []string{"--link", "--target"}},
	{args: "run --out new --slo p99<x", want: []string{"--slo", `"p99<x"`, "500ms"}},
	{args: "run --out new --target tcp://a:1", want: []string{"tcp://a:1", "weir://"}},
	{args: "run --out new --target weir://host", want: []string{"weir://host", "no host and port"}},
	{args: "run --out new --target weir://host:70000", want: []string{`"70000"`, "65535"}},
	{args: "run --out new --schedule sometimes", want: []string{`"sometimes"`, "use constant, poisson"}},
	{args: "run --out new --probe tcpdump", want: []string{`"tcpdump"`, "sockdiag"}},
	{args: "run --out new --impl sha256:nosuch", want: []string{"nosuch", "--impl"}},
	{args: "run --out new --accounts 1", want: []string{"--accounts is 1", "2"}},
	{args: "run --out new --max-rate NaN", want: []string{"NaN", "above 0"}},
	{args: "run --out new --max-rate -1", want: []string{"-1", "above 0"}},
	{args: "run --out new --conns 4097", want: []string{"4097", "1 to 4096"}},
	{args: "run --out new --budget 2s", want: []string{"budget of 2s", "at least"}},
	{args: "run --out new --link 20mbit --budget 8s", want: []string{"--budget 8s", "at least 9s"}},
	{args: "run --out new --validate --budget 60s", want: []string{"--budget 1m0s", "5 points", "1m15s"}},
	{args: "run --out new --validate --target weir://10.0.0.5:7151", want: []string{"--validate", "--target"}},
	{args: "run --out new --validate --sweep conns=1,2", want: []string{"--validate", "--sweep", "one after the other"}},
	{args: "run --out new --validate --workload kv", want: []string{"--workload", "leave out"}},
	{args: "run --out new --max-error 0.1", want: []string{"--max-error", "--validate"}},
	{args: "run --out new --validate --max-error -1", want: []string{"--max-error is -1", "0.05"}},
	{args: "run --out new --sweep speed=1", want: []string{`"speed=1"`, "cores=1,2"}},
	{args: "run --out new --sweep cores=0", want: []string{`"0"`, "from 1"}},
	{args: "run --out new --sweep cores=1000", want: []string{"1000 cores", "may be used"}},
	{args: "run --out new --sweep size=4097", want: []string{`"4097"`, "4096"}},
	{args: "run --out new --sweep conns=1,1", want: []string{"conns", "twice"}},
	{args: "run --out new --sweep conns=1,2 --sweep conns=4", want: []string{"conns", "one list"}},
	{args: "run --out new --sweep conns=1,2 --budget 20s", want: []string{"--budget 20s", "2 points", "30s"}},
	{args: "run --out new --sweep size=100 --workload kv", want: []string{"size", "--workload"}},
	{args: "run --out new --sweep cores=1 --target weir://10.0.0.5:7151", want: []string{"cores", "--target"}},
	{args: "run --resume nosuch", want: []string{"nosuch", "continued"}},
	{args: "run --resume old --out new", want: []string{"--resume", "--out"}},
	{args: "run --out old", want: []string{"old", "another --out"}},
	{args: "run --out new", env: "WEIR_IMPL=foo", want: []string{"WEIR_IMPL", `"foo"`, "sha256_pairs:std"}},

	{args: "load --bogus", want: []string{"--bogus", "weir load --help"}},
	{args: "load --rate 0", want: []string{"rate 0", "above zero"}},
	{args: "load --rate NaN", want: []string{"NaN", "finite"}},
	{args: "load --rate x", want: []string{`"x"`, "--rate", "weir load --help"}},
	{args: "load --max-rate NaN", want: []string{"--max-rate is NaN", "above 0"}},
	{args: "load --schedule ramp:100..20000 --max-rate 500", want: []string{"20000", "bound of 500"}},
	{args: "load --rate 1000 --max-rate 999", want: []string{"1000", "bound of 999"}},
	{args: "load --duration 0s", want: []string{"0s", "above zero"}},
	{args: "load --schedule never", want: []string{`"never"`, "poisson"}},
	{args: "load --target 127.0.0.1:7151", want: []string{"127.0.0.1:7151", "weir://"}},
	{args: "load", env: "WEIR_IMPL=foo", want: []string{"WEIR_IMPL", `"foo"`, "sha256_pairs:std"}},

	{args: "node bogus", want: []string{`"bogus"`, "weir node --help"}},
	{args: "node --data new --genesis nosuch.json", want: []string{"nosuch.json", "--genesis"}},
	{args: "node --data new --genesis unknown.json", want: []string{"unknown.json", `"bogus"`, "--genesis"}},
	{args: "node --data new --genesis junk", want: []string{"junk", "correct the file"}},
	{args: "node --data new --listen nowhere", want: []string{"nowhere", "another --listen"}},
	{args: "node --data new --listen BUSY", want: []string{"BUSY", "in use", "another --listen"}},
	{args: "node --data new --listen 127.0.0.1:0 --link-listen BUSY", want: []string{"BUSY", "another --link-listen"}},
	{args: "node --data new --accounts 0", want: []string{"--accounts 0", "1 or more"}},
	{args: "node --data new --workers -1", want: []string{"--workers is -1", "0 (one per core)"}},
	{args: "node --data new --mempool-mib 0", want: []string{"--mempool-mib is 0", "give 1"}},
	{args: "node --data new --block-interval -1s", want: []string{"--block-interval is -1s", "negative"}},
	{args: "node --data new --client-questions NaN", want: []string{"--client-questions is NaN", "give 1"}},
	{args: "node --data junk", want: []string{"junk", "--data"}},
	{args: "node --data new", env: "WEIR_IMPL=foo", want: []string{"WEIR_IMPL", `"foo"`, "sha256_pairs:std"}},
	{args: "node verify --data nosuch", want: []string{"nosuch", "name that of a chain"}},
	{args: "node verify --data junk", want: []string{"junk", "name that of a chain"}},
	{args: "node query account x", want: []string{`"x"`, "number from 0"}},
	{args: "node query account", want: []string{"1 arg", "weir node query account --help"}},
	{args: "node query account 0 --chain abc", want: []string{`"abc"`, "64 hex digits"}},
	{args: "node query account 0 --chain " + strings.Repeat("0", 64), want: []string{"--chain", "leave it out"}},
	{args: "node query proof 1 0 --header xyz", want: []string{`"xyz"`, "64 hex digits"}},
	{args: "node query proof 1 0 --height -1", want: []string{`"-1"`, "--height"}},
	{args: "node query health --height 1", want: []string{"leave out", "--height"}},
	{args: "node query head --addr nowhere", want: []string{"nowhere", "port"}},

	{args: "hash --impl foo", want: []string{`"foo"`, "sha256_pairs:std"}},
	{args: "hash", env: "WEIR_IMPL=foo", want: []string{"WEIR_IMPL", `"foo"`}},
	{args: "hash bogus", want: []string{`"bogus"`, "weir hash --help"}},
	{args: "merkle root nosuch", want: []string{"nosuch", "file that you can read"}},
	{args: "merkle root junk", want: []string{"junk:1", "hex digit"}},
	{args: "merkle root odd", want: []string{"odd:1", "digit"}},
	{args: "merkle root --scheme foo odd", want: []string{`"foo"`, "rfc6962"}},
	{args: "merkle prove even", want: []string{"--index"}},
	{args: "merkle verify", want: []string{"--proof"}},
	{args: "merkle bogus", want: []string{`"bogus"`, "weir merkle --help"}},
}

// TestBadInput: refused with exit code 2, nothing on stdout, the value and the
// remedy on stderr, and nothing half-written in the folder.
func TestBadInput(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() }) // when the last case, which run at once, is done
	busy := strings.NewReplacer("BUSY", ln.Addr().String())
	files := map[string]string{"junk": "zz\n", "odd": "abc\n", "even": "ab\n", "unknown.json": `{"bogus":1}`}
	for _, b := range badInputs {
		t.Run(strings.TrimSpace(b.env+" "+b.args), func(t *testing.T) {
			t.Parallel()
			dir := e2eTemp(t)
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(dir, "old"), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := weirCommand(t, dir, strings.Fields(busy.Replace(b.args))...)
			if b.env != "" {
				cmd.Env = append(cmd.Env, b.env)
			}
			out := finish(t, cmd)
			if out.code != exitUsage || out.stdout != "" {
				t.Errorf("want exit code 2 and an empty stdout: %s", out)
			}
			for _, w := range b.want {
				if w = busy.Replace(w); !strings.Contains(out.stderr, w) {
					t.Errorf("stderr does not say %q: %s", w, out.stderr)
				}
			}
			if !strings.HasPrefix(out.stderr, "weir: ") || strings.Count(out.stderr, "\n") != 1 {
				t.Errorf("want one line that begins with the program's name: %s", out.stderr)
			}
			entries, err := os.ReadDir(dir)
			for _, e := range entries {
				if _, ours := files[e.Name()]; !ours && e.Name() != "old" && e.Name() != "cache" {
					t.Errorf("left behind: %s", e.Name())
				}
			}
			if old, oldErr := os.ReadDir(filepath.Join(dir, "old")); err != nil || oldErr != nil || len(old) > 0 {
				t.Errorf("%v in the old folder: %v %v", old, err, oldErr)
			}
		})
	}
}

// A run that is started inside the folder of another one is a run of its own:
// what lies there is neither read nor shown.
func TestRunInsideAnOldFolder(t *testing.T) {
	t.Parallel()
	dir := e2eTemp(t)
	old, err := os.ReadFile(filepath.Join("..", "..", "results", "testdata", "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "record.jsonl"), old, 0o644); err != nil {
		t.Fatal(err)
	}
	out := weir(t, dir, "run", "--json", "--out", ".")
	if out.code != exitUsage || out.stdout != "" || strings.Contains(out.stderr, "nothing to continue") {
		t.Errorf("want exit code 2, an empty stdout and no word of the old run: %s", out)
	}
}

func TestNodeRefusesAnotherChain(t *testing.T) {
	t.Parallel()
	dir := e2eTemp(t)
	for _, accounts := range []string{"8", "16"} {
		runningNode(t, dir, "chain-"+accounts, "--accounts", accounts).stop(t)
	}
	out := weir(t, dir, "node", "--data", "chain-8", "--listen", "127.0.0.1:0", "--genesis", "chain-16/genesis.json")
	if out.code != exitUsage || out.stdout != "" || !mentionsAll(out.stderr, "chain-8", "another chain", "use another directory") {
		t.Errorf("%s", out)
	}
	if r, out := verifyChain(t, dir, "chain-8"); !r.OK {
		t.Errorf("the refused start changed the chain: %s", out)
	}
}

func mentionsAll(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
