package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/loadgen/workload"
)

func newWorkloadCmd() *cobra.Command {
	var (
		show, sample int
		seed         uint64
		accounts     uint32
		text, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "workload transfer|collection|kv|FILE",
		Short: "Check a workload and show what it will send",
		Long: `workload reads a workload (a built-in one, or a YAML file), says what is wrong
with it, with line and column, and shows what a run would send: the first
transactions, how their lengths and accounts are distributed, and the payload
per transaction. Nothing is sent.`,
		Example: "  weir workload collection --show 5\n" +
			"  weir workload transfer --text > mix.yaml\n" +
			"  weir workload mix.yaml --json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, source, err := workload.Load(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			if text {
				_, err := cmd.OutOrStdout().Write(source)
				return err
			}
			if accounts != 0 {
				w.Accounts.Count = accounts
			}
			in, err := w.Inspect(seed, max(sample, show), show)
			if err != nil {
				return usagef("%w", err)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), in)
			}
			printWorkload(cmd, in)
			return nil
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&show, "show", 10, "decode the first N transactions")
	fl.IntVar(&sample, "sample", 100_000, "transactions to take the distributions from")
	fl.Uint64Var(&seed, "seed", 42, "seed of the transactions")
	fl.Uint32Var(&accounts, "accounts", 0, "accounts instead of the workload's own number")
	fl.BoolVar(&text, "text", false, "print the workload's YAML, to start a file from")
	fl.BoolVar(&asJSON, "json", false, "print one JSON object (weir.workload/1)")
	cmd.AddCommand(newWorkloadSchemaCmd())
	return cmd
}

const workloadUsage = "transfer, collection, kv or a YAML file (default plain transfers)"

// parseWorkload reads what --workload names, nil for nothing.
func parseWorkload(name string) (*workload.Workload, error) {
	if name == "" {
		return nil, nil
	}
	w, _, err := workload.Load(name)
	if err != nil {
		return nil, usagef("--workload: %w", err)
	}
	return w, nil
}

func newWorkloadSchemaCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of workload files, for editors",
		Example: "  weir workload schema > workload.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{
					"schema": "weir.workload-schema/1", "json_schema": json.RawMessage(workload.JSONSchema),
				})
			}
			_, err := cmd.OutOrStdout().Write(workload.JSONSchema)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it inside one object (weir.workload-schema/1)")
	return cmd
}

func printWorkload(cmd *cobra.Command, in *workload.Inspection) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "workload %s · %d accounts · seed %d · set-up %d transactions\n\n", in.Name, in.Accounts, in.Seed, in.SetupTxs)
	if len(in.Transactions) > 0 {
		fmt.Fprintf(w, "%6s  %-14s %8s %8s %12s %8s %6s  %s\n", "index", "kind", "from", "to", "amount/item", "nonce", "bytes", "id")
		for _, t := range in.Transactions {
			to, amount := "-", "-"
			if t.To != nil {
				to = fmt.Sprint(*t.To)
			}
			if t.Amount != nil {
				amount = fmt.Sprint(*t.Amount)
			} else if t.Item != nil {
				amount = fmt.Sprintf("item %d", *t.Item)
			}
			fmt.Fprintf(w, "%6d  %-14s %8d %8s %12s %8d %6d  %.8s\n", t.Index, t.Kind, t.From, to, amount, t.Nonce, t.Bytes, t.ID)
		}
		fmt.Fprintln(w)
	}
	for _, k := range in.Kinds {
		fmt.Fprintf(w, "  %-18s %6.2f %% expected   %6.2f %% of %d\n", k.Kind, 100*k.Expected, 100*k.Sampled, in.SampledTxs)
	}
	b := in.TxBytes
	fmt.Fprintf(w, "\n  bytes per tx       min %d · p50 %d · p90 %d · p99 %d · max %d · mean %.1f\n", b.Min, b.P50, b.P90, b.P99, b.Max, b.Mean)
	fmt.Fprintf(w, "  payload per tx     %.1f B in full frames, %.1f B alone (before TCP)\n", in.PayloadBytesPerTx.FullFrames, in.PayloadBytesPerTx.SingleFrames)
	for _, s := range []struct {
		name string
		of   workload.Spread
	}{{"senders", in.Senders}, {"recipients", in.Recipients}} {
		fmt.Fprintf(w, "  %-18s %d accounts · busiest %.2f %% · top 1 %%: %.1f %% · top 10 %%: %.1f %%\n",
			s.name, s.of.Distinct, 100*s.of.TopShare, 100*s.of.Top1Pct, 100*s.of.Top10Pct)
	}
	fmt.Fprintf(w, "  order slack        %d transactions between connections\n", in.OrderSlackTxs)
	if in.Limit != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "weir: warning: %s\n", *in.Limit)
	}
}
