package lint

import (
	"bytes"
	"strings"
)

// dependenciesDoc says of every direct dependency what it is for and why it is
// trusted.
const dependenciesDoc = "docs/dependencies.md"

// checkDependencies wants every direct dependency of the root module to be in
// dependenciesDoc.
func checkDependencies(t Tree) []Finding {
	var mod, doc []byte
	for _, f := range t.Files {
		switch f.Path {
		case "go.mod":
			mod = f.Data
		case dependenciesDoc:
			doc = f.Data
		}
	}
	var out []Finding
	for _, dep := range directRequires(string(mod)) {
		if !mentions(doc, dep) {
			out = append(out, Finding{Path: dependenciesDoc, Text: dep +
				" is not mentioned: add a line on what it is for, its licence and why it and not another"})
		}
	}
	return out
}

// mentions reports whether doc has path as a whole word, so that a longer path
// does not count as its prefix.
func mentions(doc []byte, path string) bool {
	for rest := doc; ; {
		i := bytes.Index(rest, []byte(path))
		if i < 0 {
			return false
		}
		rest = rest[i+len(path):]
		if len(rest) == 0 || !strings.ContainsRune("/-_.", rune(rest[0])) && !isAlnum(rest[0]) || isSentenceEnd(rest) {
			return true
		}
	}
}

// isSentenceEnd reports whether rest starts with a full stop that ends a
// sentence and not a longer path.
func isSentenceEnd(rest []byte) bool {
	return rest[0] == '.' && (len(rest) == 1 || rest[1] == ' ' || rest[1] == '\n')
}

func isAlnum(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}

// directRequires returns the module paths that a go.mod requires without the
// mark "indirect".
func directRequires(mod string) []string {
	var out []string
	inBlock := false
	for line := range strings.Lines(mod) {
		code, comment, _ := strings.Cut(line, "//")
		f := strings.Fields(code)
		switch {
		case len(f) == 2 && f[0] == "require" && f[1] == "(":
			inBlock = true
			continue
		case len(f) == 1 && f[0] == ")":
			inBlock = false
			continue
		case len(f) == 3 && f[0] == "require":
			f = f[1:]
		case !inBlock:
			continue
		}
		if len(f) == 2 && strings.TrimSpace(comment) != "indirect" {
			out = append(out, f[0])
		}
	}
	return out
}
