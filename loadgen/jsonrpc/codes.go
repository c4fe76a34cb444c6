package jsonrpc

import (
	"strings"
	"sync"

	"github.com/chainweir/weir/loadgen"
)

// otherCode is what reasons get when there are too many different ones.
const otherCode = 255

// maxReason is the length of a reason in a record, in bytes.
const maxReason = 100

// Codes numbers the reasons that servers give in words, as they come up. The
// zero value is ready; its methods may be called by any goroutine.
type Codes struct {
	mu    sync.Mutex
	of    map[string]uint8
	names []string
}

// Code is the number of a reason: what refused, taken as it is, and the
// server's words, in which numbers (sizes, heights, hashes) make no difference.
func (c *Codes) Code(what, words string) uint8 {
	reason := what
	if words = generic(words); words != "" {
		reason += ": " + words
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if code, ok := c.of[reason]; ok {
		return code
	}
	if c.of == nil {
		c.of = map[string]uint8{}
	}
	code := uint8(otherCode)
	if next := c.codeAt(len(c.names)); next < otherCode {
		code = uint8(next)
		c.names = append(c.names, reason)
	}
	c.of[reason] = code
	return code
}

// codeAt is the code of the i-th reason: from 1 on, without CodeExpired.
func (c *Codes) codeAt(i int) int {
	if i+1 >= int(loadgen.CodeExpired) {
		return i + 2
	}
	return i + 1
}

// Name is the reason of a code.
func (c *Codes) Name(code uint8) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, n := range c.names {
		if c.codeAt(i) == int(code) {
			return n
		}
	}
	return "other"
}

// generic replaces hexadecimal and decimal numbers by # and cuts what is long.
func generic(s string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(s) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(genericWord(word))
	}
	out := b.String()
	if len(out) > maxReason {
		out = strings.ToValidUTF8(out[:maxReason], "") + "…"
	}
	return out
}

// genericWord replaces a word's runs of digits. Hexadecimal digits after 0x are
// a number, and 16 or more of them a hash, whatever they begin with.
func genericWord(w string) string {
	core := strings.Trim(w, `"'(),.:;[]{}`)
	digits, prefixed := strings.CutPrefix(core, "0x")
	if (prefixed && digits != "" || len(digits) >= 16) && strings.Trim(strings.ToLower(digits), "0123456789abcdef") == "" {
		return strings.Replace(w, core, "#", 1)
	}
	var b strings.Builder
	in := false
	for _, r := range w {
		digit := r >= '0' && r <= '9'
		if digit && !in {
			b.WriteByte('#')
		}
		if !digit {
			b.WriteRune(r)
		}
		in = digit
	}
	return b.String()
}
