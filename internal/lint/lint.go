// Package lint holds the rules of this source tree that a compiler does not
// know: which package may import which, where assembly and unsafe may live,
// how long a file may get, what a test must not do. They run as a Go test, so
// that `go test ./...` is enough to know whether a change fits.
//
// Every check is a function from files to findings and has a test of its own
// that shows it firing on a bad sample: a gate that never fires holds nothing.
// A finding says what is wrong, where, and what to do instead.
package lint

import "fmt"

// Finding is one place where the tree breaks a rule.
type Finding struct {
	Path string // from the root of the tree, with slashes
	Line int    // from 1; 0: the file as a whole
	Text string // what is wrong, and what to do instead
}

// String returns the finding in the form that editors jump to.
func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.Path, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Text)
}

// Check is one rule with the name it is reported under.
type Check struct {
	Name string
	Run  func(Tree) []Finding
}

// Checks returns every rule of the tree.
func Checks() []Check {
	return []Check{
		{"parse", checkParsed},
		{"imports", checkImports},
		{"third-party", checkThirdParty},
		{"assembly", checkAssembly},
		{"file-length", checkFileLength},
		{"function-length", func(t Tree) []Finding { return checkFunctionLength(t, longFunctions) }},
		{"package-comment", checkPackageComments},
		{"open-ends", checkOpenEnds},
		{"machine-paths", checkMachinePaths},
		{"dependencies", checkDependencies},
		{"test-sleep", checkTestSleep},
		{"test-skip", checkTestSkip},
	}
}
