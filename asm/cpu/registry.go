package cpu

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Errors of this package, wrapped with the value that was wrong.
var (
	ErrSyntax      = errors.New("cpu: malformed implementation choice")
	ErrUnknown     = errors.New("cpu: unknown kernel or implementation")
	ErrUnavailable = errors.New("cpu: implementation not available here")
	ErrForeign     = errors.New("cpu: calibration of another machine or version")
	ErrCalibration = errors.New("cpu: malformed calibration")
)

// EnvName is the environment variable that forces implementations, in the
// syntax of [Registry.Override].
const EnvName = "WEIR_IMPL"

// Kernels is the registry of this module's kernels. Package hash fills it.
var Kernels = NewRegistry(os.Getenv)

// Registry holds kernels. Programs use [Kernels]; tests make their own.
type Registry struct {
	getenv func(string) string
	now    func() time.Duration // monotonic; replaced in tests

	mu      sync.Mutex // guards kernels and every choice; held while measuring
	kernels []*Kernel

	envOnce sync.Once
	env     parsed
	envErr  error
}

// NewRegistry returns an empty registry that asks getenv for WEIR_IMPL when the
// first choice is made.
func NewRegistry(getenv func(string) string) *Registry {
	start := time.Now()
	return &Registry{
		getenv: getenv,
		now:    func() time.Duration { return time.Since(start) },
	}
}

// Register adds a kernel and measures nothing. It is meant for package
// initialisation with constant specs, and panics on one that cannot work: no
// or repeated names, a specification or a Meanwhile that does not run here,
// Follows that names no kernel with the same implementations, an empty ladder
// or one that does not rise, no Prepare.
func (r *Registry) Register(spec Spec) *Kernel {
	if err := spec.check(); err != nil {
		panic("cpu.Register: " + err.Error())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.find(spec.Name) != nil {
		panic("cpu.Register: kernel " + spec.Name + " is registered twice")
	}
	k := &Kernel{spec: spec, owner: r, leader: r.find(spec.Follows)}
	if spec.Follows != "" && (k.leader == nil || !slices.Equal(k.leader.implNames(), k.implNames())) {
		panic("cpu.Register: kernel " + spec.Name + " follows " + spec.Follows + ", which is not registered or has other implementations")
	}
	r.kernels = append(r.kernels, k)
	return k
}

func (s Spec) check() error {
	if !validName(s.Name) {
		return fmt.Errorf("kernel name %q is empty or has a comma, colon or space", s.Name)
	}
	if len(s.Impls) == 0 || s.Impls[0].Unavailable != "" {
		return fmt.Errorf("kernel %s: the first implementation must exist and be available", s.Name)
	}
	if m := s.Meanwhile; m < 0 || m >= len(s.Impls) || s.Impls[m].Unavailable != "" {
		return fmt.Errorf("kernel %s: implementation %d, which is to serve while others are measured, must exist and be available", s.Name, m)
	}
	for i, impl := range s.Impls {
		same := func(o Impl) bool { return o.Name == impl.Name }
		if !validName(impl.Name) || slices.ContainsFunc(s.Impls[:i], same) {
			return fmt.Errorf("kernel %s: implementation name %q is empty, repeated or has a comma, colon or space", s.Name, impl.Name)
		}
	}
	last := 0
	for _, n := range s.Ladder {
		if n <= last {
			return fmt.Errorf("kernel %s: ladder %v does not rise from 1 or more", s.Name, s.Ladder)
		}
		last = n
	}
	if last == 0 {
		return fmt.Errorf("kernel %s: no ladder", s.Name)
	}
	if s.Prepare == nil {
		return fmt.Errorf("kernel %s: no Prepare", s.Name)
	}
	return nil
}

func validName(s string) bool { return s != "" && !strings.ContainsAny(s, ",: \t\n") }

// All returns the kernels in the order of their registration.
func (r *Registry) All() []*Kernel {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.kernels)
}

// Kernel returns the kernel of that name, or an error that lists the names.
func (r *Registry) Kernel(name string) (*Kernel, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kernel(name)
}

func (r *Registry) kernel(name string) (*Kernel, error) {
	if k := r.find(name); k != nil {
		return k, nil
	}
	names := make([]string, len(r.kernels))
	for i, k := range r.kernels {
		names[i] = k.spec.Name
	}
	return nil, fmt.Errorf("%w: no kernel %q; there are %s", ErrUnknown, name, strings.Join(names, ", "))
}

func (r *Registry) find(name string) *Kernel {
	for _, k := range r.kernels {
		if k.spec.Name == name {
			return k
		}
	}
	return nil
}
