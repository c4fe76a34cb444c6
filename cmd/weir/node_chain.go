package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

// chainFlags say what a running node keeps of its chain.
type chainFlags struct {
	snapshotTxs int64
	retainTxs   uint64
}

func (f *chainFlags) define(cmd *cobra.Command) {
	cmd.Flags().Int64Var(&f.snapshotTxs, "snapshot-txs", 0, "transactions between two snapshots, 0: the default, -1: no snapshots")
	cmd.Flags().Uint64Var(&f.retainTxs, "retain-txs", 0, "newest transactions to keep at least, 0: all")
}

func (f *chainFlags) apply(cfg *core.Config) {
	cfg.SnapshotTxs, cfg.RetainTxs = f.snapshotTxs, f.retainTxs
}

// warnSnapshots says which snapshots were of no use at the start, and, when the
// node has ended, why none could be written.
func warnSnapshots(w io.Writer, n *core.Node, ended bool) {
	if !ended && len(n.Restored.Refused) > 0 {
		fmt.Fprintln(w, "weir: warning:", n.Restored)
	}
	if err := n.Snapshots().Err; ended && err != nil {
		fmt.Fprintf(w, "weir: warning: %v; the chain is whole, the next start takes longer\n", err)
	}
}

func newNodeGenesisCmd() *cobra.Command {
	var (
		file   string
		n      uint32
		asJSON bool
		schema bool
	)
	cmd := &cobra.Command{
		Use:   "genesis",
		Short: "Check a genesis file, or print one to begin with",
		Long: `genesis checks the file given with --file and prints the id of its chain.
Without a file it prints the genesis of a measuring chain, as an example: its
accounts have publicly known keys. --schema prints the files' JSON Schema.`,
		Example: "  weir node genesis > genesis.json\n  weir node genesis --file genesis.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema {
				_, err := cmd.OutOrStdout().Write(genesis.JSONSchema)
				return err
			}
			if file == "" {
				g := genesis.Dev(n)
				if err := g.Validate(); err != nil {
					return usagef("--accounts %d: %w", n, err)
				}
				_, err := cmd.OutOrStdout().Write(g.JSON())
				return err
			}
			b, err := os.ReadFile(file)
			if err != nil {
				return usagef("--file: %w; name a file that you can read", err)
			}
			g, err := genesis.Parse(b)
			if err != nil {
				return usagef("--file %s: %w; correct it, weir node genesis --schema says how", file, err)
			}
			return describeGenesis(cmd, g, asJSON)
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "genesis file to check")
	cmd.Flags().Uint32Var(&n, "accounts", 4096, "accounts of the measuring chain")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of genesis files")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.genesis/1)")
	return cmd
}

// genesisReport is the object of `weir node genesis --json`.
type genesisReport struct {
	Schema       string `json:"schema"`
	Name         string `json:"name"`
	ChainID      string `json:"chain_id"`
	Accounts     int    `json:"accounts"`
	Admins       int    `json:"admins"`
	Validators   int    `json:"validators"`
	Registration string `json:"registration"`
	DerivedKeys  bool   `json:"derived_keys"` // some private keys are known to everybody
}

func describeGenesis(cmd *cobra.Command, g *genesis.Genesis, asJSON bool) error {
	id := g.ChainID()
	r := genesisReport{
		Schema: "weir.node.genesis/1", Name: g.Name, ChainID: fmt.Sprintf("%x", id[:]),
		Accounts: g.NumAccounts(), Registration: genesis.RegistrationOpen, DerivedKeys: g.Derived != nil,
	}
	if g.Rules.AdminRegistration() {
		r.Registration = genesis.RegistrationAdmin
	}
	for i := range g.Accounts {
		m := g.Accounts[i].Membership()
		if m.Role == tx.RoleAdmin {
			r.Admins++
		}
		if m.Validator {
			r.Validators++
		}
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), r)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "chain %s  name %q  accounts %d  admins %d  validators %d  registration %s\n",
		r.ChainID, r.Name, r.Accounts, r.Admins, r.Validators, r.Registration)
	return err
}
