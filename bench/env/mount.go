package env

import (
	"strconv"
	"strings"
)

// mount is one line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	device       string // "major:minor"
	root         string // the part of the file system that is mounted
	point        string
	options      string
	fs           string
	source       string
	superOptions string
}

// parseMounts returns the mounts in the order of the kernel, which is the order
// in which they were made. Lines it does not understand are left out.
func parseMounts(lines []string) []mount {
	var out []mount
	for _, l := range lines {
		// id parent major:minor root point options [optional…] - fs source super
		head, tail, ok := strings.Cut(l, " - ")
		h, t := strings.Fields(head), strings.Fields(tail)
		if !ok || len(h) < 6 || len(t) < 2 {
			continue
		}
		m := mount{
			device: h[2], root: unescape(h[3]), point: unescape(h[4]), options: h[5],
			fs: t[0], source: unescape(t[1]),
		}
		if len(t) > 2 {
			m.superOptions = t[2]
		}
		out = append(out, m)
	}
	return out
}

// mountOf returns the mount that holds the absolute path dir: the longest one
// above it, and of several on one point the last, which hides the others.
func mountOf(mounts []mount, dir string) (mount, bool) {
	var best mount
	found := false
	for _, m := range mounts {
		if (m.point == "/" || dir == m.point || strings.HasPrefix(dir, m.point+"/")) && len(m.point) >= len(best.point) {
			best, found = m, true
		}
	}
	return best, found
}

// unescape undoes the kernel's \040 for blanks and the like.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if v, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
