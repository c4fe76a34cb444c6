package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chainweir/weir/bench/capacity"
)

// Plan is the answer, and the object of weir plan --json.
type Plan struct {
	Schema string `json:"schema"` // weir.plan/1

	Question Asked `json:"question"`
	// Feasible is null when no rate was asked for.
	Feasible *bool   `json:"feasible"`
	MaxTx    float64 `json:"max_tx_per_sec"`   // with the headroom left free
	BoundTx  float64 `json:"bound_tx_per_sec"` // without
	First    Wall    `json:"first_wall"`
	Next     *Wall   `json:"next_wall"`

	Demand  []Demand `json:"demand"`
	Changes []Change `json:"changes"` // one after the other; the first lifts the first wall
	// CheapestChange is the first of Changes.
	CheapestChange *Change       `json:"cheapest_change"`
	Sensitivity    []Sensitivity `json:"sensitivity"`
	HashROI        *HashROI      `json:"hash_roi"`

	DisseminationCeiling *float64 `json:"dissemination_ceiling_tx_per_sec"` // single leader, payload only

	Fit            []Check  `json:"fit"`
	FitError       *float64 `json:"fit_error"` // the largest |error| of Fit
	Extrapolated   bool     `json:"extrapolated"`
	Extrapolations []string `json:"extrapolations"`
	Assumed        []string `json:"assumed"`
	Warnings       []string `json:"warnings"`
	Records        []string `json:"records"`
}

// Asked is the question with what was filled in from the records.
type Asked struct {
	Nodes         int                `json:"nodes"`
	Cores         float64            `json:"cores"`
	LinkBits      *float64           `json:"link_bits_per_sec"`
	TxBytes       float64            `json:"tx_bytes"`
	RateTxPerSec  *float64           `json:"rate_tx_per_sec"`
	Headroom      float64            `json:"headroom"`
	Dissemination string             `json:"dissemination"`
	Faster        map[string]float64 `json:"faster"`
}

// Make answers a question from records. Errors wrap ErrInvalid, ErrClass,
// ErrUnknown or ErrQuestion.
func Make(sources []Source, q Question) (*Plan, error) {
	if len(sources) == 0 {
		return nil, fmt.Errorf("%w: a plan needs at least one record", ErrQuestion)
	}
	p := &Plan{Schema: "weir.plan/1", Warnings: []string{}, Changes: []Change{}, Fit: []Check{}}
	var bases []*base
	for _, s := range sources {
		if a, b := class(sources[0]), class(s); a != b {
			if !q.Force {
				return nil, fmt.Errorf("%w: %s is of %s, %s of %s; use records of one machine, or --force", ErrClass, sources[0].Name, a, s.Name, b)
			}
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s is of another machine (%s); used because of --force", s.Name, b))
		}
		b, warnings, err := newBase(s, q.Force)
		if err != nil {
			return nil, err
		}
		bases = append(bases, b)
		p.Warnings = append(p.Warnings, warnings...)
		p.Records = append(p.Records, s.Name)
	}
	if err := q.fill(bases); err != nil {
		return nil, err
	}
	m, err := newModel(bases)
	if err != nil {
		return nil, err
	}
	if err := p.answer(m, &q); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Plan) answer(m *model, q *Question) error {
	p.Demand = m.demands(q)
	list := walls(p.Demand)
	if len(list) == 0 {
		return fmt.Errorf("%w: no demand of any resource", ErrUnknown)
	}
	p.First, p.Next = list[0], next(list)
	p.BoundTx = p.First.TxPerSec
	p.MaxTx = p.BoundTx * (1 - q.Headroom)
	p.Question = Asked{
		Nodes: q.Nodes, Cores: q.Cores, TxBytes: q.TxBytes, Headroom: q.Headroom, Dissemination: q.Dissemination, Faster: map[string]float64{},
	}
	for k, v := range q.Faster {
		p.Question.Faster[k] = v
	}
	at := p.MaxTx
	if q.RateTxPerSec > 0 {
		ok := q.RateTxPerSec <= p.MaxTx
		p.Feasible, p.Question.RateTxPerSec = &ok, capacity.Known(q.RateTxPerSec)
		at = q.RateTxPerSec
	}
	load(p.Demand, at)
	if q.LinkBits > 0 {
		p.Question.LinkBits = capacity.Known(q.LinkBits)
		if q.Nodes > 1 {
			p.DisseminationCeiling = capacity.Known(capacity.DisseminationCeiling(q.LinkBits, q.TxBytes, q.Nodes))
		}
	} else {
		p.Warnings = append(p.Warnings, "no link was named and the record's was not a network: the wire is left out; give --link")
	}
	p.Changes = m.changes(q)
	if len(p.Changes) > 0 {
		p.CheapestChange = &p.Changes[0]
	}
	p.Sensitivity = m.sensitivity(q)
	var words string
	if p.HashROI, words = m.hashROI(q); words != "" {
		p.Warnings = append(p.Warnings, words)
	}
	for _, c := range m.checks() {
		p.Fit = append(p.Fit, c)
		if c.Error != nil && (p.FitError == nil || math.Abs(*c.Error) > *p.FitError) {
			p.FitError = capacity.Known(math.Abs(*c.Error))
		}
	}
	p.Extrapolations = m.extrapolations(q, max(p.BoundTx, q.RateTxPerSec))
	p.Extrapolated = len(p.Extrapolations) > 0
	p.Assumed = m.assumed(q)
	return nil
}

// assumed says in words what is taken for granted and was not measured.
func (m *model) assumed(q *Question) []string {
	near := nearest(m.bases, q.TxBytes)
	out := []string{"load generators run on other machines, and frames at the wire's wall are full (MTU 1500)"}
	if m.cpu != nil && !m.cpu.OverCores && q.Cores != near.cores {
		out = append(out, "the processor's work divides evenly over the cores: only one number of cores was measured")
	}
	if m.cpu != nil && !m.cpu.OverBytes {
		what := "all of the processor's work"
		if len(near.parts) > 0 {
			what = fmt.Sprintf("the parts that handle bytes (%.0f %% of the processor's work: %s)", 100*near.share(byteParts), strings.Join(near.has(byteParts), ", "))
		}
		out = append(out, fmt.Sprintf("only transactions of %s bytes were measured: for larger ones %s, the disk's and the serial stage's grow in proportion; smaller ones cost the same, the wire excepted",
			number(near.txBytes), what))
	}
	if q.Nodes > 1 {
		out = append(out, map[string]string{
			SingleLeader: "clients talk to one node, which sends every transaction to each other node once, over the same link; every node checks and executes all",
			EveryNode:    "clients are spread over the nodes, each node sends its own to all others once, over the same link; every node checks and executes all",
		}[q.Dissemination])
		if near.share(sendParts) == 0 {
			out = append(out, "sending to other nodes costs no processor time: the record has no profile that would tell")
		}
	}
	return out
}

func (b *base) has(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return b.parts[n] == 0 })
}
