package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core"
)

// pruneReport is the object of `weir node prune --json`.
type pruneReport struct {
	Schema      string `json:"schema"`
	FirstBefore uint64 `json:"first_before"`
	First       uint64 `json:"first"` // the lowest height left
	Height      uint64 `json:"height"`
	Snapshot    uint64 `json:"snapshot"` // beyond which nothing is removed
}

func newNodePruneCmd() *cobra.Command {
	var (
		data   string
		req    core.PruneRequest
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove old blocks of a chain",
		Long: `prune removes old blocks from the data directory of a node that is not running:
those below a height, or all but so many of the newest transactions. It removes
whole files, so that more may stay than was asked for, and never what is needed
to start from the oldest snapshot. What is gone cannot be verified, exported or
proven by this node any more.`,
		Example: "  weir node prune --data ./chain --keep-txs 50000000\n" +
			"  weir node prune --data ./chain --below 120000",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (req.KeepTxs == 0) == (req.Below == 0) {
				return usagef("--keep-txs is %d and --below is %d; give one of them, from 1", req.KeepTxs, req.Below)
			}
			if err := forceKernels(""); err != nil {
				return err
			}
			if _, err := core.LoadGenesis(data); err != nil {
				return usagef("--data %s is not a chain's directory: %w; name that of a chain", data, err)
			}
			res, err := core.Prune(data, req)
			if err != nil {
				return usagef("%w", err)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), pruneReport{"weir.node.prune/1", res.FirstBefore, res.First, res.Head, res.Snapshot})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "removed %d blocks: heights %d to %d are left, the oldest snapshot is of block %d\n",
				res.First-res.FirstBefore, res.First, res.Head, res.Snapshot)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", "weir-data", "data directory")
	cmd.Flags().Uint64Var(&req.KeepTxs, "keep-txs", 0, "keep at least so many of the newest transactions")
	cmd.Flags().Uint64Var(&req.Below, "below", 0, "remove the blocks below this height")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.prune/1)")
	return cmd
}
