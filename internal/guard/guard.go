// Package guard makes buffers for tests that lie right before or right behind
// pages that must not be touched: code that reads or writes over the edge of
// its buffer, assembly too, faults there.
package guard

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"testing"
)

// ErrUnsupported is the error of New where the system cannot do it.
var ErrUnsupported = errors.New("this system has no mmap, so the pages around the buffers cannot be taken away: over-reads are not looked for")

// ErrFault is the error of Caught when memory was touched that must not be.
var ErrFault = errors.New("memory outside the buffers was touched")

// Pages are a row of slots for buffers, each between two pages that must not be
// touched:
//
//	guard page | slot 0 | guard page | slot 1 | guard page | … | guard page
type Pages struct {
	all  []byte
	page int
	slot int // bytes, whole pages
}

// Place returns n bytes of a slot: its first, if low, or its last. The capacity
// of the latter runs on into the guard page, so that growing the slice in place
// faults too.
func (p *Pages) Place(slot, n int, low bool) []byte {
	return p.Reach(slot, n, 0, low)
}

// Reach returns n bytes, of which the first, if low, or the last reach ones lie
// on a guard page and the others in the slot: what code with a wrong length
// would touch.
func (p *Pages) Reach(slot, n, reach int, low bool) []byte {
	start := p.start(slot)
	if low {
		return p.all[start-reach:][:n:n]
	}
	end := start + p.slot + reach
	return p.all[end-n : end : end-reach+p.page]
}

// Slot returns all of a slot.
func (p *Pages) Slot(slot int) []byte { return p.Place(slot, p.slot, true) }

func (p *Pages) start(slot int) int { return p.page + slot*(p.page+p.slot) }

// Edges yields the two places of a buffer in its slot, as Place knows them,
// with their names.
func Edges(yield func(low bool, name string) bool) {
	_ = yield(true, "right behind a guard page") && yield(false, "right before a guard page")
}

// Caught runs f and turns an access to a guard page into ErrFault, so that a
// test can say which code did it at which size. One on another goroutine still
// ends the program.
func Caught(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			fault, ok := r.(interface{ Addr() uintptr })
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("%w, at address %#x", ErrFault, fault.Addr())
		}
	}()
	return f()
}

var sayUnsupported sync.Once

// Bytes returns n zero bytes right behind a guard page, if low, or right before
// one. They are gone when the test ends. Touching the page ends the program,
// unless Caught runs the code. On systems without guard pages the bytes are
// ordinary ones, and the first test that asks for some says so.
func Bytes(t testing.TB, n int, low bool) []byte {
	t.Helper()
	p, err := New(1, n)
	if errors.Is(err, ErrUnsupported) {
		sayUnsupported.Do(func() { t.Log(err) })
		return make([]byte, n)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Free(); err != nil {
			t.Error(err)
		}
	})
	return p.Place(0, n, low)
}
