package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/merkle"
)

// queryAnswer is the object of `weir node query … --json`; which fields are set
// depends on the question.
type queryAnswer struct {
	Schema    string   `json:"schema"`
	Height    uint64   `json:"height"`
	Hash      string   `json:"hash,omitempty"`
	Count     uint32   `json:"transactions"`
	TxRoot    string   `json:"tx_root"`
	StateRoot string   `json:"state_root"`
	Slot      *uint32  `json:"slot,omitempty"`
	PublicKey string   `json:"public_key,omitempty"`
	Balance   *uint64  `json:"balance,omitempty"`
	NonceHigh *uint64  `json:"highest_nonce,omitempty"`
	Index     *uint32  `json:"index,omitempty"`
	Tx        string   `json:"tx,omitempty"`
	Path      []string `json:"path,omitempty"`
	Verified  *bool    `json:"verified,omitempty"` // the proof was checked here
}

func newNodeQueryCmd() *cobra.Command {
	var (
		addr   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "query",
		Short: "Ask a running node for its head, an account or a proof",
		Long: `query asks a running node. Accounts and transactions come with a Merkle proof
against a block header, and query checks it before it prints anything.`,
		Example: "  weir node query head\n" +
			"  weir node query account 17 --addr 127.0.0.1:7151\n" +
			"  weir node query proof 3 0 --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&addr, "addr", "127.0.0.1:7151", "the node's client address")
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.query/1)")

	run := func(ask func(ctx context.Context, c *client.Client, args []uint64) (queryAnswer, error)) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			nums := make([]uint64, len(args))
			for i, a := range args {
				n, err := strconv.ParseUint(a, 10, 64)
				if err != nil {
					return usagef("%q is not a number from 0 up", a)
				}
				nums[i] = n
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			c, err := client.Dial(ctx, addr, client.Options{})
			if err != nil {
				return usagef("%w", err)
			}
			defer c.Close()
			a, err := ask(ctx, c, nums)
			if err != nil {
				return err
			}
			return a.print(cmd, asJSON)
		}
	}
	cmd.AddCommand(
		&cobra.Command{Use: "head", Short: "The last durable block", Args: cobra.NoArgs,
			Example: "  weir node query head", RunE: run(askHead)},
		&cobra.Command{Use: "account SLOT", Short: "Balance and nonce of an account, proven", Args: cobra.ExactArgs(1),
			Example: "  weir node query account 0", RunE: run(askAccount)},
		&cobra.Command{Use: "proof HEIGHT INDEX", Short: "A transaction and its inclusion proof", Args: cobra.ExactArgs(2),
			Example: "  weir node query proof 1 0", RunE: run(askProof)},
	)
	return cmd
}

func answerFor(h tx.Header) queryAnswer {
	return queryAnswer{
		Schema: "weir.node.query/1", Height: h.Height, Count: h.Count,
		TxRoot: hex.EncodeToString(h.TxRoot[:]), StateRoot: hex.EncodeToString(h.StateRoot[:]),
	}
}

func askHead(ctx context.Context, c *client.Client, _ []uint64) (queryAnswer, error) {
	h, err := c.Head(ctx)
	if err != nil {
		return queryAnswer{}, usagef("%w", err)
	}
	a := answerFor(h.Header)
	a.Hash = hex.EncodeToString(h.Hash[:])
	return a, nil
}

func askAccount(ctx context.Context, c *client.Client, args []uint64) (queryAnswer, error) {
	slot := uint32(args[0])
	if uint64(slot) != args[0] {
		return queryAnswer{}, usagef("slot %d does not fit 32 bits", args[0])
	}
	acc, err := c.Account(ctx, slot)
	if err != nil {
		return queryAnswer{}, usagef("%w", err)
	}
	if err := state.VerifyProof(acc.Header.StateRoot, acc.Record, state.Proof{Slot: slot, Summary: state.Summary(acc.Proof.Summary), Path: acc.Proof.Path}); err != nil {
		return queryAnswer{}, failf("the node's answer does not verify: %w", err)
	}
	rec := state.DecodeRecord(acc.Record)
	a := answerFor(acc.Header)
	ok := true
	a.Slot, a.Balance, a.NonceHigh, a.Verified = &slot, &rec.Balance, &rec.Window.High, &ok
	a.PublicKey = hex.EncodeToString(rec.PublicKey[:])
	a.Path = hexPath(acc.Proof.Path)
	return a, nil
}

func askProof(ctx context.Context, c *client.Client, args []uint64) (queryAnswer, error) {
	index := uint32(args[1])
	if uint64(index) != args[1] {
		return queryAnswer{}, usagef("index %d does not fit 32 bits", args[1])
	}
	p, err := c.Proof(ctx, args[0], index)
	if err != nil {
		return queryAnswer{}, usagef("%w", err)
	}
	if err := merkle.VerifyInclusion(merkle.RFC6962, p.Header.TxRoot, p.Tx, uint64(index), uint64(p.Header.Count), p.Path); err != nil {
		return queryAnswer{}, failf("the node's answer does not verify: %w", err)
	}
	a := answerFor(p.Header)
	ok := true
	a.Index, a.Tx, a.Path, a.Verified = &index, hex.EncodeToString(p.Tx), hexPath(p.Path), &ok
	return a, nil
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
	fmt.Fprintf(w, "height      %d\ntxs         %d\ntx root     %s\nstate root  %s\n", a.Height, a.Count, a.TxRoot, a.StateRoot)
	if a.Hash != "" {
		fmt.Fprintf(w, "hash        %s\n", a.Hash)
	}
	if a.Slot != nil {
		fmt.Fprintf(w, "slot        %d\npublic key  %s\nbalance     %d\nnonce       %d\n", *a.Slot, a.PublicKey, *a.Balance, *a.NonceHigh)
	}
	if a.Tx != "" {
		fmt.Fprintf(w, "index       %d\ntx          %s\n", *a.Index, a.Tx)
	}
	if a.Verified != nil {
		fmt.Fprintf(w, "proof       %d nodes, verified\n", len(a.Path))
	}
	return nil
}
