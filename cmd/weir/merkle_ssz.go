package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

// mixInFlag is --mix-in-length[=ELEMENTS]: the root is that of an SSZ list.
type mixInFlag struct {
	text string // empty: not an SSZ list
}

// perChunk stands for a length that is the number of chunks.
const perChunk = "chunks"

func (m *mixInFlag) register(cmd *cobra.Command) {
	const name = "mix-in-length"
	cmd.Flags().StringVar(&m.text, name, "", "ssz:N: the list's length in `elements`, mixed into its root; alone: one to a chunk")
	cmd.Flags().Lookup(name).NoOptDefVal = perChunk
}

// check returns what is wrong with the flag before anything is read.
func (m *mixInFlag) check(cmd *cobra.Command, scheme string) error {
	if !cmd.Flags().Changed("mix-in-length") {
		return nil
	}
	if m.text != perChunk {
		if _, err := parseIndex(m.text); err != nil {
			return usagef("--mix-in-length=%s: use a number of elements from 0 to 2^64-1, or leave =%s out for one to a chunk", m.text, m.text)
		}
	}
	if !strings.HasPrefix(scheme, merkle.SSZ.Name()+":") {
		return usagef("--mix-in-length is of SSZ lists, which have a limit of chunks: use --scheme ssz:LIMIT and not %s", scheme)
	}
	return nil
}

// sszList is the root that is asked for, and how it comes from that of the tree.
type sszList struct {
	root   merkle.Hash
	chunks merkle.Hash // the tree's own root
	length *uint64     // nil: not a list, and the two roots are one
}

// listLength is how JSON tells of a list; its keys are there together or not.
type listLength struct {
	MixInLength *uint64 `json:"mix_in_length,omitempty"` // in elements
	ChunksRoot  string  `json:"chunks_root,omitempty"`
}

func (l sszList) json() listLength {
	if l.length == nil {
		return listLength{}
	}
	return listLength{l.length, merkle.FormatBytes(l.chunks[:], false)}
}

// mix returns the root that is asked for, from that of a tree of n chunks.
func (m *mixInFlag) mix(root merkle.Hash, n uint64) (sszList, error) {
	if m.text == "" {
		return sszList{root: root, chunks: root}, nil
	}
	length := n
	if m.text != perChunk {
		var err error
		if length, err = parseIndex(m.text); err != nil {
			return sszList{}, usagef("--mix-in-length: %w", err)
		}
	}
	if err := checkListLength(length, n); err != nil {
		return sszList{}, usagef("--mix-in-length=%w", err)
	}
	return sszList{merkle.MixInLength(root, length), root, &length}, nil
}

// elementsPerChunk are the numbers of elements that SSZ packs into a chunk: one
// of 32 bytes or of any composite type, basic values of 1 to 16 bytes, bits.
var elementsPerChunk = []uint64{1, 2, 4, 8, 16, 32, 256}

// checkListLength returns an error if no SSZ list of length elements has n chunks.
func checkListLength(length, n uint64) error {
	for _, per := range elementsPerChunk {
		if length == 0 && n == 0 || length > 0 && (length-1)/per+1 == n {
			return nil
		}
	}
	return fmt.Errorf("%d: no SSZ list of so many elements has %d chunks; a chunk holds 1, 2, 4, 8, 16 or 32 of them, or 256 bits", length, n)
}

// parseIndex reads a decimal number as it is written in one way only.
func parseIndex(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("%q is not a decimal number from 0 to 2^64-1", text)
	}
	return n, nil
}
