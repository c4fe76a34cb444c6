package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/bench/peers/require"
)

// noisyEnv are the warnings about a machine that matter for code that only
// computes.
var noisyEnv = []string{"load_average", "steal", "governor", "turbo", "cgroup_quota", "clock_source"}

// Conclude compares the rows with what is required and says what spoils the
// run. It is called once, after the last row.
func (r *Report) Conclude() {
	for _, w := range r.Env.Warnings {
		if slices.Contains(noisyEnv, w.Code) {
			r.Warnings = append(r.Warnings, w.Text+": "+w.Remedy)
		}
	}
	r.judge()
	r.warnNoise()
	r.Notes = append(r.Notes, r.subject.Notes()...)
}

// judge fills in Required.
func (r *Report) judge() {
	avx512, sha := !slices.Contains(r.Without, "avx512"), !slices.Contains(r.Without, "sha")
	table := r.subject.Required(floor.Zen5Server(r.host), avx512, sha)
	r.RequiredFor = table.Title
	for _, f := range table.Figures {
		q := Required{Row: f.Row, Peer: f.Peer, AtLeast: f.AtLeast, Verdict: require.NotMeasured}
		if f.Aim > 0 {
			q.Aim = &f.Aim
		}
		i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Row == f.Row })
		if i < 0 {
			continue // not asked for
		}
		row := &r.Rows[i]
		q.Noisy = row.Noisy
		if c := row.entry(field.WeirAgain); c != nil {
			q.Control = c.Ratio
		}
		if e := row.entry(f.Peer); e != nil && e.Ratio != nil {
			q.Ratio, q.Verdict = e.Ratio, f.Judge(e.Ratio.Median)
		}
		r.Required = append(r.Required, q)
	}
}

// warnNoise says in words what the controls showed.
func (r *Report) warnNoise() {
	var noisy []string
	controlled := 0
	for _, row := range r.Rows {
		c := row.entry(field.WeirAgain)
		if c == nil || c.Ratio == nil {
			continue
		}
		controlled++
		if row.Noisy {
			noisy = append(noisy, fmt.Sprintf("%s %s", row.Row, c.Ratio.short()))
		}
	}
	if len(noisy) == 0 {
		return
	}
	r.Warnings = append(r.Warnings, fmt.Sprintf(
		"too noisy: in %d of %d rows (marked !) the same function, entered twice, differed from itself, or may have, by more than %.0f %%; "+
			"there differences of that size mean nothing. Stop other work and run again. The controls: %s",
		len(noisy), controlled, 100*contest.NoiseLimit, strings.Join(noisy, ", ")))
}

// notes are what a reader must know of the peers.
func notes() []string {
	list := []string{
		"Ratios are peer ÷ weir, the median of the rounds with its order-statistic interval: above 1 weir is faster. " +
			"Every digest of every timed call was compared with crypto/sha256, or for BLAKE3 with zeebo's and lukechampine's, which agreed; " +
			"in the rows on two cores that is the last of the passes that each core makes in a call.",
		"weir:generic is plain Go, the row without assembly. For all contestants without theirs, build with -tags purego,noasm (gohashtree and hashtree have no such tag).",
		"Rows run with GOMAXPROCS=1 unless they say otherwise. It matters to lukechampine, which spreads a message over all cores it may use.",
		"minio's Avx512Server is a goroutine that cannot be stopped and polls; it runs in a process of its own, with all cores, so its ratio is between processes.",
		"golang.org/x/crypto is not here: it has no SHA-256 of its own any more, and no BLAKE3.",
		"gohashtree and hashtree hash plain pairs only; zeebo, lukechampine and minio have no batches and are called in a loop.",
	}
	if unknown := field.Unknown(); len(unknown) > 0 {
		list = append(list, "Kernels of package hash without a row here: "+strings.Join(unknown, ", ")+".")
	}
	return list
}
