package env

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// maxFileBytes bounds what is kept of one file: /proc/cpuinfo of a machine
// with a thousand cores has 2 MB.
const maxFileBytes = 8 << 20

// source reads the small text files of /proc and /sys. A file that cannot be
// read is an unknown value, never an error: which files exist depends on the
// kernel, its configuration, the machine and the container.
type source struct{ fsys fs.FS }

// text returns the content of a file without surrounding blanks. Names have no
// leading slash.
func (s source) text(name string) (string, bool) {
	b, err := fs.ReadFile(s.fsys, name)
	if err != nil || len(b) > maxFileBytes {
		return "", false
	}
	return strings.TrimSpace(string(b)), true
}

// lines returns the lines of a file, none when it cannot be read.
func (s source) lines(name string) []string {
	t, ok := s.text(name)
	if !ok || t == "" {
		return nil
	}
	return strings.Split(t, "\n")
}

// integer returns the content of a file that holds one whole number.
func (s source) integer(name string) *int64 {
	t, ok := s.text(name)
	if !ok {
		return nil
	}
	return parseInt(t)
}

// flag returns the content of a file that holds 0 or 1.
func (s source) flag(name string) *bool {
	v := s.integer(name)
	if v == nil || *v < 0 || *v > 1 {
		return nil
	}
	on := *v == 1
	return &on
}

// link returns the target of a symbolic link as a path from the root.
func (s source) link(name string) (string, bool) {
	target, err := fs.ReadLink(s.fsys, name)
	if err != nil {
		return "", false
	}
	if path.IsAbs(target) {
		return strings.TrimPrefix(path.Clean(target), "/"), true
	}
	return path.Join(path.Dir(name), target), true
}

// value returns what follows "key:" or "key=" in a list of lines.
func value(lines []string, key string) (string, bool) {
	for _, l := range lines {
		k, v, ok := strings.Cut(l, ":")
		if !ok || strings.TrimSpace(k) != key {
			if k, v, ok = strings.Cut(l, "="); !ok || k != key {
				continue
			}
		}
		return strings.Trim(strings.TrimSpace(v), `"`), true
	}
	return "", false
}

func parseInt(text string) *int64 {
	v, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil
	}
	return &v
}

func parseFloat(text string) *float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || v != v || v > 1e300 || v < -1e300 {
		return nil
	}
	return &v
}
