package lint

import (
	"path"
	"strings"
)

// checkAssembly keeps assembly, unsafe, cgo and go:linkname in asm/: what can
// corrupt memory is then in one place, behind tests against the generic code.
func checkAssembly(t Tree) []Finding {
	const instead = "move it under asm/, or use a safe way (unix.Mmap for page-aligned memory, encoding/binary for layouts)"
	var out []Finding
	for _, f := range t.Files {
		if inFolder(f.Path, "asm") || f.isTestdata() {
			continue
		}
		if ext := path.Ext(f.Path); ext == ".s" || ext == ".S" {
			out = append(out, Finding{Path: f.Path, Text: "assembly outside asm/: " + instead})
		}
		if !f.isGo() {
			continue
		}
		for _, imp := range f.imports() {
			if imp.path == "unsafe" || imp.path == "C" {
				out = append(out, Finding{f.Path, imp.line, "import of " + imp.path + " outside asm/: " + instead})
			}
		}
		for _, group := range f.AST.Comments {
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//go:linkname ") {
					out = append(out, Finding{f.Path, f.line(c.Pos()), "go:linkname outside asm/: " + instead})
				}
			}
		}
	}
	return out
}
