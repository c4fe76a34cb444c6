package compare

// Schema is that of the object of weir compare --json.
const Schema = "weir.compare/1"

// Verdict says how head stands to base.
type Verdict string

// Verdicts. They are those of a stopwatch for every quantity whose direction is
// known: slower is worse.
const (
	Faster       Verdict = "faster"
	Slower       Verdict = "slower"
	Same         Verdict = "same"         // the whole interval lies within ±delta
	Changed      Verdict = "changed"      // it differs, and which way is better is not known
	Inconclusive Verdict = "inconclusive" // neither
)

// Row is one quantity on both sides. Unknown values are null.
type Row struct {
	Metric string `json:"metric"`
	Unit   string `json:"unit"`
	Better string `json:"better"` // higher, lower, or empty: not known
	// Base and Head are medians over the runs.
	Base float64 `json:"base"`
	Head float64 `json:"head"`
	// BaseSpread and HeadSpread are MAD/median, as fractions, null for one run.
	BaseSpread *float64 `json:"base_spread"`
	HeadSpread *float64 `json:"head_spread"`
	BaseRuns   int      `json:"base_runs"`
	HeadRuns   int      `json:"head_runs"`
	// Outliers counts values beyond Tukey's fences, on both sides. They are used
	// like all others.
	Outliers int `json:"outliers"`
	// Ratio is head/base: the Hodges–Lehmann shift of the logarithms. Null when a
	// value is zero or negative.
	Ratio *float64 `json:"ratio"`
	// CI95 is its interval with at least 95 % confidence, null when there are too
	// few runs for one; Confidence is what it exactly reaches.
	CI95       *[2]float64 `json:"ci95"`
	Confidence *float64    `json:"confidence"`
	// P is that of the two-sided exact Mann–Whitney test, PAdjusted for having
	// looked at all rows (Benjamini–Hochberg).
	P         *float64 `json:"p"`
	PAdjusted *float64 `json:"p_adjusted"`
	Verdict   Verdict  `json:"verdict"`
	// Reason says why nothing was decided; MoreRuns is how many runs per side in
	// all would probably decide, null when not known.
	Reason  string `json:"reason"`
	RunsFor *int   `json:"runs_needed"`
}

// Geomean is the geometric mean of the ratios of one unit, over the rows that
// both sides have.
type Geomean struct {
	Unit   string  `json:"unit"`
	Ratio  float64 `json:"ratio"`
	Rows   int     `json:"rows"`
	Faster int     `json:"faster"`
	Slower int     `json:"slower"`
	// Changed counts rows whose direction is not known.
	Changed int `json:"changed"`
}

// Result is a comparison.
type Result struct {
	Schema string  `json:"schema"`
	Base   string  `json:"base"`
	Head   string  `json:"head"`
	Kind   string  `json:"kind"`
	Delta  float64 `json:"delta"` // as a fraction: changes within it do not matter
	Rows   []Row   `json:"rows"`

	Geomeans []Geomean `json:"geomeans"`
	OnlyBase []string  `json:"only_base"`
	OnlyHead []string  `json:"only_head"`

	// Verdict is slower when a row is, else inconclusive when a row is or the
	// comparison cannot be trusted, else faster when a row is, else same.
	Verdict Verdict `json:"verdict"`
	// Noisy says that a side changed against itself while it was measured.
	Noisy    bool     `json:"noisy"`
	Forced   bool     `json:"forced"` // compared although class or settings differ
	Warnings []string `json:"warnings"`
	Notes    []string `json:"notes"`
}
