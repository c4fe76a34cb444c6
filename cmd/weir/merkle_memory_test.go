package main

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// heapReader is a stream of n bytes that repeats a pattern. It looks at the heap
// after every step bytes, garbage aside.
type heapReader struct {
	pattern    string
	left, step int
	sinceLook  int
	least      uint64 // of the first look, when buffers are there
	most       uint64
	looks      int
}

func (h *heapReader) Read(p []byte) (int, error) {
	if h.left == 0 {
		return 0, io.EOF
	}
	if len(p) < len(h.pattern) { // a pattern is never cut
		return 0, io.ErrShortBuffer
	}
	n := 0
	for h.left > 0 && len(p)-n >= len(h.pattern) {
		n += copy(p[n:], h.pattern)
		h.left -= len(h.pattern)
	}
	if h.sinceLook += n; h.sinceLook >= h.step {
		h.sinceLook = 0
		h.look()
	}
	return n, nil
}

func (h *heapReader) look() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if h.looks++; h.looks == 1 {
		h.least = m.HeapAlloc
	}
	h.most = max(h.most, m.HeapAlloc)
}

// A root takes the same memory however long its input is: here eight million
// leaves, of which the nodes alone would take 256 MiB, and a million lines.
func TestMerkleRootMemory(t *testing.T) {
	const growth = 8 << 20 // the buffers, which the first look may not see all of
	line := strings.Repeat("ab", 32) + "\n"
	for name, tc := range map[string]struct {
		pattern string
		bytes   int
		leaves  float64
		args    []string
	}{
		"chunks": {strings.Repeat("\x00", 32), 256 << 20, 8 << 20, []string{"--scheme", "ssz", "--chunk", "32"}},
		"hashed": {strings.Repeat("\x01", 64), 256 << 20, 4 << 20, []string{"--chunk", "64"}},
		"lines":  {line, len(line) << 20, 1 << 20, nil},
		"blake3": {strings.Repeat("\x02", 64), 256 << 20, 256 << 10, []string{"--scheme", "blake3"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &heapReader{pattern: tc.pattern, left: tc.bytes, step: tc.bytes / 16}
			got := runMerkleOn(t, r, append([]string{"root", "--json", "--workers", "2", "-"}, tc.args...)...)
			if got["leaves"] != tc.leaves {
				t.Errorf("%v leaves; want %v", got["leaves"], tc.leaves)
			}
			if r.looks < 10 || r.most > r.least+growth {
				t.Errorf("%d looks at the heap: from %d to %d bytes; want at most %d more", r.looks, r.least, r.most, growth)
			}
		})
	}
}

// runMerkleOn runs weir merkle on a stream and decodes the object that it prints.
func runMerkleOn(t *testing.T, stdin io.Reader, args ...string) map[string]any {
	t.Helper()
	var out, errs strings.Builder
	root := &cobra.Command{Use: "weir", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(newMerkleCmd())
	root.SetArgs(append([]string{"merkle"}, args...))
	root.SetIn(stdin)
	root.SetOut(&out)
	root.SetErr(&errs)
	if err := root.Execute(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	var object map[string]any
	oneObject(t, out.String(), &object)
	return object
}
