package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

// snapshotReport is the object of `weir node snapshot --json` and `restore --json`.
type snapshotReport struct {
	Schema  string `json:"schema"`
	ChainID string `json:"chain_id"`
	Height  uint64 `json:"height"`
	Hash    string `json:"hash"`
	Txs     uint64 `json:"transactions"` // of the chain up to there
	Changed bool   `json:"changed"`      // false: the directory had the block already
	File    string `json:"file"`
}

func newNodeSnapshotCmd() *cobra.Command {
	var (
		data, out string
		asJSON    bool
	)
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Write the ledger of a chain's last block to one file",
		Long: `snapshot writes what a new node needs to go on after the last block of a node
that is not running: the ledger and the block's header, without the blocks
before it. It prints the block's hash, which whoever restores the file gives
with --hash.`,
		Example: "  weir node snapshot --data ./chain --out ledger.weir",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usagef("--out is empty; name the file to write")
			}
			if err := forceKernels(""); err != nil {
				return err
			}
			if _, err := core.LoadGenesis(data); err != nil {
				return usagef("--data %s is not a chain's directory: %w; name that of a chain", data, err)
			}
			res, err := core.WriteSnapshot(cmd.Context(), data, out)
			if err != nil {
				return usagef("%w", err)
			}
			return reportSnapshot(cmd, "wrote the snapshot of", "weir.node.snapshot/1", out, res, asJSON)
		},
	}
	cmd.Flags().StringVar(&data, "data", "weir-data", "data directory")
	cmd.Flags().StringVar(&out, "out", "", "file to write, which must not exist")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.snapshot/1)")
	return cmd
}

func newNodeRestoreCmd() *cobra.Command {
	var (
		data, genesisPath, hash string
		asJSON                  bool
	)
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Let a chain go on from a snapshot",
		Long: `restore reads a file that snapshot wrote into a new data directory, or into one
of the same chain that is behind it, whose blocks it removes. It checks the
ledger against the state root in the block's header, and with --hash that header
against a hash from a node that you trust; without it, whoever made the file is
trusted. The blocks up to the snapshot cannot be asked for, exported or verified
there.`,
		Example: "  weir node restore ledger.weir --data ./copy --genesis g.json --hash 5b17…",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := forceKernels(""); err != nil {
				return err
			}
			gen, err := restoreGenesis(data, genesisPath)
			if err != nil {
				return err
			}
			var trusted *tx.Hash
			if hash != "" {
				b, err := hex.DecodeString(hash)
				if err != nil || len(b) != len(tx.Hash{}) {
					return usagef("--hash %q is no hash; give its %d hex digits", hash, 2*len(tx.Hash{}))
				}
				trusted = (*tx.Hash)(b)
			}
			f, err := os.Open(args[0])
			if err != nil {
				return usagef("cannot read the snapshot: %w; name a file that weir node snapshot wrote", err)
			}
			defer f.Close()
			res, err := core.RestoreSnapshot(cmd.Context(), data, gen, f, trusted)
			if err != nil {
				return usagef("%s: %w", args[0], err)
			}
			return reportSnapshot(cmd, "restored", "weir.node.restore/1", args[0], res, asJSON)
		},
	}
	cmd.Flags().StringVar(&data, "data", "weir-data", "data directory, new or of the same chain")
	cmd.Flags().StringVar(&genesisPath, "genesis", "", "genesis file, for a new directory")
	cmd.Flags().StringVar(&hash, "hash", "", "hash that the snapshot's block must have")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.restore/1)")
	return cmd
}

// restoreGenesis is that of the flag, nil when the directory has its own.
func restoreGenesis(data, path string) (*genesis.Genesis, error) {
	if path == "" {
		if _, err := core.LoadGenesis(data); errors.Is(err, os.ErrNotExist) {
			return nil, usagef("--data %s has no chain yet; give its genesis with --genesis", data)
		}
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("--genesis: %w; name a file that you can read", err)
	}
	g, err := genesis.Parse(b)
	if err != nil {
		return nil, usagef("--genesis %s: %w; correct it, weir node genesis --schema says how", path, err)
	}
	return g, nil
}

func reportSnapshot(cmd *cobra.Command, verb, schema, file string, res core.SnapshotResult, asJSON bool) error {
	r := snapshotReport{
		Schema: schema, ChainID: fmt.Sprintf("%x", res.ChainID[:]), Height: res.Height,
		Hash: fmt.Sprintf("%x", res.Hash[:]), Txs: res.Txs, Changed: res.Taken, File: file,
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), r)
	}
	if !res.Taken {
		verb = "nothing to do: the directory has"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s block %d: %d transactions, hash %s, chain %.16s\n", verb, r.Height, r.Txs, r.Hash, r.ChainID)
	return err
}
