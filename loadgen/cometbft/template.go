package cometbft

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/chainweir/weir/loadgen/jsonrpc"
)

// ErrTemplate says that a template of transactions cannot be used.
var ErrTemplate = errors.New("bad transaction template")

// DefaultTemplate is a transaction of the kvstore app: a key that nobody has
// used before, and a value that fills it up to the wanted length.
const DefaultTemplate = "{{run}}-{{seq}}={{fill}}"

const maxTxBytes = 1 << 20

// part is one piece of a template.
type part struct {
	kind  string // "" for text
	text  string
	count int // of random
}

// Template makes transactions: text in which {{seq}} stands for the number of
// the transaction from 0, {{run}} for eight letters that differ from run to
// run, {{random N}} for N random letters, and {{fill}} for as many as the
// wanted length needs.
type Template struct {
	parts []part
	bytes int
	run   string
	seed  uint64
}

// NewTemplate reads a template. Bytes is the length of every transaction when
// the template has {{fill}}; run must be of letters and digits.
func NewTemplate(text string, bytes int, run string, seed uint64) (*Template, error) {
	t := &Template{bytes: bytes, run: run, seed: seed}
	unique, fills := false, 0
	for rest := text; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		if before != "" {
			t.parts = append(t.parts, part{text: before})
		}
		if !found {
			break
		}
		inner, tail, closed := strings.Cut(after, "}}")
		if !closed {
			return nil, fmt.Errorf("%w: %q has {{ without }}", ErrTemplate, text)
		}
		p, err := parsePart(strings.Fields(inner))
		if err != nil {
			return nil, err
		}
		unique = unique || p.kind == "seq" || p.kind == "random" && p.count >= 16
		if p.kind == "fill" {
			fills++
		}
		t.parts = append(t.parts, p)
		rest = tail
	}
	switch {
	case !unique:
		return nil, fmt.Errorf("%w: %q makes the same transaction again and again, which a node refuses: put {{seq}} into it", ErrTemplate, text)
	case fills > 1:
		return nil, fmt.Errorf("%w: %q has {{fill}} %d times, give it once", ErrTemplate, text, fills)
	case fills == 0 && bytes != 0:
		return nil, fmt.Errorf("%w: a length of %d bytes needs {{fill}} in %q", ErrTemplate, bytes, text)
	case bytes < 0 || bytes > maxTxBytes:
		return nil, fmt.Errorf("%w: %d bytes, give up to %d", ErrTemplate, bytes, maxTxBytes)
	}
	if fills == 1 {
		// With the longest number: every transaction has the same length.
		if need := len(t.text(nil, 1<<40, 0)); need+1 > bytes {
			return nil, fmt.Errorf("%w: %q needs %d bytes without {{fill}}; ask for more than that, not for %d", ErrTemplate, text, need, bytes)
		}
	}
	return t, nil
}

func parsePart(f []string) (part, error) {
	switch {
	case len(f) == 1 && (f[0] == "seq" || f[0] == "run" || f[0] == "fill"):
		return part{kind: f[0]}, nil
	case len(f) == 2 && f[0] == "random":
		if n, err := strconv.Atoi(f[1]); err == nil && n > 0 && n <= maxTxBytes {
			return part{kind: "random", count: n}, nil
		}
	}
	return part{}, fmt.Errorf("%w: {{%s}} is not one of {{seq}}, {{run}}, {{random N}} with N up to %d, {{fill}}", ErrTemplate, strings.Join(f, " "), maxTxBytes)
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// text appends transaction i with so many letters for {{fill}}.
func (t *Template) text(dst []byte, i, fill int) []byte {
	var r rand.PCG
	r.Seed(t.seed, uint64(i))
	random := func(n int) {
		for n > 0 {
			v := r.Uint64()
			for range min(n, 10) {
				dst = append(dst, letters[v&63])
				v >>= 6
			}
			n -= min(n, 10)
		}
	}
	for _, p := range t.parts {
		switch p.kind {
		case "":
			dst = append(dst, p.text...)
		case "seq":
			dst = strconv.AppendInt(dst, int64(i), 10)
		case "run":
			dst = append(dst, t.run...)
		case "random":
			random(p.count)
		case "fill":
			random(fill)
		}
	}
	return dst
}

// Append appends transaction i to dst.
func (t *Template) Append(dst []byte, i int) []byte {
	at := len(dst)
	dst = t.text(dst, i, 0)
	if t.bytes == 0 {
		return dst
	}
	return t.text(dst[:at], i, t.bytes-(len(dst)-at))
}

// Source returns the template's transactions.
func (t *Template) Source() *jsonrpc.Packed {
	return jsonrpc.NewPacked(func(dst []byte, i int) ([]byte, uint64, error) {
		at := len(dst)
		dst = t.Append(dst, i)
		return dst, keyOf(dst[at:]), nil
	})
}

// keyOf is the beginning of a transaction's hash, which is SHA-256.
func keyOf(tx []byte) uint64 {
	sum := sha256.Sum256(tx)
	return binary.BigEndian.Uint64(sum[:])
}
