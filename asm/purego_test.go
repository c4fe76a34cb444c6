// Package asm_test checks properties of all kernels' packages at once.
package asm_test

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// roots hold every package that may have assembly, and the one above it that
// must not.
var roots = []string{".", "../hash"}

// TestPuregoSelectsNoAssembly: the tag drops every assembly file, and without
// it every one of them is built on the architecture that it is for.
func TestPuregoSelectsNoAssembly(t *testing.T) {
	total := 0
	for _, dir := range packages(t) {
		present := assembly(t, dir)
		total += len(present)
		var selected []string
		for _, arch := range []string{"amd64", "arm64"} {
			if got := sFiles(t, dir, arch, "purego"); len(got) > 0 {
				t.Errorf("%s: GOARCH=%s with -tags purego builds %s; put !purego into their constraints",
					dir, arch, strings.Join(got, ", "))
			}
			got := sFiles(t, dir, arch)
			selected = append(selected, got...)
			wanted := func(name string) bool { return strings.HasSuffix(name, "_"+arch+".s") }
			if slices.ContainsFunc(present, wanted) && len(got) == 0 {
				t.Errorf("%s: GOARCH=%s builds no assembly, although there are files for it", dir, arch)
			}
		}
		for _, name := range present {
			if !slices.Contains(selected, name) {
				t.Errorf("%s: %s is built on neither amd64 nor arm64", dir, name)
			}
		}
	}
	if total == 0 {
		t.Error("found no assembly at all: the test looks in the wrong place")
	}
}

// packages lists the folders with Go files under the roots. Those that start
// with "_" belong to other modules.
func packages(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if name := d.Name(); path != root && (strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") || name == "testdata") {
				return fs.SkipDir
			}
			dirs = append(dirs, path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dirs
}

func assembly(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.EqualFold(filepath.Ext(e.Name()), ".s") {
			names = append(names, e.Name())
		}
	}
	return names
}

// sFiles are the assembly files that a build for linux would assemble.
func sFiles(t *testing.T, dir, arch string, tags ...string) []string {
	t.Helper()
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH, ctx.CgoEnabled, ctx.BuildTags = "linux", arch, false, tags
	pkg, err := ctx.ImportDir(dir, 0)
	if none := new(build.NoGoError); errors.As(err, &none) {
		return nil // a folder of folders, or of files for other systems
	}
	if err != nil {
		t.Fatal(err)
	}
	return pkg.SFiles
}
