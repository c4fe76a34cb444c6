package lint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds of a tree, far above what this one will be: without them a stray
// folder of data would stall the tests.
const (
	maxFiles     = 20_000
	maxFileBytes = 16 << 20
	gitTimeout   = 30 * time.Second
)

// File is one file of the tree.
type File struct {
	Path string // from the root, with slashes
	Data []byte

	// Of Go files only.
	AST      *ast.File
	FSet     *token.FileSet
	ParseErr error
}

// Tree is the files that are checked: those of this module and those of the
// modules nested in it.
type Tree struct {
	Files []File
}

// Load reads the tree below root: the files git knows or would add, or every
// file when root is no git checkout (an unpacked archive).
func Load(root string) (Tree, error) {
	paths, err := gitFiles(root)
	if err != nil || len(paths) == 0 {
		if paths, err = walkFiles(root); err != nil {
			return Tree{}, fmt.Errorf("reading the tree: %w", err)
		}
	}
	if len(paths) > maxFiles {
		return Tree{}, fmt.Errorf("reading the tree: %d files, at most %d are checked", len(paths), maxFiles)
	}
	slices.Sort(paths)
	var t Tree
	for _, p := range paths {
		name := filepath.Join(root, filepath.FromSlash(p))
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and git has not been told yet
		}
		if err != nil {
			return Tree{}, fmt.Errorf("reading the tree: %w", err)
		}
		if !info.Mode().IsRegular() || info.Size() > maxFileBytes {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return Tree{}, fmt.Errorf("reading the tree: %w", err)
		}
		t.Files = append(t.Files, newFile(p, data))
	}
	return t, nil
}

// newFile parses data when p names a Go file.
func newFile(p string, data []byte) File {
	f := File{Path: p, Data: data}
	if path.Ext(p) == ".go" {
		f.FSet = token.NewFileSet()
		f.AST, f.ParseErr = parser.ParseFile(f.FSet, p, data, parser.ParseComments|parser.SkipObjectResolution)
	}
	return f
}

func gitFiles(root string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), gitTimeout)
	defer cancel()
	// --others --exclude-standard: files not added yet, but not what is ignored.
	cmd := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var paths []string
	for p := range bytes.SplitSeq(out, []byte{0}) {
		if len(p) > 0 {
			paths = append(paths, string(p))
		}
	}
	return paths, nil
}

func walkFiles(root string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, name)
		paths = append(paths, filepath.ToSlash(rel))
		return err
	})
	return paths, err
}

// checkParsed reports Go files that do not parse: no other check sees into
// them.
func checkParsed(t Tree) []Finding {
	var out []Finding
	for _, f := range t.Files {
		if f.ParseErr != nil && !f.isTestdata() {
			out = append(out, Finding{Path: f.Path, Text: "does not parse: " + f.ParseErr.Error()})
		}
	}
	return out
}

func (f File) isGo() bool       { return f.AST != nil && f.ParseErr == nil && !f.isTestdata() }
func (f File) isTest() bool     { return strings.HasSuffix(f.Path, "_test.go") }
func (f File) isTestdata() bool { return strings.Contains("/"+f.Path, "/testdata/") }
func (f File) isGenerated() bool {
	return f.AST != nil && ast.IsGenerated(f.AST) || path.Ext(f.Path) == ".s" && bytes.Contains(f.Data, []byte("DO NOT EDIT"))
}

// dir is the folder of f, "." at the root.
func (f File) dir() string { return path.Dir(f.Path) }

// line returns the line of a position in f.
func (f File) line(pos token.Pos) int { return f.FSet.Position(pos).Line }

// nestedModules returns the folders below the root that have a go.mod of their
// own.
func (t Tree) nestedModules() []string {
	var out []string
	for _, f := range t.Files {
		if path.Base(f.Path) == "go.mod" && f.Path != "go.mod" {
			out = append(out, f.dir())
		}
	}
	return out
}

// inFolder reports whether p is folder or lies in it.
func inFolder(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, folder+"/")
}

// ownGoFiles returns the Go files of the root module.
func (t Tree) ownGoFiles() []File {
	nested := t.nestedModules()
	var out []File
	for _, f := range t.Files {
		inNested := slices.ContainsFunc(nested, func(n string) bool { return inFolder(f.dir(), n) })
		if f.isGo() && !inNested {
			out = append(out, f)
		}
	}
	return out
}
