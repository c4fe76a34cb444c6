package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"maps"
	"path"
	"slices"
)

// Limits of length, in lines.
const (
	maxFileLines     = 450
	maxFunctionLines = 120
)

// checkFileLength bounds the files that people write.
func checkFileLength(t Tree) []Finding {
	var out []Finding
	for _, f := range t.Files {
		if ext := path.Ext(f.Path); ext != ".go" && ext != ".c" || f.isGenerated() || f.isTestdata() {
			continue
		}
		if n := bytes.Count(f.Data, []byte("\n")); n > maxFileLines {
			out = append(out, Finding{Path: f.Path, Text: fmt.Sprintf(
				"%d lines, at most %d: split it by role, one idea per file", n, maxFileLines)})
		}
	}
	return out
}

// checkFunctionLength bounds functions outside tests (a test's table may be
// long). Functions in allowed may have as many lines as it says, and not more;
// an entry that is not needed in full is a finding too, so that the list can
// only shrink.
func checkFunctionLength(t Tree, allowed map[string]int) []Finding {
	var out []Finding
	unused := maps.Clone(allowed)
	for _, f := range t.ownGoFiles() {
		if f.isTest() || f.isGenerated() {
			continue
		}
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := functionName(f.dir(), fn)
			n := f.line(fn.End()) - f.line(fn.Pos()) + 1
			limit, listed := allowed[name]
			delete(unused, name)
			switch {
			case n > max(limit, maxFunctionLines):
				out = append(out, Finding{f.Path, f.line(fn.Pos()), fmt.Sprintf(
					"%s has %d lines, at most %d: name its steps and make them functions", name, n, max(limit, maxFunctionLines))})
			case listed && n <= maxFunctionLines:
				out = append(out, Finding{f.Path, f.line(fn.Pos()), fmt.Sprintf(
					"%s has %d lines now: take it off longFunctions", name, n)})
			case listed && n < limit:
				out = append(out, Finding{f.Path, f.line(fn.Pos()), fmt.Sprintf(
					"%s has %d lines now: lower its entry of %d in longFunctions", name, n, limit)})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		out = append(out, Finding{Path: "internal/lint/rules.go", Text: name + " is gone: take it off longFunctions"})
	}
	return out
}

// functionName returns folder.Name, or folder.Receiver.Name for a method.
func functionName(dir string, fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return dir + "." + fn.Name.Name
	}
	typ := fn.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return dir + "." + t.Name + "." + fn.Name.Name
		default:
			return dir + "." + fn.Name.Name
		}
	}
}
