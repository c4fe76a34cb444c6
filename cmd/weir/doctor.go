package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/netlab"
)

func newDoctorCmd() *cobra.Command {
	var (
		dataDir       string
		clean, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what will spoil a measurement on this machine",
		Long: `doctor looks at the machine for half a second and says what will spoil a
measurement here, worst first, and how to mend each. It mends nothing itself.

Processes that a killed run left behind are listed too. --clean ends those, and
only those whose owner is provably gone.

Exit code 0: nothing spoils a measurement; 1: something does, or something is
left over; 2: the machine cannot be looked at.`,
		Example: "  weir doctor\n" +
			"  weir doctor --data /srv/chain --json\n" +
			"  weir doctor --clean",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd, dataDir, clean, asJSON) },
	}
	fl := cmd.Flags()
	fl.StringVar(&dataDir, "data", ".", "the folder that a chain's data would be in")
	fl.BoolVar(&clean, "clean", false, "end what killed runs left behind")
	fl.BoolVar(&asJSON, "json", false, "print one JSON object (weir.doctor/1)")
	return cmd
}

// doctorReport is what --json prints.
type doctorReport struct {
	Schema   string        `json:"schema"`
	Fine     bool          `json:"fine"` // nothing spoils, nothing is left over
	Findings []env.Finding `json:"findings"`
	// Link says whether --link can be used here; empty: it can.
	Link      string            `json:"link_refused"`
	Leftovers []netlab.Leftover `json:"leftovers"`
	Cleaned   []netlab.Leftover `json:"cleaned"`
}

func runDoctor(cmd *cobra.Command, dataDir string, clean, asJSON bool) error {
	if info, err := os.Stat(dataDir); err != nil {
		return usagef("--data: %w; name a folder that exists", err)
	} else if !info.IsDir() {
		return usagef("--data %s is not a folder", dataDir)
	}
	exe, err := os.Executable()
	if err != nil {
		return usagef("cannot find this program's own file: %w", err)
	}
	ctx := cmd.Context()
	r := doctorReport{Schema: "weir.doctor/1", Leftovers: []netlab.Leftover{}, Cleaned: []netlab.Leftover{}}
	r.Findings = env.Doctor(ctx, env.DoctorOptions{
		Options: env.Options{DataDir: dataDir, MeasureFsync: true}, Exe: exe, OpenFiles: openFilesLimit(), Port: 7151,
	})
	if err := netlab.Check(); err != nil && !errors.Is(err, netlab.ErrNeedUserNamespace) {
		r.Link = err.Error()
	}
	if err := r.leftovers(ctx, clean); err != nil {
		return usagef("%w", err)
	}
	r.Fine = len(r.Leftovers) == 0
	spoils := 0
	for _, f := range r.Findings {
		if f.Level == env.LevelSpoils {
			spoils++
		}
	}
	r.Fine = r.Fine && spoils == 0
	if asJSON {
		err = printJSON(cmd.OutOrStdout(), r)
	} else {
		r.print(cmd)
	}
	switch {
	case err != nil:
		return err
	case len(r.Leftovers) > 0:
		return failf("%d things spoil a measurement here, %d processes are left over from killed runs (weir doctor --clean)", spoils, len(r.Leftovers))
	case spoils > 0:
		return failf("%d things spoil a measurement here", spoils)
	}
	return nil
}

// leftovers lists what is left over, after cleaning if that was asked for.
func (r *doctorReport) leftovers(ctx context.Context, clean bool) error {
	if clean {
		ended, err := netlab.CleanLeftovers(ctx)
		if err != nil && !errors.Is(err, netlab.ErrNotSupported) {
			return err
		}
		r.Cleaned = append(r.Cleaned, ended...)
	}
	left, err := netlab.Leftovers()
	if err != nil && !errors.Is(err, netlab.ErrNotSupported) {
		return err
	}
	r.Leftovers = append(r.Leftovers, left...)
	return nil
}

func (r *doctorReport) print(cmd *cobra.Command) {
	w := cmd.OutOrStdout()
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-6s  %s\n        → %s\n", f.Level, hang(f.Code+": "+f.Text, 8), hang(f.Remedy, 10))
	}
	if r.Link != "" {
		fmt.Fprintf(w, "note    link: --link cannot be used here: %s\n", r.Link)
	}
	for _, l := range r.Cleaned {
		fmt.Fprintf(w, "ended   process %d, a %s of lab %q whose run (process %d) is gone: %s\n", l.PID, l.Role, l.Name, l.OwnerPID, l.Command)
	}
	for _, l := range r.Leftovers {
		fmt.Fprintf(w, "left    process %d, a %s of lab %q whose run (process %d) is gone: %s\n", l.PID, l.Role, l.Name, l.OwnerPID, l.Command)
	}
	if r.Fine {
		fmt.Fprintln(w, "fine    nothing here spoils a measurement")
	}
}
