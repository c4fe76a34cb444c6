package main

import "github.com/spf13/cobra"

// subcommands lists the commands in the order in which help shows them.
func subcommands() []*cobra.Command {
	return []*cobra.Command{
		newHashCmd(),
		newMerkleCmd(),
		newNodeCmd(),
		newRunCmd(),
		newLoadCmd(),
		newCheckCmd(),
		newFitCmd(),
		newPlanCmd(),
		newCICmd(),
		newCompareCmd(),
		newImportCmd(),
		newReportCmd(),
		newHistoryCmd(),
		newWorkloadCmd(),
		newProbeCmd(),
		newLinkCmd(),
		newAgentCmd(),
		newDoctorCmd(),
	}
}
