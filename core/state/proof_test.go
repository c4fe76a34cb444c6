package state_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/core/state"
)

func TestProofsOfEverySize(t *testing.T) {
	for n := 1; n <= 70; n++ {
		s := newState(t, n, uint64(n))
		root := s.Root()
		for slot := range uint32(n) {
			rec, err := s.Record(slot)
			if err != nil {
				t.Fatal(err)
			}
			p, err := s.Proof(slot)
			if err != nil {
				t.Fatal(err)
			}
			if err := state.VerifyProof(root, rec, p); err != nil {
				t.Fatalf("slot %d of %d: %v", slot, n, err)
			}
			for name, q := range map[string]state.Proof{
				"slot":      {Slot: slot ^ 1, Count: p.Count, Path: p.Path},
				"count + 1": {Slot: slot, Count: p.Count + 1, Path: p.Path},
				"count - 1": {Slot: slot, Count: p.Count - 1, Path: p.Path},
				"count * 2": {Slot: slot, Count: 2 * p.Count, Path: p.Path},
				"count max": {Slot: slot, Count: 1<<64 - 1, Path: p.Path},
				"count 0":   {Slot: slot, Path: p.Path},
				"longer":    {Slot: slot, Count: p.Count, Path: append(slices.Clone(p.Path), [32]byte{})},
				"deeper":    {Slot: slot, Count: 2 * p.Count, Path: append(slices.Clone(p.Path), [32]byte{})},
				"shorter":   {Slot: slot, Count: p.Count, Path: p.Path[:max(0, len(p.Path)-1)]},
				"far slot":  {Slot: uint32(n), Count: p.Count, Path: p.Path},
			} {
				if name == "shorter" && len(p.Path) == 0 {
					continue // that is the proof itself
				}
				err := state.VerifyProof(root, rec, q)
				if !errors.Is(err, state.ErrProof) {
					t.Fatalf("slot %d of %d with another %s: %v", slot, n, name, err)
				}
				// The depth is checked for itself, before anything is hashed.
				if (name == "longer" || name == "shorter") && !strings.Contains(err.Error(), "path has") {
					t.Fatalf("slot %d of %d with a %s path: %v", slot, n, name, err)
				}
			}
		}
		if _, err := s.Proof(uint32(n)); !errors.Is(err, state.ErrNoSlot) {
			t.Errorf("a proof of slot %d of %d: %v", n, n, err)
		}
		if _, err := s.Record(uint32(n)); !errors.Is(err, state.ErrNoSlot) {
			t.Errorf("record %d of %d: %v", n, n, err)
		}
	}
}

// Every bit of the root, the record and the path matters.
func TestProofBits(t *testing.T) {
	s := newState(t, 11, 3)
	root := s.Root()
	rec, err := s.Record(6)
	if err != nil {
		t.Fatal(err)
	}
	rec = bytes.Clone(rec)
	p, err := s.Proof(6)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(what string, b []byte) {
		for bit := range 8 * len(b) {
			b[bit/8] ^= 1 << (bit % 8)
			if err := state.VerifyProof(root, rec, p); !errors.Is(err, state.ErrProof) {
				t.Errorf("%s with bit %d flipped: %v", what, bit, err)
			}
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
	flip("root", root[:])
	flip("record", rec)
	for i := range p.Path {
		flip("path", p.Path[i][:])
	}
	if err := state.VerifyProof(root, rec, p); err != nil {
		t.Errorf("the proof itself: %v", err)
	}
	for _, n := range []int{0, 63, 65} {
		if err := state.VerifyProof(root, append(rec, 0)[:n], p); !errors.Is(err, state.ErrProof) {
			t.Errorf("a record of %d bytes: %v", n, err)
		}
	}
}

// An inner node must not pass as a record: their messages differ in length.
func TestNodeIsNoLeaf(t *testing.T) {
	s := newState(t, 4, 3)
	root := s.Root()
	p, err := s.Proof(0)
	if err != nil {
		t.Fatal(err)
	}
	q, err := s.Proof(1)
	if err != nil {
		t.Fatal(err)
	}
	inner := append(bytes.Clone(q.Path[0][:]), p.Path[0][:]...) // leaf 0 and leaf 1
	for count := uint64(1); count <= 4; count++ {
		if state.VerifyProof(root, inner, state.Proof{Count: count, Path: p.Path[1:]}) == nil {
			t.Errorf("two leaf hashes passed as a record of a ledger of %d", count)
		}
	}
}
