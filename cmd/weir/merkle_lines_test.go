package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/chainweir/weir/merkle"
)

// checkLines holds the reading of lines one by one against merkle.ReadLeaves:
// the same leaves, or the same error.
func checkLines(t *testing.T, text string, scheme *merkle.Scheme, reversed bool) {
	t.Helper()
	ctx := context.Background()
	want, wantErr := merkle.ReadLeaves(ctx, strings.NewReader(text), "f", scheme, reversed)
	var got [][]byte
	lines := lineReader{ctx: ctx, r: iotest.HalfReader(strings.NewReader(text)), name: "f", scheme: scheme, reversed: reversed}
	for leaf, err := range lines.leaves {
		if err != nil {
			break
		}
		got = append(got, bytes.Clone(leaf))
	}
	if wantErr != nil {
		if lines.err == nil || lines.err.Error() != wantErr.Error() || !errors.Is(lines.err, merkle.ErrLeafFile) {
			t.Errorf("%q: %v; want %v", text, lines.err, wantErr)
		}
		return
	}
	if lines.err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%q: %x, %v; want %x", text, got, lines.err, want)
	}
}

func FuzzMerkleLines(f *testing.F) {
	id := strings.Repeat("aB", 32)
	for _, text := range []string{
		"", "\n", "\r\n", "00", "00\n\n10", "\n00\r\n1F\r\n", "0\n", "0x00\n", "00\n0X", "00\n zz\n", "00\n\nhello\n", "é\n", "00\r\r\n",
		id + "\n" + id, id + "\n\n", id + "\n00\n", id + "00\n",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, bitcoin bool) {
		if bitcoin {
			checkLines(t, text, merkle.Bitcoin, true)
			return
		}
		checkLines(t, text, merkle.RFC6962, false)
	})
}

func TestMerkleLinesErrors(t *testing.T) {
	broken := errors.New("broken")
	_, err := lineRoot(context.Background(), merkle.RFC6962, iotest.ErrReader(broken), "f", false, 1)
	if !errors.Is(err, broken) || !errors.Is(err, merkle.ErrLeafFile) || !strings.Contains(err.Error(), "f:1: ") {
		t.Errorf("broken reader: %v", err)
	}
	long := "00\n" + strings.Repeat("0", maxLineBytes+2)
	if _, err = lineRoot(context.Background(), merkle.RFC6962, strings.NewReader(long), "f", false, 1); !errors.Is(err, merkle.ErrLeafFile) || !strings.Contains(err.Error(), "f:2: the line is longer") {
		t.Errorf("long line: %v", err)
	}
}
