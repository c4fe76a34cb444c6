package netlab

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseLink reads "RATE[,delay][,loss]", such as "20mbit", "20mbit,10ms" or
// "1gbit,10ms,0.1%", into the rate, delay and loss of a Config. The rate comes
// first, as tc writes it; a delay is a Go duration, a loss a percentage, in
// either order.
func ParseLink(s string) (Config, error) {
	parts := strings.Split(s, ",")
	var cfg Config
	var err error
	if cfg.RateBitsPerSec, err = ParseRate(parts[0]); err != nil {
		return Config{}, err
	}
	var haveDelay, haveLoss bool
	for _, p := range parts[1:] {
		p = strings.ToLower(strings.TrimSpace(p))
		percent, isLoss := strings.CutSuffix(p, "%")
		switch {
		case isLoss && haveLoss:
			return Config{}, fmt.Errorf("netlab: %w: %q has a second loss %q; give one", ErrConfig, s, p)
		case isLoss:
			v, perr := strconv.ParseFloat(strings.TrimSpace(percent), 64)
			if perr != nil {
				return Config{}, fmt.Errorf("netlab: %w: loss %q is not a percentage, such as 0.1%%", ErrConfig, p)
			}
			cfg.LossFraction, haveLoss = v/100, true
		case haveDelay:
			return Config{}, fmt.Errorf("netlab: %w: %q has a second delay %q; write the loss as a percentage, as in 20mbit,10ms,0.1%%", ErrConfig, s, p)
		default:
			d, perr := time.ParseDuration(p)
			if perr != nil {
				return Config{}, fmt.Errorf("netlab: %w: %q in %q is neither a delay such as 10ms nor a loss such as 0.1%%", ErrConfig, p, s)
			}
			cfg.Delay, haveDelay = d, true
		}
	}
	return cfg.validate()
}

// ParseRate reads a rate as tc writes it: 20mbit, 1gbit, 500kbit.
func ParseRate(s string) (uint64, error) {
	low := strings.ToLower(strings.TrimSpace(s))
	for _, u := range []struct {
		suffix string
		unit   float64
	}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}} {
		num, ok := strings.CutSuffix(low, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(num, 64)
		if bits := v * u.unit; err == nil && bits >= MinRateBitsPerSec && bits <= MaxRateBitsPerSec {
			return uint64(bits), nil
		}
		break
	}
	return 0, fmt.Errorf("netlab: %w: %q is not a rate from 100kbit to 100gbit, such as 20mbit", ErrConfig, s)
}

// Limits of Config.Delay and Config.LossFraction: a path round the earth and
// back by satellite, and a link on which TCP still gets something through.
const (
	MaxDelay        = 2 * time.Second
	MaxLossFraction = 0.5
)

// validatePath checks delay and loss.
func (c Config) validatePath() error {
	switch {
	case c.Delay < 0 || c.Delay > MaxDelay:
		return fmt.Errorf("netlab: %w: a delay of %v is outside 0..%v", ErrConfig, c.Delay, MaxDelay)
	case c.Delay%time.Microsecond != 0:
		return fmt.Errorf("netlab: %w: a delay of %v is not a whole number of microseconds", ErrConfig, c.Delay)
	case !(c.LossFraction >= 0 && c.LossFraction <= MaxLossFraction): // NaN compares with nothing
		return fmt.Errorf("netlab: %w: a loss of %v %% is outside 0..%v %%", ErrConfig, 100*c.LossFraction, 100*MaxLossFraction)
	}
	return nil
}

// Losses are what one side has lost, counted as the frames arrive there.
type Losses struct {
	Frames       uint64 `json:"frames"`        // that arrived, the lost ones included
	LostFrames   uint64 `json:"lost_frames"`   // dropped by chance or by a partition
	LostL2Bytes  uint64 `json:"lost_l2_bytes"` // 14-byte header in, FCS and gap out
	packetsDrawn uint64
}

// lossThreshold is the loss as a share of 2^32: a draw below it is a loss.
func lossThreshold(fraction float64) uint64 { return uint64(math.Round(fraction * (1 << 32))) }

// Constants of SplitMix64 (Steele, Lea, Flood 2014), a counter turned into
// random bits by mixing: the n-th draw follows from seed and n alone, so that
// the kernel's program and this package agree about every frame.
const (
	mixGamma = 0x9e3779b97f4a7c15
	mixOne   = 0xbf58476d1ce4e5b9
	mixTwo   = 0x94d049bb133111eb
)

// lost tells whether the n-th packet, counted from 0, is one to lose.
func lost(seed, n, threshold uint64) bool {
	z := seed + (n+1)*mixGamma
	z = (z ^ z>>30) * mixOne
	z = (z ^ z>>27) * mixTwo
	z ^= z >> 31
	return z>>32 < threshold
}
