// Package require is the table of what weir's hash kernels have to reach: how
// many times as fast as which library, row by row. The table is for one kind
// of machine; on others the floors of package floor take its place.
package require

// Names of the contestants that the figures refer to.
const (
	gohashtree = "gohashtree"
	std        = "crypto/sha256"
	zeebo      = "zeebo"
	oneCore    = "weir, 1 core"
)

// Figure is one required ratio of times, peer ÷ ours.
type Figure struct {
	Row     string
	Peer    string
	AtLeast float64
	Aim     float64 // 0: none beyond AtLeast
}

// Zen5Server are the figures for one core of a Zen 5 server.
var Zen5Server = []Figure{
	{"sha256_pairs n=16", gohashtree, 1.85, 2.1},
	{"sha256_pairs n=64", gohashtree, 2.0, 2.8},
	{"sha256_pairs n=256", gohashtree, 2.6, 3.3},
	{"sha256_pairs n=1024", gohashtree, 3.3, 3.6},
	{"sha256_pairs n=4096", gohashtree, 3.3, 3.6},
	{"sha256_pairs n=65536", gohashtree, 3.3, 3.6},
	{"sha256_nodes n=1024", std, 7, 8},
	{"sha256_many 1024 × 200 B", std, 3.5, 5},
	{"sha256_many 1024 × 1 KiB", std, 4, 4.6},
	{"sha256_many 1024 × 4 KiB", std, 4, 5},
	{"sha256_many 1024 × random 0–2 KiB", std, 3, 4},
	{"blake3 64 B", zeebo, 1.75, 1.9},
	{"blake3 1 KiB", zeebo, 1.28, 1.4},
	{"blake3 16 KiB", zeebo, 2.5, 3},
	{"blake3 1 MiB", zeebo, 3.7, 4.3},
	{"two cores: sha256_pairs n=4096", oneCore, 1.9, 2.0},
	{"two cores: blake3 1 MiB", oneCore, 1.9, 2.0},
}

// Figures for processors that lack something, which a run plays with
// --without. They compare the same instructions with themselves, so they hold
// for every processor.
const (
	shaNIAtLeast = 1.05
	avx2AtLeast  = 1.0
)

// Table is the figures that apply to a run, and to what.
type Table struct {
	Title   string
	Figures []Figure
}

// For returns the figures for a run: on a Zen 5 server or not, with or without
// those features of the processor. It is empty where there are none.
func For(zen5Server, avx512, sha bool) Table {
	switch {
	case avx512 && zen5Server:
		return Table{"one core of a Zen 5 server (family 26)", Zen5Server}
	case avx512:
		return Table{}
	case sha:
		return Table{"without AVX-512, both with the SHA extensions", pairs(shaNIAtLeast)}
	default:
		return Table{"without AVX-512 and SHA extensions, both with AVX2", pairs(avx2AtLeast)}
	}
}

// pairs are figures for the rows in which every width of vector gets enough.
func pairs(atLeast float64) []Figure {
	var list []Figure
	for _, n := range []string{"16", "64", "256", "1024", "4096", "65536"} {
		list = append(list, Figure{Row: "sha256_pairs n=" + n, Peer: gohashtree, AtLeast: atLeast})
	}
	return list
}

// Verdict says how a measured ratio stands to a figure.
type Verdict string

// Verdicts.
const (
	Met         Verdict = "met"
	AimMet      Verdict = "aim met"
	NotMet      Verdict = "not met"
	NotMeasured Verdict = "not measured"
)

// Judge compares the median of the ratios with a figure.
func (f Figure) Judge(median float64) Verdict {
	switch {
	case f.Aim > 0 && median >= f.Aim:
		return AimMet
	case median >= f.AtLeast:
		return Met
	}
	return NotMet
}
