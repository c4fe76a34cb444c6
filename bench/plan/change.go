package plan

import (
	"fmt"
	"math"

	"github.com/chainweir/weir/bench/capacity"
)

// Change is one step that lifts the wall which is first before it.
type Change struct {
	Resource string  `json:"resource"` // the wall that it lifts
	Text     string  `json:"text"`
	Setting  string  `json:"setting"` // dissemination, link, cores, disk_speed or core_speed
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	Unit     string  `json:"unit"`
	MaxTx    float64 `json:"max_tx_per_sec"` // after it, with the headroom
	First    string  `json:"first_wall"`     // after it
	Feasible *bool   `json:"feasible"`       // after it; null without a rate
}

// linkSteps are the nominal rates of Ethernet that can be bought, in bit/s.
var linkSteps = []float64{10e6, 100e6, 1e9, 2.5e9, 5e9, 10e9, 25e9, 40e9, 50e9, 100e9, 200e9, 400e9, 800e9}

// maxChanges bounds a list of steps.
const maxChanges = 8

// changes are the smallest steps, one after the other, until the rate is carried;
// without a rate (or when it is carried already) the one that lifts the first
// wall. Prices are not known: a step of software stands before one of hardware,
// and of a resource the smallest step that reaches the rate, or else the next
// wall.
func (m *model) changes(q *Question) []Change {
	out := []Change{}
	now := *q
	faster := map[string]float64{} // disk and core speed that is assumed, as factors
	limit := maxChanges
	if w, ok := m.bound(q); ok && (q.RateTxPerSec == 0 || q.RateTxPerSec <= w.TxPerSec*(1-q.Headroom)) {
		limit = 1
	}
	for range limit {
		list := walls(quicker(m.demands(&now), faster))
		if len(list) == 0 {
			break
		}
		if q.RateTxPerSec > 0 && list[0].TxPerSec*(1-q.Headroom) >= q.RateTxPerSec && limit > 1 {
			break
		}
		want := list[0].TxPerSec * 2 // alone in the plan: any step is as good
		if n := next(list); n != nil {
			want = n.TxPerSec
		}
		if needed := q.RateTxPerSec / (1 - q.Headroom); needed > list[0].TxPerSec {
			want = needed
		}
		c, ok := m.lift(&now, list[0], want, faster)
		if !ok {
			break
		}
		after := walls(quicker(m.demands(&now), faster))[0]
		c.MaxTx, c.First = after.TxPerSec*(1-q.Headroom), after.Name
		if q.RateTxPerSec > 0 {
			feasible := c.MaxTx >= q.RateTxPerSec
			c.Feasible = &feasible
		}
		out = append(out, c)
	}
	return out
}

// quicker divides the demands of disk and serial stage by assumed factors.
func quicker(d []Demand, faster map[string]float64) []Demand {
	for i := range d {
		if k := faster[d[i].Name]; k > 0 {
			d[i].SecPerTx /= k
			d[i].WallTx *= k
		}
	}
	return d
}

// lift changes the question by the smallest step that moves a wall to want.
func (m *model) lift(q *Question, w Wall, want float64, faster map[string]float64) (Change, bool) {
	c := Change{Resource: w.Name}
	switch w.Name {
	case capacity.Wire:
		if q.Nodes > 2 && q.Dissemination == SingleLeader && w.Role == roleLeader {
			c.Setting, c.From, c.To, c.Unit = "dissemination", 1, float64(q.Nodes), "senders"
			c.Text = "let every node send the transactions of its own clients, instead of one leader all of them (a setting, no purchase)"
			q.Dissemination = EveryNode
			return c, true
		}
		to := 0.0
		for _, step := range linkSteps {
			if step > q.LinkBits {
				if to = step; step*w.TxPerSec/q.LinkBits >= want*(1-1e-12) {
					break
				}
			}
		}
		if to == 0 {
			return c, false
		}
		c.Setting, c.From, c.To, c.Unit = "link", q.LinkBits, to, "bit/s"
		c.Text = fmt.Sprintf("a link of %s instead of %s at every node", Bits(to), Bits(q.LinkBits))
		q.LinkBits = to
	case capacity.CPU:
		to := m.coresFor(q, want)
		if to <= q.Cores {
			return c, false
		}
		c.Setting, c.From, c.To, c.Unit = "cores", q.Cores, to, "cores"
		c.Text = fmt.Sprintf("%.0f cores instead of %s for every node", to, number(q.Cores))
		q.Cores = to
	default:
		k := want / w.TxPerSec
		c.Setting, c.From, c.To, c.Unit = "disk_speed", 1, k, "times"
		c.Text = fmt.Sprintf("a disk that takes writes and syncs %.2g times as fast", k)
		if w.Name == capacity.Serial {
			c.Setting = "core_speed"
			c.Text = fmt.Sprintf("a core that is %.2g times as fast: this stage is one thread, and more cores do not help", k)
		}
		if faster[w.Name] > 0 {
			k *= faster[w.Name]
		}
		faster[w.Name] = k
	}
	return c, true
}

// coresFor is the smallest whole number of cores whose wall is at want, or the
// most that can be of use. With contention there may be no such number.
func (m *model) coresFor(q *Question, want float64) float64 {
	wall := func(cores float64) float64 {
		t := *q
		t.Cores = cores
		lowest := math.Inf(1)
		for _, d := range m.demands(&t) {
			if d.Name == capacity.CPU {
				lowest = min(lowest, d.WallTx)
			}
		}
		return lowest
	}
	best, at := q.Cores, wall(q.Cores)
	for c := math.Floor(q.Cores) + 1; c <= maxCores; c++ {
		w := wall(c)
		if w >= want*(1-1e-12) {
			return c
		}
		if w > at*1.001 {
			best, at = c, w
		}
	}
	return best
}

// Bits is a bit rate in words.
func Bits(v float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1e9, "Gbit/s"}, {1e6, "Mbit/s"}, {1e3, "kbit/s"}} {
		if v >= u.unit {
			return fmt.Sprintf("%.4g %s", v/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%.4g bit/s", v)
}

// Sensitivity is the most that is carried when one setting varies and the others
// stay.
type Sensitivity struct {
	Setting string             `json:"setting"` // link, cores, size, nodes
	Unit    string             `json:"unit"`
	Points  []SensitivityPoint `json:"points"`
}

// SensitivityPoint is one value of the setting.
type SensitivityPoint struct {
	Value float64 `json:"value"`
	MaxTx float64 `json:"max_tx_per_sec"` // with the headroom
	Wall  string  `json:"wall"`
	Asked bool    `json:"asked"` // the value of the question
}

// sensitivity varies each setting from a quarter to four times the asked value.
func (m *model) sensitivity(q *Question) []Sensitivity {
	out := []Sensitivity{}
	for _, s := range []struct {
		name, unit string
		value      float64
		whole      bool
		set        func(*Question, float64)
	}{
		{"link", "bit/s", q.LinkBits, false, func(t *Question, v float64) { t.LinkBits = v }},
		{"cores", "cores", q.Cores, true, func(t *Question, v float64) { t.Cores = v }},
		{"size", "bytes", q.TxBytes, true, func(t *Question, v float64) { t.TxBytes = v }},
		{"nodes", "nodes", float64(q.Nodes), true, func(t *Question, v float64) { t.Nodes = int(v) }},
	} {
		row := Sensitivity{Setting: s.name, Unit: s.unit, Points: []SensitivityPoint{}}
		last := 0.0
		for _, k := range []float64{.25, .5, 1, 2, 4} {
			v := s.value * k
			if s.whole && k != 1 {
				v = math.Round(v)
			}
			if v <= last || s.whole && v < 1 && k != 1 {
				continue
			}
			last = v
			t := *q
			s.set(&t, v)
			if w, ok := m.bound(&t); ok {
				row.Points = append(row.Points, SensitivityPoint{Value: v, MaxTx: w.TxPerSec * (1 - q.Headroom), Wall: w.Name, Asked: k == 1})
			}
		}
		if len(row.Points) > 0 {
			out = append(out, row)
		}
	}
	return out
}
