//go:build unix

package guard

import (
	"errors"
	"strings"
	"testing"
)

// touch reads the first byte of b.
//
//go:noinline
func touch(b []byte) byte { return b[0] }

func TestPagesFaultOnBothSides(t *testing.T) {
	p, err := New(2, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Free(); err != nil {
			t.Error(err)
		}
	}()
	for slot := range 2 {
		start := p.page + slot*(p.page+p.slot)
		for at, faults := range map[int]bool{
			start - p.page: true, start - 1: true, start: false,
			start + p.slot - 1: false, start + p.slot: true, start + p.slot + p.page - 1: true,
		} {
			err := Caught(func() error { touch(p.all[at:]); return nil })
			if errors.Is(err, ErrFault) != faults {
				t.Errorf("slot %d: reading %d bytes from its start: %v; a fault is expected: %v", slot, at-start, err, faults)
			}
			err = Caught(func() error { p.all[at]++; return nil })
			if errors.Is(err, ErrFault) != faults {
				t.Errorf("slot %d: writing %d bytes from its start: %v; a fault is expected: %v", slot, at-start, err, faults)
			}
		}
		low, high := p.Place(slot, 7, true), p.Place(slot, 7, false)
		if len(low) != 7 || len(high) != 7 || &low[0] != &p.all[start] || &high[6] != &p.all[start+p.slot-1] {
			t.Errorf("slot %d: the buffers do not touch the guard pages", slot)
		}
		if all := p.Slot(slot); len(all) != p.slot || &all[0] != &low[0] {
			t.Errorf("slot %d: its %d bytes are not all", slot, len(all))
		}
	}
}

func TestReach(t *testing.T) {
	p, err := New(1, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Free(); err != nil {
			t.Error(err)
		}
	}()
	for low := range Edges {
		b := p.Reach(0, 20, 3, low)
		if len(b) != 20 {
			t.Fatalf("%d bytes, want 20", len(b))
		}
		for i := range b {
			faults := i < 3
			if !low {
				faults = i >= 17
			}
			if err := Caught(func() error { touch(b[i:]); return nil }); errors.Is(err, ErrFault) != faults {
				t.Errorf("low %v, byte %d: %v; a fault is expected: %v", low, i, err, faults)
			}
		}
	}
}

// TestBytes touches what lies behind the high buffers, which their capacity
// leads to. Nothing leads before the low ones; TestPagesFaultOnBothSides has
// that side.
func TestBytes(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 5000} {
		for low := range Edges {
			b := Bytes(t, n, low)
			if len(b) != n {
				t.Fatalf("%d bytes, want %d", len(b), n)
			}
			for i := range b {
				b[i]++ // all of it can be written
			}
			if low {
				continue
			}
			err := Caught(func() error { touch(b[n : n+1]); return nil })
			if !errors.Is(err, ErrFault) {
				t.Errorf("%d bytes: reading one more: %v, want a fault", n, err)
			}
		}
	}
}

func TestCaughtPassesOnOtherPanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(error).Error(), "out of range") {
			t.Errorf("recovered %v, want the index panic", r)
		}
	}()
	var none []byte
	_ = Caught(func() error { touch(none); return nil })
}

func TestCaughtReturnsErrors(t *testing.T) {
	want := errors.New("of the function")
	if err := Caught(func() error { return want }); !errors.Is(err, want) || errors.Is(err, ErrFault) {
		t.Errorf("%v, want %v", err, want)
	}
}
