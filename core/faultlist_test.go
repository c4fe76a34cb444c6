package core_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// faultFiles are the test files, by pattern, whose tests are about faults and
// attackers, under the packages that `make test-faults` runs.
var faultFiles = []string{
	"core/*kill*", "core/*crash*", "core/*fault*", "core/*disk*", "core/*flip*", "core/hostile_*", "core/check_*", "core/gate_*",
	"core/workers_*", "core/admit_test.go", "core/store/*kill*", "core/store/*crash*", "core/store/verify_*", "core/store/recover_*", "core/store/system_*",
	"core/store/prune_*", "core/store/faultfs/*", "core/rpc/limits_*", "core/rpc/places_*", "core/rpc/tls_*", "core/verify/vectors_*", "core/state/model_*", "core/state/proof_*",
	"cmd/weir/e2e_verify_flip*",
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// `make test-faults` runs every test of the files about faults and attackers,
// and every test anywhere that does more when it is asked for the full numbers.
func TestFaultListIsWhole(t *testing.T) {
	root := ".."
	mk, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	variable := func(name string) string {
		m := regexp.MustCompile(`(?m)^` + name + ` := (.*)$`).FindSubmatch(mk)
		if m == nil {
			t.Fatalf("the Makefile has no %s", name)
		}
		return string(m[1])
	}
	runs, err := regexp.Compile(variable("FAULTS"))
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(variable("FAULT_PACKAGES"))
	want := map[string]string{}
	for _, pattern := range faultFiles {
		files, err := filepath.Glob(filepath.Join(root, strings.TrimSuffix(pattern, "_test.go")+"_test.go"))
		if strings.HasSuffix(pattern, "*") {
			files, err = filepath.Glob(filepath.Join(root, pattern))
		}
		if err != nil || len(files) == 0 {
			t.Errorf("no file is named %s: %v", pattern, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				want[f] = ""
			}
		}
	}
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		if _, listed := want[path]; listed || strings.Contains(string(b), `WEIR_FAULTS`) || strings.Contains(string(b), "times(t, ") {
			want[path] = string(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := 0
	for path, text := range want {
		dir := "./" + filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), root+string(filepath.Separator)))
		covered := false
		for _, p := range packages {
			tree, all := strings.CutSuffix(p, "/...")
			covered = covered || dir == tree || all && strings.HasPrefix(dir, tree+"/")
		}
		if !covered {
			t.Errorf("%s is in none of the packages that test-faults runs", path)
		}
		for _, m := range testFunc.FindAllStringSubmatch(text, -1) {
			if tests++; m[1] != "TestMain" && !runs.MatchString(m[1]) {
				t.Errorf("%s: FAULTS in the Makefile does not match %s", path, m[1])
			}
		}
	}
	if tests < 80 {
		t.Errorf("only %d tests were looked at", tests)
	}
	t.Logf("%d tests in %d files", tests, len(want))
}
