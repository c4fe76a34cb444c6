package cpu

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
)

// Calibration is the measured choices as plain data, so that a command can
// keep them between runs.
type Calibration struct {
	CPU     string             `json:"cpu"`     // Identity.Key of the machine
	Version string             `json:"version"` // Registry.Version of the program
	Kernels []CalibratedKernel `json:"kernels"`
}

// CalibratedKernel is the choice for one kernel.
type CalibratedKernel struct {
	Kernel string      `json:"kernel"`
	Steps  []Crossover `json:"steps"` // the first starts at 0, the others rise
	Ladder []Rung      `json:"ladder"`
}

// maxSteps bounds an imported table: Pick walks it on every call.
const maxSteps = 32

// Version is a digest of everything besides the processor on which a
// measurement depends: the kernels, their ladders, their implementations with
// versions and availability, and the compiler. A change in any of them makes
// an old calibration worthless.
func (r *Registry) Version() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.version()
}

func (r *Registry) version() string {
	var b strings.Builder
	fmt.Fprintf(&b, "calibration 1\n%s %s\n", runtime.Version(), runtime.GOARCH)
	for _, k := range r.kernels {
		fmt.Fprintf(&b, "%s %v %q\n", k.spec.Name, k.spec.Ladder, k.spec.Impls)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:8])
}

// Export returns the choices that were measured or imported so far. Forced
// choices are not measurements and not part of it.
func (r *Registry) Export() Calibration {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := Calibration{CPU: host().Key(), Version: r.version()}
	for _, k := range r.kernels {
		if k.measured != nil {
			c.Kernels = append(c.Kernels, CalibratedKernel{k.spec.Name, k.crossovers(k.measured), k.measured.ladder})
		}
	}
	return c
}

// Import takes choices exported earlier, so that they need not be measured
// again. It takes all or nothing: a calibration of another processor or
// another version is ErrForeign; one that names unknown or unavailable
// implementations or whose steps do not rise from 0 is ErrCalibration.
func (r *Registry) Import(c Calibration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key := host().Key(); c.CPU != key {
		return fmt.Errorf("%w: made for processor %q, this is %q; calibrate again", ErrForeign, c.CPU, key)
	}
	if v := r.version(); c.Version != v {
		return fmt.Errorf("%w: made by version %q, this is %q; calibrate again", ErrForeign, c.Version, v)
	}
	choices := make(map[*Kernel]*choice, len(c.Kernels))
	for _, ck := range c.Kernels {
		k, err := r.kernel(ck.Kernel)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCalibration, err)
		}
		if choices[k] != nil {
			return fmt.Errorf("%w: kernel %s is listed twice", ErrCalibration, ck.Kernel)
		}
		if choices[k], err = k.imported(ck); err != nil {
			return err
		}
	}
	for k, choice := range choices {
		k.measured = choice
		k.activate()
	}
	return nil
}

func (k *Kernel) imported(ck CalibratedKernel) (*choice, error) {
	if len(ck.Steps) == 0 || len(ck.Steps) > maxSteps || ck.Steps[0].From != 0 {
		return nil, fmt.Errorf("%w: kernel %s has %d steps; there must be 1 to %d, the first from 0",
			ErrCalibration, ck.Kernel, len(ck.Steps), maxSteps)
	}
	c := &choice{source: Imported, ladder: ck.Ladder}
	for i, s := range ck.Steps {
		forced, err := k.forced(s.Impl, Imported) // reuses its checks of name and availability
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCalibration, err)
		}
		if i == 0 {
			c.first = forced.first
			continue
		}
		if s.From <= ck.Steps[i-1].From {
			return nil, fmt.Errorf("%w: kernel %s: step from %d follows step from %d; they must rise",
				ErrCalibration, ck.Kernel, s.From, ck.Steps[i-1].From)
		}
		c.rest = append(c.rest, step{s.From, forced.first})
	}
	return c, nil
}
