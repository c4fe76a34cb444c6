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
	"github.com/chainweir/weir/bench/peers/restrict"
)

// Defaults and limits of the flags.
const (
	defaultRounds = 15
	quickRounds   = 10
	minRounds     = 10 // fewer do not make a figure to quote
	maxRounds     = 1000
	defaultSample = 2 * time.Millisecond
	quickSample   = time.Millisecond
)

type options struct {
	rows    *regexp.Regexp
	plan    contest.Plan
	json    bool
	bench   string
	without []string
}

const usage = `hashpeers measures weir's hash kernels beside other libraries, in one process, on
the same inputs, in interleaved rounds, with every answer verified. A run of
everything takes half a minute.

Usage: hashpeers [flags]

`

// errHelp ends the program after its help was printed.
var errHelp = errors.New("")

func parse(args []string, stdout io.Writer) (options, error) {
	fs := flag.NewFlagSet("hashpeers", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the error says what was wrong, once
	rows := fs.String("rows", "", "measure the rows whose name matches this `regexp`")
	rounds := fs.Int("rounds", defaultRounds, fmt.Sprintf("`number` of rounds, %d or more", minRounds))
	quick := fs.Bool("quick", false, fmt.Sprintf("%d rounds of samples half as long", quickRounds))
	asJSON := fs.Bool("json", false, "print one JSON object (weir.hashpeers/1)")
	bench := fs.String("bench", "", "also write the samples to this `file` as Go benchmark text")
	without := fs.String("without", "", "hide features of the processor from weir and its peers: a `list` of avx512, sha, avx2")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fs.SetOutput(stdout)
		fmt.Fprint(stdout, usage)
		fs.PrintDefaults()
		return options{}, errHelp
	case err != nil:
		return options{}, usagef("%w; see hashpeers --help", err)
	case fs.NArg() > 0:
		return options{}, usagef("unexpected argument %q; see hashpeers --help", fs.Arg(0))
	}
	opt := options{json: *asJSON, bench: *bench, plan: contest.Plan{Rounds: *rounds, Sample: defaultSample}}
	if opt.rows, err = regexp.Compile(*rows); err != nil {
		return options{}, usagef("--rows: %w", err)
	}
	if *quick {
		opt.plan.Sample = quickSample
		if !given(fs, "rounds") {
			opt.plan.Rounds = quickRounds
		}
	}
	if n := opt.plan.Rounds; n < minRounds || n > maxRounds {
		return options{}, usagef("--rounds %d: use %d to %d", n, minRounds, maxRounds)
	}
	if *without != "" {
		opt.without = strings.Split(*without, ",")
		if err := restrict.Check(opt.without); err != nil {
			return options{}, usagef("--without: %w", err)
		}
	}
	return opt, nil
}

// wants reports whether a row was asked for. Its name may also be written with
// the signs of a plain keyboard.
func (o options) wants(row string) bool {
	return o.rows.MatchString(row) || o.rows.MatchString(strings.NewReplacer("×", "x", "–", "-").Replace(row))
}

func given(fs *flag.FlagSet, name string) bool {
	found := false
	fs.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
