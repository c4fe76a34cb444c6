package netlab_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/bench/netlab"
)

func TestShaperGolden(t *testing.T) {
	for _, c := range []struct {
		rateBitsPerSec uint64
		want           netlab.Shaper
	}{
		// 10 ms of 1 Gbit/s are 1.25 MB, 50 ms are 6.25 MB; 1 ms is more than
		// the kernel's largest segment.
		{1_000_000_000, netlab.Shaper{RateBytesPerSec: 125_000_000, BurstBytes: 1_250_000, LimitBytes: 6_250_000, SegmentBytes: 65_536}},
		{100_000_000, netlab.Shaper{RateBytesPerSec: 12_500_000, BurstBytes: 125_000, LimitBytes: 625_000, SegmentBytes: 12_500}},
		// 10 ms of 20 Mbit/s are 25 kB, less than 32 KiB; 1 ms is less than
		// four frames of 1514 B.
		{20_000_000, netlab.Shaper{RateBytesPerSec: 2_500_000, BurstBytes: 32_768, LimitBytes: 125_000, SegmentBytes: 6_056}},
		{1_000_000, netlab.Shaper{RateBytesPerSec: 125_000, BurstBytes: 32_768, LimitBytes: 98_304, SegmentBytes: 6_056}},
	} {
		if got := netlab.ShaperFor(c.rateBitsPerSec); got != c.want {
			t.Errorf("ShaperFor(%d) = %+v, want %+v", c.rateBitsPerSec, got, c.want)
		}
	}
}

// At every allowed rate a whole frame fits the bucket, a whole segment fits the
// queue, and a larger rate never has a smaller bucket or queue.
func TestShaperProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Uint64Range(netlab.MinRateBitsPerSec, netlab.MaxRateBitsPerSec).Draw(t, "a")
		b := rapid.Uint64Range(a, netlab.MaxRateBitsPerSec).Draw(t, "b")
		sa, sb := netlab.ShaperFor(a), netlab.ShaperFor(b)
		if sa.BurstBytes < netlab.MTU+14 || sa.LimitBytes < 64*1024+sa.BurstBytes && a < 10_000_000 {
			t.Fatalf("ShaperFor(%d) = %+v is too small", a, sa)
		}
		if sa.SegmentBytes > sa.BurstBytes/2 || sa.SegmentBytes > 64*1024 || sa.SegmentBytes < netlab.MTU+14 {
			t.Fatalf("ShaperFor(%d) = %+v has a segment that does not fit", a, sa)
		}
		if sa.RateBytesPerSec != a/8 {
			t.Fatalf("ShaperFor(%d) has rate %d B/s", a, sa.RateBytesPerSec)
		}
		if sb.BurstBytes < sa.BurstBytes || sb.LimitBytes < sa.LimitBytes {
			t.Fatalf("ShaperFor(%d) = %+v, ShaperFor(%d) = %+v: shrinks", a, sa, b, sb)
		}
	})
}

func TestOpenRefusesBadConfig(t *testing.T) {
	for _, cfg := range []netlab.Config{
		{},
		{RateBitsPerSec: netlab.MinRateBitsPerSec - 1},
		{RateBitsPerSec: netlab.MaxRateBitsPerSec + 1},
		{RateBitsPerSec: 1_000_000, Name: "two words"},
		{RateBitsPerSec: 1_000_000, Name: "a:b"},
		{RateBitsPerSec: 1_000_000, Name: strings.Repeat("x", 33)},
	} {
		lab, err := netlab.Open(context.Background(), cfg)
		if !errors.Is(err, netlab.ErrConfig) {
			t.Errorf("Open(%+v) = %v, want ErrConfig", cfg, err)
		}
		if lab != nil {
			t.Errorf("Open(%+v) returned a lab with an error", cfg)
		}
	}
}
