package lint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root finds the folder of the root module above this package.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.Contains(string(data), "module "+modulePath+"\n") {
			return dir
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("no go.mod of %s above this package", modulePath)
	return ""
}

// TestTree holds every rule for the whole tree.
func TestTree(t *testing.T) {
	tree, err := Load(root(t))
	if err != nil {
		t.Fatal(err)
	}
	// What the checks do not see they cannot hold: this file must be there.
	seen := slices.ContainsFunc(tree.ownGoFiles(), func(f File) bool { return f.Path == "internal/lint/lint_test.go" })
	if !seen || len(tree.Files) < 20 {
		t.Fatalf("the tree was not read: %d files", len(tree.Files))
	}
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			for _, f := range c.Run(tree) {
				t.Error(f)
			}
		})
	}
}

// sample builds a tree from "path: content" pairs.
func sample(files map[string]string) Tree {
	var t Tree
	for p, text := range files {
		t.Files = append(t.Files, newFile(p, []byte(text)))
	}
	slices.SortFunc(t.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return t
}

// imports returns a Go file of package p that imports paths of ours.
func importing(pkg string, ours ...string) string {
	var b strings.Builder
	b.WriteString("package " + pkg + "\n")
	for _, p := range ours {
		b.WriteString("import _ \"" + modulePath + "/" + p + "\"\n")
	}
	return b.String()
}

// wantFindings compares findings with "path:line" and a part of the text.
func wantFindings(t *testing.T, got []Finding, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d findings, want %d: %v", len(got), len(want), got)
		return
	}
	for i, w := range want {
		if !strings.Contains(got[i].String(), w) {
			t.Errorf("finding %d: %q has no %q", i, got[i], w)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for p, text := range map[string]string{
		"go.mod": "module x\n", "a/a.go": "package a\n", ".git/config": "", "data/big.bin": "\x00",
	} {
		name := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// The .git folder is no checkout, so the files are walked, without it.
	tree, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range tree.Files {
		paths = append(paths, f.Path)
	}
	if !slices.Equal(paths, []string{"a/a.go", "data/big.bin", "go.mod"}) {
		t.Errorf("%q", paths)
	}
	if _, err := Load(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing folder")
	}
}

func TestParsed(t *testing.T) {
	got := checkParsed(sample(map[string]string{"a/a.go": "package a\nfunc {", "b/b.go": "package b\n", "b/testdata/bad.go": "what"}))
	wantFindings(t, got, "a/a.go: does not parse")
}

// Every check is in the list that TestTree runs, under a name of its own.
func TestChecksAreListedOnce(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range Checks() {
		if seen[c.Name] || c.Run == nil {
			t.Errorf("check %q", c.Name)
		}
		seen[c.Name] = true
	}
}
