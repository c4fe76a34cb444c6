package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/bench/netlab"
)

// Server and client in two namespaces, over a shaped link: the shaper is seen
// from both ends and everything is measured.
func TestLinkAcrossNamespaces(t *testing.T) {
	needRoot(t, "to make network namespaces")
	needTime(t)
	ctx := t.Context()
	lab, err := netlab.Open(ctx, netlab.Config{RateBitsPerSec: 50_000_000, Name: "link-e2e"})
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	token := filepath.Join(e2eTemp(t), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef0123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := lab.NodeAddr().String() + ":7159"
	server := lab.Command(ctx, netlab.NodeSide, weirExe, "link", "serve", "--json", "--listen", addr, "--token-file", token)
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Start(server); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	var ready linkServing
	if err != nil || json.Unmarshal([]byte(line), &ready) != nil || ready.Listen != addr {
		t.Fatalf("the server said %q, %v", line, err)
	}
	out := finishWith(t, lab.Command(ctx, netlab.ClientSide, weirExe, "link", addr, "--token-file", token, "--json"), lab.Start)
	if out.code != exitOK {
		t.Fatal(out)
	}
	var s link.Survey
	oneObject(t, out.stdout, &s)
	if s.Schema != link.Schema || s.Kind != link.KindNetwork || s.BulkIn == nil || s.BulkOut == nil {
		t.Errorf("%s", out)
	}
	for name, sh := range map[string]*link.Shaper{"in": s.ShaperIn, "out": s.ShaperOut} {
		if sh == nil || sh.Kind != "tbf" || sh.RateBitsPerSec != 50e6 || sh.Parent != "root" || sh.BurstBytes < 60000 || sh.BurstBytes > 65000 {
			t.Errorf("shaper %s is %+v", name, sh)
		}
	}
	if n := s.Client.Nominal; n == nil || n.Iface != lab.IfaceName(netlab.ClientSide) || n.SpeedBitsPerSec != nil || n.MTU != netlab.MTU || len(n.Offloads) == 0 {
		t.Errorf("the client's interface is %+v, %q", n, s.Client.Unknown)
	}
	wrong := filepath.Join(filepath.Dir(token), "wrong")
	if err := os.WriteFile(wrong, []byte("another token of some length"), 0o600); err != nil {
		t.Fatal(err)
	}
	out = finishWith(t, lab.Command(ctx, netlab.ClientSide, weirExe, "link", addr, "--token-file", wrong), lab.Start)
	if out.code != exitUsage || out.stdout != "" || !strings.Contains(out.stderr, "token") {
		t.Errorf("a wrong token: %s", out)
	}
}

func TestLinkBadInput(t *testing.T) {
	dir := e2eTemp(t)
	if err := os.WriteFile(filepath.Join(dir, "short"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		wants string
	}{
		{[]string{"link"}, "--help"},
		{[]string{"link", "nowhere"}, "nowhere"},
		{[]string{"link", "127.0.0.1:1", "--rate-cap", "fast"}, "fast"},
		{[]string{"link", "127.0.0.1:1", "--token-file", "none"}, "none"},
		{[]string{"link", "127.0.0.1:1", "--token-file", "short"}, "16"},
		{[]string{"link", "127.0.0.1:1", "--duration", "1h"}, "1h"},
		{[]string{"link", "127.0.0.1:1"}, "weir link serve"},
		{[]string{"link", "serve", "--listen", "0.0.0.0:0"}, "--token-file"},
		{[]string{"link", "serve", "--listen", "127.0.0.1:0", "--max-bytes", "1"}, "byte limit 1"},
	} {
		if out := weir(t, dir, c.args...); out.code != exitUsage || !strings.Contains(out.stderr, c.wants) {
			t.Errorf("%q: want exit code 2 and %q named: %s", c.args, c.wants, out)
		}
	}
}
