package state_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/core/state"
)

// proofOf is p with other fields.
func proofOf(p state.Proof, slot uint32, path [][32]byte, count uint64) state.Proof {
	p.Slot, p.Path = slot, path
	p.Summary[p.Tree].Count = count
	return p
}

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
			count := p.Summary[state.TreeAccounts].Count
			for name, q := range map[string]state.Proof{
				"slot":      proofOf(p, slot^1, p.Path, count),
				"count + 1": proofOf(p, slot, p.Path, count+1),
				"count - 1": proofOf(p, slot, p.Path, count-1),
				"count * 2": proofOf(p, slot, p.Path, 2*count),
				"count max": proofOf(p, slot, p.Path, 1<<64-1),
				"count 0":   proofOf(p, slot, p.Path, 0),
				"longer":    proofOf(p, slot, append(slices.Clone(p.Path), [32]byte{}), count),
				"deeper":    proofOf(p, slot, append(slices.Clone(p.Path), [32]byte{}), 2*count),
				"shorter":   proofOf(p, slot, p.Path[:max(0, len(p.Path)-1)], count),
				"far slot":  proofOf(p, uint32(n), p.Path, count),
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
	for i := range p.Summary {
		flip("summary", p.Summary[i].Root[:])
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
		if state.VerifyProof(root, inner, proofOf(p, 0, p.Path[1:], count)) == nil {
			t.Errorf("two leaf hashes passed as a record of a ledger of %d", count)
		}
	}
}
