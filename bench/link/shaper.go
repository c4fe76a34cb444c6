package link

import (
	"fmt"
	"strings"
)

// Shaper is a queueing discipline, or one class of it, that holds what leaves
// an interface to a rate. It is a setting, read from the kernel, and not a
// measurement: shown beside what was measured.
type Shaper struct {
	// Kind is tbf, htb, hfsc, netem or fq.
	Kind string `json:"kind"`
	// Handle is the discipline or class, as tc writes it, and Parent what it
	// hangs on: "root" for the whole interface.
	Handle string `json:"handle"`
	Parent string `json:"parent"`
	// RateBitsPerSec is the layer-2 rate, of HTB the ceiling of the class.
	RateBitsPerSec float64 `json:"rate_bits_per_sec"`
	// PeakBitsPerSec bounds the rate at which a bucket is emptied; nil: not
	// bounded.
	PeakBitsPerSec *float64 `json:"peak_bits_per_sec"`
	// BurstBytes is the bucket: what may leave at once after the interface was
	// idle. LimitBytes is the longest the queue may get; nil when the
	// discipline counts otherwise.
	BurstBytes float64  `json:"burst_bytes"`
	LimitBytes *float64 `json:"limit_bytes"`
	// PerFlow: each flow has the rate for itself.
	PerFlow bool   `json:"per_flow"`
	Source  string `json:"source"`
}

// SourceNetlink is where shapers are read.
const SourceNetlink = "rtnetlink"

// String is such as "TBF 100 Mbit/s".
func (s Shaper) String() string {
	text := strings.ToUpper(s.Kind) + " " + bitRate(s.RateBitsPerSec)
	if s.Parent != "root" {
		text += " (" + s.Handle + " under " + s.Parent + ")"
	}
	if s.PerFlow {
		text += " for each flow"
	}
	return text
}

// holdsAll tells that everything that leaves the interface is held to the
// rate, whichever flow or class it belongs to.
func (s Shaper) holdsAll() bool {
	return s.Parent == "root" && !s.PerFlow && s.Kind != "htb" && s.Kind != "hfsc"
}

// MaxBits is how many bits a shaped link may carry within a time at most: its
// rate for that long and one full bucket. Over a short window a utilisation
// against the rate alone goes above 1, by bucket ÷ (rate × window): a bucket
// of 32 KiB at 8 Mbit/s gives 3.3 % in a second. What was carried divided by
// MaxBits does not.
func MaxBits(rateBitsPerSec, burstBytes, seconds float64) float64 {
	return rateBitsPerSec*seconds + 8*burstBytes
}

func bitRate(bits float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1e9, "Gbit/s"}, {1e6, "Mbit/s"}, {1e3, "kbit/s"}} {
		if bits >= u.unit {
			return fmt.Sprintf("%.4g %s", bits/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%.0f bit/s", bits)
}
