package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

const querySchema = "weir.node.query/1"

// queryAnswer is the object of `weir node query … --json`; which fields are set
// depends on the question.
type queryAnswer struct {
	Schema    string        `json:"schema"`
	Height    uint64        `json:"height"`
	Hash      string        `json:"hash,omitempty"`
	Count     uint32        `json:"transactions"`
	TxRoot    string        `json:"tx_root"`
	StateRoot string        `json:"state_root"`
	Slot      *uint32       `json:"slot,omitempty"`
	PublicKey string        `json:"public_key,omitempty"`
	Balance   *uint64       `json:"balance,omitempty"`
	NonceHigh *uint64       `json:"highest_nonce,omitempty"`
	Role      string        `json:"role,omitempty"`
	Validator bool          `json:"validator,omitempty"`
	Item      *itemAnswer   `json:"item,omitempty"`
	Key       *keyAnswer    `json:"key,omitempty"`
	Health    *healthAnswer `json:"health,omitempty"`
	Txs       []txAnswer    `json:"txs,omitempty"`
	Index     *uint32       `json:"index,omitempty"`
	Tx        string        `json:"tx,omitempty"`
	TxHash    string        `json:"tx_hash,omitempty"`
	Path      []string      `json:"path,omitempty"`
	Verified  *bool         `json:"verified,omitempty"` // the proof was checked here

	// What it was checked against: the chain, the header's hash, and whether the
	// user gave them or the node that answered.
	ChainID     string `json:"chain_id,omitempty"`
	ChainPinned bool   `json:"chain_pinned"`
	HeaderHash  string `json:"header_hash,omitempty"`
	Anchor      string `json:"anchor,omitempty"` // pinned_header or header_from_same_node

	anchor *tx.Header // nil: the answer has none
}

type itemAnswer struct {
	Sort       string `json:"sort"` // collection, item or burnt
	Owner      uint32 `json:"owner"`
	Collection uint32 `json:"collection"`
	Content    string `json:"content_hash"`
	Metadata   string `json:"metadata_hash"`
	History    string `json:"history"`
	Transfers  uint64 `json:"transfers"`
	Limit      uint64 `json:"limit,omitempty"`
	Minted     uint64 `json:"minted,omitempty"`
	MintHeight uint64 `json:"mint_height,omitempty"`
	Number     uint64 `json:"number,omitempty"`
}

func newItemAnswer(it state.Item) *itemAnswer {
	sort := map[state.Sort]string{state.SortCollection: "collection", state.SortItem: "item", state.SortBurnt: "burnt"}[it.Sort]
	return &itemAnswer{
		Sort: sort, Owner: it.Owner, Collection: it.Collection,
		Content: hex.EncodeToString(it.Content[:]), Metadata: hex.EncodeToString(it.Metadata[:]),
		History: hex.EncodeToString(it.History[:]), Transfers: it.Transfers,
		Limit: it.Limit, Minted: it.Minted, MintHeight: it.Height, Number: it.Number,
	}
}

type keyAnswer struct {
	Key        string  `json:"key"`
	Owner      uint32  `json:"owner"`
	Value      *string `json:"value"` // hex; null: the node has pruned it
	ValueHash  string  `json:"value_hash"`
	ValueBytes uint32  `json:"value_bytes"`
	Version    uint64  `json:"version"`
	PutHeight  uint64  `json:"put_height"`
}

type healthAnswer struct {
	Status         string `json:"status"` // ok, catching_up or failed
	Error          string `json:"error,omitempty"`
	ExecutedHeight uint64 `json:"executed_height"`
	HeadTimeNS     uint64 `json:"head_time_unix_ns"`
	HeadAgeNS      uint64 `json:"head_age_ns"`
	Index          string `json:"index"` // off, catching_up or ready
	IndexedHeight  uint64 `json:"indexed_height"`
}

type txAnswer struct {
	Hash   string `json:"hash"`
	Kind   string `json:"kind"`
	From   uint32 `json:"from"`
	To     uint32 `json:"to"`
	Amount uint64 `json:"amount"`
	Nonce  uint64 `json:"nonce"`
	Bytes  int    `json:"bytes"`
}

func newTxAnswer(v tx.View, chain *tx.ChainID) txAnswer {
	id := v.ID(chain)
	return txAnswer{
		Hash: hex.EncodeToString(id[:]), Kind: v.Kind().String(), From: v.From(), To: v.To(),
		Amount: v.Amount(), Nonce: v.Nonce(), Bytes: len(v),
	}
}

func answerFor(h tx.Header) queryAnswer {
	return queryAnswer{
		Schema: querySchema, Height: h.Height, Count: h.Count,
		TxRoot: hex.EncodeToString(h.TxRoot[:]), StateRoot: hex.EncodeToString(h.StateRoot[:]),
		anchor: &h,
	}
}

func hexPath(path [][32]byte) []string {
	out := make([]string, len(path))
	for i := range path {
		out[i] = hex.EncodeToString(path[i][:])
	}
	return out
}

func (a *queryAnswer) print(cmd *cobra.Command, asJSON bool) error {
	w := cmd.OutOrStdout()
	if asJSON {
		return printJSON(w, a)
	}
	if a.Health != nil {
		a.Health.print(w, a.Height)
		return nil
	}
	fmt.Fprintf(w, "height      %d\ntxs         %d\ntx root     %s\nstate root  %s\n", a.Height, a.Count, a.TxRoot, a.StateRoot)
	if a.Hash != "" {
		fmt.Fprintf(w, "hash        %s\n", a.Hash)
	}
	if a.Slot != nil {
		fmt.Fprintf(w, "slot        %d\n", *a.Slot)
	}
	if a.Balance != nil {
		fmt.Fprintf(w, "public key  %s\nbalance     %d\nnonce       %d\nrole        %s\n", a.PublicKey, *a.Balance, *a.NonceHigh, a.Role)
	}
	if a.Item != nil {
		a.Item.print(w)
	}
	if a.Key != nil {
		a.Key.print(w)
	}
	for i, t := range a.Txs {
		fmt.Fprintf(w, "%-11d %s  %s  from %d  to %d  amount %d  nonce %d\n", i, t.Hash, t.Kind, t.From, t.To, t.Amount, t.Nonce)
	}
	if a.Tx != "" {
		fmt.Fprintf(w, "index       %d\ntx          %s\ntx hash     %s\n", *a.Index, a.Tx, a.TxHash)
	}
	switch {
	case a.Verified == nil && a.Anchor == anchorPinned:
		fmt.Fprintln(w, "verified    the header is the one that you gave")
	case a.Verified == nil:
		fmt.Fprintln(w, "verified    nothing: this is what the node says")
	case a.Txs != nil:
		fmt.Fprintf(w, "verified    the transactions, %s\n", a.anchorText())
	default:
		fmt.Fprintf(w, "proof       %d nodes, verified %s\n", len(a.Path), a.anchorText())
	}
	return nil
}

func (i *itemAnswer) print(w io.Writer) {
	fmt.Fprintf(w, "sort        %s\nowner       %d\ncollection  %d\ncontent     %s\nmetadata    %s\ntransfers   %d\n",
		i.Sort, i.Owner, i.Collection, i.Content, i.Metadata, i.Transfers)
	if i.Sort == "collection" {
		fmt.Fprintf(w, "minted      %d of %s\n", i.Minted, orUnlimited(i.Limit))
	} else {
		fmt.Fprintf(w, "number      %d, minted in block %d\n", i.Number, i.MintHeight)
	}
}

func orUnlimited(n uint64) string {
	if n == 0 {
		return "any number"
	}
	return fmt.Sprint(n)
}

func (k *keyAnswer) print(w io.Writer) {
	value := "pruned by the node"
	if k.Value != nil {
		value = *k.Value
	}
	fmt.Fprintf(w, "owner       %d\nkey         %s\nvalue       %s\nvalue hash  %s\nversion     %d, put in block %d\n",
		k.Owner, k.Key, value, k.ValueHash, k.Version, k.PutHeight)
}

func (h *healthAnswer) print(w io.Writer, height uint64) {
	fmt.Fprintf(w, "status      %s\n", h.Status)
	if h.Error != "" {
		fmt.Fprintf(w, "error       %s\n", h.Error)
	}
	fmt.Fprintf(w, "height      %d, %v old\nexecuted    %d\nindex       %s", height,
		time.Duration(min(h.HeadAgeNS, 1<<62)).Round(time.Millisecond), h.ExecutedHeight, h.Index)
	if h.Index != "off" {
		fmt.Fprintf(w, " (height %d)", h.IndexedHeight)
	}
	fmt.Fprintln(w)
}
