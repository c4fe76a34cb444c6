package probe

import (
	"os"
	"strings"
)

// readPrivileges reads what this process may do. What cannot be read is left
// unknown: it only makes the words of a refusal less exact.
func readPrivileges() privileges {
	var p privileges
	if f, err := os.Open("/proc/self/status"); err == nil {
		defer f.Close()
		if mask, err := parseCapEff(f); err == nil {
			p.capEff, p.capEffKnown = mask, true
		}
	}
	if b, err := os.ReadFile("/proc/self/uid_map"); err == nil {
		// The first namespace maps every id to itself, in one line.
		p.userNS = strings.Join(strings.Fields(string(b)), " ") != "0 0 4294967295"
	}
	return p
}
