package restrict

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// harmless are the functions that a package-level variable may call: none of
// them asks for features of the processor, or not before it is called itself.
var harmless = []string{"errors.New", "sync.OnceValue", "NewRegistry", "make", "new", "len"}

// TestNothingIsDecidedEarly reads the packages that Go initialises before this
// one: an init function, or a call for a package-level variable, could look at
// the processor before anything is hidden.
func TestNothingIsDecidedEarly(t *testing.T) {
	for _, name := range []string{"cpu", "sha256x", "blake3x"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("..", "..", "..", "asm", name)
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			files := 0
			for _, e := range entries {
				if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
					continue
				}
				files++
				for _, call := range early(t, filepath.Join(dir, e.Name()), nil) {
					t.Errorf("%s: %s while the package is initialised, before features are hidden; "+
						"decide at the first call, or add a function that does not look at the processor to this test's list", e.Name(), call)
				}
			}
			if files == 0 {
				t.Errorf("no Go files in %s", dir)
			}
		})
	}
}

// TestEarlyIsNoticed: the ways in which a package could decide too early.
func TestEarlyIsNoticed(t *testing.T) {
	for src, want := range map[string][]string{
		"var a = B() == \"\"":                                        {"calls B"},
		"var a, b = 1, []bool{cpuid.CPU.Has(1)}":                     {"calls cpuid.CPU.Has"},
		"var a = func() bool { return B() }()":                       {"calls a function literal"},
		"func init() { a = true }":                                   {"has an init function"},
		"var a = sync.OnceValue(func() bool { return B() })":         nil,
		"var a = func() bool { return B() }":                         nil,
		"func f() bool { var a = B(); return a }":                    nil,
		"const c = 1\nvar a = [...]int{c}\nvar e = errors.New(\"\")": nil,
	} {
		if got := early(t, "a.go", "package a\n"+src); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
}

// early lists what a file does while its package is initialised, beside what is
// harmless.
func early(t *testing.T, name string, src any) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				list = append(list, "has an init function")
			}
		case *ast.GenDecl:
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncLit:
					return false
				case *ast.CallExpr:
					if called := spell(n.Fun); !slices.Contains(harmless, called) {
						list = append(list, "calls "+called)
					}
				}
				return true
			})
		}
	}
	return list
}

// spell is how the source calls a function.
func spell(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return spell(e.X) + "." + e.Sel.Name
	}
	return "a function literal"
}
