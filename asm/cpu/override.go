package cpu

import (
	"errors"
	"fmt"
	"strings"
)

// parsed is a list of forced implementations.
type parsed struct {
	order []string          // kernels as they were named
	impl  map[string]string // kernel → implementation
}

// parseChoice reads "kernel:impl,kernel:impl". Spaces around entries are
// allowed and empty entries ignored, so that an empty variable forces nothing.
// It returns the entries that are well formed beside the error for the others.
func parseChoice(list string) (parsed, error) {
	p := parsed{impl: map[string]string{}}
	var errs []error
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		kernel, impl, ok := strings.Cut(entry, ":")
		if !ok || !validName(kernel) || !validName(impl) {
			errs = append(errs, fmt.Errorf("%w: %q; write kernel:implementation, for example sha256_pairs:std", ErrSyntax, entry))
			continue
		}
		if other, twice := p.impl[kernel]; twice {
			if other != impl {
				errs = append(errs, fmt.Errorf("%w: %s is given twice, as %s and as %s; keep one", ErrSyntax, kernel, other, impl))
			}
			continue
		}
		p.order = append(p.order, kernel)
		p.impl[kernel] = impl
	}
	return p, errors.Join(errs...)
}

// Override forces implementations for every size, in the syntax
// "sha256_pairs:std,blake3:zeebo". It wins over WEIR_IMPL and over the
// measurement, from the next Pick on. On an error (ErrSyntax, ErrUnknown,
// ErrUnavailable) nothing changes. Kernels that the list does not name, and
// that follow none that it names, go back to their default choice, so the empty
// list removes every override.
func (r *Registry) Override(list string) error {
	p, err := parseChoice(list)
	r.mu.Lock()
	defer r.mu.Unlock()
	forced := make(map[*Kernel]*choice, len(p.order))
	errs := []error{err}
	for _, name := range p.order {
		k, err := r.kernel(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c, err := k.forced(p.impl[name], Overridden)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		forced[k] = c
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, k := range r.kernels {
		k.override = forced[k]
		if k.override == nil && k.leader != nil {
			k.override = forced[k.leader]
		}
		if k.override != nil {
			k.active.Store(k.override)
		} else {
			k.active.Store(nil) // decided anew, from what is known, at the next Pick
		}
	}
	return nil
}

// environment reads WEIR_IMPL once.
func (r *Registry) environment() parsed {
	r.envOnce.Do(func() { r.env, r.envErr = parseChoice(r.getenv(EnvName)) })
	return r.env
}

// EnvError says what is wrong with the environment variable WEIR_IMPL: bad
// syntax, a kernel or implementation that does not exist, or one that cannot
// run here. The wrong entries force nothing and the others hold; a command
// should ask and refuse to start.
func (r *Registry) EnvError() error {
	p := r.environment()
	errs := []error{r.envErr}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range p.order {
		k, err := r.kernel(name)
		if err == nil {
			_, err = k.forced(p.impl[name], Environment)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("environment variable %s: %w", EnvName, err)
	}
	return nil
}
