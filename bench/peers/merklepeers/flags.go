package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/chainweir/weir/bench/peers/contest"
)

// Defaults and limits of the flags.
const (
	defaultRounds = 15
	quickRounds   = 10
	minRounds     = 10 // fewer do not make a figure to quote
	maxRounds     = 1000
	sample        = 2 * time.Millisecond
)

type options struct {
	rows  *regexp.Regexp
	plan  contest.Plan
	json  bool
	bench string
}

const usage = `merklepeers measures weir's Merkle trees beside other libraries, in one process,
on the same inputs, in interleaved rounds, with every answer verified. A run of
everything takes a minute and 1 GiB of memory.

Usage: merklepeers [flags]

`

// errHelp ends the program after its help was printed.
var errHelp = errors.New("")

func parse(args []string, stdout io.Writer) (options, error) {
	fs := flag.NewFlagSet("merklepeers", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the error says what was wrong, once
	rows := fs.String("rows", "", "measure the rows whose name matches this `regexp`")
	rounds := fs.Int("rounds", 0, fmt.Sprintf("`number` of rounds, %d or more (default %d)", minRounds, defaultRounds))
	quick := fs.Bool("quick", false, fmt.Sprintf("%d rounds", quickRounds))
	asJSON := fs.Bool("json", false, "print one JSON object (weir.merklepeers/1)")
	bench := fs.String("bench", "", "also write the samples to this `file` as Go benchmark text")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fs.SetOutput(stdout)
		fmt.Fprint(stdout, usage)
		fs.PrintDefaults()
		return options{}, errHelp
	case err != nil:
		return options{}, usagef("%w; see merklepeers --help", err)
	case fs.NArg() > 0:
		return options{}, usagef("unexpected argument %q; see merklepeers --help", fs.Arg(0))
	}
	opt := options{json: *asJSON, bench: *bench, plan: contest.Plan{Rounds: defaultRounds, Sample: sample}}
	if opt.rows, err = regexp.Compile(*rows); err != nil {
		return options{}, usagef("--rows: %w", err)
	}
	if *quick {
		opt.plan.Rounds = quickRounds
	}
	fs.Visit(func(f *flag.Flag) {
		if f.Name == "rounds" {
			opt.plan.Rounds = *rounds
		}
	})
	if n := opt.plan.Rounds; n < minRounds || n > maxRounds {
		return options{}, usagef("--rounds %d: use %d to %d", n, minRounds, maxRounds)
	}
	return opt, nil
}

// wants reports whether a row was asked for. Its name may also be written with
// the signs of a plain keyboard.
func (o options) wants(row string) bool {
	return o.rows.MatchString(row) || o.rows.MatchString(strings.ReplaceAll(row, "×", "x"))
}
