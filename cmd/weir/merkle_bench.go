package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
	"github.com/chainweir/weir/merkle/merklebench"
)

func newMerkleBenchCmd() *cobra.Command {
	c := merklebench.Default()
	var schemes []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Time Merkle roots against the floor of the node kernel",
		Long: `Time Merkle roots. The floor is the number of interior nodes times what the
scheme's node kernel takes for one, on one core, measured in turns with the
roots; several workers can be faster. Every timed root is compared with one over
Go's crypto/sha256, and a wrong one ends the command with exit code 1.

Rows whose leaves are nodes already show the interior alone. Where leaves are
hashed, ratio includes that, and full is the ratio to the floors of both.`,
		Example: `  weir merkle bench
  weir merkle bench --leaves 100000 --leaf-bytes 500 --workers 1,2,4 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("scheme") {
				c.Schemes = nil
				for _, name := range schemes {
					s, err := merkle.SchemeByName(name)
					if err != nil {
						return usagef("--scheme: %w", err)
					}
					c.Schemes = append(c.Schemes, s)
				}
			}
			return runMerkleBench(cmd, c, asJSON)
		},
	}
	cmd.Flags().StringSliceVar(&schemes, "scheme", nil, "schemes to time (default rfc6962,bitcoin)")
	cmd.Flags().IntSliceVar(&c.Leaves, "leaves", c.Leaves, "tree sizes")
	cmd.Flags().IntVar(&c.LeafBytes, "leaf-bytes", c.LeafBytes, "bytes per leaf where leaves are hashed")
	cmd.Flags().IntSliceVar(&c.Workers, "workers", c.Workers, "cores to use at most")
	cmd.Flags().DurationVar(&c.PerCase, "time", c.PerCase, "for each tree size and kind of leaf")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// maxBenchTime is more than any use of the command needs per case.
const maxBenchTime = 10 * time.Minute

func runMerkleBench(cmd *cobra.Command, c merklebench.Config, asJSON bool) error {
	if c.PerCase <= 0 || c.PerCase > maxBenchTime || c.LeafBytes == 0 {
		return usagef("--time %v, --leaf-bytes %d: use a time up to %v and 1 byte or more", c.PerCase, c.LeafBytes, maxBenchTime)
	}
	ctx := commandContext(cmd)
	rows, err := merklebench.Run(ctx, c)
	switch {
	case errors.Is(err, merklebench.ErrWrongRoot):
		return failf("%w", err)
	case err != nil:
		return inputError(ctx, err)
	}
	if asJSON {
		err = printJSON(cmd.OutOrStdout(), struct {
			Schema string            `json:"schema"`
			Rows   []merklebench.Row `json:"rows"`
		}{merkleSchema, rows})
	} else {
		err = printMerkleBench(cmd.OutOrStdout(), rows)
	}
	if err != nil {
		return usagef("writing the answer: %w", err)
	}
	return nil
}

func printMerkleBench(w io.Writer, rows []merklebench.Row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "scheme\tleaves\tbytes\tworkers\troot µs\tns/leaf\tns/node\tfloor µs\tratio\tfull\t")
	for _, r := range rows {
		kind := fmt.Sprint(r.LeafBytes)
		if r.Prehashed {
			kind = "node"
		}
		fmt.Fprintf(tw, "%s\t%d\t%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t\n",
			r.Scheme, r.Leaves, kind, r.Workers, r.NSPerRoot/1e3, r.NSPerRoot/float64(r.Leaves),
			r.NSPerPair, r.FloorNS/1e3, r.FloorRatio, r.FullRatio)
	}
	return tw.Flush()
}
