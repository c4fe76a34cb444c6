package lint

import (
	"bytes"
	"regexp"
)

// machinePath matches absolute paths that exist on one machine only. What
// stands before the slash must not be part of a longer path or of an address.
// The pattern is put together from parts so that it does not match itself.
var machinePath = regexp.MustCompile(`(?:^|[^A-Za-z0-9_./~*-])(/(?:` +
	`home/[a-z]|` + `Users/[A-Za-z]|` + `root/|` + `work/|` + `farm/|` + `builddir/` + `)[A-Za-z0-9_./@+-]{0,60})`)

// checkMachinePaths finds paths of the machine that something was written or
// built on, in text and in object files (compilers put them into debug data).
func checkMachinePaths(t Tree) []Finding {
	var out []Finding
	for _, f := range t.Files {
		isText := !bytes.ContainsRune(f.Data[:min(len(f.Data), 8000)], 0)
		for _, at := range machinePath.FindAllSubmatchIndex(f.Data, 10) {
			found := f.Data[at[2]:at[3]]
			line := 0
			if isText {
				line = 1 + bytes.Count(f.Data[:at[2]], []byte("\n"))
			}
			out = append(out, Finding{f.Path, line, "the path " + string(found) +
				" is of one machine: use a relative path, t.TempDir() or a placeholder; for an object file, strip debug data"})
		}
	}
	return out
}
