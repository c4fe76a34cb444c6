package lint

import (
	"regexp"
	"strings"
)

// checkPackageComments wants every package to say what it is for.
func checkPackageComments(t Tree) []Finding {
	type pkg struct {
		first     string
		commented bool
	}
	pkgs := make(map[string]*pkg)
	var order []string
	for _, f := range t.Files {
		if !f.isGo() || f.isTest() {
			continue
		}
		p := pkgs[f.dir()]
		if p == nil {
			p = &pkg{first: f.Path}
			pkgs[f.dir()] = p
			order = append(order, f.dir())
		}
		text := f.AST.Doc.Text()
		name := f.AST.Name.Name
		if strings.HasPrefix(text, "Package "+name+" ") || name == "main" && text != "" {
			p.commented = true
		}
	}
	var out []Finding
	for _, dir := range order {
		if p := pkgs[dir]; !p.commented {
			out = append(out, Finding{Path: p.first, Text: "package " + dir +
				" has no comment: say above the package clause, in plain sentences, what it is for (\"Package x …\")"})
		}
	}
	return out
}

// openEnd matches the marks people leave where something is missing.
var openEnd = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b`)

// checkOpenEnds finds marks of unfinished work in comments.
func checkOpenEnds(t Tree) []Finding {
	var out []Finding
	for _, f := range t.Files {
		if !f.isGo() || f.isGenerated() {
			continue
		}
		for _, group := range f.AST.Comments {
			for _, c := range group.List {
				if mark := openEnd.FindString(c.Text); mark != "" {
					out = append(out, Finding{f.Path, f.line(c.Pos()), "a " + mark +
						" in the source: finish it, or open an issue and say here what the code does not do"})
				}
			}
		}
	}
	return out
}
