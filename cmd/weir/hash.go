package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/hash/hashbench"
	"github.com/chainweir/weir/hash/hashcache"
)

type hashFlags struct {
	json, explain, noCache bool
	impl                   string
	kernels                []string
	sizes, counts          []int
}

func newHashCmd() *cobra.Command {
	var f hashFlags
	cmd := &cobra.Command{
		Use:   "hash",
		Short: "Time the hash kernels, with every answer verified",
		Long: `hash times every implementation of the SHA-256 and BLAKE3 kernels that runs
on this processor, checks every digest it gets while timing, and marks the
implementation that weir chooses at each size. ns/op is per item (a pair, a
message), the best of the samples.

The choice is made by measuring and is kept in the user's cache folder for
the other commands. --impl, or the environment variable WEIR_IMPL, forces it.`,
		Example: "  weir hash\n" +
			"  weir hash --json --kernel sha256_pairs,sha256_nodes --n 1,1024\n" +
			"  weir hash --impl sha256_pairs:std,blake3:zeebo --explain\n" +
			"  weir hash sum --algo blake3 file.bin",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runHash(cmd, f) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print one JSON object (weir.hash/1)")
	flags.BoolVar(&f.explain, "explain", false, "show the ladder behind the choice")
	flags.BoolVar(&f.noCache, "no-cache", false, "neither read nor write the cache file")
	flags.StringVar(&f.impl, "impl", "", "force kernel:implementation,…")
	flags.StringSliceVar(&f.kernels, "kernel", nil, "measure only these kernels")
	flags.IntSliceVar(&f.sizes, "size", nil, "message sizes in bytes")
	flags.IntSliceVar(&f.counts, "n", nil, "items per batch")
	cmd.AddCommand(newHashSumCmd())
	return cmd
}

func runHash(cmd *cobra.Command, f hashFlags) error {
	if err := forceKernels(f.impl); err != nil {
		return err
	}
	var warnings []string
	if !f.noCache {
		// What the file says is measured anew here; it is read to say so when it
		// is bad, before it is replaced.
		if w := loadCalibration(); w != "" {
			warnings = append(warnings, w)
		}
	}
	cpu.Kernels.Calibrate()
	progress := progressLine(cmd.ErrOrStderr())
	plan := hashbench.Plan{Kernels: f.kernels, Sizes: f.sizes, Counts: f.counts}
	rows, runErr := hashbench.Run(cmd.Context(), plan, func(kernel string, n, size int) {
		progress(fmt.Sprintf("%s  n=%d  size=%d", kernel, n, size))
	})
	progress("")
	if errors.Is(runErr, hashbench.ErrPlan) {
		return usagef("%w", runErr)
	}
	if !f.noCache && runErr == nil {
		if err := saveCalibration(); err != nil {
			warnings = append(warnings, fmt.Sprintf("the calibration was not kept: %v", err))
		}
	}
	if runErr != nil {
		warnings = append(warnings, fmt.Sprintf("stopped before the end: %v", runErr))
	}
	for _, w := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "weir: warning:", w)
	}
	report := newHashReport(rows, warnings, f)
	var err error
	if f.json {
		err = printJSON(cmd.OutOrStdout(), report)
	} else {
		err = report.print(cmd.OutOrStdout())
	}
	if err != nil {
		return err
	}
	if err := hashbench.Unverified(rows); err != nil {
		return failf("%w", err)
	}
	if runErr != nil {
		return inconclusivef("stopped after %d rows: %w", len(rows), runErr)
	}
	return nil
}

// forceKernels obeys --impl, and refuses what WEIR_IMPL has wrong: somebody
// who forces an implementation wants no other to be measured in its place.
func forceKernels(list string) error {
	if err := cpu.Kernels.EnvError(); err != nil {
		return usagef("%w", err)
	}
	if err := cpu.Kernels.Override(list); err != nil {
		return usagef("--impl: %w", err)
	}
	return nil
}

// chooseKernels settles which kernels a command uses: what was forced, or what
// an earlier `weir hash` measured on this machine, or a short measurement later.
func chooseKernels(cmd *cobra.Command, list string) error {
	if err := forceKernels(list); err != nil {
		return err
	}
	if w := loadCalibration(); w != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "weir: warning:", w)
	}
	return nil
}

// loadCalibration takes over the choices that an earlier command measured, and
// returns a warning when there is a file that cannot be used. Without a usable
// file the kernels measure at their first call.
func loadCalibration() (warning string) {
	path, err := hashcache.DefaultPath()
	if err == nil {
		err = hashcache.Load(path, cpu.Kernels)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return fmt.Sprintf("cached calibration ignored: %v", err)
}

func saveCalibration() error {
	path, err := hashcache.DefaultPath()
	if err != nil {
		return err
	}
	return hashcache.Save(path, cpu.Kernels)
}
