package faultfs

import (
	"fmt"
	"strings"
)

// Op is a kind of operation that can be made to fail.
type Op int

// The operations that Inject knows.
const (
	OpOpen Op = iota
	OpRead
	OpWrite
	OpSync
	OpTruncate
	OpPreallocate
	OpRemove
	OpSyncDir
	OpRename // by its new name
	opCount
)

// String names the operation.
func (o Op) String() string {
	if o < 0 || o >= opCount {
		return fmt.Sprintf("Op(%d)", int(o))
	}
	return [...]string{"open", "read", "write", "sync", "truncate", "preallocate", "remove", "syncdir", "rename"}[o]
}

// Fault makes calls of one operation fail.
type Fault struct {
	Op  Op
	Err error // what the call returns, for instance syscall.EIO
	// Path restricts the fault to names that contain it; empty means any name.
	Path string
	// Name, if set, restricts it to exactly this name.
	Name string
	// Skip lets this many matching calls pass first.
	Skip int
	// Times is how many calls fail after that; 0 means one, a negative number
	// all of them.
	Times int
	// ShortBytes is how much of a failing write still happens.
	ShortBytes int
	// KeepSeed decides which sectors a failing sync still gets to the disk; 0
	// means none. Whatever it keeps, the rest counts as written afterwards: the
	// next sync does not try it again, as in Linux.
	KeepSeed uint64
	// Power, if set, makes the call that would fail the last before a power loss:
	// it does not happen, and what was not synced meets the loss. The call
	// returns ErrCrashed, like all later ones of files that were open.
	Power *PowerLoss

	failed int
}

// Inject adds a fault. Several may be active; the first that matches wins.
func (f *FS) Inject(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.faults = append(f.faults, &fault)
}

// Fired returns how many calls of op have failed by faults that are still
// injected.
func (f *FS) Fired(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, ft := range f.faults {
		if ft.Op == op {
			n += ft.failed
		}
	}
	return n
}

// ClearFaults removes all faults, not the limit of SetFreeBytes.
func (f *FS) ClearFaults() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// SetFreeBytes lets files grow by n more bytes in total; then writes are cut
// short with ENOSPC, as on a full disk. A negative n removes the limit.
func (f *FS) SetFreeBytes(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = n
}

// Calls returns how often op was called, failed calls included: a test can fail
// each of them in turn.
func (f *FS) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// match counts a call and returns the fault that makes it fail, or nil.
func (f *FS) match(op Op, name string) *Fault {
	f.calls[op]++
	for _, ft := range f.faults {
		if ft.Op != op || !strings.Contains(name, ft.Path) || ft.Name != "" && name != ft.Name {
			continue
		}
		if ft.Skip > 0 {
			ft.Skip--
			continue
		}
		if ft.Times < 0 || ft.failed < ft.Times {
			ft.failed++
			if ft.Power != nil {
				f.crash(ft.Power)
				ft.Err = ErrCrashed
			}
			return ft
		}
	}
	return nil
}

func (f *FS) fault(op Op, name string) error {
	if ft := f.match(op, name); ft != nil {
		return ft.Err
	}
	return nil
}

// grow counts n more bytes of n's file, or fewer if negative, and returns how
// many of them there is room for.
func (f *FS) grow(node *inode, n int64) int64 {
	if f.free >= 0 && n > f.free {
		n = f.free
	}
	if f.free >= 0 {
		f.free -= n
	}
	node.used += n
	return n
}
