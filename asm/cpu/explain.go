package cpu

import "slices"

// Explanation is what is known about the choice for one kernel.
type Explanation struct {
	Kernel string
	Unit   string      // what N and From count
	Leader string      // Spec.Follows
	Source Source      // of the choice in force
	Steps  []Crossover // the choice in force; the first step starts at 0
	Ladder []Rung      // the measurement; nil where nothing had to be measured
	Impls  []Impl
}

// Crossover says that Impl serves sizes of From and more, up to the next one.
type Crossover struct {
	From int    `json:"from"`
	Impl string `json:"impl"`
}

// Calibrate measures every kernel now, whether it was measured or imported
// before or not, and whether its choice is overridden or not. Programs that
// cannot afford the first call's milliseconds later call it at their start.
func (r *Registry) Calibrate() {
	for _, k := range r.All() {
		k.calibrate()
	}
}

// calibrate holds the lock for one kernel only, so that who waits in
// PickSettled does not wait for all of them.
func (k *Kernel) calibrate() {
	k.owner.mu.Lock()
	defer k.owner.mu.Unlock()
	k.measured = k.measure()
	k.activate()
}

// Explain returns the choices in force, measuring first where that was not
// done yet.
func (r *Registry) Explain() []Explanation {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Explanation, 0, len(r.kernels))
	for _, k := range r.kernels {
		c := k.settled()
		e := Explanation{Kernel: k.spec.Name, Unit: k.spec.Unit, Leader: k.spec.Follows, Source: c.source, Steps: k.crossovers(c), Impls: k.Impls()}
		if k.measured != nil {
			e.Ladder = slices.Clone(k.measured.ladder)
		}
		list = append(list, e)
	}
	return list
}

func (k *Kernel) crossovers(c *choice) []Crossover {
	var steps []Crossover
	for _, s := range c.steps() {
		steps = append(steps, Crossover{s.from, k.spec.Impls[s.impl].Name})
	}
	return steps
}
