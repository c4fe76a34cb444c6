package lint

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// checkTestSleep finds time.Sleep in tests. A sleep is a guess at how long
// something takes: too short on a busy machine, too long on every other.
func checkTestSleep(t Tree) []Finding {
	var out []Finding
	for _, f := range t.Files {
		if !f.isGo() || !f.isTest() {
			continue
		}
		name := f.importName("time")
		ast.Inspect(f.AST, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Sleep" {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && name != "" && pkg.Name == name {
				out = append(out, Finding{f.Path, f.line(sel.Pos()),
					"time.Sleep in a test: wait for the event itself (a channel, a context, a condition with a deadline), or use testing/synctest"})
			}
			return true
		})
	}
	return out
}

// importName returns the name under which f has the package path, "" if it
// does not import it.
func (f File) importName(path string) string {
	for _, s := range f.AST.Imports {
		if p, err := strconv.Unquote(s.Path.Value); err != nil || p != path {
			continue
		}
		if s.Name != nil {
			return s.Name.Name
		}
		return path[strings.LastIndex(path, "/")+1:]
	}
	return ""
}

// checkTestSkip wants a reason, in words, for every skipped test: a test that
// does not run must say why to whoever reads the output.
func checkTestSkip(t Tree) []Finding {
	const want = " without a reason: say in words what is missing and how to have it"
	var out []Finding
	for _, f := range t.Files {
		if !f.isGo() || !f.isTest() {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch name := sel.Sel.Name; name {
			case "SkipNow":
				out = append(out, Finding{f.Path, f.line(call.Pos()), name + want})
			case "Skip", "Skipf":
				// A Skip of something else (a reader, a lexer) takes a number or
				// nothing and is called on something not named like a test.
				if recv, ok := sel.X.(*ast.Ident); ok && isTestName(recv.Name) && !hasReason(call.Args) {
					out = append(out, Finding{f.Path, f.line(call.Pos()), name + want})
				}
			}
			return true
		})
	}
	return out
}

func isTestName(name string) bool {
	switch name {
	case "t", "b", "f", "tb", "tt", "rt":
		return true
	}
	return false
}

// hasReason reports whether the first argument can be a text of more than one
// word. A literal is looked into; of any other expression nothing is known.
func hasReason(args []ast.Expr) bool {
	if len(args) == 0 {
		return false
	}
	lit, ok := args[0].(*ast.BasicLit)
	if !ok {
		return true
	}
	text, err := strconv.Unquote(lit.Value)
	return lit.Kind == token.STRING && err == nil && len(strings.Fields(text)) > 1
}
