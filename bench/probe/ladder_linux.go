package probe

import "errors"

// allows reports whether Force leaves a rung open.
func (c WatchConfig) allows(rung string) bool { return c.Force == "" || c.Force == rung }

// forced is the refusal of a rung that Force closed.
func forced(kind, rung string) Refusal {
	return Refusal{
		Kind: kind, Step: "choose the source", Reason: "the caller asked for " + rung + " only",
		Remedy: "do not force a source", err: ErrTarget,
	}
}

// part is one source of one kind of value, opened.
type part interface {
	// refresh takes over the watched processes and groups, which change.
	refresh(*targets) error
	// sample fills its field of the sample.
	sample(*Sample) error
	Close() error
}

// rung is one way to fill a part of the sample, best first.
type rung struct {
	source, force string
	open          func() (part, PartReport, error)
}

// climb opens the best rung that works. A refusal of all is in the report, and
// the part nil.
func climb(cfg WatchConfig, name string, tier int, rungs []rung) (part, PartReport, error) {
	refused := []Refusal{}
	for _, r := range rungs {
		if !cfg.allows(r.force) {
			continue
		}
		p, rep, err := r.open()
		if err == nil {
			rep.Part, rep.Tier, rep.Source, rep.Refused = name, tier, r.source, refused
			if rep.Attached == nil {
				rep.Attached = []string{}
			}
			return p, rep, nil
		}
		var ref Refusal
		if !errors.As(err, &ref) {
			return nil, PartReport{}, err
		}
		ref.Kind = r.source
		refused = append(refused, ref)
	}
	if len(refused) == 0 {
		refused = append(refused, forced(name, cfg.Force))
	}
	return nil, PartReport{Part: name, Tier: tier, Attached: []string{}, Refused: refused}, nil
}
