package merkle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every line of code in the package's documentation is a line of an example, so
// it compiles and runs as it stands there.
func TestTourIsRun(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	example := regexp.MustCompile(`(?ms)^func Example\w*\(\) \{\n(.*?)^\}`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range example.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(body[1]) {
				run[strings.TrimSpace(line)] = true
			}
		}
	}
	steps := 0
	code := regexp.MustCompile(`(?m)^//\t(.*\berr :?=.*|.*\bmerkle\..*)$`)
	for _, line := range code.FindAllStringSubmatch(string(doc), -1) {
		steps++
		if !run[line[1]] {
			t.Errorf("doc.go has the line %q, which no example runs", line[1])
		}
	}
	if steps < 12 {
		t.Errorf("doc.go has %d lines of code; the tour takes more", steps)
	}
}
