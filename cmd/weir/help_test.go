package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Every command's help fits a terminal, has an example, and offers --json unless
// it only groups other commands.
func TestHelp(t *testing.T) {
	generated := []string{"weir completion", "weir help"} // cobra's own
	seen := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if slices.ContainsFunc(generated, func(p string) bool { return strings.HasPrefix(c.CommandPath(), p) }) {
			return
		}
		seen++
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		var out, errOut bytes.Buffer
		if code := execute(args, strings.NewReader(""), &out, &errOut); code != exitOK || errOut.Len() > 0 {
			t.Errorf("%v: exit code %d, %s", args, code, errOut.String())
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > helpColumns {
				t.Errorf("%v: %d columns: %s", args, n, line)
			}
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		if c.Runnable() && !c.HasSubCommands() && !strings.Contains(out.String(), "--json") {
			t.Errorf("%s has no --json", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRootCmd())
	if seen < 10 {
		t.Errorf("only %d commands were looked at", seen)
	}
}
