package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// allowedCPUs are those that this process may use, in order.
func allowedCPUs() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("cannot read the processors that may be used: %w", err)
	}
	var cpus []int
	for i := range 8 * len(set) * 8 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus, nil
}

// pinProcess keeps every thread of a process to the first n processors that
// this one may use. Threads inherit the set of the one that makes them, so when
// a pass over all of them changes nothing, none can escape any more.
func pinProcess(pid, n int) error {
	cpus, err := allowedCPUs()
	if err != nil {
		return err
	}
	if n > len(cpus) {
		return fmt.Errorf("the node is to have %d cores, and %d may be used", n, len(cpus))
	}
	var want unix.CPUSet
	for _, c := range cpus[:n] {
		want.Set(c)
	}
	const passes = 100
	for range passes {
		changed, err := pinThreads(pid, &want)
		if err != nil {
			return fmt.Errorf("cannot keep the node to %d cores: %w", n, err)
		}
		if !changed {
			return nil
		}
	}
	return fmt.Errorf("cannot keep the node to %d cores: its threads are too many", n)
}

func pinThreads(pid int, want *unix.CPUSet) (changed bool, err error) {
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		return false, err
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		var has unix.CPUSet
		err = unix.SchedGetaffinity(tid, &has)
		if err == nil && has == *want {
			continue
		}
		if err == nil {
			err = unix.SchedSetaffinity(tid, want)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) { // the thread has ended
			return changed, err
		}
		changed = true
	}
	return changed, nil
}
