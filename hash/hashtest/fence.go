package hashtest

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// errNoFences is the error of newFences where the system cannot do it.
var errNoFences = errors.New("this system has no mmap, so the pages around the buffers cannot be taken away: over-reads are not looked for")

// errFault is the error of caught when memory was touched that must not be.
var errFault = errors.New("memory outside the buffers was touched")

// caught runs f and turns an access to a fence, in assembly too, into an error,
// so that the suite can say which implementation did it at which size. One on
// another goroutine still ends the program.
func caught(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			fault, ok := r.(interface{ Addr() uintptr })
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("%w, at address %#x", errFault, fault.Addr())
		}
	}()
	return f()
}

// edges names the two places of a buffer in its slot.
func edges(yield func(low bool, name string) bool) {
	_ = yield(true, "right behind a guard page") && yield(false, "right before a guard page")
}
