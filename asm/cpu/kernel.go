package cpu

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// Impl is one implementation of a kernel.
type Impl struct {
	Name string // as in WEIR_IMPL: lower case, no comma, no colon
	// Version changes whenever the code changes enough to make an old
	// measurement of it worthless: a module or compiler version.
	Version string
	// Unavailable says in words why the implementation cannot run here; it is
	// empty when it can.
	Unavailable string
}

// Spec describes a kernel to [Registry.Register].
type Spec struct {
	Name string // as in WEIR_IMPL: lower case, no comma, no colon
	Unit string // what a size counts, in the plural: "pairs", "message bytes"
	// Impls are the implementations; callers know them by their index here.
	// The first is the specification: it has to run everywhere.
	Impls []Impl
	// Meanwhile is the index of the implementation that serves the calls which
	// do not wait for a measurement under way. It has to be available and should
	// be decent at every size; 0 is the specification.
	Meanwhile int
	// Follows names a kernel, registered before and with the same
	// implementations, whose forced choice holds for this one too unless this
	// one is forced by its own name. It is for jobs that callers see as one
	// kernel. Empty for none.
	Follows string
	// Ladder lists the sizes to measure at, rising.
	Ladder []int
	// Prepare makes buffers for a job of n units and returns a function that
	// does the job once with the implementation of the given index. That
	// function must not call Pick or PickSettled: the latter would wait for the
	// measurement that it is part of.
	Prepare func(n int) func(impl int)
}

// Kernel is a registered kernel. All its methods are safe for concurrent use.
type Kernel struct {
	spec   Spec
	owner  *Registry
	leader *Kernel                // the one that Spec.Follows names, or nil
	active atomic.Pointer[choice] // what Pick reads; nil until something was chosen

	// Guarded by owner.mu.
	measured *choice // from the ladder, or imported; kept under an override
	override *choice // from Override; wins over the environment
}

// Source says where a choice comes from.
type Source string

// Sources of a choice.
const (
	Measured    Source = "measured"
	Imported    Source = "imported"
	Environment Source = "environment"
	Overridden  Source = "override"
)

// step says that implementation impl serves sizes of from and more, up to the
// next step.
type step struct{ from, impl int }

// choice is immutable once it is stored in Kernel.active.
type choice struct {
	first  int    // serves every size below rest[0].from
	rest   []step // rising
	source Source
	ladder []Rung // what was measured; nil for forced choices
}

func (c *choice) at(n int) int {
	impl := c.first
	for _, s := range c.rest {
		if n < s.from {
			break
		}
		impl = s.impl
	}
	return impl
}

func (c *choice) steps() []step {
	return append([]step{{0, c.first}}, c.rest...)
}

// Name returns the kernel's name.
func (k *Kernel) Name() string { return k.spec.Name }

// Unit says what the kernel's sizes count.
func (k *Kernel) Unit() string { return k.spec.Unit }

// Impls returns the implementations in the order of their indices.
func (k *Kernel) Impls() []Impl { return slices.Clone(k.spec.Impls) }

// Pick returns the index of the implementation for a job of n units. After the
// first call it costs one atomic load and a walk over a few crossovers, and
// allocates nothing. It returns a number and not a function so that the caller
// can call the implementation directly: through a function value the compiler
// would have to assume that the caller's buffers escape to the heap.
//
// The first call measures, a few milliseconds. Calls that arrive meanwhile do
// not wait: they get what is forced, or else Spec.Meanwhile. Whoever keeps an
// implementation or has much work for it calls PickSettled.
func (k *Kernel) Pick(n int) int {
	c := k.active.Load()
	if c == nil {
		return k.firstPick(n)
	}
	return c.at(n)
}

func (k *Kernel) firstPick(n int) int {
	if !k.owner.mu.TryLock() {
		if c := k.fromEnvironment(); c != nil {
			return c.first
		}
		return k.spec.Meanwhile
	}
	defer k.owner.mu.Unlock()
	return k.settled().at(n)
}

// PickSettled is Pick for callers that will use their implementation for long:
// while a measurement is under way, of this kernel or another, it waits, some
// milliseconds, and so returns what was chosen and never what serves meanwhile.
func (k *Kernel) PickSettled(n int) int {
	c := k.active.Load()
	if c == nil {
		k.owner.mu.Lock()
		defer k.owner.mu.Unlock()
		c = k.settled()
	}
	return c.at(n)
}

// settled is the choice in force, decided now if there is none. The owner's
// lock is held.
func (k *Kernel) settled() *choice {
	if c := k.active.Load(); c != nil {
		return c
	}
	return k.activate()
}

// activate decides and publishes the choice. The owner's lock is held.
func (k *Kernel) activate() *choice {
	c := k.override
	if c == nil {
		c = k.fromEnvironment()
	}
	if c == nil {
		if k.measured == nil {
			k.measured = k.measure()
		}
		c = k.measured
	}
	k.active.Store(c)
	return c
}

// fromEnvironment returns the choice that WEIR_IMPL forces, or nil. A wrong
// entry forces nothing; EnvError reports it. It needs no lock.
func (k *Kernel) fromEnvironment() *choice {
	name, ok := k.owner.environment().impl[k.spec.Name]
	if !ok {
		if k.leader != nil {
			return k.leader.fromEnvironment()
		}
		return nil
	}
	c, err := k.forced(name, Environment)
	if err != nil {
		return nil
	}
	return c
}

// forced is the choice of one implementation for every size.
func (k *Kernel) forced(impl string, source Source) (*choice, error) {
	i := k.index(impl)
	if i < 0 {
		return nil, fmt.Errorf("%w: kernel %s has no implementation %q; it has %s",
			ErrUnknown, k.spec.Name, impl, strings.Join(k.implNames(), ", "))
	}
	if why := k.spec.Impls[i].Unavailable; why != "" {
		return nil, fmt.Errorf("%w: %s:%s: %s; choose another implementation or leave %s to the measurement",
			ErrUnavailable, k.spec.Name, impl, why, k.spec.Name)
	}
	return &choice{first: i, source: source}, nil
}

func (k *Kernel) index(impl string) int {
	return slices.IndexFunc(k.spec.Impls, func(i Impl) bool { return i.Name == impl })
}

func (k *Kernel) implNames() []string {
	names := make([]string, len(k.spec.Impls))
	for i, impl := range k.spec.Impls {
		names[i] = impl.Name
	}
	return names
}
