package loadgen

import (
	"encoding/binary"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/results"
)

// packed is a histogram of one window without its empty buckets: pairs of the
// distance to the next bucket that is not empty and its count, as varints. A
// second of load makes some kB.
type packed struct {
	window int
	pairs  []byte
}

// pack closes the open window: its histograms are packed and emptied.
func (t *tally) pack() {
	for st, h := range t.hist {
		if h == nil || h.TotalCount() == 0 {
			continue
		}
		var pairs []byte
		last := -1
		for i, n := range h.Export().Counts {
			if n > 0 {
				pairs = binary.AppendUvarint(pairs, uint64(i-last))
				pairs = binary.AppendUvarint(pairs, uint64(n))
				last = i
			}
		}
		t.packed[st] = append(t.packed[st], packed{t.open, pairs})
		h.Reset()
	}
}

// addTo adds the counts to those of a histogram's buckets.
func (p packed) addTo(counts []int64) {
	at := -1
	for b := p.pairs; len(b) > 0; {
		step, n := binary.Uvarint(b)
		count, m := binary.Uvarint(b[n:])
		b = b[n+m:]
		at += int(step)
		counts[at] += int64(count)
	}
}

// latencies puts the histograms of all tallies together, window by window.
type latencies struct {
	t       *tally // for the shape
	windows [numStages]map[int][]packed
	total   [numStages][]int64
}

// gather packs what is still open and sorts everything by window. The tallies
// are not written any more.
func gather(shape *tally, all []*tally) *latencies {
	l := &latencies{t: shape}
	for st := range l.windows {
		l.windows[st] = map[int][]packed{}
	}
	for _, t := range all {
		t.pack()
		for st, list := range t.packed {
			for _, p := range list {
				l.windows[st][p.window] = append(l.windows[st][p.window], p)
			}
		}
	}
	return l
}

// histogram makes one of counts.
func (l *latencies) histogram(counts []int64) *hdrhistogram.Histogram {
	return hdrhistogram.Import(&hdrhistogram.Snapshot{
		LowestTrackableValue: 1, HighestTrackableValue: l.t.highest, SignificantFigures: hdrDigits, Counts: counts,
	})
}

// window returns one window's histograms in the form of a record, and adds them
// to the total. Stages without samples are left out.
func (l *latencies) window(i int, negative *[numStages]int64) ([]results.Histogram, error) {
	var out []results.Histogram
	for st := range l.windows {
		list := l.windows[st][i]
		if len(list) == 0 && negative[st] == 0 {
			continue
		}
		counts := l.empty()
		if l.total[st] == nil {
			l.total[st] = l.empty()
		}
		for _, p := range list {
			p.addTo(counts)
			p.addTo(l.total[st])
		}
		enc, err := results.EncodeHistogram(l.histogram(counts), stageNames[st], unitNS, negative[st])
		if err != nil {
			return nil, fmt.Errorf("latency of stage %s: %w", stageNames[st], err)
		}
		out = append(out, enc)
	}
	return out, nil
}

// empty are the buckets of a histogram of this shape.
func (l *latencies) empty() []int64 {
	return make([]int64, len(hdrhistogram.New(1, l.t.highest, hdrDigits).Export().Counts))
}

// whole is the histogram of a stage over all windows so far, nil when it has no
// samples.
func (l *latencies) whole(st stage) *hdrhistogram.Histogram {
	if l.total[st] == nil {
		return nil
	}
	return l.histogram(l.total[st])
}
