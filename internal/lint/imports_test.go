package lint

import (
	"strings"
	"testing"
)

func TestImportsAllowed(t *testing.T) {
	tree := sample(map[string]string{
		"asm/cpu/a.go":                importing("cpu"),
		"asm/sha256x/a.go":            importing("sha256x", "asm/cpu"),
		"asm/sha256x/a_test.go":       importing("sha256x_test", "asm/sha256x", "hash/hashtest", "internal/guard"),
		"hash/a.go":                   importing("hash", "asm/cpu", "asm/sha256x"),
		"hash/hashbench/a.go":         importing("hashbench", "hash", "asm/cpu"),
		"hash/hashtest/a.go":          importing("hashtest", "hash", "asm/blake3x", "internal/guard"),
		"hash/hashtest/a_test.go":     importing("hashtest", "internal/guard"),
		"merkle/a.go":                 importing("merkle", "hash"),
		"merkle/a_test.go":            importing("merkle", "hash/hashtest", "merkle"),
		"core/a.go":                   importing("core", "core/state", "core/engine/solo", "merkle", "hash"),
		"core/state/a.go":             importing("state", "core/tx", "hash", "merkle"),
		"core/state/a_test.go":        importing("state_test", "core/state", "core/genesis"),
		"core/client/a.go":            importing("client", "core/tx", "core/wire"),
		"core/rpc/a.go":               importing("rpc", "core/wire"),
		"core/store/faultfs/a.go":     importing("faultfs", "core/store"),
		"loadgen/a.go":                importing("loadgen", "core/tx", "core/client", "core/wire", "bench/stat", "results"),
		"loadgen/a_test.go":           importing("loadgen_test", "core", "core/rpc"),
		"bench/capacity/a.go":         importing("capacity", "bench/stat"),
		"bench/probe/a.go":            importing("probe", "results", "asm/cpu"),
		"bench/knee/a.go":             importing("knee", "loadgen", "bench/stat", "results"),
		"bench/run.go":                importing("bench", "core", "loadgen", "bench/probe", "results"),
		"bench/report/a.go":           importing("report", "results", "bench/stat", "bench/capacity"),
		"cmd/weir/a.go":               importing("main", "bench", "core", "hash", "cmd/weir/internal/x"),
		"bench/peers/go.mod":          "module peers\n",
		"bench/peers/a.go":            importing("peers", "cmd/weir"),
		"bench/peers/deeper/inner.go": importing("deeper", "core"),
		"results/testdata/a.go":       importing("x", "core"),
	})
	wantFindings(t, checkImports(tree))
}

func TestImportsRefused(t *testing.T) {
	for _, c := range []struct{ file, imp, want string }{
		{"asm/cpu/a.go", "hash", "move the code up"},
		{"asm/sha256x/a.go", "asm/blake3x", "asm/cpu only"},
		{"hash/a.go", "results", "library on its own"},
		{"hash/a.go", "hash2", "library on its own"},
		{"hash/a.go", "internal/guard", "library on its own"},
		{"asm/sha256x/a.go", "internal/guard", "asm/cpu only"},
		{"hash/hashtest/a.go", "merkle", "nothing above them"},
		{"internal/guard/a.go", "hash", "nothing else"},
		{"merkle/a.go", "asm/sha256x", "from hash"},
		{"core/a.go", "bench/stat", "core.Stats()"},
		{"core/state/a.go", "core/store", "small interface"},
		{"core/state/a.go", "core", "small interface"},
		{"core/mempool/a.go", "core/wire", "small interface"},
		{"core/client/a.go", "core/rpc", "small interface"},
		{"core/state/a_test.go", "results", "small interface"},
		{"loadgen/a.go", "core", "greeting"},
		{"loadgen/a.go", "bench/probe", "greeting"},
		{"bench/stat/a.go", "results", "pass the numbers in"},
		{"bench/capacity/a.go", "results", "pass the numbers in"},
		{"bench/probe/a.go", "bench/link", "package bench join"},
		{"bench/env/a.go", "hash", "package bench join"},
		{"bench/report/a.go", "bench/knee", "package bench join"},
		{"bench/run.go", "cmd/weir", "move the logic into bench"},
		{"results/a.go", "bench/env", "define the type in results"},
		{"results/a_test.go", "core/tx", "define the type in results"},
		{"internal/lint/a.go", "results", "read the source"},
		{"newroom/a.go", "hash", "no import rule"},
		{"bench/newpart/a.go", "results", "no import rule"},
	} {
		got := checkImports(sample(map[string]string{c.file: importing("x", c.imp)}))
		if len(got) != 1 || got[0].Path != c.file || got[0].Line != 2 || !strings.Contains(got[0].Text, c.want) {
			t.Errorf("%s importing %s: %v, want %q", c.file, c.imp, got, c.want)
		}
	}
}

func TestThirdParty(t *testing.T) {
	const file = "package x\nimport _ %\n"
	with := func(path string) string { return strings.Replace(file, "%", `"`+path+`"`, 1) }
	ours := func(path string) string { return with(modulePath + "/" + path) }
	for _, c := range []struct{ file, text, want string }{
		{"bench/link/a.go", with("github.com/cilium/ebpf"), "Source interface"},
		{"bench/link/a_test.go", with("github.com/cilium/ebpf/link"), "Source interface"},
		{"core/a.go", with("gonum.org/v1/gonum/stat"), "bench/stat"},
		{"hash/a_test.go", with("gonum.org/v1/gonum/mat"), "bench/stat"},
		{"core/state/a_test.go", ours("bench/stat"), "must not know the measuring"},
		{"merkle/a.go", ours("loadgen"), "must not know the measuring"},
		{"core/rpc/a_test.go", ours("results"), "type of the package's own"},
		{"bench/run.go", with("github.com/spf13/cobra"), "belong to cmd"},
	} {
		wantFindings(t, checkThirdParty(sample(map[string]string{c.file: c.text})), c.want)
	}
	wantFindings(t, checkThirdParty(sample(map[string]string{
		"bench/probe/a.go":       with("github.com/cilium/ebpf"),
		"bench/netlab/a.go":      with("github.com/cilium/ebpf/link"),
		"bench/capacity/a.go":    with("gonum.org/v1/gonum/optimize"),
		"bench/link/a.go":        with("github.com/cilium/ebpfother"),
		"cmd/weir/a.go":          with("github.com/spf13/cobra"),
		"bench/run.go":           ours("bench/stat"),
		"hashless/a.go":          with("gonum.org/v1/gonum/stat"),
		"bench/peers/go.mod":     "module peers\n",
		"bench/peers/cmd/run.go": with("github.com/cilium/ebpf"),
	})))
}
