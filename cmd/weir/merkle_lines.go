package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chainweir/weir/merkle"
)

// maxLineBytes bounds a line of a leaf file, as merkle.ReadLeaves does.
const maxLineBytes = 64 << 20

// lineRoot is the root over the lines of a leaf file. It takes and refuses what
// merkle.ReadLeaves does, and keeps no line.
func lineRoot(ctx context.Context, scheme *merkle.Scheme, r io.Reader, name string, reversed bool, workers int) (treeRoot, error) {
	lines := lineReader{ctx: ctx, r: r, name: name, scheme: scheme, reversed: reversed}
	root, n, err := merkle.RootSeq(ctx, scheme, lines.leaves, workers)
	if lines.err != nil { // it names the line already
		return treeRoot{}, lines.err
	}
	return rootResult(root, n, name, err)
}

// lineReader is a leaf file as a sequence of leaves.
type lineReader struct {
	ctx      context.Context
	r        io.Reader
	name     string
	scheme   *merkle.Scheme
	reversed bool
	err      error // what ended the sequence early
}

// leaves is the sequence; a leaf's memory is used again for the next one.
func (l *lineReader) leaves(yield func([]byte, error) bool) {
	sc := bufio.NewScanner(l.r)
	sc.Buffer(make([]byte, 64<<10), maxLineBytes)
	var leaf []byte
	line := uint64(0)
	for sc.Scan() {
		line++
		text := sc.Bytes()
		leaf = slices.Grow(leaf[:0], len(text)/2)[:len(text)/2]
		_, err := hex.Decode(leaf, text)
		if err != nil || l.scheme.LeavesAreNodes() && len(leaf) != merkle.HashSize {
			l.fail(yield, l.lineFault(line, text))
			return
		}
		if l.reversed {
			slices.Reverse(leaf)
		}
		if !yield(leaf, nil) {
			return
		}
	}
	switch err := sc.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		l.fail(yield, fmt.Errorf("%w: %s:%d: the line is longer than %d bytes; is this a file of hex lines?",
			merkle.ErrLeafFile, l.name, line+1, maxLineBytes))
	case err != nil:
		l.fail(yield, fmt.Errorf("%w: %s:%d: %w", merkle.ErrLeafFile, l.name, line+1, err))
	}
}

func (l *lineReader) fail(yield func([]byte, error) bool, err error) {
	l.err = err
	yield(nil, err)
}

// lineFault is what merkle.ReadLeaves says of a line that it refuses, with the
// line's number in this file.
func (l *lineReader) lineFault(line uint64, text []byte) error {
	alone := io.MultiReader(bytes.NewReader(text), strings.NewReader("\r\n")) // one CR is the line end's, text may have more
	_, err := merkle.ReadLeaves(l.ctx, alone, l.name, l.scheme, l.reversed)
	if err == nil { // the two readings differ, which their test excludes
		return fmt.Errorf("%w: %s:%d: not a leaf in hex", merkle.ErrLeafFile, l.name, line)
	}
	if !errors.Is(err, merkle.ErrLeafFile) {
		return err
	}
	why := strings.TrimPrefix(err.Error(), fmt.Sprintf("%v: %s:1: ", merkle.ErrLeafFile, l.name))
	return fmt.Errorf("%w: %s:%d: %s", merkle.ErrLeafFile, l.name, line, why)
}
