package main

import (
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core/tx"
)

// trustFlags say what the user knows from elsewhere.
type trustFlags struct {
	chain, header string
	height        uint64
}

// trust is what a node's answers are held against.
type trust struct {
	chain  tx.ChainID // all zero: any
	header *tx.Hash
	height *uint64
}

func (f *trustFlags) register(cmd *cobra.Command) {
	fl := cmd.PersistentFlags()
	fl.StringVar(&f.chain, "chain", "", "chain id that the node must be on, 64 hex digits")
	fl.StringVar(&f.header, "header", "", "hash of the block header that must anchor the answer, 64 hex digits")
	fl.Uint64Var(&f.height, "height", 0, "height of the block that must anchor the answer")
}

// config reads the flags; anchored says whether there is a header in the answer.
func (f *trustFlags) config(cmd *cobra.Command, anchored bool) (t trust, err error) {
	if f.chain != "" {
		if t.chain, err = hex32("--chain", f.chain); err != nil {
			return t, err
		}
		if t.chain == (tx.ChainID{}) {
			return t, usagef("--chain is all zero, which is no chain's id; leave it out to accept any chain")
		}
	}
	height := cmd.Flags().Changed("height")
	if !anchored && (height || f.header != "") {
		return t, usagef("%s is not anchored in a block: leave out --header and --height", cmd.CommandPath())
	}
	if f.header != "" {
		hash, err := hex32("--header", f.header)
		if err != nil {
			return t, err
		}
		t.header = (*tx.Hash)(&hash)
	}
	if height {
		t.height = &f.height
	}
	return t, nil
}

// How far an answer's header can be relied on.
const (
	anchorPinned = "pinned_header"
	anchorNode   = "header_from_same_node"
)

// check holds an answer against what is trusted, and notes in it what that was.
func (t *trust) check(chain tx.ChainID, a *queryAnswer) error {
	a.ChainID, a.ChainPinned = hex.EncodeToString(chain[:]), t.chain != tx.ChainID{}
	if a.anchor == nil {
		return nil
	}
	h := a.anchor
	if t.height != nil && h.Height != *t.height {
		return failf("the node answers from block %d, --height pins %d; a node proves its latest records only, older transactions and blocks by height",
			h.Height, *t.height)
	}
	a.Anchor = anchorNode
	if h.Height == 0 { // the genesis has no header of its own, its hash is the chain id
		if t.header != nil {
			return failf("the node answers from the genesis, which has no header: --header %x cannot anchor it; ask when there is a block", *t.header)
		}
		return nil
	}
	hash := h.Hash(&chain)
	a.HeaderHash = hex.EncodeToString(hash[:])
	if t.header == nil {
		return nil
	}
	if hash != *t.header {
		return failf("the answer does not verify: it leads to block %d with the header %x, --header pins %x", h.Height, hash, *t.header)
	}
	a.Anchor = anchorPinned
	return nil
}

// anchorText says in words what a proof was checked against.
func (a *queryAnswer) anchorText() string {
	switch {
	case a.Anchor == anchorPinned:
		return fmt.Sprintf("against block %d, whose header %s you gave", a.Height, a.HeaderHash)
	case a.HeaderHash == "":
		return "only against a genesis state root that the same node sent"
	}
	return fmt.Sprintf("only against a header that the same node sent:\n            %s\n            compare it with another source, then pin it with --header", a.HeaderHash)
}
