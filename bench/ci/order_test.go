package ci

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestThueMorse(t *testing.T) {
	var b strings.Builder
	for i := range 16 {
		b.WriteByte("AB"[ThueMorse(i)])
	}
	if got, want := b.String(), "ABBABAABBAABABBA"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Base and head alone follow the sequence, in whatever place the control is.
func TestOrderIsThueMorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		round := rapid.IntRange(0, 1<<20).Draw(t, "round")
		order := Order(round)
		sorted := slices.Clone(order[:])
		slices.Sort(sorted)
		if !slices.Equal(sorted, []Arm{Base, Head, Control}) {
			t.Fatalf("round %d has the arms %v", round, order)
		}
		baseFirst := slices.Index(order[:], Base) < slices.Index(order[:], Head)
		if baseFirst != (ThueMorse(round) == 0) {
			t.Errorf("round %d runs %v against the sequence", round, order)
		}
	})
}

// A machine that slows down by the same amount with every run must not favour
// anybody: over each pair of rounds all arms run equally late.
func TestOrderIsBalanced(t *testing.T) {
	for pair := range 50 {
		var late [armsPerRound]int
		for k := range 2 {
			for place, arm := range Order(2*pair + k) {
				late[arm] += k*armsPerRound + place
			}
		}
		if late[Base] != late[Head] || late[Base] != late[Control] {
			t.Errorf("pair %d: base, head and control run %v late", pair, late)
		}
	}
}

func TestControlTakesEveryPlace(t *testing.T) {
	var places [armsPerRound]int
	for round := range 12 {
		order := Order(round)
		places[slices.Index(order[:], Control)]++
	}
	if places != [armsPerRound]int{4, 4, 4} {
		t.Errorf("in 12 rounds the control has the places %v", places)
	}
}

func TestArmNames(t *testing.T) {
	if got := []string{Base.String(), Head.String(), Control.String(), Arm(7).String()}; !slices.Equal(got, []string{"base", "head", "control", "unknown"}) {
		t.Errorf("names %v", got)
	}
}
