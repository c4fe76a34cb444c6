package merkle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrLeafFile marks a leaf file that cannot be read; the text has the line.
var ErrLeafFile = errors.New("merkle: malformed leaf file")

// Limits of a leaf file.
const (
	maxLeafLineBytes = 64 << 20
	maxLeafLines     = 1 << 28
	leafBlockBytes   = 1 << 20 // leaves are stored together in blocks of this size
)

// ReadLeaves reads a leaf file: each line is one leaf in hex digits of either
// case, and an empty line is the empty leaf. A file without a byte has no
// leaves; the last line may lack its newline; lines may end in CR LF. Nothing
// else is allowed, no spaces and no 0x. For a scheme whose leaves are nodes, each
// line must be one, and reversed says that nodes are in display order.
//
// name is what error texts call the file. Reading ends early with the context's
// error, at the latest with the next line.
func ReadLeaves(ctx context.Context, r io.Reader, name string, scheme *Scheme, reversed bool) ([][]byte, error) {
	if err := scheme.check(); err != nil {
		return nil, err
	}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxLeafLineBytes)
	var leaves [][]byte
	var block []byte
	for sc.Scan() {
		line := len(leaves) + 1
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if line > maxLeafLines {
			return nil, fmt.Errorf("%w: %s:%d: more than %d leaves; split the file", ErrLeafFile, name, line, maxLeafLines)
		}
		text := sc.Bytes()
		if why := leafLineFault(scheme, text); why != "" {
			return nil, fmt.Errorf("%w: %s:%d: %s", ErrLeafFile, name, line, why)
		}
		size := len(text) / 2
		if len(block)+size > cap(block) {
			block = make([]byte, 0, max(leafBlockBytes, size))
		}
		at := len(block)
		block = block[:at+size]
		leaf := block[at : at+size : at+size]
		if _, err := hex.Decode(leaf, text); err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %w", ErrLeafFile, name, line, err)
		}
		if reversed {
			slices.Reverse(leaf)
		}
		leaves = append(leaves, leaf)
	}
	switch err := sc.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%w: %s:%d: the line is longer than %d bytes; is this a file of hex lines?",
			ErrLeafFile, name, len(leaves)+1, maxLeafLineBytes)
	case err != nil:
		return nil, fmt.Errorf("%w: %s:%d: %w", ErrLeafFile, name, len(leaves)+1, err)
	}
	return leaves, nil
}

// leafLineFault says what is wrong with a line and what to do, or nothing.
func leafLineFault(scheme *Scheme, text []byte) string {
	at := bytes.IndexFunc(text, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F')
	})
	switch {
	case bytes.HasPrefix(text, []byte("0x")) || bytes.HasPrefix(text, []byte("0X")):
		return "remove the 0x in front: lines are bare hex digits"
	case at >= 0:
		return fmt.Sprintf("column %d: %q is not a hex digit; a line is one leaf in hex and nothing else",
			at+1, text[at:min(at+1, len(text))])
	case len(text)%2 == 1:
		return fmt.Sprintf("%d hex digits are not whole bytes; add or remove one", len(text))
	case scheme.LeavesAreNodes() && len(text) == 0:
		return fmt.Sprintf("the line is empty, but a %s leaf is a node of %d bytes; remove the line", scheme.name, HashSize)
	case scheme.LeavesAreNodes() && len(text) != 2*HashSize:
		return fmt.Sprintf("a %s leaf is a node of %d bytes, this line has %d; write its hash, in %d hex digits",
			scheme.name, HashSize, len(text)/2, 2*HashSize)
	}
	return ""
}
