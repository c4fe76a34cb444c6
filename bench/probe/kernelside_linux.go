//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// kernelSide is what a part holds in the kernel: never pinned, so that it goes
// with the process, however that ends.
type kernelSide struct {
	links   []link.Link
	closers []interface{ Close() error }
	ports   map[uint16]uint8 // as last written
}

func (k *kernelSide) Close() error {
	var errs []error
	for _, l := range k.links {
		errs = append(errs, l.Close())
	}
	for _, c := range k.closers {
		errs = append(errs, c.Close())
	}
	k.links, k.closers = nil, nil
	return errors.Join(errs...)
}

// refused closes what was opened and turns err into a Refusal of h.
func (k *kernelSide) refused(h hook, step string, err error) error {
	_ = k.Close()
	return h.refuse(step, classified(err), readPrivileges())
}

// classified joins our sentinels to the library's errors.
func classified(err error) error {
	if strings.Contains(err.Error(), "no BTF found for kernel") {
		return fmt.Errorf("%w: %w", errNoBTF, err)
	}
	return unsupported(err)
}

// portLocal marks a port that is watched at its owner's end only; traffic.h.
const portLocal = 0x80

// writePorts brings the table of classes up to date.
func (k *kernelSide) writePorts(table *ebpf.Map, c *classTable) error {
	want := make(map[uint16]uint8)
	for p, class := range c.local {
		want[p] = class | portLocal
	}
	maps.Copy(want, c.ports)
	for p := range k.ports {
		if _, ok := want[p]; !ok {
			if err := table.Put(uint32(p), uint8(0)); err != nil {
				return fmt.Errorf("probe: port table: %w", err)
			}
		}
	}
	for p, class := range want {
		if k.ports[p] != class {
			if err := table.Put(uint32(p), class); err != nil {
				return fmt.Errorf("probe: port table: %w", err)
			}
		}
	}
	k.ports = want
	return nil
}

// writeSet makes the keys of a hash map those of set.
func writeSet[K comparable](table *ebpf.Map, have, set map[K]bool) (map[K]bool, error) {
	for k := range have {
		if !set[k] {
			if err := table.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				return have, fmt.Errorf("probe: remove from a filter: %w", err)
			}
		}
	}
	for k := range set {
		if !have[k] {
			if err := table.Put(k, uint8(1)); err != nil {
				return have, fmt.Errorf("probe: add to a filter: %w", err)
			}
		}
	}
	return maps.Clone(set), nil
}
