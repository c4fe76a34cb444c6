package loadgen

import (
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/results"
)

// Latencies that go through packing, in any order of windows and tallies, are
// those that one histogram per window would have.
func TestPackedHistogramsAreWhole(t *testing.T) {
	const windowNS, totalNS = int64(1e9), int64(20e9)
	rapid.Check(t, func(rt *rapid.T) {
		name := func(uint8) string { return "" }
		all := []*tally{newTally(windowNS, totalNS, name), newTally(windowNS, totalNS, name)}
		want := map[int]*hdrhistogram.Histogram{}
		total := hdrhistogram.New(1, totalNS/unitNS, hdrDigits)
		for range rapid.IntRange(0, 200).Draw(rt, "samples") {
			at := rapid.Int64Range(0, totalNS).Draw(rt, "at")
			latency := rapid.Int64Range(0, totalNS/2).Draw(rt, "latency")
			ta := all[rapid.IntRange(0, 1).Draw(rt, "tally")]
			ta.record(ta.at(at), stageCommit, latency)
			i := ta.index(at)
			if want[i] == nil {
				want[i] = hdrhistogram.New(1, totalNS/unitNS, hdrDigits)
			}
			for _, h := range []*hdrhistogram.Histogram{want[i], total} {
				if err := h.RecordValue(latency / unitNS); err != nil {
					rt.Fatal(err)
				}
			}
		}
		l := gather(all[0], all)
		var none [numStages]int64
		for i := range all[0].slots {
			hs, err := l.window(i, &none)
			if err != nil {
				rt.Fatal(err)
			}
			if want[i] == nil {
				if len(hs) > 0 {
					rt.Fatalf("window %d has %d histograms and no samples", i, len(hs))
				}
				continue
			}
			got, err := hs[0].Decode()
			if err != nil || hs[0].Stage != "commit" || got.TotalCount() != want[i].TotalCount() || got.ValueAtQuantile(90) != want[i].ValueAtQuantile(90) || got.Max() != want[i].Max() {
				rt.Fatalf("window %d: %v, %d samples of %d", i, err, got.TotalCount(), want[i].TotalCount())
			}
		}
		if h := l.whole(stageCommit); h != nil && !h.Equals(total) || h == nil && total.TotalCount() > 0 {
			rt.Fatal("the total differs")
		}
	})
}

// The record of ten minutes at 50 000 tx/s with windows of a second.
func TestRecordOfTenMinutes(t *testing.T) {
	const seconds, perSecond = 600, 2000 // a 25th of the samples fills as many buckets
	totalNS := int64(seconds+16) * 1e9
	ta := newTally(1e9, totalNS, func(uint8) string { return "" })
	for i := range int64(seconds * perSecond) {
		now := i * (1e9 / perSecond)
		s := ta.at(now)
		for st := range numStages {
			// A tail of one in a thousand up to a second, as real ones have.
			spread := 3e6 + (i*7919%4001)*5e3
			if i%1000 == 0 {
				spread = (i * 104729) % 1e9
			}
			ta.record(s, st, spread+int64(st)*1e5)
		}
		s.accepted++
		s.committed++
	}
	l := gather(ta, []*tally{ta})
	bytes, packedBytes := 0, 0
	for i := range seconds {
		hs, err := l.window(i, &ta.slots[i].negative)
		if err != nil {
			t.Fatal(err)
		}
		line, err := results.Window{TrialID: 1, Index: i, DurationNS: 1e9, Counts: ta.counts(&ta.slots[i]), Histograms: hs}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(line) + 1
	}
	for _, list := range ta.packed {
		for _, p := range list {
			packedBytes += len(p.pairs)
		}
	}
	t.Logf("%d windows: %.1f MB in the record, %.1f MB in memory while it runs", seconds, float64(bytes)/1e6, float64(packedBytes)/1e6)
	if bytes > 20e6 || packedBytes > 20e6 {
		t.Errorf("%d bytes in the record, %d in memory", bytes, packedBytes)
	}
}
