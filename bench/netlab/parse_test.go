package netlab

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseLink(t *testing.T) {
	for _, c := range []struct {
		text string
		want Config
	}{
		{"20mbit", Config{RateBitsPerSec: 20_000_000}},
		{"1gbit,10ms", Config{RateBitsPerSec: 1_000_000_000, Delay: 10 * time.Millisecond}},
		{"20mbit,10ms,0.1%", Config{RateBitsPerSec: 20_000_000, Delay: 10 * time.Millisecond, LossFraction: 0.001}},
		{"20mbit,0.1%,10ms", Config{RateBitsPerSec: 20_000_000, Delay: 10 * time.Millisecond, LossFraction: 0.001}},
		{" 500KBIT , 1% ", Config{RateBitsPerSec: 500_000, LossFraction: 0.01}},
		{"20mbit,0s,0%", Config{RateBitsPerSec: 20_000_000}},
	} {
		c.want.Name = "lab"
		if got, err := ParseLink(c.text); err != nil || got != c.want {
			t.Errorf("ParseLink(%q) = %+v, %v, want %+v", c.text, got, err, c.want)
		}
	}
	for text, word := range map[string]string{
		"": `""`, "20": `"20"`, "1kbit": "100kbit", "-1mbit": "100kbit", "NaNmbit": "100kbit", "20mbit,": "neither",
		"20mbit,10": "neither", "20mbit,x%": "percentage", "20mbit,NaN%": "outside 0..50", "20mbit,60%": "outside 0..50",
		"20mbit,-1%": "outside 0..50", "20mbit,-1ms": "outside 0..2s", "20mbit,3s": "outside 0..2s", "20mbit,1ns": "microseconds",
		"20mbit,1ms,2ms": "second delay", "20mbit,1%,2%": "second loss", "20mbit,1ms,1%,1%": "second loss",
	} {
		if got, err := ParseLink(text); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), word) {
			t.Errorf("ParseLink(%q) = %+v, %v, want a refusal with %q in it", text, got, err, word)
		}
	}
}

// What is written is what is read.
func TestParseLinkRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Uint64Range(MinRateBitsPerSec, 1<<36).Draw(t, "rate")
		delay := time.Duration(rapid.IntRange(0, int(MaxDelay/time.Microsecond)).Draw(t, "us")) * time.Microsecond
		percent := rapid.Float64Range(0, 100*MaxLossFraction).Draw(t, "percent")
		text := fmt.Sprintf("%dbit,%v,%v%%", rate, delay, percent)
		got, err := ParseLink(text)
		if err != nil || got.RateBitsPerSec != rate || got.Delay != delay || got.LossFraction != percent/100 {
			t.Fatalf("ParseLink(%q) = %+v, %v", text, got, err)
		}
	})
}

func FuzzParseLink(f *testing.F) {
	f.Add("20mbit,10ms,0.1%")
	f.Add(",,%")
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := ParseLink(text)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("ParseLink(%q): %v is no ErrConfig", text, err)
			}
			return
		}
		if again, err := cfg.validate(); err != nil || again != cfg {
			t.Fatalf("ParseLink(%q) = %+v, which is not valid: %v", text, cfg, err)
		}
	})
}

// SplitMix64 with seed 0: the reference implementation's first outputs, of
// which the upper half decides.
func TestLossKnownAnswers(t *testing.T) {
	for n, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f, 0xf88bb8a8724c81ec} {
		if lost(0, uint64(n), want>>32) || !lost(0, uint64(n), want>>32+1) {
			t.Errorf("draw %d of seed 0 is not %#x", n, want)
		}
	}
}

// The share that is lost is the share that was asked for, in every window of
// draws, within five standard deviations.
func TestLossShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Float64Range(0, MaxLossFraction).Draw(t, "p")
		seed, first := rapid.Uint64().Draw(t, "seed"), rapid.Uint64Range(0, 1<<40).Draw(t, "first")
		const draws = 20_000
		n := 0
		for i := range uint64(draws) {
			if lost(seed, first+i, lossThreshold(p)) {
				n++
			}
		}
		if sd := math.Sqrt(draws * p * (1 - p)); math.Abs(float64(n)-draws*p) > 5*sd+1 {
			t.Fatalf("%d of %d lost at %v", n, draws, p)
		}
	})
}
