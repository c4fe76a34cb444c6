package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkImports holds importRules for the packages of the root module.
func checkImports(t Tree) []Finding {
	var out []Finding
	unruled := make(map[string]bool)
	for _, f := range t.ownGoFiles() {
		rule, ok := ruleOf(f.dir())
		for _, imp := range f.imports() {
			own, isOurs := strings.CutPrefix(imp.path, modulePath+"/")
			switch {
			case !isOurs:
			case !ok:
				if !unruled[f.dir()] {
					unruled[f.dir()] = true
					out = append(out, Finding{f.Path, imp.line, fmt.Sprintf(
						"package %s has no import rule: give it one in internal/lint/rules.go and a line in the design", f.dir())})
				}
			case !rule.allows(own, f.isTest()):
				out = append(out, Finding{f.Path, imp.line, fmt.Sprintf(
					"%s may not import %s; of ours it may have %s. Instead: %s", f.dir(), own, inWords(rule.list(f.isTest())), rule.instead)})
			}
		}
	}
	return out
}

// checkThirdParty holds thirdPartyRules everywhere, nested modules excepted.
func checkThirdParty(t Tree) []Finding {
	var out []Finding
	for _, f := range t.ownGoFiles() {
		in := func(folder string) bool { return inFolder(f.dir(), folder) }
		for _, imp := range f.imports() {
			for _, r := range thirdPartyRules {
				if !inFolder(imp.path, r.path) {
					continue
				}
				if len(r.only) > 0 && !slices.ContainsFunc(r.only, in) {
					out = append(out, Finding{f.Path, imp.line, fmt.Sprintf(
						"only %s may import %s. Instead: %s", strings.Join(r.only, " and "), imp.path, r.instead)})
				}
				if slices.ContainsFunc(r.never, in) {
					out = append(out, Finding{f.Path, imp.line, fmt.Sprintf(
						"%s may never import %s, tests included. Instead: %s", f.dir(), imp.path, r.instead)})
				}
			}
		}
	}
	return out
}

// ruleOf returns the rule of a package: that of the longest folder.
func ruleOf(dir string) (importRule, bool) {
	var best importRule
	for _, r := range importRules {
		if (r.folder == dir || !r.exact && inFolder(dir, r.folder)) && len(r.folder) > len(best.folder) {
			best = r
		}
	}
	ok := best.folder != ""
	if below, deeper := strings.CutPrefix(dir, best.folder+"/"); best.each && deeper {
		room, _, _ := strings.Cut(below, "/")
		best.folder += "/" + room
	}
	return best, ok
}

func (r importRule) allows(own string, test bool) bool {
	if inFolder(own, r.folder) && !r.exact || own == r.folder {
		return true
	}
	list := r.list(test)
	return slices.ContainsFunc(list, func(pattern string) bool {
		if folder, deep := strings.CutSuffix(pattern, "/..."); deep {
			return inFolder(own, folder)
		}
		return own == pattern || pattern == "*" && !inFolder(own, "cmd")
	})
}

// list returns what the rule allows beside the package's own folder.
func (r importRule) list(test bool) []string {
	if !test {
		return r.may
	}
	return slices.Concat(r.may, r.tests, testHelpers)
}

func inWords(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

type importSpec struct {
	path string
	line int
}

func (f File) imports() []importSpec {
	var out []importSpec
	for _, s := range f.AST.Imports {
		if p, err := strconv.Unquote(s.Path.Value); err == nil {
			out = append(out, importSpec{p, f.line(s.Pos())})
		}
	}
	return out
}
