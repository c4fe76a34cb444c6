package capacity

import (
	"errors"
	"fmt"
	"math"
)

// ErrBadDemand says that a demand or a link figure cannot be true.
var ErrBadDemand = errors.New("bad service demand")

// Names of the walls, as they appear in records and on the screen.
const (
	CPU       = "cpu"
	Wire      = "wire"
	Disk      = "disk"
	Generator = "generator"
	Serial    = "serial"
)

// Demands are service demands in seconds of one unit of the resource per
// committed transaction; nil means not measured. "One unit" is all cores that
// may be used (CPU seconds divided by cores), one direction of the link at
// its measured capacity, the disk, one thread.
type Demands struct {
	CPU *float64 // the node's own CPU time ÷ cores it may use
	// HostCPU is node, generator and kernel work together ÷ cores of the host.
	// Set it only when node and generator run on the same cores: the cores are
	// then one resource, and CPU and Generator are shares of it.
	HostCPU   *float64
	Serial    *float64 // the busiest stage that one thread must do
	WireIn    *float64 // 8 · bytes into the node ÷ measured capacity of that direction
	WireOut   *float64
	Disk      *float64 // busy time of the disk
	Generator *float64 // the generator's CPU time ÷ cores it may use
}

// Validate reports the first demand that is negative, infinite or not a
// number. Unknown must be nil.
func (d Demands) Validate() error {
	for _, f := range []struct {
		name string
		v    *float64
	}{
		{"cpu", d.CPU}, {"host_cpu", d.HostCPU}, {"serial", d.Serial}, {"wire_in", d.WireIn},
		{"wire_out", d.WireOut}, {"disk", d.Disk}, {"generator", d.Generator},
	} {
		if f.v != nil && !(*f.v >= 0 && !math.IsInf(*f.v, 1)) {
			return fmt.Errorf("%w: %s is %v s per transaction, want a finite number ≥ 0, or nil when it was not measured", ErrBadDemand, f.name, *f.v)
		}
	}
	return nil
}

// Known returns a pointer to v: shorthand to fill Demands.
func Known(v float64) *float64 { return &v }
