package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core"
)

// transferReport is the object of `weir node export --json` and `import --json`.
type transferReport struct {
	Schema  string `json:"schema"`
	ChainID string `json:"chain_id"`
	Height  uint64 `json:"height"`
	Hash    string `json:"hash"`
	Blocks  uint64 `json:"blocks"` // written, or new to the directory
	Txs     uint64 `json:"transactions"`
	File    string `json:"file"`
}

func newNodeExportCmd() *cobra.Command {
	var (
		data   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write a whole chain to one portable file",
		Long: `export writes the genesis and all blocks of a node that is not running to FILE,
which must not exist. Any machine can import it. A chain whose old blocks are
pruned cannot be exported.`,
		Example: "  weir node export chain.weir --data ./chain",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := core.LoadGenesis(data); err != nil {
				return usagef("--data %s is not a chain's directory: %w; name that of a chain", data, err)
			}
			progress := progressLine(cmd.ErrOrStderr())
			res, err := core.Export(cmd.Context(), data, args[0], heights(progress))
			progress("")
			if err != nil {
				return usagef("%w", err)
			}
			return reportTransfer(cmd, "exported", "weir.node.export/1", args[0], res, asJSON)
		},
	}
	cmd.Flags().StringVar(&data, "data", "weir-data", "data directory")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.export/1)")
	return cmd
}

func newNodeImportCmd() *cobra.Command {
	var (
		data   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a data directory from an exported chain",
		Long: `import reads a file that export wrote into a new data directory and checks
everything in it again: every link, signature and execution, every transaction
root and state root. An import that was interrupted goes on where it was when it
is done again. A directory that holds another chain is refused.`,
		Example: "  weir node import chain.weir --data ./copy",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := forceKernels(""); err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return usagef("cannot read the chain: %w; name a file that weir node export wrote", err)
			}
			defer f.Close()
			progress := progressLine(cmd.ErrOrStderr())
			res, err := core.Import(cmd.Context(), data, f, heights(progress))
			progress("")
			if errors.Is(err, core.ErrBadChain) {
				return failf("%s: %w", args[0], err)
			}
			if err != nil {
				return usagef("%s: %w", args[0], err)
			}
			return reportTransfer(cmd, "imported", "weir.node.import/1", args[0], res, asJSON)
		},
	}
	cmd.Flags().StringVar(&data, "data", "weir-data", "data directory, new or of the same chain")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.import/1)")
	return cmd
}

// heights shows every 64th height.
func heights(progress func(string)) func(uint64) {
	return func(h uint64) {
		if h%64 == 0 {
			progress(fmt.Sprintf("height %d", h))
		}
	}
}

func reportTransfer(cmd *cobra.Command, verb, schema, file string, res core.TransferResult, asJSON bool) error {
	r := transferReport{
		Schema: schema, ChainID: fmt.Sprintf("%x", res.ChainID[:]), Height: res.Height,
		Hash: fmt.Sprintf("%x", res.Hash[:]), Blocks: res.Blocks, Txs: res.Txs, File: file,
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), r)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %d blocks: height %d, %d transactions, head %.16s, chain %.16s\n",
		verb, r.Blocks, r.Height, r.Txs, r.Hash, r.ChainID)
	return err
}
