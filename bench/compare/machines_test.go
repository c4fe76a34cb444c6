package compare

import (
	"errors"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// TestMachines: what tells two machines of one kind apart forbids nothing; what
// makes them another kind does, also when it is found in a later run.
func TestMachines(t *testing.T) {
	with := func(change func(*results.Env)) string {
		return runFolder(t, func(s *results.Summary, e *results.Env) {
			memory := int64(64 << 30)
			e.Class.MemoryBytes, e.Class.Kernel, e.Class.Disk = &memory, "one", &results.EnvDisk{Device: "sda", FS: "ext4"}
			change(e)
		}, 90_000, 90_500)
	}
	base := with(func(*results.Env) {})
	if _, err := Files(base, with(func(e *results.Env) {
		memory := int64(64<<30 - 200<<20)
		e.Class.MemoryBytes, e.Class.Disk.Device, e.Detail.HostHash = &memory, "sdb", "other"
	}), opt3); err != nil {
		t.Errorf("a like machine: %v", err)
	}
	_, err := Files(base, with(func(e *results.Env) { *e.Class.MemoryBytes = 32 << 30 }), opt3)
	if !errors.Is(err, ErrClass) || !strings.Contains(err.Error(), "memory bytes: 68719476736 against 34359738368") {
		t.Errorf("half the memory: %v", err)
	}
	n := 0
	_, err = Files(base, with(func(e *results.Env) {
		if n++; n == 2 {
			e.Class.Kernel = "another"
		}
	}), opt3)
	if !errors.Is(err, ErrClass) || !strings.Contains(err.Error(), "kernel: ") {
		t.Errorf("the second run has another kernel: %v", err)
	}
}
