package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// Defaults and limits of the flags.
const (
	minRounds     = 3 // fewer say nothing about how much rounds differ
	maxRounds     = 100
	defaultBudget = 10 * time.Minute
	minPerRound   = 70 * time.Second
	maxBudget     = 24 * time.Hour
	minTrial      = 2 * time.Second
	maxTrial      = time.Minute
	minLimit      = 50 * time.Millisecond
	maxLimit      = 10 * time.Second
	maxConns      = 64
)

type options struct {
	rounds  int
	budget  time.Duration // of everything after the build
	trial   time.Duration // of load that counts, whole seconds: the peer's tool knows no others
	limit   time.Duration // commit p99 below it
	conns   int           // of either generator
	binDir  string        // of the peer's programs
	weir    string        // our program
	dir     string        // under which the chains are kept while they run
	least   float64       // ratio asked for, 0: none
	json    bool
	install bool // build what is missing
}

const usage = `nodepeers finds the knee of a weir node and of a CometBFT node in turns, on this
machine and under the same latency limit, and prints their ratio. The first run
builds CometBFT and its loadtime tool with go install, which needs the network
and takes minutes.

Usage: nodepeers [flags]

`

// errHelp ends the program after its help was printed.
var errHelp = errors.New("")

func parse(args []string, stdout io.Writer) (options, error) {
	var opt options
	fs := flag.NewFlagSet("nodepeers", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the error says what was wrong, once
	fs.IntVar(&opt.rounds, "rounds", minRounds, fmt.Sprintf("`number` of rounds, %d or more", minRounds))
	fs.DurationVar(&opt.budget, "budget", defaultBudget, "`time` for all rounds, without the build")
	fs.DurationVar(&opt.trial, "trial", 4*time.Second, "`time` of load in a trial of CometBFT, whole seconds")
	fs.DurationVar(&opt.limit, "p99", time.Second, "`limit` of the commit latency's 99th percentile, for both")
	fs.IntVar(&opt.conns, "conns", 2, "`connections` of either generator")
	fs.StringVar(&opt.binDir, "bin", "bin/peers", "`folder` of the peer's programs")
	fs.StringVar(&opt.weir, "weir", "bin/weir", "weir's `program`")
	fs.StringVar(&opt.dir, "dir", os.TempDir(), "`folder` under which the chains are kept while they run")
	fs.Float64Var(&opt.least, "at-least", 0, "exit with 1 when the ratio is below this `number`")
	fs.BoolVar(&opt.json, "json", false, "print one JSON object (weir.nodepeers/1)")
	fs.BoolVar(&opt.install, "install", true, "build the peer's programs where they are missing")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fs.SetOutput(stdout)
		fmt.Fprint(stdout, usage)
		fs.PrintDefaults()
		return options{}, errHelp
	case err != nil:
		return options{}, usagef("%w; see nodepeers --help", err)
	case fs.NArg() > 0:
		return options{}, usagef("unexpected argument %q; see nodepeers --help", fs.Arg(0))
	}
	return opt, opt.check()
}

func (o options) check() error {
	need := time.Duration(o.rounds) * minPerRound
	switch {
	case o.rounds < minRounds || o.rounds > maxRounds:
		return usagef("--rounds %d: use %d to %d", o.rounds, minRounds, maxRounds)
	case o.budget < need || o.budget > maxBudget:
		return usagef("--budget %s: %d rounds need %s or more, and %s is the most", o.budget, o.rounds, need, maxBudget)
	case o.trial < minTrial || o.trial > maxTrial || o.trial%time.Second != 0:
		return usagef("--trial %s: use whole seconds from %s to %s", o.trial, minTrial, maxTrial)
	case o.limit < minLimit || o.limit > maxLimit:
		return usagef("--p99 %s: use %s to %s", o.limit, minLimit, maxLimit)
	case o.conns < 1 || o.conns > maxConns:
		return usagef("--conns %d: use 1 to %d", o.conns, maxConns)
	case !(o.least >= 0) || math.IsInf(o.least, 1):
		return usagef("--at-least %v: give a ratio, such as 3.5", o.least)
	}
	return nil
}
