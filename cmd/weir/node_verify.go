package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core"
)

// verifyReport is the object of `weir node verify --json`.
type verifyReport struct {
	Schema    string  `json:"schema"`
	OK        bool    `json:"ok"`
	ChainID   string  `json:"chain_id"`
	Height    uint64  `json:"height"` // the last height that is right
	Hash      string  `json:"hash"`
	Txs       uint64  `json:"transactions"`
	BadHeight *uint64 `json:"bad_height"` // the first height that is wrong
	Reason    string  `json:"reason"`
	First     uint64  `json:"first"`    // the lowest height of the log: more than 1 when it is pruned
	Snapshot  uint64  `json:"snapshot"` // whose ledger was taken for given, 0: none
	// Notes say what could not be checked and which snapshots are of no use.
	Notes []string `json:"notes"`
}

func newNodeVerifyCmd() *cobra.Command {
	var (
		data   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Re-check every signature, root and link of a chain",
		Long: `verify reads the data directory of a node that is not running and checks
everything again from genesis: every record's checksum, every link, signature
and execution, every transaction root and state root. It changes nothing and
names the first height that is wrong. Of a pruned chain it checks what is left,
from the oldest snapshot, and says what it could not check.`,
		Example: "  weir node verify --data ./chain",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := forceKernels(""); err != nil {
				return err
			}
			if _, err := core.LoadGenesis(data); err != nil {
				return usagef("--data %s is not a chain's directory: %w; name that of a chain", data, err)
			}
			progress := progressLine(cmd.ErrOrStderr())
			res, err := core.Check(cmd.Context(), data, func(h uint64) {
				if h%64 == 0 {
					progress(fmt.Sprintf("height %d", h))
				}
			})
			progress("")
			if err != nil {
				return usagef("%w", err)
			}
			return reportVerify(cmd, res, asJSON)
		},
	}
	cmd.Flags().StringVar(&data, "data", "weir-data", "data directory")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.verify/1)")
	return cmd
}

func reportVerify(cmd *cobra.Command, res core.CheckResult, asJSON bool) error {
	r := verifyReport{
		Schema: "weir.node.verify/1", OK: res.Bad == nil, ChainID: fmt.Sprintf("%x", res.ChainID[:]),
		Height: res.Height, Hash: fmt.Sprintf("%x", res.Hash[:]), Txs: res.Txs,
		First: res.First, Snapshot: res.Snapshot, Notes: append([]string{}, res.Notes...),
	}
	if res.Bad != nil {
		r.BadHeight, r.Reason = &res.BadHeight, res.Bad.Error()
	}
	for _, note := range res.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), "weir: note:", note)
	}
	switch {
	case asJSON:
		if err := printJSON(cmd.OutOrStdout(), r); err != nil {
			return err
		}
	case r.OK:
		fmt.Fprintf(cmd.OutOrStdout(), "ok: %d blocks, %d transactions, head %.16s, chain %.16s\n", r.Height-min(r.Height, r.First-1), r.Txs, r.Hash, r.ChainID)
	}
	if !r.OK {
		return failf("block %d is wrong: %w (blocks %d to %d are right)", res.BadHeight, res.Bad, res.First, res.Height)
	}
	return nil
}
