//go:build unix

package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeNode is a program that stands in for weir node.
func fakeNode(t *testing.T, script string) NodeCommand {
	t.Helper()
	path := filepath.Join(t.TempDir(), "node")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return NodeCommand{Exe: path}
}

const readyLine = `echo '{"listen":"127.0.0.1:1","link":"127.0.0.1:2"}'`

func TestNodeIsToldToStopThroughItsInput(t *testing.T) {
	p, err := startNode(t.Context(), fakeNode(t, readyLine+"; cat >/dev/null"), "data", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if p.Listen != "127.0.0.1:1" || p.Link != "127.0.0.1:2" {
		t.Errorf("listens on %q, link test on %q", p.Listen, p.Link)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

func TestNodeThatGivesUpIsQuoted(t *testing.T) {
	// It closes stdout well before it says why: the reason must not be lost.
	_, err := startNode(t.Context(), fakeNode(t, `exec 1>&-; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; echo "weir: no room" >&2; exit 2`), "data", "x")
	if err == nil || !strings.Contains(err.Error(), "weir: no room") {
		t.Errorf("%v", err)
	}
	p, err := startNode(t.Context(), fakeNode(t, readyLine+`; cat >/dev/null; echo "weir: it broke" >&2; exit 2`), "data", "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "weir: it broke") || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("%v", err)
	}
}

func TestNodeThatCannotStart(t *testing.T) {
	if _, err := startNode(t.Context(), NodeCommand{Exe: "/nonexistent/weir"}, "data", "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := startNode(ctx, fakeNode(t, "exec cat >/dev/null"), "data", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var tl tail
	if tl.last() != "it said nothing" {
		t.Errorf("%q", tl.last())
	}
	for range 100 {
		if n, err := tl.Write([]byte(strings.Repeat("x", 100))); n != 100 || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := tl.Write([]byte("the end\n")); err != nil {
		t.Fatal(err)
	}
	if s := tl.last(); !strings.HasSuffix(s, "the end") || len(s) > 4096 {
		t.Errorf("%d bytes, ends with %q", len(s), s[len(s)-10:])
	}
}
