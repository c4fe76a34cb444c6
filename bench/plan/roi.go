package plan

import (
	"fmt"
	"math"

	"github.com/chainweir/weir/bench/capacity"
)

// HashROI is what a faster hash kernel would do to the node's throughput, from
// the measured share of hashing in its processor time (Amdahl 1967).
type HashROI struct {
	Share     float64    `json:"share"`      // of the node's processor time
	ShareCI95 [2]float64 `json:"share_ci95"` // Wilson, from the profile's samples
	Samples   int64      `json:"samples"`
	// CPUWall tells whether the processor is the first wall of the plan: where it
	// is not, a faster kernel gains nothing.
	CPUWall bool     `json:"cpu_wall"`
	Rows    []ROIRow `json:"rows"`
}

// ROIRow is one speed of the kernels.
type ROIRow struct {
	Speedup *float64 `json:"speedup"`        // times as fast; null: no time at all
	MaxTx   float64  `json:"max_tx_per_sec"` // with the headroom
	Gain    float64  `json:"gain"`           // 0.02: 2 % more than now
	// GainCI95 holds the uncertainty of the share only.
	GainCI95 [2]float64 `json:"gain_ci95"`
	Wall     string     `json:"wall"` // after it
}

// roiSpeeds are the speeds that are looked at; 0 stands for no time at all.
var roiSpeeds = []float64{1.25, 1.5, 2, 4, 10, 0}

// hashROI returns nil and the reason in words when the record does not tell.
func (m *model) hashROI(q *Question) (*HashROI, string) {
	near := nearest(m.bases, q.TxBytes)
	if len(near.parts) == 0 || near.samples < 1 || m.cpu == nil {
		return nil, "what a faster hash kernel would gain is unknown: " + near.name + " has no processor profile of the node"
	}
	r := &HashROI{Share: near.parts[partHashing], Samples: near.samples}
	r.ShareCI95[0], r.ShareCI95[1] = wilson(r.Share, float64(r.Samples))
	now, ok := m.bound(q)
	if !ok {
		return nil, "what a faster hash kernel would gain is unknown: no wall is known"
	}
	r.CPUWall = now.Name == capacity.CPU
	for _, k := range roiSpeeds {
		row := ROIRow{}
		if k > 0 {
			row.Speedup = capacity.Known(k)
		} else {
			k = math.Inf(1)
		}
		w := m.withHashing(q, r.Share, k)
		row.MaxTx, row.Wall, row.Gain = w.TxPerSec*(1-q.Headroom), w.Name, w.TxPerSec/now.TxPerSec-1
		for i, s := range r.ShareCI95 {
			row.GainCI95[i] = m.withHashing(q, s, k).TxPerSec/m.withHashing(q, s, 1).TxPerSec - 1
		}
		r.Rows = append(r.Rows, row)
	}
	return r, ""
}

// withHashing is the first wall with a given share of hashing and speed of it.
func (m *model) withHashing(q *Question, share, k float64) Wall {
	t := *q
	t.Faster = map[string]float64{}
	for name, f := range q.Faster {
		t.Faster[name] = f
	}
	// The model divides the measured share; another share is another factor: the
	// part of the processor's time that goes away is the same.
	near := nearest(m.bases, q.TxBytes)
	was := near.parts
	parts := map[string]float64{}
	for name, s := range was {
		parts[name] = s
	}
	parts[partHashing] = share
	if f := t.Faster[partHashing]; f > 0 {
		k *= f
	}
	t.Faster[partHashing] = k
	own := *near
	own.parts = parts
	one := *m
	one.bases = append([]*base{&own}, m.bases...)
	w, _ := one.bound(&t)
	return w
}

// wilson is the 95 % interval of a share that was seen among n samples.
func wilson(share, n float64) (lo, hi float64) {
	const z = 1.959963984540054
	d := 1 + z*z/n
	mid := (share + z*z/(2*n)) / d
	half := z / d * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	return max(0, mid-half), min(1, mid+half)
}

// Summary says the result in one sentence.
func (r *HashROI) Summary() string {
	last := r.Rows[len(r.Rows)-1]
	if !r.CPUWall {
		return fmt.Sprintf("hashing is %.1f %% of the node's processor time, and the processor is not the wall: a faster kernel gains nothing here", 100*r.Share)
	}
	return fmt.Sprintf("hashing is %.1f %% [%.1f, %.1f] of the node's processor time (%d samples): a kernel that took no time would gain %.1f %% [%.1f, %.1f]",
		100*r.Share, 100*r.ShareCI95[0], 100*r.ShareCI95[1], r.Samples, 100*last.Gain, 100*last.GainCI95[0], 100*last.GainCI95[1])
}
